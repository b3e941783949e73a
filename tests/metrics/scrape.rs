//! A scrape, read as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::Client;
use crate::process::Process;

/// The text and each series' value by its name with labels, as they are written.
pub(super) struct Scrape {
    pub(super) text: String,
    values: BTreeMap<String, f64>,
}

impl Scrape {
    /// Asks a server.
    pub(super) async fn of(server: &Process) -> Self {
        let answer = Client::operations(server).await.get("/metrics").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        let text = answer.text().to_owned();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let split = |line: &str| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        };
        let values = samples.map(split).collect();
        Self { text, values }
    }

    /// The value of `series`.
    #[track_caller]
    pub(super) fn value(&self, series: &str) -> f64 {
        *self.values.get(series).unwrap_or_else(|| panic!("{series} is not in\n{}", self.text))
    }

    /// The series of the metric called `name`.
    pub(super) fn series(&self, name: &str) -> Vec<&str> {
        self.values.keys().map(String::as_str).filter(|series| series.split('{').next() == Some(name)).collect()
    }

    /// Every value that the label `label` has anywhere.
    pub(super) fn label(&self, label: &str) -> BTreeSet<&str> {
        let mark = format!("{label}=\"");
        self.values
            .keys()
            .filter_map(|series| {
                let (before, value) = series.split_once(&mark)?;
                before.ends_with(['{', ',']).then(|| value.split('"').next())?
            })
            .collect()
    }
}

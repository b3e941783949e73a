//! The chart as `helm` renders it, for the tests of the chart and for those that install it in a cluster.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{LazyLock, Mutex};

use portcullis::engine::document::yaml;
use serde_json::Value;

use crate::tool::tool;

/// The layers of an environment's values, lowest first, as values-base.yaml says to give them.
pub(crate) fn layers(environment: &str) -> Vec<PathBuf> {
    let below = |name: &str| directory().join("environments").join(environment).join(name);
    vec![directory().join("values-base.yaml"), below("values.yaml"), below("tag.yaml")]
}

/// Where the chart lies.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/portcullis")
}

/// What to render: a release called `portcullis` in `portcullis-system`, with the chart's own values, unless said
/// otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    /// Its name.
    pub(crate) name: String,
    /// Its namespace.
    pub(crate) namespace: String,
    /// Files of values, later ones over earlier ones.
    pub(crate) files: Vec<PathBuf>,
    /// `path=value` in JSON, over the files.
    pub(crate) set: Vec<String>,
}

impl Default for Release {
    fn default() -> Self {
        let (name, namespace) = ("portcullis".to_owned(), "portcullis-system".to_owned());
        Self { name, namespace, files: Vec::new(), set: Vec::new() }
    }
}

impl Release {
    /// With the values of an environment.
    pub(crate) fn environment(name: &str) -> Self {
        Self { files: layers(name), ..Self::default() }
    }

    /// With `path=value` in JSON set as well.
    pub(crate) fn set(mut self, values: &[&str]) -> Self {
        self.set.extend(values.iter().map(|&value| value.to_owned()));
        self
    }

    /// The arguments that say the values, for any command of Helm's.
    pub(crate) fn values(&self) -> Vec<String> {
        let files = self.files.iter().flat_map(|file| ["--values".to_owned(), file.display().to_string()]);
        files.chain(self.set.iter().flat_map(|value| ["--set-json".to_owned(), value.clone()])).collect()
    }

    /// `helm COMMAND` on the chart with the values; nothing without Helm.
    pub(crate) fn helm(&self, command: &[&str]) -> Option<Output> {
        let mut helm = tool("helm")?;
        // What Helm takes the cluster for when it has none. Its own default depends on how it was built.
        helm.args(command).arg(directory()).args(["--namespace", &self.namespace, "--kube-version", "1.36.0"]);
        Some(helm.args(self.values()).output().unwrap())
    }

    /// The manifests as text, rendered once for all tests; nothing without Helm.
    pub(crate) fn text(&self) -> Option<String> {
        static RENDERED: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);
        let key = format!("{self:?}");
        if let Some(text) = RENDERED.lock().unwrap().get(&key) {
            return Some(text.clone());
        }
        let text = self.render()?;
        RENDERED.lock().unwrap().insert(key, text.clone());
        Some(text)
    }

    /// The manifests as text, rendered anew; nothing without Helm.
    pub(crate) fn render(&self) -> Option<String> {
        let output = self.helm(&["template", &self.name])?;
        assert!(output.status.success(), "{self:?}: {}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).unwrap())
    }

    /// Every object; nothing without Helm.
    pub(crate) fn objects(&self) -> Option<Objects> {
        Some(Objects::read(&self.text()?))
    }
}

/// Rendered objects, by kind and name.
#[derive(Clone, Debug)]
pub(crate) struct Objects(pub(crate) Vec<Value>);

impl Objects {
    /// From manifests.
    pub(crate) fn read(text: &str) -> Self {
        let parsed = yaml::parse(text);
        assert!(parsed.errors.is_empty(), "{:?} in:\n{text}", parsed.errors);
        Self(parsed.documents.iter().map(|document| serde_json::to_value(document).unwrap()).collect())
    }

    /// All of a kind.
    pub(crate) fn all(&self, kind: &str) -> Vec<&Value> {
        self.0.iter().filter(|object| object["kind"] == kind).collect()
    }

    /// The only one of a kind.
    #[track_caller]
    pub(crate) fn one(&self, kind: &str) -> &Value {
        let all = self.all(kind);
        assert_eq!(all.len(), 1, "objects of kind {kind}: {all:?}");
        all[0]
    }

    /// The one of a kind with a name.
    #[track_caller]
    pub(crate) fn named(&self, kind: &str, name: &str) -> &Value {
        let found = self.all(kind).into_iter().find(|object| object["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name} among {:?}", self.names()))
    }

    /// `Kind namespace/name` of each.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |object: &Value| {
            let metadata = &object["metadata"];
            let namespace = metadata["namespace"].as_str().map_or(String::new(), |namespace| format!("{namespace}/"));
            format!("{} {namespace}{}", object["kind"].as_str().unwrap(), metadata["name"].as_str().unwrap())
        };
        self.0.iter().map(name).collect()
    }
}

/// A command that reads its input, for tools other than Helm.
pub(crate) fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

//! docs/log.md holds every event and field, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::admission::{Outcome, Webhook};

const DOCUMENT: &str = include_str!("../../../docs/log.md");

/// The heading of what every line has.
const EVERY: &str = "Every line";

/// One example of each event, in a chain: the event after `event`, the first after none. A new variant does not
/// compile until it has its place here. Nothing that may be left out is.
fn after<'a>(event: Option<&Event<'_>>, record: &'a Record) -> Option<Event<'a>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8443));
    let trace = TraceId::from_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let Some(event) = event else {
        let (webhook_address, operations_address) = (address, address);
        return Some(Event::Started { version: "1", webhook_address, operations_address, revision: "r", policies: 1 });
    };
    Some(match event {
        Event::Started { .. } => Event::Reloaded { what: "policies", now: "r" },
        Event::Reloaded { .. } => Event::ReloadFailed { what: "policies", error: "e" },
        Event::ReloadFailed { .. } => Event::Decision(Decision::new(record, trace)),
        Event::Decision(_) => Event::Draining { seconds: 1.0 },
        Event::Draining { .. } => Event::Stopped { finished: true },
        Event::Stopped { .. } => Event::Panicked { place: "p" },
        Event::Panicked { .. } => Event::TlsError { peer: IpAddr::V4(Ipv4Addr::LOCALHOST), error: "e", suppressed: 0 },
        Event::TlsError { .. } => Event::Shed { bound: "b", suppressed: 0 },
        Event::Shed { .. } => Event::AcceptFailed { error: "e", suppressed: 0 },
        Event::AcceptFailed { .. } => Event::WatchLost { resource: "namespaces", error: "e" },
        Event::WatchLost { .. } => Event::WatchRestored { resource: "namespaces" },
        Event::WatchRestored { .. } => Event::Acted { what: "certificates", done: "d" },
        Event::Acted { .. } => Event::ActFailed { what: "certificates", error: "e" },
        Event::ActFailed { .. } => Event::Warning { message: "m" },
        Event::Warning { .. } => return None,
    })
}

/// A record of which every field is told.
fn record() -> Record {
    let policy = PolicyRecord {
        policy: Arc::from("p"),
        enforcement: "deny",
        finding: Finding::Violation,
        messages: vec!["m".to_owned()],
        took: Duration::ZERO,
    };
    let text = || "x".to_owned();
    Record {
        webhook: Webhook::Validate,
        uid: text(),
        kind: text(),
        sub_resource: text(),
        namespace: text(),
        name: text(),
        operation: "CREATE",
        user: text(),
        dry_run: true,
        outcome: Outcome::Deny,
        revision: Arc::from("r"),
        policies: vec![policy],
        subject: None,
        took: Duration::ZERO,
    }
}

/// The fields of an object, those of the objects in its lists included.
fn fields(value: &Value, before: &str) -> BTreeMap<String, &'static str> {
    let mut found = BTreeMap::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        let name = format!("{before}{key}");
        let kind = match value {
            Value::Array(items) => {
                found.extend(items.iter().flat_map(|item| fields(item, &format!("{name}[]."))));
                "list"
            }
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "text",
            Value::Null | Value::Object(_) => "of no documented type",
        };
        found.insert(name, kind);
    }
    found
}

/// What the document says under each heading: the text, and each field of the table with its type.
fn documented() -> BTreeMap<&'static str, (&'static str, BTreeMap<String, &'static str>)> {
    let sections = DOCUMENT.split("\n## ").skip(1).filter_map(|section| section.split_once('\n'));
    let row = |line: &'static str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        let kind = cells.next()?;
        // A field of which nothing is said is not documented.
        (cells.next()?.len() > 5).then(|| (name.to_owned(), kind))
    };
    sections.map(|(title, text)| (title.trim_matches('`'), (text, text.lines().filter_map(row).collect()))).collect()
}

#[test]
fn every_event_and_field_is_documented_and_no_other() {
    let (record, documented) = (record(), documented());
    let mut seen = BTreeSet::from([EVERY]);
    let mut event = after(None, &record);
    while let Some(current) = event {
        let mut told = fields(&serde_json::to_value(&current).unwrap(), "");
        told.remove("event");
        let line = serde_json::to_value(&current).unwrap();
        let name = line["event"].as_str().unwrap();
        let Some((title, (text, rows))) = documented.get_key_value(name) else { panic!("{name} is not documented") };
        assert_eq!(&told, rows, "the fields of {name}, and what docs/log.md says of them");
        let level = serde_json::to_value(current.level()).unwrap();
        assert!(text.contains(&format!("Level `{}`", level.as_str().unwrap())), "the level of {name}");
        assert!(seen.insert(title), "{name} comes twice in the chain");
        event = after(Some(&current), &record);
    }
    assert_eq!(seen, documented.keys().copied().collect(), "docs/log.md tells of an event that there is not");
}

#[test]
fn what_every_line_has_is_documented() {
    let documented = documented();
    let (_, rows) = &documented[EVERY];
    assert_eq!(rows.keys().collect::<Vec<_>>(), ["event", "level", "time"]);
}

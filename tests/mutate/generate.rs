//! Pods of every shape that the webhook may see, before anybody has validated them, and operations of the whole language.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Keys that a pointer must escape, that look like indexes, or that are no ASCII.
const KEYS: [&str; 12] = ["a", "name", "a/b", "~", "~1", "", "é😀", "0", "-", "01", "x y", "a.b"];

/// Text of which numbers and the like are written in the ways that parsers may change.
const LEAVES: [&str; 20] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1.0",
    "1e2",
    "-0.0",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "9007199254740993",
    "1e300",
    "0.1",
    "\"\"",
    "\"x\"",
    "\"a/b\"",
    "\"\\u003c\"",
    "\"é😀\"",
    "\"a\\u0000b\"",
];

fn key() -> impl Strategy<Value = String> {
    select(KEYS.as_slice()).prop_map(str::to_owned)
}

fn object(fields: Vec<(String, String)>) -> String {
    // The last of two alike wins, as a key may stand but once.
    let fields: std::collections::BTreeMap<String, String> = fields.into_iter().collect();
    let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
    format!("{{{}}}", fields.join(","))
}

/// JSON, as text.
fn text() -> BoxedStrategy<String> {
    let leaf = select(LEAVES.as_slice()).prop_map(str::to_owned);
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec((key(), inner), 0..4).prop_map(object),
        ]
    })
    .boxed()
}

/// A field that is not there, null, empty or filled.
fn field(filled: impl Strategy<Value = String> + 'static) -> BoxedStrategy<Option<String>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some("null".to_owned())),
        1 => Just(Some("{}".to_owned())),
        4 => filled.prop_map(Some),
    ]
    .boxed()
}

fn named(fields: Vec<(&str, Option<String>)>) -> String {
    object(fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
}

fn mapping() -> impl Strategy<Value = String> {
    vec((key(), text()), 0..5).prop_map(object)
}

fn container() -> impl Strategy<Value = String> {
    let name = option::weighted(0.9, select(["\"a\"", "\"b\"", "\"c\"", "\"\""].as_slice()));
    (name, field(mapping()), field(text()), field(mapping())).prop_map(|(name, security, args, resources)| {
        named(vec![
            ("name", name.map(str::to_owned)),
            ("image", Some("\"i:1\"".to_owned())),
            ("securityContext", security),
            ("args", args),
            ("resources", resources),
        ])
    })
}

fn list(items: impl Strategy<Value = String> + 'static, most: usize) -> impl Strategy<Value = String> {
    vec(items, 0..most).prop_map(|items| format!("[{}]", items.join(",")))
}

fn containers(most: usize) -> BoxedStrategy<Option<String>> {
    let filled = prop_oneof![9 => list(container(), most), 1 => list(container(), 40)];
    prop_oneof![1 => Just(None), 6 => filled.prop_map(Some)].boxed()
}

/// A Pod, as text.
pub(super) fn pod() -> impl Strategy<Value = String> {
    let metadata = field((field(mapping()), field(mapping())).prop_map(|(labels, annotations)| {
        named(vec![("labels", labels), ("annotations", annotations), ("creationTimestamp", Some("null".to_owned()))])
    }));
    let os = option::weighted(0.2, Just(r#"{"name":"windows"}"#.to_owned()));
    let spec = (containers(4), containers(3), containers(2), os, field(mapping()), list(text(), 5), field(text()))
        .prop_map(|(main, init, ephemeral, os, security, tolerations, extra)| {
            named(vec![
                ("containers", main),
                ("initContainers", init),
                ("ephemeralContainers", ephemeral),
                ("os", os),
                ("securityContext", security),
                ("tolerations", Some(tolerations)),
                ("extra", extra),
            ])
        });
    (metadata, spec).prop_map(|(metadata, spec)| named(vec![("metadata", metadata), ("spec", Some(spec))]))
}

fn json() -> impl Strategy<Value = Value> {
    text().prop_map(|text| serde_json::from_str(&text).unwrap())
}

fn element() -> impl Strategy<Value = Value> {
    prop_oneof![4 => key().prop_map(Value::from), 2 => (0..4_u8).prop_map(Value::from)]
}

fn path() -> impl Strategy<Value = Vec<Value>> {
    let lists = ["containers", "initContainers", "ephemeralContainers"].as_slice();
    let name = select(["a", "b", "c"].as_slice());
    prop_oneof![
        (select(["labels", "annotations"].as_slice()), key()).prop_map(|(map, key)| vec![
            json!("metadata"),
            json!(map),
            json!(key)
        ]),
        key().prop_map(|key| vec![json!("spec"), json!("securityContext"), json!(key)]),
        (select(lists), name, key()).prop_map(|(list, name, key)| vec![json!("spec"), json!({list: name}), json!(key)]),
        (select(lists), 0..2_u8, key()).prop_map(|(list, at, key)| vec![
            json!(format!("spec.{list}[{at}]")),
            json!("securityContext"),
            json!(key)
        ]),
        (select(lists), 0..3_u8).prop_map(|(list, at)| vec![json!("spec"), json!(list), json!(at)]),
        Just(vec![json!("spec"), json!("tolerations")]),
        vec(element(), 0..3).prop_map(|rest| [vec![json!("spec"), json!("tolerations")], rest].concat()),
        vec(element(), 0..3).prop_map(|rest| [vec![json!("spec"), json!("extra")], rest].concat()),
    ]
}

fn own() -> impl Strategy<Value = Value> {
    let op = select(["set", "default", "default", "append", "remove"].as_slice());
    (op, path(), json()).prop_map(|(op, path, value)| match op {
        "remove" => json!({"op": op, "path": path}),
        _ => json!({"op": op, "path": path, "value": value}),
    })
}

fn pointer() -> impl Strategy<Value = String> {
    let root = select(["/spec/tolerations", "/spec/extra", "/metadata/labels", "/spec/containers/0"].as_slice());
    let token = select(["0", "1", "2", "-", "a", "a~1b", "~0", "~01", "", "01", "name"].as_slice());
    (root, vec(token, 1..3)).prop_map(|(root, tokens)| format!("{root}/{}", tokens.join("/")))
}

fn instruction(is_alone: bool) -> BoxedStrategy<Value> {
    let op = select(["add", "replace", "remove"].as_slice());
    let alone = (op, pointer(), json()).prop_map(|(op, path, value)| match op {
        "remove" => json!({"op": op, "path": path}),
        _ => json!({"op": op, "path": path, "value": value}),
    });
    if is_alone {
        return alone.boxed();
    }
    let copy = (select(["copy", "move"].as_slice()), pointer(), pointer())
        .prop_map(|(op, from, path)| json!({"op": op, "from": from, "path": path}));
    let test = (pointer(), json()).prop_map(|(path, value)| json!({"op": "test", "path": path, "value": value}));
    prop_oneof![6 => alone, 3 => copy, 1 => test].boxed()
}

/// What one policy wants.
fn wanted() -> impl Strategy<Value = Value> {
    let sequence = vec(instruction(false), 1..4).prop_map(Value::from);
    vec(prop_oneof![6 => own(), 1 => instruction(true), 1 => sequence], 0..4).prop_map(Value::from)
}

/// What each of some policies wants.
pub(super) fn wishes(policies: &'static [(&'static str, &'static str)]) -> impl Strategy<Value = Value> {
    vec(wanted(), policies.len()).prop_map(move |all| {
        let names = policies.iter().map(|(name, _)| (*name).to_owned());
        Value::Object(names.zip(all).collect::<Map<_, _>>())
    })
}

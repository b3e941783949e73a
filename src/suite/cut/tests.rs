//! Claims about cutting: each object is found, at its place, whatever it is wrapped in.

use super::super::manifest::{Input, load};

/// Each object as `line:column JSON`, then each problem and each skipped document.
fn found(text: &str) -> Vec<String> {
    let loaded = load(&[Input::Stdin(text.as_bytes().to_vec())]);
    let objects = loaded
        .objects
        .iter()
        .map(|manifest| format!("{}:{} {}", manifest.place.line, manifest.place.column, manifest.node.to_json()));
    let problems = loaded.problems.iter().map(|found| format!("{}:{} {}", found.line, found.column, found.message));
    let skipped = loaded.skipped.iter().map(|found| format!("{} {}", found.line, found.reason));
    objects.chain(problems).chain(skipped).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(found(text), expected, "{text}");
}

#[test]
fn lists_of_yaml_are_taken_apart() {
    check(
        "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n-\n  kind: Job\n  apiVersion: batch/v1\n- 3\nkind: List\n",
        &[
            r#"3:3 {"apiVersion":"v1","kind":"Pod"}"#,
            r#"6:3 {"kind":"Job","apiVersion":"batch/v1"}"#,
            "8 not a mapping",
        ],
    );
    check(
        "# all\n---\nkind: PodList\r\napiVersion: v1\nitems: [{a: 1}, {kind: Job}]\n",
        &[r#"5:9 {"apiVersion":"v1","kind":"Pod","a":1}"#, "5 no Kubernetes object: it has no apiVersion and kind"],
    );
    check("apiVersion: v1\nkind: List\nitems:\n", &[]);
    check(
        "apiVersion: x/v1\nkind: AllowList\nitems: {a: 1}\n",
        &[r#"1:1 {"apiVersion":"x/v1","kind":"AllowList","items":{"a":1}}"#],
    );
    check(
        "apiVersion: x/v1\nkind: AllowList\nitems: 1\n",
        &[r#"1:1 {"apiVersion":"x/v1","kind":"AllowList","items":1}"#],
    );
    // What follows an item that breaks cannot be read; what is before has been.
    check(
        "apiVersion: v1\nkind: PodList\nitems:\n- a: 1\n- a: [\n- a: 3\n",
        &[r#"4:3 {"apiVersion":"v1","kind":"Pod","a":1}"#, "6:1 is no YAML: invalid indentation"],
    );
}

#[test]
fn items_keep_what_their_list_says_of_them_once() {
    let item = "a: &x [1]\n  b: 'q\nr'\n";
    check(
        &format!("apiVersion: v1\nkind: PodList\nitems:\n- {item}- c: *x\n- {{}}\n"),
        &[
            r#"4:3 {"apiVersion":"v1","kind":"Pod","a":[1],"b":"q r"}"#,
            r#"7:3 {"apiVersion":"v1","kind":"Pod","c":[1]}"#,
            r#"8:3 {"apiVersion":"v1","kind":"Pod"}"#,
        ],
    );
}

#[test]
fn a_list_in_disguise_is_none() {
    // The line that seems to say the kind is a part of a string.
    check(
        "apiVersion: v1\nitems: [{a: 1}]\nx: \"\nkind: PodList\n\"\n\"kind\": Pod\n",
        &[
            r#"2:9 {"apiVersion":"v1","kind":"Pod","a":1}"#,
            "1:1 its kind is not the PodList of the line that seems to say it",
        ],
    );
    check(
        "apiVersion: v1\nkind: PodList\nitems:\n- a: 1\n...\nb: 1\n",
        &[
            r#"4:3 {"apiVersion":"v1","kind":"Pod","a":1}"#,
            "1:1 its kind is not the PodList of the line that seems to say it",
        ],
    );
    check("data: |\n  x\n\nitems: []\nkind: List # none\napiVersion: v1\n", &[]);
}

#[test]
fn lists_of_json_are_taken_apart() {
    check(
        "{\"items\": [{\"apiVersion\": \"v1\", \"kind\": \"Pod\"},\n  null, 3], \"kind\": \"List\", \"apiVersion\": \"v1\"}\n{}",
        &[
            r#"1:12 {"apiVersion":"v1","kind":"Pod"}"#,
            "2 not a mapping",
            "2 not a mapping",
            "3 no Kubernetes object: it has no apiVersion and kind",
        ],
    );
    check(
        "\u{feff}{\"\\u006bind\": \"PodList\", \"apiVersion\": \"v1\", \"items\": [{\"é\": 1}, {\"a\": 2}]}",
        &[r#"1:56 {"apiVersion":"v1","kind":"Pod","é":1}"#, r#"1:66 {"apiVersion":"v1","kind":"Pod","a":2}"#],
    );
    check(r#"{"kind": "List", "apiVersion": "v1", "items": {}}"#, &[]);
    check(r#"{"kind": "AllowList", "apiVersion": "v1"}"#, &[r#"1:1 {"kind":"AllowList","apiVersion":"v1"}"#]);
}

#[test]
fn what_is_wrong_with_json_is_told_where_it_stands() {
    check(
        r#"{"kind": "List", "kind": "Pod", "apiVersion": "v1", "items": []}"#,
        &["1:18 key \"kind\" is given twice, first in line 1"],
    );
    check(
        r#"{"kind": "List", "apiVersion": "v1", "metadata": {"a": 1, "a": 2}, "items": []}"#,
        &["1:59 key \"a\" is given twice, first in line 1"],
    );
    check(
        "{\"kind\": \"PodList\", \"apiVersion\": \"v1\", \"items\": [\n{\"a\": 1},\n{\"a\": 1, \"a\": 2}]}",
        &[r#"2:1 {"apiVersion":"v1","kind":"Pod","a":1}"#, "3:10 key \"a\" is given twice, first in line 3"],
    );
    check(
        "{\"a\": 1}\n{\"b\": }",
        &["2:7 is no JSON: expected a value, found `}`", "1 no Kubernetes object: it has no apiVersion and kind"],
    );
    check(
        "{\"a\": 1}\n---\n{b: 1}",
        &[
            "1 no Kubernetes object: it has no apiVersion and kind",
            "3 no Kubernetes object: it has no apiVersion and kind",
        ],
    );
}

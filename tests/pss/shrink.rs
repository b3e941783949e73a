//! The smallest Pod that still shows something.

use serde_json::Value;

use super::parts::{paths, remove};

/// Leaves out of a Pod whatever `shows` does not need, one field or element after the other, until nothing more can go.
pub(super) fn shrink(pod: &Value, mut shows: impl FnMut(&Value) -> bool) -> Value {
    let mut smallest = pod.clone();
    loop {
        let before = smallest.clone();
        for path in paths(&before) {
            let mut smaller = smallest.clone();
            if remove(&mut smaller, &path) && shows(&smaller) {
                smallest = smaller;
            }
        }
        if smallest == before {
            return smallest;
        }
    }
}

#[test]
fn what_is_not_needed_is_left_out() {
    let pod = serde_json::json!({"a": [1, {"b": 2, "c": [3, 4]}, 5], "d": null});
    let shows = |value: &Value| value.pointer("/a").is_some_and(|list| list.to_string().contains('4'));
    assert_eq!(shrink(&pod, shows).to_string(), r#"{"a":[{"c":[4]}]}"#);
    assert_eq!(shrink(&pod, |_| true), serde_json::json!({}));
    assert_eq!(shrink(&pod, |value| *value == pod), pod);
}

//! A JSON Patch (RFC 6902, <https://www.rfc-editor.org/rfc/rfc6902>): the fewest operations that make one object of
//! another, in the forms that the RFC and the API server's library understand alike.
//!
//! Objects share what a mutation has left untouched, so that a patch costs what was changed, not what is there.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::rego::Value;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// A field or an item that is not there.
    Add,
    /// Another value for one that is.
    Replace,
    /// Away with one that is.
    Remove,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct Operation {
    /// What it does.
    pub op: Act,
    /// Where, as a JSON Pointer (RFC 6901).
    pub path: String,
    /// The new value; none where something is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub value: Option<Value>,
}

/// Operations in the order in which they apply.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Patch {
    operations: Vec<Operation>,
}

impl Patch {
    /// What makes `after` of `before`.
    pub fn between(before: &Value, after: &Value) -> Self {
        let mut patch = Self::default();
        patch.values(&mut String::new(), before, after);
        patch
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The patch as JSON, as the API server takes it (in base64).
    pub fn to_json(&self) -> Vec<u8> {
        // Values come from JSON or from Rego, whose sets are written as arrays: there is nothing JSON could not hold.
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn push(&mut self, op: Act, path: &str, value: Option<&Value>) {
        self.operations.push(Operation { op, path: path.to_owned(), value: value.cloned() });
    }

    fn values(&mut self, path: &mut String, before: &Value, after: &Value) {
        match (before, after) {
            (Value::Object(_), Value::Object(_)) => self.fields(path, before, after),
            (Value::Array(_), Value::Array(_)) => self.items(path, before, after),
            _ if before == after => {}
            // The server's library finds no key whose value is null, and would not replace it. A list's items are no
            // keys: `alignment` pairs no null with anything else.
            (Value::Null, _) => self.push(Act::Add, path, Some(after)),
            _ => self.push(Act::Replace, path, Some(after)),
        }
    }

    fn fields(&mut self, path: &mut String, before: &Value, after: &Value) {
        let (Ok(old), Ok(new)) = (before.as_object(), after.as_object()) else { return };
        for (key, value) in old.iter_sorted() {
            match new.get(key) {
                Some(kept) if is_untouched(value, kept) => {}
                Some(kept) => below(path, key, |path| self.values(path, value, kept)),
                None => below(path, key, |path| self.push(Act::Remove, path, None)),
            }
        }
        for (key, value) in new.iter_sorted().filter(|(key, _)| !old.contains_key(key)) {
            below(path, key, |path| self.push(Act::Add, path, Some(value)));
        }
    }

    /// Operations on a list, each in the terms of what those before it have made: all before `at` is as it will be.
    fn items(&mut self, path: &mut String, before: &Value, after: &Value) {
        let (Ok(old), Ok(new)) = (before.as_array(), after.as_array()) else { return };
        let (old, new): (Vec<&Value>, Vec<&Value>) = (old.iter().collect(), new.iter().collect());
        let mut length = old.len();
        let mut at = 0_usize;
        for step in alignment(&old, &new) {
            match step {
                Step::Keep(old, new) => {
                    if !is_untouched(old, new) {
                        below(path, &index(at), |path| self.values(path, old, new));
                    }
                    at = at.saturating_add(1);
                }
                Step::Drop => {
                    below(path, &index(at), |path| self.push(Act::Remove, path, None));
                    length = length.saturating_sub(1);
                }
                Step::Insert(value) => {
                    let token = if at == length { Value::from("-") } else { index(at) };
                    below(path, &token, |path| self.push(Act::Add, path, Some(value)));
                    length = length.saturating_add(1);
                    at = at.saturating_add(1);
                }
            }
        }
    }
}

/// Whether a mapping or list is the very same, so that there is no need to look into it.
fn is_untouched(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => Arc::ptr_eq(old, new),
        (Value::Array(old), Value::Array(new)) => Arc::ptr_eq(old, new),
        (Value::String(old), Value::String(new)) => Arc::ptr_eq(old, new),
        _ => false,
    }
}

fn index(at: usize) -> Value {
    Value::from(at)
}

/// Does something one token further down a pointer.
fn below(path: &mut String, token: &Value, act: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push('/');
    match token {
        Value::String(key) => path.push_str(&escaped(key)),
        other => path.push_str(&other.to_string()),
    }
    act(path);
    path.truncate(length);
}

/// A key as a JSON Pointer's token (RFC 6901, section 3): `~` first, or the escape of `/` would be escaped again.
pub(super) fn escaped(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) { Cow::Owned(key.replace('~', "~0").replace('/', "~1")) } else { Cow::Borrowed(key) }
}

/// The key that a token stands for.
pub(super) fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// What happens to the items of a list, from its beginning to its end.
pub(super) enum Step<'a> {
    /// The item stays, or has become the other.
    Keep(&'a Value, &'a Value),
    /// It goes.
    Drop,
    /// A new one comes.
    Insert(&'a Value),
}

/// How many pairs of items are compared to find out which are the same; beyond it, their places decide.
const PAIRS: usize = 1 << 18;

/// Which items stay, go and come, in order. Items are the same if they are equal, or bear the same name.
pub(super) fn alignment<'a>(old: &[&'a Value], new: &[&'a Value]) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = Vec::with_capacity(new.len());
    let (mut olds, mut news) = (old, new);
    while let ([first, old_rest @ ..], [other, new_rest @ ..]) = (olds, news) {
        // Where both are as long, what stands at one place is the same thing changed.
        let is_one = same(first, other) || (old.len() == new.len() && may_be_one(first, other));
        if !is_one {
            break;
        }
        steps.push(Step::Keep(first, other));
        (olds, news) = (old_rest, new_rest);
    }
    let mut tail = Vec::new();
    while let ([old_rest @ .., last], [new_rest @ .., other]) = (olds, news) {
        if !same(last, other) {
            break;
        }
        tail.push(Step::Keep(last, other));
        (olds, news) = (old_rest, new_rest);
    }
    steps.extend(between(olds, news));
    steps.extend(tail.into_iter().rev());
    steps
}

/// The part in which items come and go: greedy, as lists of Kubernetes objects are not shuffled.
fn between<'a>(mut olds: &[&'a Value], news: &[&'a Value]) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    let mut strangers: Vec<&'a Value> = Vec::new();
    let is_searched = olds.len().saturating_mul(news.len()) <= PAIRS;
    for new in news {
        let position = if is_searched { olds.iter().position(|old| same(old, new)) } else { None };
        let Some(position) = position else {
            strangers.push(new);
            continue;
        };
        let (gone, rest) = olds.split_at(position);
        exchanged(gone, &strangers, &mut steps);
        strangers.clear();
        if let [old, after @ ..] = rest {
            steps.push(Step::Keep(old, new));
            olds = after;
        }
    }
    exchanged(olds, &strangers, &mut steps);
    steps
}

/// Items that are found in one list alone, between the same two others: some may be changed only.
fn exchanged<'a>(olds: &[&'a Value], news: &[&'a Value], steps: &mut Vec<Step<'a>>) {
    let (mut olds, mut news) = (olds.iter(), news.iter());
    loop {
        match (olds.next(), news.next()) {
            (Some(old), Some(new)) if may_be_one(old, new) => steps.push(Step::Keep(old, new)),
            (None, None) => return,
            (old, new) => {
                steps.extend(old.map(|_| Step::Drop));
                steps.extend(new.map(|new| Step::Insert(new)));
            }
        }
    }
}

/// Whether an item may have become another: not one of another name. Null is replaced by nothing (see `values`).
fn may_be_one(old: &Value, new: &Value) -> bool {
    *old != Value::Null && !(is_named(old) && is_named(new))
}

fn is_named(item: &Value) -> bool {
    matches!(item["name"], Value::String(_))
}

fn same(old: &Value, new: &Value) -> bool {
    let is_namesake = || matches!(&old["name"], name @ Value::String(_) if *name == new["name"]);
    is_untouched(old, new) || is_namesake() || old == new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        Value::from_json_str(json).unwrap()
    }

    #[track_caller]
    fn check(before: &str, after: &str, expected: &str) {
        let patch = Patch::between(&value(before), &value(after));
        assert_eq!(String::from_utf8(patch.to_json()).unwrap(), expected);
        let mut document: serde_json::Value = serde_json::from_str(before).unwrap();
        let read: json_patch::Patch = serde_json::from_slice(&patch.to_json()).unwrap();
        json_patch::patch(&mut document, &read).unwrap();
        assert_eq!(document, serde_json::from_str::<serde_json::Value>(after).unwrap());
    }

    #[test]
    fn nothing_is_done_where_nothing_differs() {
        check(r#"{"a":[1,{"b":null}]}"#, r#"{"a":[1,{"b":null}]}"#, "[]");
        let object = value(r#"{"a":{"b":1}}"#);
        assert!(Patch::between(&object, &object.clone()).is_empty());
    }

    #[test]
    fn fields_are_added_with_all_that_is_new_below_them() {
        check(r#"{"a":1}"#, r#"{"a":1,"b":{"c":{"d":2}}}"#, r#"[{"op":"add","path":"/b","value":{"c":{"d":2}}}]"#);
        check(r#"{"a":{"b":1}}"#, r#"{"a":{"b":2}}"#, r#"[{"op":"replace","path":"/a/b","value":2}]"#);
        check(r#"{"a":{"b":1}}"#, r#"{"a":{}}"#, r#"[{"op":"remove","path":"/a/b"}]"#);
        check(r#"{"a":null}"#, r#"{"a":{}}"#, r#"[{"op":"add","path":"/a","value":{}}]"#);
        check(r#"{"a":{}}"#, r#"{"a":null}"#, r#"[{"op":"replace","path":"/a","value":null}]"#);
    }

    #[test]
    fn keys_are_escaped() {
        check(
            r#"{"m":{}}"#,
            r#"{"m":{"a/b":1,"c~d":2,"":3,"~1":4,"é\"":5}}"#,
            concat!(
                r#"[{"op":"add","path":"/m/","value":3},{"op":"add","path":"/m/a~1b","value":1},"#,
                r#"{"op":"add","path":"/m/c~0d","value":2},{"op":"add","path":"/m/~01","value":4},"#,
                r#"{"op":"add","path":"/m/é\"","value":5}]"#
            ),
        );
    }

    #[test]
    fn an_item_is_changed_in_its_place() {
        check(r#"[{"n":1},{"n":2}]"#, r#"[{"n":1},{"n":3}]"#, r#"[{"op":"replace","path":"/1/n","value":3}]"#);
        check("[1,2,3]", "[1,5,3]", r#"[{"op":"replace","path":"/1","value":5}]"#);
    }

    #[test]
    fn null_items_are_taken_away_not_replaced() {
        check("[null]", "[5]", r#"[{"op":"remove","path":"/0"},{"op":"add","path":"/-","value":5}]"#);
        check("[1,null,2]", "[1,{},2]", r#"[{"op":"remove","path":"/1"},{"op":"add","path":"/1","value":{}}]"#);
        check("[5]", "[null]", r#"[{"op":"replace","path":"/0","value":null}]"#);
    }

    #[test]
    fn an_item_without_a_name_is_changed_where_others_come_and_go() {
        check(
            r#"[{"a":1,"b":1},{"a":2}]"#,
            r#"[{"a":1,"b":2},{"a":2},{"a":3}]"#,
            r#"[{"op":"replace","path":"/0/b","value":2},{"op":"add","path":"/-","value":{"a":3}}]"#,
        );
    }

    #[test]
    fn long_lists_are_compared_in_no_time() {
        let list = |from: usize| {
            let items: Vec<String> = (from..from + 20_000).map(|n| format!(r#"{{"a":{{"n":{n}}}}}"#)).collect();
            value(&format!("[{}]", items.join(",")))
        };
        let (before, mut after) = (list(0), list(50_000));
        after.as_array_mut().unwrap().push(Value::Null);
        assert_eq!(Patch::between(&before, &after).operations().len(), 20_001);
    }

    #[test]
    fn items_come_and_go_without_touching_the_others() {
        check("[1,2]", "[1,2,3,4]", r#"[{"op":"add","path":"/-","value":3},{"op":"add","path":"/-","value":4}]"#);
        check("[]", "[1]", r#"[{"op":"add","path":"/-","value":1}]"#);
        check("[1,2,3,4]", "[1,4]", r#"[{"op":"remove","path":"/1"},{"op":"remove","path":"/1"}]"#);
        check("[2]", "[1,2]", r#"[{"op":"add","path":"/0","value":1}]"#);
        check(
            r#"[{"name":"a"},{"name":"b","x":1},{"name":"c"}]"#,
            r#"[{"name":"b","x":2},{"name":"c"},{"name":"d"}]"#,
            concat!(
                r#"[{"op":"remove","path":"/0"},{"op":"replace","path":"/0/x","value":2},"#,
                r#"{"op":"add","path":"/-","value":{"name":"d"}}]"#
            ),
        );
        check(
            r#"[{"name":"a"},{"name":"b","x":1}]"#,
            r#"[{"name":"b","x":2},{"name":"c"},{"name":"d"}]"#,
            concat!(
                r#"[{"op":"remove","path":"/0"},{"op":"replace","path":"/0/x","value":2},"#,
                r#"{"op":"add","path":"/-","value":{"name":"c"}},{"op":"add","path":"/-","value":{"name":"d"}}]"#
            ),
        );
    }
}

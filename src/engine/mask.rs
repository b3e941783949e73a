//! What no message, log line or report may quote: the values of Secrets and of environment variables.

use std::collections::BTreeSet;

use data_encoding::BASE64;

use super::rego::{self, Part, Value};
use super::review::{Contents, Review, ReviewError};
use super::workload::{Workload, template_path};

/// What stands in a value's place.
pub const MASKED: &str = "(masked)";

/// The shortest value that is hidden: shorter ones are found in any text by chance.
const SHORTEST: usize = 4;

/// Values to hide.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    /// The longest first, so that none is hidden in part.
    values: Vec<String>,
    /// The same and the shorter ones, which are hidden where they stand alone.
    whole: BTreeSet<Value>,
}

impl Mask {
    /// What reports of a review must not quote: the values of a Secret, and those of environment variables.
    pub fn private(review: &Review<'_>) -> Result<Self, ReviewError> {
        let contents = review.contents()?;
        let workload = template_path(&review.request.kind).and_then(|path| Workload::of(path, &contents.object).ok());
        Ok(Self::secrets(&contents).and_environment(workload.as_ref()))
    }

    /// The values of a Secret under review.
    pub fn secrets(contents: &Contents) -> Self {
        let mut values = Vec::new();
        let mut whole = BTreeSet::new();
        for object in [&contents.object, &contents.old_object] {
            if object["kind"] == Value::from("Secret") {
                collect(&object["stringData"], &mut values);
                // As the API server will keep them.
                let encoded: Vec<String> = values.iter().map(|text| BASE64.encode(text.as_bytes())).collect();
                values.extend(encoded);
                let before = values.len();
                collect(&object["data"], &mut values);
                let decoded: Vec<String> = values.iter().skip(before).filter_map(|text| from_base64(text)).collect();
                values.extend(decoded);
                whole.extend(values.iter().map(|text| Value::from(text.as_str())));
                leaves(&object["stringData"], &mut whole);
                leaves(&object["data"], &mut whole);
                collect(
                    &object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"],
                    &mut values,
                );
            }
        }
        Self::of(values, whole)
    }

    /// The same, and the literal values of the environment variables of a workload.
    #[must_use]
    pub fn and_environment(self, workload: Option<&Workload>) -> Self {
        let (mut values, mut whole) = (self.values, self.whole);
        for container in workload.into_iter().flat_map(|workload| &workload.containers) {
            if let Ok(variables) = container.spec["env"].as_array() {
                for variable in variables {
                    collect(&variable["value"], &mut values);
                    leaves(&variable["value"], &mut whole);
                }
            }
        }
        Self::of(values, whole)
    }

    fn of(mut values: Vec<String>, whole: BTreeSet<Value>) -> Self {
        let rewritten: Vec<String> = values.iter().flat_map(|value| as_quoted(value)).collect();
        values.extend(rewritten);
        values.retain(|value| value.len() >= SHORTEST);
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Self { values, whole }
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether a text holds one of the values.
    pub fn is_in(&self, text: &str) -> bool {
        self.values.iter().any(|value| text.contains(value.as_str()))
    }

    /// A text without the values.
    pub fn hide(&self, text: &str) -> String {
        let found = self.values.iter().filter(|value| text.contains(value.as_str()));
        found.fold(text.to_owned(), |text, value| text.replace(value.as_str(), MASKED))
    }

    /// A value of an evaluation as [`rego::show`] shows it, without them: neither in its texts nor, however short, as an
    /// item of it.
    pub fn show(&self, value: &Value, characters: usize) -> String {
        rego::show_hiding(value, characters, &|part| match part {
            Part::Item(item) if self.whole.contains(item) => Some(MASKED.to_owned()),
            // A short name is no value, though it may read like one.
            Part::Item(Value::String(text)) | Part::Name(Value::String(text)) => Some(self.hide(text)),
            Part::Item(_) | Part::Name(_) => None,
        })
    }
}

/// Collects the strings of a value, or of an object's fields.
fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.to_string()),
        Value::Object(fields) => {
            into.extend(fields.values().filter_map(|value| Some(value.as_string().ok()?.to_string())));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Set(_) | Value::Undefined => {}
    }
}

/// Collects the strings and numbers in a value. Numbers are none that the API server would take there, but a manifest
/// may have them.
fn leaves(value: &Value, into: &mut BTreeSet<Value>) {
    match value {
        Value::String(_) | Value::Number(_) => {
            into.insert(value.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| leaves(item, into)),
        Value::Set(items) => items.iter().for_each(|item| leaves(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| leaves(field, into)),
        Value::Null | Value::Bool(_) | Value::Undefined => {}
    }
}

/// A value as a message may hold it: on one line, as every message is, or written as JSON.
fn as_quoted(value: &str) -> [String; 2] {
    let one_line = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let json = serde_json::to_string(value).unwrap_or_default();
    [one_line, json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned()]
}

/// The text that a Secret's `data` encodes, if it is text: standard base64 with padding (RFC 4648).
fn from_base64(encoded: &str) -> Option<String> {
    String::from_utf8(BASE64.decode(encoded.as_bytes()).ok()?).ok()
}

/// Whether the value at a field path is one that is never shown: a Secret's, or an environment variable's.
pub fn is_secret_field(kind: &str, path: &str) -> bool {
    let in_secret = kind == "Secret" && (path.starts_with("data") || path.starts_with("stringData"));
    let in_environment = path.contains(".env[") && path.rsplit('.').next() == Some("value");
    in_secret || in_environment
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::*;

    fn contents(object: &str) -> Contents {
        let object = json::parse(object).unwrap();
        Contents { request: Value::Null, object, old_object: Value::Null }
    }

    #[test]
    fn a_secrets_values_are_hidden() {
        let secret = contents(r#"{"kind":"Secret","data":{"a":"c2VjcmV0"},"stringData":{"b":"hunter2","c":"x"}}"#);
        let mask = Mask::secrets(&secret);
        assert_eq!(mask.hide("c2VjcmV0 and hunter2 but not x"), "(masked) and (masked) but not x");
        assert_eq!(mask.hide("secret and aHVudGVyMg=="), "(masked) and (masked)", "as it would be kept");
        assert_eq!(
            Mask::secrets(&contents(r#"{"kind":"ConfigMap","data":{"a":"hunter2"}}"#)).hide("hunter2"),
            "hunter2"
        );
    }

    #[test]
    fn a_secrets_values_are_hidden_however_they_are_quoted() {
        let secret = contents(r#"{"kind":"Secret","data":{"a":"dHdvCmxpbmVz"},"stringData":{"b":"say \"no\"\n"}}"#);
        let mask = Mask::secrets(&secret);
        for quoted in ["dHdvCmxpbmVz", "two\nlines", "two lines", r"two\nlines", "say \"no\" ", r#"say \"no\"\n"#] {
            assert_eq!(mask.hide(quoted), MASKED, "{quoted:?}");
        }
        for (encoded, text) in [("YWJjZA==", "abcd"), ("YWJjZGU=", "abcde"), ("w6nDqQ==", "éé"), ("", "")] {
            assert_eq!(from_base64(encoded).as_deref(), Some(text));
        }
        assert_eq!((from_base64("/w=="), from_base64("a b")), (None, None));
    }

    #[test]
    fn environment_values_are_hidden_the_longest_first() {
        let object =
            r#"{"spec":{"containers":[{"env":[{"name":"A","value":"token"},{"name":"B","value":"token-long"}]}]}}"#;
        let workload = Workload::of("", &json::parse(object).unwrap()).unwrap();
        let mask = Mask::default().and_environment(Some(&workload));
        assert_eq!(mask.hide("token-long, token"), "(masked), (masked)");
    }

    #[test]
    fn values_of_an_evaluation_are_hidden_however_short() {
        let object = r#"{"kind":"Secret","data":{"a":"eA==","n":1234},"stringData":{"b":"pin","c":"hunter2"}}"#;
        let secret = contents(object);
        let mask = Mask::secrets(&secret);
        assert_eq!(
            mask.show(&json::parse(object).unwrap(), 200),
            r#"{"data": {"a": "(masked)", "n": "(masked)"}, "kind": "Secret", "stringData": {"b": "(masked)", "c": "(masked)"}}"#
        );
        let value = json::parse(r#"[{"x": "is hunter2", "hunter2": 1}, "pinned", 12345]"#).unwrap();
        assert_eq!(mask.show(&value, 200), r#"[{"(masked)": 1, "x": "is (masked)"}, "pinned", 12345]"#);
        // What is cut away hides nothing of what stands before it.
        assert_eq!(mask.show(&Value::from("a hunter2"), 6), "\"a (ma…");
    }

    #[test]
    fn fields_that_hold_secrets_are_known_by_their_path() {
        assert!(is_secret_field("Secret", "data.password"));
        assert!(is_secret_field("Deployment", "spec.template.spec.containers[0].env[2].value"));
        assert!(!is_secret_field("Pod", "spec.containers[0].image"));
        assert!(!is_secret_field("ConfigMap", "data.key"));
    }
}

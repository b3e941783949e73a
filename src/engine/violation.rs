//! What a policy says against an object, and how much it weighs.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::rego::Value;

/// How bad a violation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A matter of taste or tidiness.
    Low,
    /// Worth mending soon.
    Medium,
    /// A real risk.
    High,
    /// An open door.
    Critical,
}

/// What follows from a violation, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// The policy is not evaluated.
    Off,
    /// It is counted and logged; the user does not hear of it.
    Audit,
    /// The user is warned.
    Warn,
    /// The request is refused.
    Deny,
}

/// What follows when a policy cannot be evaluated, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FailMode {
    /// The policy does not count.
    Allow,
    /// The user is warned.
    Warn,
    /// The request is refused.
    Deny,
}

impl Severity {
    /// All, the mildest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its name in METADATA and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == name)
    }
}

impl Enforcement {
    /// All, the mildest first.
    pub const ALL: [Self; 4] = [Self::Off, Self::Audit, Self::Warn, Self::Deny];

    /// Its name in METADATA, configuration and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }

    /// The enforcement of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|enforcement| enforcement.as_str() == name)
    }
}

impl FailMode {
    /// All, the mildest first.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Warn, Self::Deny];

    /// Its name in METADATA and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }

    /// The fail mode of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }

    /// The fail mode under an enforcement: a policy that would only have warned does not refuse because it broke.
    #[must_use]
    pub fn under(self, enforcement: Enforcement) -> Self {
        match enforcement {
            Enforcement::Deny => self,
            Enforcement::Warn => self.min(Self::Warn),
            Enforcement::Audit | Enforcement::Off => Self::Allow,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for FailMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that a policy says against an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// What is wrong, in one line.
    pub message: String,
    /// Where, as a path from the object's root.
    pub field: Option<String>,
    /// What to write instead.
    pub remedy: Option<String>,
    /// More, for machines.
    pub details: Option<Value>,
    /// What follows from it.
    pub enforcement: Enforcement,
}

/// A rule's value that is not what `deny` and `warn` may yield.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule} yields {found}; a violation is a string or an object {{msg, field?, remedy?, details?}} of strings")]
pub struct ShapeError {
    rule: &'static str,
    found: String,
}

impl Violation {
    /// The violations in a rule's value, a set of strings or objects.
    pub fn read(value: &Value, rule: &'static str, enforcement: Enforcement) -> Result<Vec<Self>, ShapeError> {
        let Value::Set(set) = value else {
            return Err(ShapeError { rule, found: shape(value) });
        };
        set.iter_sorted()
            .map(|item| Self::read_one(item, enforcement).ok_or_else(|| ShapeError { rule, found: shape(item) }))
            .collect()
    }

    /// The violation that an item of a rule's value is, if it is one.
    pub(super) fn read_one(item: &Value, enforcement: Enforcement) -> Option<Self> {
        if let Value::String(message) = item {
            return Some(Self { message: line(message), field: None, remedy: None, details: None, enforcement });
        }
        let fields = item.as_object().ok()?;
        let known = ["msg", "field", "remedy", "details"];
        let strange = |key: &Value| key.as_string().map_or(true, |key| !known.contains(&key.as_ref()));
        if fields.keys().any(strange) {
            return None;
        }
        let text = |key: &str| match &item[key] {
            Value::Undefined => Some(None),
            Value::String(text) => Some(Some(line(text))),
            _ => None,
        };
        let details = &item["details"];
        Some(Self {
            message: text("msg")??,
            field: text("field")?,
            remedy: text("remedy")?,
            details: (*details != Value::Undefined).then(|| details.clone()),
            enforcement,
        })
    }
}

/// A message is one line: a control character would drop the warning it stands in, and forge lines of a report.
fn line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn shape(value: &Value) -> String {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Set(_) => "a set",
        Value::Object(fields) => {
            let keys: Vec<String> = fields.keys_sorted().take(8).map(ToString::to_string).collect();
            return format!("an object with the keys {}", keys.join(", "));
        }
        Value::Undefined => "nothing",
    };
    kind.to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn read(items: &[&str]) -> Result<Vec<Violation>, String> {
        let set: BTreeSet<Value> = items.iter().map(|json| Value::from_json_str(json).unwrap()).collect();
        Violation::read(&Value::from(set), "deny", Enforcement::Deny).map_err(|error| error.to_string())
    }

    #[test]
    fn strings_and_objects_are_violations() {
        let violations =
            read(&[r#""plain""#, r#"{"msg":"m","field":"spec.x","remedy":"r","details":{"a":1}}"#]).unwrap();
        assert_eq!(violations[0].message, "plain");
        assert_eq!(violations[1].field.as_deref(), Some("spec.x"));
        assert_eq!(violations[1].remedy.as_deref(), Some("r"));
        assert!(violations[1].details.is_some());
        assert_eq!(read(&[]).unwrap(), []);
    }

    #[test]
    fn another_shape_is_an_error_and_never_a_pass() {
        for (item, expected) in [
            ("1", "deny yields a number"),
            ("null", "deny yields null"),
            ("[\"m\"]", "deny yields an array"),
            (r#"{"message":"m"}"#, "an object with the keys \"message\""),
            (r#"{"field":"f"}"#, "an object with the keys \"field\""),
            (r#"{"msg":1}"#, "an object"),
            (r#"{"msg":"m","field":["f"]}"#, "an object"),
            (r#"{"msg":"m","severity":"low"}"#, "\"severity\""),
        ] {
            let error = read(&[item]).unwrap_err();
            assert!(error.contains(expected), "expected `{expected}` in: {error}");
        }
        for value in [Value::Undefined, Value::Bool(true), Value::from("m"), Value::new_object()] {
            assert!(Violation::read(&value, "deny", Enforcement::Deny).is_err(), "{value:?} passes");
        }
    }

    #[test]
    fn messages_are_one_line() {
        assert_eq!(read(&[r#""a\nb\u0000c""#]).unwrap()[0].message, "a b c");
    }

    #[test]
    fn a_policy_that_only_warns_does_not_refuse_because_it_broke() {
        assert_eq!(FailMode::Deny.under(Enforcement::Deny), FailMode::Deny);
        assert_eq!(FailMode::Deny.under(Enforcement::Warn), FailMode::Warn);
        assert_eq!(FailMode::Deny.under(Enforcement::Audit), FailMode::Allow);
        assert_eq!(FailMode::Allow.under(Enforcement::Deny), FailMode::Allow);
    }
}

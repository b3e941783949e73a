//! The JSON schema that a policy gives for its parameters.

use std::fmt;
use std::sync::Arc;

use super::super::document::{DocumentError, Node};
use super::super::rego::Value;

/// The most memory a compiled pattern may take: the Rego engine refuses to run larger ones.
const PATTERN_BYTES: usize = 100 * 1024;

/// A schema, compiled.
#[derive(Clone)]
pub struct Schema {
    text: Arc<str>,
    validator: Arc<jsonschema::Validator>,
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.text).finish()
    }
}

impl Schema {
    /// Compiles a schema. References to other documents are refused: loading a policy opens nothing. Formats hold, and
    /// `regex` is what the Rego engine runs, so that a bad pattern refuses the configuration and not each request.
    pub fn read(node: &Node) -> Result<Self, DocumentError> {
        let text = node.to_json();
        let wrong = |why: &dyn fmt::Display| DocumentError::new(node.place, format!("schema is no JSON schema: {why}"));
        let schema: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
        let options = jsonschema::options().should_validate_formats(true).with_format("regex", is_pattern);
        let validator = options.build(&schema).map_err(|error| wrong(&error))?;
        Ok(Self { text: Arc::from(text), validator: Arc::new(validator) })
    }

    /// The schema as JSON text.
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Checks parameters; an error says which one is wrong and how.
    pub fn check(&self, parameters: &Value) -> Result<(), String> {
        let instance = serde_json::to_value(parameters).map_err(|error| error.to_string())?;
        let errors: Vec<String> = self
            .validator
            .iter_errors(&instance)
            .map(|error| match error.instance_path().to_string() {
                path if path.is_empty() => error.to_string(),
                path => format!("{}: {error}", path.trim_start_matches('/')),
            })
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
    }
}

fn is_pattern(text: &str) -> bool {
    regex::RegexBuilder::new(text).size_limit(PATTERN_BYTES).build().is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::super::document;
    use super::*;

    #[test]
    fn a_pattern_that_the_engine_cannot_run_fits_no_regex() {
        let text = "{type: object, additionalProperties: {type: string, format: regex}}";
        let schema = Schema::read(&document::yaml::parse_one(text).unwrap()).unwrap();
        let check = |pattern: &str| schema.check(&Value::from_json_str(pattern).unwrap());
        for good in [r#"{"a":""}"#, r#"{"a":"^team-[a-z]+$"}"#] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [r#"{"a":"("}"#, r#"{"a":"a)(?:b"}"#, r#"{"a":"(?=look)"}"#, r#"{"a":"(?:\\w{1000}){1000}"}"#] {
            assert!(check(bad).unwrap_err().starts_with("a: "), "{bad}");
        }
    }
}

//! The JSON schema that a policy gives for its parameters.

use std::fmt;
use std::sync::Arc;

use super::super::document::{DocumentError, Node};
use super::super::rego::Value;

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
    /// Compiles a schema. References to other documents are refused: loading a policy opens nothing.
    pub fn read(node: &Node) -> Result<Self, DocumentError> {
        let text = node.to_json();
        let wrong = |why: &dyn fmt::Display| DocumentError::new(node.place, format!("schema is no JSON schema: {why}"));
        let schema: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
        let validator = jsonschema::validator_for(&schema).map_err(|error| wrong(&error))?;
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

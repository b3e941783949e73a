//! How much a mutator may want: values that are shared where they are made take room once they are written.

use super::super::json::DEPTH;
use super::super::rego::Value;

/// The most that one evaluation may want to write, in bytes of JSON: an object holds less at etcd's limit.
const BYTES: usize = 4 << 20;

/// Why what a mutator wants is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SizeError {
    /// It is larger than all that may be written.
    #[error("more than {BYTES} bytes")]
    Bytes,
    /// It nests deeper than an object may.
    #[error("nested deeper than {DEPTH} levels")]
    Depth,
}

/// What may still be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: BYTES }
    }
}

impl Budget {
    /// Takes off what a value is when written. Counting ends where the budget does.
    pub(super) fn spend(&mut self, value: &Value) -> Result<(), SizeError> {
        self.count(value, 0)
    }

    /// Takes off so many bytes.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), SizeError> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(SizeError::Bytes)?;
        Ok(())
    }

    fn count(&mut self, value: &Value, depth: usize) -> Result<(), SizeError> {
        if depth > DEPTH {
            return Err(SizeError::Depth);
        }
        // Numbers and words are short; what separates them is one byte.
        self.take(match value {
            Value::String(text) => text.len().saturating_add(3),
            _ => 4,
        })?;
        let below = depth.saturating_add(1);
        match value {
            Value::Object(fields) => fields.iter().try_for_each(|(key, value)| {
                self.count(key, below)?;
                self.count(value, below)
            }),
            Value::Array(items) => items.iter().try_for_each(|item| self.count(item, below)),
            _ => Ok(()),
        }
    }
}

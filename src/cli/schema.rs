//! `policy schema`: the JSON schemas of what people write and pipelines read.

use clap::{Args, ValueEnum, builder::PossibleValue};

use super::{CLEAN, output};
use crate::schema::Document;

/// Write the JSON schema of a document to stdout, for editors.
///
/// With the YAML language server: # yaml-language-server: $schema=config.schema.json
#[derive(Args, Debug)]
pub(super) struct SchemaArgs {
    /// The document.
    #[arg(value_enum)]
    document: Document,
}

impl ValueEnum for Document {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

pub(super) fn run(arguments: &SchemaArgs) -> anyhow::Result<u8> {
    output::json(&arguments.document.schema())?;
    Ok(CLEAN)
}

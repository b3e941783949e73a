//! `policy check --rules` and `--explain RULE`: what the rules are.

use std::fmt::Write as _;

use anyhow::bail;
use serde::Serialize;

use super::super::{CLEAN, Format, output};
use crate::engine::lint::{self, RULES, Rule, Weight};

#[derive(Serialize)]
struct Rules {
    rules: &'static [Rule],
}

/// Lists every rule.
pub(super) fn list(format: Format) -> anyhow::Result<u8> {
    match format {
        Format::Json => output::json(&Rules { rules: RULES })?,
        Format::Text => {
            let mut text = String::new();
            for rule in RULES {
                writeln!(text, "{:<25} {:<7} {}", rule.id.as_str(), word(rule.severity), rule.summary)?;
            }
            output::result(&text)?;
        }
    }
    Ok(CLEAN)
}

/// Says all about one rule.
pub(super) fn explain(name: &str, format: Format) -> anyhow::Result<u8> {
    let Some(rule) = lint::find(name) else {
        match lint::closest(name) {
            Some(meant) => bail!("no rule is called {name:?}\n  fix: did you mean {meant}?"),
            None => bail!("no rule is called {name:?}\n  fix: see policy check --rules"),
        }
    };
    match format {
        Format::Json => output::json(rule)?,
        Format::Text => output::result(&text(rule)?)?,
    }
    Ok(CLEAN)
}

fn text(rule: &Rule) -> anyhow::Result<String> {
    let mut text = String::new();
    writeln!(text, "{}: {}: {}", rule.id, word(rule.severity), rule.summary)?;
    writeln!(text, "\n{}\n\nfix: {}", rule.why, rule.fix)?;
    if let Some(example) = rule.example {
        for (title, code) in [("remarked on", example.bad), ("not remarked on", example.good)] {
            writeln!(text, "\n{title}:\n")?;
            for line in code.lines() {
                writeln!(text, "    {}", line.replace('\t', "    "))?;
            }
        }
    }
    Ok(text)
}

fn word(weight: Weight) -> &'static str {
    match weight {
        Weight::Error => "error",
        Weight::Advice => "advice",
    }
}

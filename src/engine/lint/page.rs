//! The page that documents the rules: docs/lint.md, which a test keeps equal to the table.

use std::fmt::{self, Write as _};

use super::rule::{RULES, Rule, RuleId, Weight};

/// The page, in Markdown.
pub fn page() -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut page);
    page
}

fn write(page: &mut String) -> fmt::Result {
    page.push_str(HEAD);
    for rule in RULES {
        writeln!(page, "| [`{0}`](#{0}) | {1} | {2} |", rule.id, word(rule.severity), rule.summary)?;
    }
    for rule in RULES {
        section(page, rule)?;
    }
    Ok(())
}

fn section(page: &mut String, rule: &Rule) -> fmt::Result {
    writeln!(page, "\n## {}\n\n{}: {}.", rule.id, word(rule.severity), rule.summary)?;
    writeln!(page, "\n{}\n\n**Fix:** {}", rule.why, rule.fix)?;
    if let Some(example) = rule.example {
        let language = if is_configuration(rule.id) { "yaml" } else { "rego" };
        writeln!(page, "\nRemarked on:\n\n```{language}\n{}\n```", example.bad)?;
        writeln!(page, "\nNot remarked on:\n\n```{language}\n{}\n```", example.good)?;
    }
    Ok(())
}

fn word(weight: Weight) -> &'static str {
    match weight {
        Weight::Error => "error",
        Weight::Advice => "advice",
    }
}

/// Whether a rule is about the configuration rather than about policies.
fn is_configuration(rule: RuleId) -> bool {
    rule.as_str().starts_with("exemption-")
}

const HEAD: &str = "\
# The rules of `policy check`

`policy check` loads policies and configuration as the server would. What keeps them from being loaded is an error (exit
code 2), what is unwise is advice (exit code 1). `policy check --rules` lists the rules, `policy check --explain RULE`
prints what stands below, and `--format json` gives both to machines.

Policies are followed, not run: from `input` through variables, helpers, comprehensions and libraries. A remark needs
every way that leads to its place to agree; of what is computed, of labels and of custom resources nothing is said. The
examples call `violation(what)`, which yields an object with a remedy.

A remark that was looked at and stays is suppressed where it is made, with the reason:

```rego
# policy:ignore never-fires: CI reads manifests that no API server has seen
deny contains violation(\"Pod\") if input.pod.spec.hostNetwork == \"true\"
```

or for a whole policy in its METADATA:

```yaml
# custom:
#   lint:
#     ignore:
#       untested: tested together with require_team
```

In a configuration the comment stands above the exemption. Errors are not suppressed.

| rule | is | finds |
|---|---|---|
";

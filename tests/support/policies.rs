//! Small policies in a directory of their own.

/// A policy with `rules` and further lines of METADATA below `custom`.
pub(crate) fn policy_text(name: &str, custom: &[&str], rules: &str) -> String {
    let custom = custom.iter().map(|line| format!("#   {line}\n")).collect::<Vec<_>>().concat();
    format!("# METADATA\n# title: {name}\n# custom:\n#   severity: high\n{custom}package policies.{name}\n\n{rules}\n")
}

/// A policy that says `message` against every Pod.
pub(crate) fn against_all(name: &str, message: &str) -> String {
    policy_text(name, &[], &format!("deny contains {message:?} if true"))
}

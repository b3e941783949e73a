//! Small policies in a directory of their own.

/// A policy with `rules` and further lines of METADATA below `custom`.
pub(crate) fn policy_text(name: &str, custom: &[&str], rules: &str) -> String {
    let custom = [&["severity: high"], custom].concat().join("\n#   ");
    format!("# METADATA\n# title: {name}\n# custom:\n#   {custom}\npackage policies.{name}\n\n{rules}\n")
}

/// A policy that says `message` against every Pod.
pub(crate) fn against_all(name: &str, message: &str) -> String {
    policy_text(name, &[], &format!("deny contains {message:?} if true"))
}

//! Which libraries a module needs: those whose packages it names, and those that these name. To link the others would
//! cost memory and the time to load, once for every policy.

use std::collections::BTreeSet;

use super::super::policy::Module;

/// The libraries that a module and what it needs name, in their order. A name in a comment counts; so does `data` or a
/// package above a library's with something other than a name behind it, which could mean any library below.
pub(super) fn needed_by(module: &Module, libraries: &[Module]) -> Vec<Module> {
    let mut needed = BTreeSet::new();
    let mut reading = vec![module];
    while let Some(reader) = reading.pop() {
        for (index, library) in libraries.iter().enumerate() {
            if !needed.contains(&index) && names(&reader.source.text, &library.outline.package) {
                needed.insert(index);
                reading.push(library);
            }
        }
    }
    needed.into_iter().filter_map(|index| libraries.get(index)).cloned().collect()
}

fn names(text: &str, package: &[String]) -> bool {
    (0..=package.len()).any(|length| {
        let is_whole = length == package.len();
        let mut path = String::from("data");
        for part in package.iter().take(length) {
            path.push('.');
            path.push_str(part);
        }
        text.match_indices(&path).any(|(at, found)| {
            let behind = text.get(at.saturating_add(found.len())..).and_then(|behind| behind.chars().next());
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let goes_on = |c: char| c.is_alphanumeric() || c == '_';
            // `data.lib.` goes on to a package that the next length compares.
            !before.is_some_and(|c| goes_on(c) || c == '.')
                && !behind.is_some_and(|c| goes_on(c) || (c == '.' && !is_whole))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::source::Source;
    use super::*;

    fn module(text: &str) -> Module {
        Module::parse(Source::new("x.rego", text)).unwrap()
    }

    /// The packages needed by a policy that says so, of `lib.a`, which names `lib.b`, of `lib.b` and `lib.c.d`.
    #[track_caller]
    fn check(says: &str, expected: &[&str]) {
        let libraries = [
            module("package lib.a\n\nimport data.lib.b\n\nx := b.x\n"),
            module("package lib.b\n\nx := 1\n"),
            module("package lib.c.d\n\nx := 1\n"),
        ];
        let policy = module(&format!("package policies.p\n\n{says}\n"));
        let needed: Vec<String> =
            needed_by(&policy, &libraries).iter().map(|library| library.outline.package.join(".")).collect();
        assert_eq!(needed, expected, "{says}");
    }

    #[test]
    fn what_is_named_is_needed_and_what_that_names() {
        check("x := 1", &[]);
        check("import data.lib.b", &["lib.b"]);
        check("import data.lib.b as other", &["lib.b"]);
        check("import data.lib.a", &["lib.a", "lib.b"]);
        check("x := data.lib.c.d.x", &["lib.c.d"]);
        check("import data.lib.c", &["lib.c.d"]);
        check("import data.lib.bb", &[]);
        check("x := input.metadata.lib.b", &[]);
    }

    #[test]
    fn what_could_mean_any_library_needs_all() {
        check("import data.lib", &["lib.a", "lib.b", "lib.c.d"]);
        check("x := data[input.name].x", &["lib.a", "lib.b", "lib.c.d"]);
        check("x := data.lib[input.name].x", &["lib.a", "lib.b", "lib.c.d"]);
    }
}

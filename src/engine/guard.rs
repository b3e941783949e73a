//! What the modules of one program must satisfy together before they are run.
//!
//! The engine finds an unknown function only when it reaches it, overflows its stack on recursive functions, and knows
//! impure builtins that no policy may use. All are found here, at load, with file and line.

use std::collections::{BTreeMap, BTreeSet};

use super::lint::RuleId;
use super::rego::{self, Call, Outline, RuleKind, Use};
use super::source::{Source, SourceError};

/// Builtins whose answer does not follow from the input, and what to read instead.
const IMPURE: [(&str, &str); 8] = [
    ("http.send", "policies reach no network"),
    ("net.lookup_ip_addr", "policies reach no network"),
    ("opa.runtime", "policies read no environment; use input.parameters"),
    ("rand.intn", "policies are deterministic"),
    ("rego.metadata.chain", "METADATA is read by the host"),
    ("rego.metadata.rule", "METADATA is read by the host"),
    ("time.now_ns", "policies read no clock; use input.now"),
    ("uuid.rfc4122", "policies are deterministic"),
];

/// A module's text with its outline.
pub type Module<'a> = (&'a Source, &'a Outline);

/// Checks the modules that will be compiled into one program: unknown, impure and wrongly called functions, `sprintf`
/// with the wrong number of arguments, recursion.
pub fn check(modules: &[Module<'_>]) -> Result<(), SourceError> {
    let names = Names::of(modules);
    for (source, outline) in modules {
        for used in outline.rules.iter().flat_map(|rule| &rule.uses) {
            if let Some(call) = &used.call {
                names.check_call(source, outline, used, call)?;
            }
        }
    }
    recursion(modules, &names)
}

/// The rules of all modules by their path under `data`.
struct Names {
    rules: BTreeMap<Vec<String>, RuleKind>,
}

impl Names {
    fn of(modules: &[Module<'_>]) -> Self {
        let rules = modules.iter().flat_map(|(_, outline)| {
            outline.rules.iter().map(|rule| (absolute(&outline.package, &rule.name), rule.kind))
        });
        Self { rules: rules.collect() }
    }

    /// The rule that a path written in a module means, and whether the path goes further than the rule.
    fn resolve(&self, outline: &Outline, path: &[String]) -> Option<Vec<String>> {
        let (root, rest) = path.split_first()?;
        let full: Vec<String> = if root == "data" {
            rest.to_vec()
        } else if let Some(import) = outline.imports.iter().find(|import| import.alias == *root) {
            let (data, inner) = import.path.split_first()?;
            if data != "data" {
                return None;
            }
            inner.iter().chain(rest).cloned().collect()
        } else {
            absolute(&outline.package, root)
        };
        (1..=full.len()).rev().find_map(|length| {
            let prefix = full.get(..length)?.to_vec();
            self.rules.contains_key(&prefix).then_some(prefix)
        })
    }

    fn check_call(&self, source: &Source, outline: &Outline, used: &Use, call: &Call) -> Result<(), SourceError> {
        let name = used.path.join(".");
        let error = |message: String| SourceError::at(&source.file, used.line, used.column, message);
        if let Some(RuleKind::Function(arity)) =
            self.resolve(outline, &used.path).and_then(|path| self.rules.get(&path))
        {
            // One argument more is Rego's older way to name the result.
            if call.arguments == *arity || call.arguments == arity.saturating_add(1) {
                return Ok(());
            }
            let message = format!("function {name} takes {arity} arguments, {} given", call.arguments);
            return Err(error(message).of(RuleId::FunctionArity));
        }
        if let Some((_, reason)) = IMPURE.iter().find(|(impure, _)| *impure == name) {
            return Err(error(format!("function {name} is not allowed")).fix(*reason).of(RuleId::Impure));
        }
        if !rego::is_builtin(&name) {
            let fix = match name.split('.').next() {
                Some("time") => "policies read no clock; the request's time is input.now, an RFC 3339 string",
                Some("walk") => "the engine has no walk; name the levels, or go through one with `some key, value in`",
                Some("crypto" | "io" | "graphql") => "the host verifies; a policy reads the result from its input",
                _ => "define it in the policy's package, or in a library under lib/ and import it",
            };
            // What reads the clock is unknown to us only because it is left out.
            let rule = if name.starts_with("time.") { RuleId::Impure } else { RuleId::UnknownFunction };
            return Err(error(format!("function {name} is not known")).fix(fix).of(rule));
        }
        if name == "sprintf" {
            let located = |message| error(message).fix("give one argument for each verb").of(RuleId::SprintfArity);
            return sprintf(call).map_err(located);
        }
        Ok(())
    }
}

fn absolute(package: &[String], name: &str) -> Vec<String> {
    package.iter().cloned().chain([name.to_owned()]).collect()
}

/// Checks the count of a `sprintf`'s arguments where both format and list are written out.
fn sprintf(call: &Call) -> Result<(), String> {
    let (Some(format), Some(given)) = (&call.text, call.list) else { return Ok(()) };
    match verbs(format) {
        Some(wanted) if wanted != given => {
            Err(format!("sprintf has {wanted} verbs in its format but {given} arguments; the violation would be lost"))
        }
        _ => Ok(()),
    }
}

/// How many arguments a format takes; nothing if it names them by index.
fn verbs(format: &str) -> Option<usize> {
    let mut count = 0_usize;
    let mut rest = format.chars();
    while let Some(character) = rest.next() {
        if character != '%' {
            continue;
        }
        for flag in rest.by_ref() {
            match flag {
                '[' => return None,
                '*' => count = count.saturating_add(1),
                '+' | '-' | '#' | ' ' | '.' | '0'..='9' => {}
                '%' => break,
                _ => {
                    count = count.saturating_add(1);
                    break;
                }
            }
        }
    }
    Some(count)
}

/// Refuses rules that reach themselves: functions overflow the engine's stack.
fn recursion(modules: &[Module<'_>], names: &Names) -> Result<(), SourceError> {
    let mut calls: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
    for (_, outline) in modules {
        for rule in &outline.rules {
            let reached = rule.uses.iter().filter_map(|used| names.resolve(outline, &used.path));
            calls.entry(absolute(&outline.package, &rule.name)).or_default().extend(reached);
        }
    }
    let Some(cycle) = find_cycle(&calls) else { return Ok(()) };
    let shown = cycle.iter().chain(cycle.first()).filter_map(|path| path.last()).cloned().collect::<Vec<_>>();
    let place = modules.iter().find_map(|(source, outline)| {
        let rule = outline.rules.iter().find(|rule| cycle.first() == Some(&absolute(&outline.package, &rule.name)))?;
        Some((*source, rule.line))
    });
    let message = format!("rules are recursive: {}", shown.join(" -> "));
    Err(match place {
        Some((source, line)) => SourceError::at(&source.file, line, 0, message),
        None => SourceError::whole(&std::sync::Arc::from("policy"), message),
    }
    .fix("Rego has no recursion; use a comprehension, or a rule for each level")
    .of(RuleId::Recursion))
}

/// A cycle of the graph, if it has one. Iterative: the graph's depth is the author's.
fn find_cycle(calls: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>) -> Option<Vec<Vec<String>>> {
    let mut finished: BTreeSet<&Vec<String>> = BTreeSet::new();
    for root in calls.keys() {
        let mut path = vec![(root, calls.get(root).into_iter().flatten())];
        let mut on_path = BTreeSet::from([root]);
        while let Some((node, reached)) = path.last_mut() {
            match reached.find(|next| !finished.contains(next)) {
                Some(next) if on_path.contains(next) => {
                    return Some(
                        path.iter().map(|(node, _)| *node).skip_while(|node| *node != next).cloned().collect(),
                    );
                }
                Some(next) => {
                    on_path.insert(next);
                    path.push((next, calls.get(next).into_iter().flatten()));
                }
                None => {
                    finished.insert(node);
                    on_path.remove(*node);
                    path.pop();
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(texts: &[&str]) -> Option<String> {
        let sources: Vec<Source> =
            texts.iter().enumerate().map(|(index, text)| Source::new(format!("{index}.rego"), *text)).collect();
        let outlines: Vec<Outline> = sources.iter().map(|source| rego::parse(source).unwrap()).collect();
        check(&sources.iter().zip(&outlines).collect::<Vec<_>>()).err().map(|error| error.to_string())
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let error = refusal(&[text]).expect("the module is accepted");
        assert!(error.contains(expected), "expected `{expected}` in: {error}");
    }

    #[track_caller]
    fn check_accepted(texts: &[&str]) {
        assert_eq!(refusal(texts), None);
    }

    #[test]
    fn recursion_is_refused_wherever_it_hides() {
        check_refused("package p\nf(x) := f(x)", "0.rego:2: rules are recursive: f -> f");
        check_refused("package p\nf(x) := g(x)\ng(x) := f(x)", "f -> g -> f");
        check_refused(
            "package p\na if b\nb if { some x in [1]; x == count(c) }\nc contains 1 if a",
            "a -> b -> c -> a",
        );
        check_refused("package p\nf(x) := data.p.f(x)", "f -> f");
        check_refused("package p\nf(x) := y if { y := [z | z := f(x)] }", "f -> f");
        let long: Vec<String> = (0..5_000).map(|n| format!("f{n}(x) := f{}(x)", n + 1)).collect();
        let long = long.join("\n");
        check_accepted(&[&format!("package p\n{long}\nf5000(x) := x")]);
        let library = "package lib.a\nimport data.p\nf(x) := p.g(x)";
        let error = refusal(&["package p\nimport data.lib.a\ng(x) := a.f(x)", library]).unwrap();
        assert!(error.contains("recursive"), "{error}");
    }

    #[test]
    fn a_variable_that_shares_a_rules_name_is_no_recursion() {
        check_accepted(&["package p\nmsg := m if { msg := 1; m := msg }"]);
        check_accepted(&["package p\npath(c) := path if { path := c.path }"]);
        check_accepted(&["package p\nx contains y if { some x in [1]; y := x }"]);
    }

    #[test]
    fn unknown_and_impure_functions_are_refused() {
        check_refused("package p\n\nx if { nope(1) }", "0.rego:3:8: function nope is not known");
        check_refused("package p\nx := strings.nope(1)", "function strings.nope is not known");
        check_refused("package p\nx := time.now_ns()", "use input.now");
        check_refused("package p\nx if { walk(input, [p, v]); p == v }", "the engine has no walk");
        check_refused("package p\nx := http.send({})", "0.rego:2:6: function http.send is not allowed");
        check_refused("package p\nx := time.parse_rfc3339_ns(\"\")", "input.now");
        check_refused("package p\nf(a) := a\nx := f(1, 2, 3)", "takes 1 arguments, 3 given");
        check_accepted(&[
            "package p\nimport data.lib.images\nx if images.trusted(input.image)",
            "package lib.images\ntrusted(i) if startswith(i, \"a/\")",
        ]);
        check_accepted(&["package p\nx if print(input)"]);
    }

    #[test]
    fn a_sprintf_that_would_lose_its_violation_is_refused() {
        check_refused("package p\nx := sprintf(\"%s and %d\", [1])", "0.rego:2:6: sprintf has 2 verbs");
        check_refused("package p\nx := sprintf(`%s`, [1, 2])", "1 verbs in its format but 2 arguments");
        check_accepted(&["package p\nx := sprintf(\"100%% of %-5.2f %*d\", [1, 2, 3])"]);
        check_accepted(&["package p\nx := sprintf(\"%[1]d %[1]d\", [1])"]);
        check_accepted(&["package p\nx := sprintf(input.format, input.list)"]);
    }
}

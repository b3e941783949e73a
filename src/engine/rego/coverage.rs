//! Which lines of modules evaluations reach.
//!
//! The engine notes the line of every expression that it evaluates, and counts as coverable the lines on which an
//! expression of a rule's head or body begins. Two things it would not count are made countable by writing them out in
//! the text that is compiled, on the lines where they stand: what a rule yields that states no value (`p if {`), and
//! an `else` without a body. So a helper that is never true, and a fallback that is never reached, show.
//!
//! Not counted are packages, imports, comments, brackets alone on a line, `else` values in front of a body (their body
//! is), and lines on which only a comprehension begins (its body is).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::syntax::{Parser, Rule, RuleBody, RuleHead};
use super::{Dialect, Engine, EngineSource, Source, SourceError, located};

/// A rule put behind a module to make the engine look at it at all.
const MARK: &str = "portcullis_coverage_mark";

/// The variable that an `else` without a body is written out with.
const REACHED: &str = "portcullis_coverage_else";

const ELSE: &str = "else";

/// The value of what states none.
const TRUE: &str = " := true";

/// The engine takes no longer line; where one would get longer, the file is compiled as it is.
const COLUMNS: usize = 1_024;

/// The lines of a file that hold something to evaluate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Those that were evaluated.
    pub covered: BTreeSet<u32>,
    /// Those that were not.
    pub uncovered: BTreeSet<u32>,
}

/// What evaluations reached, gathered from every program that was compiled to tell it. Shared by its clones.
#[derive(Clone, Debug, Default)]
pub struct Coverage(Arc<Mutex<BTreeMap<String, Lines>>>);

impl Coverage {
    /// Each file with its lines.
    pub fn files(&self) -> BTreeMap<String, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a module known, nothing of it reached, and gives the text to compile in its place.
    pub(super) fn enter(&self, source: &Source, dialect: Dialect) -> Result<String, SourceError> {
        let plain = source.text.to_string();
        let text = written_out(source, dialect).unwrap_or_else(|_| plain.clone());
        let (text, uncovered) = match coverable(source, &text, dialect) {
            Ok(lines) => (text, lines),
            Err(_) => (plain, coverable(source, &source.text, dialect)?),
        };
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.entry(source.file.to_string()).or_insert_with(|| Lines { uncovered, ..Lines::default() });
        Ok(text)
    }

    /// Adds what an engine has reached since it began to look.
    pub(super) fn add(&self, engine: &Engine) {
        let Ok(report) = engine.get_coverage_report() else { return };
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for file in report.files {
            let Some(lines) = files.get_mut(&file.path) else { continue };
            for line in file.covered {
                if lines.uncovered.remove(&line) {
                    lines.covered.insert(line);
                }
            }
        }
    }
}

/// The lines that the engine can cover. It tells them only of a module of which it has evaluated something: the mark.
fn coverable(source: &Source, text: &str, dialect: Dialect) -> Result<BTreeSet<u32>, SourceError> {
    let failed = |error: anyhow::Error| located(source, &error.to_string());
    let mut engine = Engine::new();
    engine.set_rego_v0(dialect == Dialect::V0);
    engine.set_enable_coverage(true);
    let marked = format!("{text}\n{MARK} := true\n");
    let package = engine.add_policy(source.file.to_string(), marked.clone()).map_err(failed)?;
    engine.eval_rule(format!("{package}.{MARK}")).map_err(failed)?;
    let mark = marked.lines().count();
    let report = engine.get_coverage_report().map_err(failed)?;
    let lines = report.files.into_iter().flat_map(|file| file.covered.into_iter().chain(file.not_covered));
    Ok(lines.filter(|line| usize::try_from(*line).is_ok_and(|line| line < mark)).collect())
}

/// A text to be put into another before a byte.
type Insertion = (usize, String);

/// The module's text with what the engine would not count written out. It means the same, on the same lines.
fn written_out(source: &Source, dialect: Dialect) -> Result<String, SourceError> {
    let failed = |error: anyhow::Error| located(source, &error.to_string());
    let text = EngineSource::from_contents(source.file.to_string(), source.text.to_string()).map_err(failed)?;
    let mut parser = Parser::new(&text).map_err(failed)?;
    if dialect == Dialect::V1 {
        parser.enable_rego_v1().map_err(failed)?;
    }
    let module = parser.parse().map_err(failed)?;
    let mut insertions: Vec<Insertion> = Vec::new();
    for rule in &module.policy {
        if let Rule::Spec { head, bodies, .. } = rule.as_ref() {
            insertions.extend(value_of(head, bodies));
            insertions.extend(bodies.iter().flat_map(|body| body_of(body, dialect, &source.text)));
        }
    }
    insertions.sort();
    let mut text = source.text.to_string();
    for (at, inserted) in insertions.into_iter().rev().filter(|(at, _)| source.text.is_char_boundary(*at)) {
        text.insert_str(at, &inserted);
    }
    let has_room = text.lines().all(|line| line.len() < COLUMNS);
    Ok(if has_room { text } else { source.text.to_string() })
}

/// `p if {` yields true, as does `p := true if {`: written so, the head's line is covered when the body held.
fn value_of(head: &RuleHead, bodies: &[RuleBody]) -> Option<Insertion> {
    let (RuleHead::Compr { span, assign: None, .. } | RuleHead::Func { span, assign: None, .. }) = head else {
        return None;
    };
    (!bodies.is_empty()).then(|| Some((byte(span.end)?, TRUE.to_owned()))).flatten()
}

/// `else := x` is `else := y if { y := x }`: written so, the lines of `x` count. An `else` that states no value yields
/// true as its head does, and to the engine must say so when its head does.
fn body_of(body: &RuleBody, dialect: Dialect, text: &str) -> Vec<Insertion> {
    if body.is_else && body.assign.is_none() {
        let at = byte(body.span.start).map(|at| at.saturating_add(ELSE.len()));
        return at.map(|at| (at, TRUE.to_owned())).into_iter().collect();
    }
    let Some(assign) = body.assign.as_ref().filter(|_| body.is_else && body.query.stmts.is_empty()) else {
        return Vec::new();
    };
    let keyword = if dialect == Dialect::V1 { "if " } else { "" };
    let before = byte(assign.span.start).map(|at| (at, format!(":= {REACHED} {keyword}{{ {REACHED} ")));
    let end = byte(assign.span.end).map(|at| {
        // The engine's span of a string ends before its closing quote.
        let is_quote = text.get(at..).is_some_and(|rest| rest.starts_with(['"', '`']));
        at.saturating_add(usize::from(is_quote))
    });
    let after = end.map(|at| (at, " }".to_owned()));
    before.zip(after).map_or_else(Vec::new, |(before, after)| vec![before, after])
}

fn byte(offset: u32) -> Option<usize> {
    usize::try_from(offset).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Program, Value, parse};
    use super::*;

    /// Evaluates rules of a module in package p and shows its lines: + covered, - not covered, a space for neither.
    #[track_caller]
    fn check(text: &str, rules: &[&str], expected: &str) {
        let source = Source::new("p.rego", text);
        let coverage = Coverage::default();
        let program = Program::observed([(&source, parse(&source).unwrap().dialect)], &coverage).unwrap();
        for rule in rules {
            program.evaluate(&[format!("data.p.{rule}")], Value::new_object(), Duration::from_secs(5)).unwrap();
        }
        let lines = &coverage.files()["p.rego"];
        let shown = |line: u32| match (lines.covered.contains(&line), lines.uncovered.contains(&line)) {
            (true, false) => '+',
            (false, true) => '-',
            (false, false) => ' ',
            (true, true) => '?',
        };
        let count = u32::try_from(text.lines().count()).unwrap();
        assert_eq!((1..=count).map(shown).collect::<String>(), expected, "{text}");
    }

    #[test]
    fn what_nothing_entered_is_not_covered() {
        let text = "package p\n\nused if {\n\tnot input.a\n}\n\nunused(x) := y if {\n\ty := x + 1\n}\n";
        check(text, &["used"], "  ++  -- ");
        check(text, &[], "  --  -- ");
    }

    #[test]
    fn a_body_that_stops_covers_what_it_reached_and_not_its_head() {
        let text = "package p\nx if {\n\tf(2)\n\tinput.y\n}\nf(n) if {\n\tn > 1\n\tn > 5\n\tn > 7\n}\n";
        check(text, &["x"], " -+- -++- ");
    }

    #[test]
    fn expressions_over_several_lines_count_line_by_line() {
        let text = "package p\nx := y if {\n\tsome [a, _] in [\n\t\t[1, 2],\n\t]\n\ty := concat(\n\t\t\"\",\n\t\t[\n\
                    \t\t\tsprintf(\"%d\", [a]),\n\t\t],\n\t)\n}\nz := {\n\t\"a\": [\n\t\t1,\n\t],\n}\n";
        check(text, &["x"], " +++ ++++   ---  ");
        check(text, &["x", "z"], " +++ ++++   +++  ");
    }

    #[test]
    fn an_else_that_is_never_reached_shows() {
        let text = "package p\nx := f(1)\ny := f(2)\nz := f(3)\nf(n) := \"a\" if {\n\tn == 1\n} else := \"b\" if {\n\
                    \tn == 2\n} else := sprintf(\n\t\"%v\",\n\t[n],\n)\n";
        check(text, &["x"], " +--++ ---- ");
        check(text, &["x", "y"], " ++-++ +--- ");
        check(text, &["x", "y", "z"], " +++++ ++++ ");
    }

    #[test]
    fn the_old_dialect_counts_alike() {
        let text = "package p\nx { f(1) }\nf(n) = true {\n\tn == 2\n} else = false {\n\tn == 3\n} else = true\n\
                    deny[msg] {\n\tinput.b\n\tmsg := \"no\"\n}\n";
        check(text, &["x"], " +-+ ++--- ");
    }

    #[test]
    fn values_stay_what_they_are() {
        for (text, expected) in [
            ("x if {\n\tnot input.a\n}", "true"),
            ("x if {\n\tinput.a\n} else := false", "false"),
            ("x := 1 if {\n\tinput.a\n} else := {\"ä\": \"ß\"} # x }\ny := 1", "{\"ä\":\"ß\"}"),
            ("x := 1 if {\n\tinput.a\n} else := [\n\t\"}\",\n] # behind", "[\"}\"]"),
            ("x := 1 if {\n\tinput.a\n} else := \"b\" # \"", "\"b\""),
            ("x := 1 if {\n\tinput.a\n} else := concat(\"\", [`a`, \"b\"])", "\"ab\""),
            ("x := 1 if {\n\tinput.a\n} else := `}\nb`", "\"}\\nb\""),
            ("x := f(\"a\")\nf(\"a\") if not input.b", "true"),
            ("x := [f(1), f(2), f(3)]\nf(n) if {\n\tn == 1\n} else if n == 2 else := 7", "[true,true,7]"),
            ("x := [f(1), f(2)]\nf(n) { n == 1 } else { n == 2 }", "[true,true]"),
            ("default x := 2\nx := 1 if {\n\tinput.a\n} else := input.b", "2"),
        ] {
            let source = Source::new("p.rego", format!("package p\n{text}\n"));
            let dialect = parse(&source).unwrap().dialect;
            for program in
                [Program::compile([(&source, dialect)]), Program::observed([(&source, dialect)], &Coverage::default())]
            {
                let value = program.unwrap().evaluate(&["data.p.x"], Value::new_object(), Duration::from_secs(5));
                let json = value.unwrap()[0].to_json_str().unwrap().replace(char::is_whitespace, "");
                assert_eq!(json, expected, "{text}");
            }
        }
    }

    #[test]
    fn a_file_whose_lines_have_no_room_is_left_as_it_is() {
        let text = format!("package p\nx if {{ # {}\n\ttrue\n}}\n", "x".repeat(1_012));
        check(&text, &["x"], "  + ");
    }
}

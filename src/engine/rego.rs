//! The Rego engine behind one door: no other file names the crate.
//!
//! Its interpreter is used, one engine a policy, prepared at load; an evaluation clones the prepared engine, which is
//! two reference counts. Text reaches it only through [`parse`], which refuses beforehand what would hang or overflow
//! its parser.

pub mod coverage;
mod outline;
mod probe;
mod show;
mod text;
pub mod tree;

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use regorus::Engine;
use regorus::Source as EngineSource;
pub use regorus::Value;
use regorus::utils::limits::ExecutionTimerConfig;

use self::coverage::Coverage;
pub use self::outline::{Call, Dialect, Import, Outline, Rule, RuleKind, Use};
pub use self::probe::{Binding, Failure, Firing};
pub use self::show::{Part, show, show_hiding};
use super::budget::Stopwatch;
use super::source::{Source, SourceError};

/// The syntax tree's types, for the outline and the probes.
mod syntax {
    pub(super) use regorus::unstable::{
        AssignOp, BoolOp, Expr, Import, Lexer, Literal, LiteralStmt, Module, Parser, Query, Ref, Rule, RuleAssign,
        RuleBody, RuleHead, Span, Token, TokenKind,
    };
}

/// How many elements `numbers.range` may yield: the engine's timer does not interrupt a builtin, and this many take
/// it about 30 ms.
const RANGE_ELEMENTS: i64 = 100_000;

/// Expressions evaluated between two looks at the clock.
const TIMER_INTERVAL: NonZeroU32 = NonZeroU32::new(64).expect("64 is not zero");

/// Why an evaluation has no value. Neither a pass nor a violation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// The time given was used up.
    #[error("time budget of {} ms exceeded", .0.as_millis())]
    Timeout(Duration),
    /// The policy broke: a builtin was called wrongly, rules conflict, the engine gave up.
    #[error("{0}")]
    Broken(String),
}

/// A set of modules, compiled and ready to be evaluated any number of times.
#[derive(Clone)]
pub struct Program {
    engine: Engine,
    /// What is told of the lines that evaluations reach.
    coverage: Option<Coverage>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").finish_non_exhaustive()
    }
}

/// What a test rule did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRun {
    /// `Ok(true)` if the rule's value is true, `Ok(false)` if it is anything else or undefined.
    pub result: Result<bool, EvaluationError>,
    /// What the rules printed, a line each.
    pub prints: Vec<String>,
}

/// What to do about an error of which the parser only says what it expected.
const SEE_LANGUAGE: &str = "write the module in Rego v1: https://www.openpolicyagent.org/docs/policy-language";

/// Parses a module: as Rego v1 if it is one, otherwise as v0.
pub fn parse(source: &Source) -> Result<Outline, SourceError> {
    parse_as_it_is(source).map_err(|error| if error.remedy.is_none() { error.fix(SEE_LANGUAGE) } else { error })
}

fn parse_as_it_is(source: &Source) -> Result<Outline, SourceError> {
    let tokens = text::inspect(source)?;
    let v1_error = match parse_as(source, Dialect::V1) {
        Ok(outline) => return Ok(outline),
        Err(error) => error,
    };
    if tokens.imports_v1 {
        return Err(v1_error.fix("the file imports rego.v1: write rules as `deny contains msg if { … }`"));
    }
    if tokens.reads_as_v1 {
        return Err(v1_error);
    }
    parse_as(source, Dialect::V0).map_err(|v0_error| {
        if (v0_error.line, v0_error.column) >= (v1_error.line, v1_error.column) { v0_error } else { v1_error }
    })
}

/// The whole tree of a module that [`parse`] accepted, in the dialect that it found.
pub fn parse_tree(source: &Source, dialect: Dialect) -> Result<tree::Tree, SourceError> {
    module(source, dialect).map(|module| tree::read(&module))
}

fn parse_as(source: &Source, dialect: Dialect) -> Result<Outline, SourceError> {
    module(source, dialect).map(|module| outline::read(&module, dialect))
}

fn module(source: &Source, dialect: Dialect) -> Result<syntax::Module, SourceError> {
    let broken = |error: &anyhow::Error| located(source, &error.to_string());
    let text = engine_source(source)?;
    let mut parser = syntax::Parser::new(&text).map_err(|error| broken(&error))?;
    if dialect == Dialect::V1 {
        parser.enable_rego_v1().map_err(|error| broken(&error))?;
    }
    parser.parse().map_err(|error| broken(&error))
}

fn engine_source(source: &Source) -> Result<EngineSource, SourceError> {
    EngineSource::from_contents(source.file.to_string(), source.text.to_string())
        .map_err(|error| located(source, &error.to_string()))
}

impl Program {
    /// Compiles modules that [`parse`] accepted, each in its dialect.
    pub fn compile<'a>(modules: impl IntoIterator<Item = (&'a Source, Dialect)>) -> Result<Self, SourceError> {
        Self::compile_for(modules, None)
    }

    /// The same, telling `coverage` which lines evaluations reach.
    pub fn observed<'a>(
        modules: impl IntoIterator<Item = (&'a Source, Dialect)>,
        coverage: &Coverage,
    ) -> Result<Self, SourceError> {
        Self::compile_for(modules, Some(coverage.clone()))
    }

    fn compile_for<'a>(
        modules: impl IntoIterator<Item = (&'a Source, Dialect)>,
        coverage: Option<Coverage>,
    ) -> Result<Self, SourceError> {
        let mut engine = Engine::new();
        engine.set_gather_prints(true);
        engine.set_enable_coverage(coverage.is_some());
        let mut is_extended = false;
        for (source, dialect) in modules {
            // Each evaluation clones what the engine is extended by, so only those that may call it are.
            if !is_extended && source.text.contains("numbers") {
                let extended = engine.add_extension("numbers.range".to_owned(), 2, Box::new(limited_range));
                debug_assert!(extended.is_ok(), "a fresh engine has no extension");
                is_extended = true;
            }
            let text = match &coverage {
                Some(coverage) => coverage.enter(source, dialect)?,
                None => source.text.to_string(),
            };
            engine.set_rego_v0(dialect == Dialect::V0);
            engine.add_policy(source.file.to_string(), text).map_err(|error| located(source, &error.to_string()))?;
        }
        Ok(Self { engine, coverage })
    }

    /// The same program prepared for evaluation, proven by evaluating `rules` on `input`. Errors of that evaluation
    /// do not matter (the input is no real one) unless they are the compiler's.
    #[must_use]
    pub fn prepared(mut self, rules: &[impl AsRef<str>], input: Value, limit: Duration) -> Self {
        self.engine.set_input(input);
        self.engine.set_execution_timer_config(timer(limit));
        for rule in rules {
            let proven = catch_unwind(AssertUnwindSafe(|| self.engine.eval_rule(rule.as_ref().to_owned()).is_ok()));
            debug_assert!(proven.is_ok(), "a panic here shows again as an outcome of each evaluation");
        }
        // What only proves the program covers nothing.
        self.engine.clear_coverage_data();
        self
    }

    /// Evaluates rules (paths such as `data.policies.x.deny`) on one input within one time limit.
    pub fn evaluate(
        &self,
        rules: &[impl AsRef<str>],
        input: Value,
        limit: Duration,
    ) -> Result<Vec<Value>, EvaluationError> {
        let mut engine = self.engine.clone();
        engine.set_input(input);
        let watch = Stopwatch::start();
        let evaluate = |rule: &_| {
            // The engine's timer begins anew with each rule.
            engine.set_execution_timer_config(timer(limit.saturating_sub(watch.elapsed())));
            evaluate_rule(&mut engine, AsRef::as_ref(rule), limit)
        };
        let values = rules.iter().map(evaluate).collect();
        self.cover(&engine);
        values
    }

    /// Runs a test rule.
    pub fn test(&self, rule: &str, limit: Duration) -> TestRun {
        let mut engine = self.engine.clone();
        engine.set_input(Value::new_object());
        engine.set_execution_timer_config(timer(limit));
        let result = evaluate_rule(&mut engine, rule, limit).map(|value| value == Value::Bool(true));
        self.cover(&engine);
        TestRun { result, prints: engine.take_prints().unwrap_or_default() }
    }

    fn cover(&self, engine: &Engine) {
        if let Some(coverage) = &self.coverage {
            coverage.add(engine);
        }
    }
}

fn timer(limit: Duration) -> ExecutionTimerConfig {
    ExecutionTimerConfig { limit, check_interval: TIMER_INTERVAL }
}

fn evaluate_rule(engine: &mut Engine, rule: &str, limit: Duration) -> Result<Value, EvaluationError> {
    // The engine forbids its own panics, but its crates do not: one of them is this policy's error, not the end of
    // the process. The clone it may have left half-changed is dropped.
    match catch_unwind(AssertUnwindSafe(|| engine.eval_rule(rule.to_owned()))) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failure(&error, limit)),
        Err(_) => Err(EvaluationError::Broken("the engine panicked".to_owned())),
    }
}

/// The engine keeps its typed error only outside of functions, so that the text is matched as well.
fn failure(error: &anyhow::Error, limit: Duration) -> EvaluationError {
    let text = error.to_string();
    if text.contains("exceeded time limit") {
        return EvaluationError::Timeout(limit);
    }
    let (place, message) = split_location(&text);
    EvaluationError::Broken(match place {
        Some((file, line, _)) => format!("{file}:{line}: {message}"),
        None => message,
    })
}

fn located(source: &Source, text: &str) -> SourceError {
    let (place, message) = split_location(text);
    match place {
        Some((file, line, column)) if file == source.file.as_ref() => {
            SourceError::at(&source.file, line, column, message)
        }
        _ => SourceError::whole(&source.file, message),
    }
}

type Location<'a> = (&'a str, u32, u32);

/// The engine's errors are drawings: `--> file:line:col`, the line with a caret, then `error: message`.
fn split_location(text: &str) -> (Option<Location<'_>>, String) {
    let place = text.lines().find_map(|line| line.trim_start().strip_prefix("--> ")).and_then(|place| {
        let mut parts = place.rsplitn(3, ':');
        let column = parts.next()?.trim().parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        Some((parts.next()?, line, column))
    });
    let message = text.lines().rev().find_map(|line| line.trim_start().strip_prefix("error: "));
    let message = message.map_or_else(|| text.split_whitespace().collect::<Vec<_>>().join(" "), str::to_owned);
    (place, message)
}

/// `numbers.range` with a bound. Integers beyond 64 bits are refused with it.
#[expect(clippy::needless_pass_by_value, reason = "the engine's extension signature")]
fn limited_range(arguments: Vec<Value>) -> Result<Value, anyhow::Error> {
    let bound = |index: usize| arguments.get(index).and_then(|value| value.as_i64().ok());
    let (Some(from), Some(to)) = (bound(0), bound(1)) else {
        anyhow::bail!("numbers.range: both arguments must be integers");
    };
    if from.abs_diff(to) >= RANGE_ELEMENTS.unsigned_abs() {
        anyhow::bail!("numbers.range: more than {RANGE_ELEMENTS} elements");
    }
    let ascending: Vec<Value> = (from.min(to)..=from.max(to)).map(Value::from).collect();
    Ok(Value::from(if from <= to { ascending } else { ascending.into_iter().rev().collect() }))
}

/// Whether the engine has a builtin function of this name.
pub fn is_builtin(name: &str) -> bool {
    name == "print" || regorus::unstable::BUILTINS.contains_key(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(500);

    fn program(text: &str) -> Program {
        let source = Source::new("p.rego", text);
        let outline = parse(&source).unwrap();
        Program::compile([(&source, outline.dialect)]).unwrap()
    }

    fn evaluate(text: &str) -> Result<Value, EvaluationError> {
        program(text).evaluate(&["data.p.x"], Value::new_object(), LIMIT).map(|values| values[0].clone())
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let error = parse(&Source::new("p.rego", text)).unwrap_err().to_string();
        assert!(error.contains(expected), "expected `{expected}` in: {error}");
    }

    #[test]
    fn tells_the_dialect_by_what_parses() {
        let dialect = |text: &str| parse(&Source::new("p.rego", text)).unwrap().dialect;
        assert_eq!(dialect("package p\nx contains 1 if true"), Dialect::V1);
        assert_eq!(dialect("package p\ndeny[msg] { msg := \"no\" }"), Dialect::V0);
        assert_eq!(dialect("package p\nimport future.keywords.in\ndeny[x] { x in [1] }"), Dialect::V0);
    }

    #[test]
    fn syntax_errors_name_line_and_column() {
        check_refused("package p\n\nx contains 1 if {\n  y ==\n}", "p.rego:5:1: ");
        check_refused("package p\nimport rego.v1\ndeny[msg] { msg := \"no\" }", "p.rego:3:");
        check_refused("package p\nimport rego.v1\ndeny[msg] { msg := \"no\" }", "fix: the file imports rego.v1");
        check_refused("package p\nf(x) if", "p.rego:2:");
        check_refused("", "p.rego");
    }

    #[test]
    fn refuses_text_that_hangs_or_misleads_the_parser() {
        let nested = format!("package p\nx := {}1{}", "[".repeat(40), "]".repeat(40));
        check_refused(&nested, "nested deeper than");
        check_refused("package p\nx[1] { true } { true }", "chained");
        check_refused("package p\nf(a) { a == 1 } { a == 2 }", "chained");
        check_refused("package p\nx if {\n  y := input.a\n  (y == 1)\n}", "p.rego:4:3");
        check_refused(&"#\n".repeat(600_000), "larger than");
        let sum = ["1"; 300].join(" +\n");
        check_refused(&format!("package p\nx := {sum}"), "p.rego:252:3: expression has more than 250 parts in a row");
        check_refused(&format!("package p\nx := input{}", "[1]".repeat(251)), "more than 250 parts");
        check_refused(&format!("package p\nx := input{}", ".a".repeat(251)), "more than 250 parts");
    }

    #[test]
    fn long_is_not_deep() {
        let rules: Vec<String> = (0..2_000).map(|n| format!("x{n} := [1 + {n}, input.a.b]")).collect();
        let list: Vec<String> = (0..2_000).map(|n| format!("\"a\": {n} - 1")).collect();
        let text = format!("package p\n{}\ny := [{{{}}}]\n", rules.join("\n"), list.join(",\n"));
        assert_eq!(parse(&Source::new("p.rego", text)).unwrap().rules.len(), 2_001);
    }

    #[test]
    fn a_builtin_called_wrongly_is_an_error_and_never_undefined() {
        let broken = evaluate("package p\nx contains sprintf(\"%d %d\", [1]) if true").unwrap_err();
        assert!(matches!(&broken, EvaluationError::Broken(text) if text.contains("p.rego:2")), "{broken}");
    }

    #[test]
    fn a_loop_ends_at_its_limit() {
        let text = "package p\nx contains c if { some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); \
                    c := a * b; c < 0 }";
        let outcome = program(text).evaluate(&["data.p.x"], Value::new_object(), Duration::from_millis(10));
        assert_eq!(outcome.unwrap_err(), EvaluationError::Timeout(Duration::from_millis(10)));
    }

    #[test]
    fn ranges_are_bounded() {
        assert_eq!(evaluate("package p\nx := numbers.range(3, 1)").unwrap(), Value::from_json_str("[3,2,1]").unwrap());
        let error = evaluate("package p\nx := numbers.range(1, 100001)").unwrap_err();
        assert!(error.to_string().contains("100000 elements"), "{error}");
    }

    #[test]
    fn one_evaluation_leaves_nothing_to_the_next() {
        let program = program("package p\nx contains input.a");
        let run = |json: &str| program.evaluate(&["data.p.x"], Value::from_json_str(json).unwrap(), LIMIT).unwrap();
        assert_eq!(run(r#"{"a": 1}"#)[0].to_json_str().unwrap().replace(char::is_whitespace, ""), "[1]");
        assert_eq!(run("{}")[0].to_json_str().unwrap().replace(char::is_whitespace, ""), "[]");
    }
}

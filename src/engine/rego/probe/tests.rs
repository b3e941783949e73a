//! Which shapes of Rego the probes understand, and what they say of each.

use super::super::super::source::Source;
use super::super::{parse, show};
use super::*;

const LIMIT: Duration = Duration::from_secs(2);

fn program(files: &[(&str, &str)]) -> Program {
    let sources: Vec<Source> = files.iter().map(|(file, text)| Source::new(*file, *text)).collect();
    let dialects: Vec<_> = sources.iter().map(|source| parse(source).unwrap().dialect).collect();
    Program::compile(sources.iter().zip(dialects)).unwrap()
}

fn written(bindings: &[Binding]) -> String {
    let values = |values: &[Value]| match values {
        [] => "undefined".to_owned(),
        _ => values.iter().map(|value| show(value, 60)).collect::<Vec<_>>().join(" | "),
    };
    let written = bindings.iter().map(|binding| format!("{}={}", binding.expression, values(&binding.values)));
    written.collect::<Vec<_>>().join("; ")
}

/// What is said of the firings of `deny`, each as `line value: bindings`.
fn fired(files: &[(&str, &str)], input: &str) -> Option<Vec<String>> {
    let input = Value::from_json_str(input).unwrap();
    let firings = program(files).fired("p.rego", "deny", &input, LIMIT)?;
    let say = |firing: &Firing| {
        format!("{} {}: {}", firing.line, show(&firing.value, 40), written(&firing.bindings)).trim_end().to_owned()
    };
    Some(firings.iter().map(say).collect())
}

#[track_caller]
fn check_fired(rules: &str, input: &str, expected: &[&str]) {
    let text = format!("package p\n{rules}");
    assert_eq!(fired(&[("p.rego", &text)], input).as_deref().unwrap_or_default(), expected, "{rules}");
}

/// What is said of the failed `test_x`: `line statement: bindings`.
fn failed(files: &[(&str, &str)]) -> Option<String> {
    let program = program(files);
    assert_eq!(program.test("data.p.test_x", LIMIT).result, Ok(false), "it does not fail");
    let failure = program.first_failure("p.rego", "test_x", LIMIT)?;
    Some(format!("{} {}: {}", failure.line, failure.statement, written(&failure.bindings)).trim_end().to_owned())
}

#[track_caller]
fn check_failed(rules: &str, expected: &str) {
    let text = format!("package p\n{rules}");
    assert_eq!(failed(&[("p.rego", &text)]).as_deref().unwrap_or("nothing"), expected, "{rules}");
}

#[test]
fn a_firing_names_its_definition_and_its_variables() {
    check_fired(
        "deny contains \"a\" if input.a\ndeny contains msg if {\n\tsome c in input.list\n\tc.n > 1\n\tmsg := c.name\n}",
        r#"{"list": [{"n": 1, "name": "x"}, {"n": 2, "name": "y"}]}"#,
        &[r#"3 "y": c={"n": 2, "name": "y"}; c.n=2"#],
    );
    check_fired("deny contains \"always\"", "{}", &[r#"2 "always":"#]);
    check_fired("deny contains \"bare\" if input.a", r#"{"a": 7}"#, &[r#"2 "bare": input.a=7"#]);
    check_fired(
        "deny contains m if some m in helper\nhelper contains x if some x in input.l",
        r#"{"l": ["u", "v"]}"#,
        &[r#"2 "u":"#, r#"2 "v":"#],
    );
}

#[test]
fn two_definitions_of_one_item_are_both_named() {
    check_fired(
        "deny contains \"m\" if input.a == 1\ndeny contains \"m\" if input.b == 2",
        r#"{"a": 1, "b": 2}"#,
        &[r#"2 "m": input.a=1"#, r#"3 "m": input.b=2"#],
    );
}

#[test]
fn every_way_of_binding_is_told_apart() {
    check_fired(
        "deny contains \"m\" if {\n\tsome i, x in input.l\n\tx > 1\n}",
        r#"{"l": [1, 2, 3]}"#,
        &[r#"2 "m": i=1; x=2"#, r#"2 "m": i=2; x=3"#],
    );
}

#[test]
fn a_negation_shows_what_it_denies() {
    check_fired(
        "deny contains \"m\" if {\n\tlabel := \"team\"\n\tnot input.labels[label]\n\tnot input.host == \"a\"\n}",
        r#"{"host": "b"}"#,
        &[r#"2 "m": label="team"; input.labels[label]=undefined; input.host="b""#],
    );
    check_fired(
        "deny contains \"m\" if not startswith(input.image, \"good/\")",
        r#"{"image": "bad/x"}"#,
        &[r#"2 "m": input.image="bad/x""#],
    );
}

#[test]
fn patterns_unification_and_iteration_bind_variables() {
    check_fired(
        "deny contains \"m\" if {\n\tsome {\"k\": k, \"v\": [v]} in input.l\n\t[a, b] := [k, v]\n\ta == b\n}",
        r#"{"l": [{"k": 1, "v": [1]}]}"#,
        &[r#"2 "m": k=1; v=1; a=1; b=1"#],
    );
    check_fired(
        "deny contains \"m\" if {\n\tsome i\n\tinput.l[i].x == true\n\tt = input.t\n\t{\"u\": u} = t\n}",
        r#"{"l": [{"x": false}, {"x": true}], "t": {"u": 9}}"#,
        &[r#"2 "m": i=1; input.l[i].x=true; t={"u": 9}; u=9"#],
    );
}

#[test]
fn what_iterates_without_a_name_is_not_guessed() {
    check_fired("deny contains \"m\" if input.l[_].x == true", r#"{"l": [{"x": false}, {"x": true}]}"#, &[r#"2 "m":"#]);
}

#[test]
fn comprehensions_every_and_modifiers_are_kept_whole() {
    check_fired(
        "deny contains \"m\" if {\n\tbad := {x | some x in input.l; x > 1}\n\tcount(bad) > 0\n\tevery x in input.l { x > 0 }\n\
         \tkind == \"b\" with input as {\"k\": \"b\"}\n}\nkind := input.k",
        r#"{"l": [1, 2], "k": "a"}"#,
        &[r#"2 "m": bad={2}; count(bad)=1; input.l=[1, 2]; kind="b""#],
    );
}

#[test]
fn statements_of_any_layout_are_read() {
    check_fired(
        "deny contains {\n\t\"msg\": sprintf(\"%s # no comment\", [x]), # a comment\n} if {\n\tx := concat(\n\t\t\"-\", # why\n\
         \t\t[\"a\", input.b],\n\t); \"c\" == input.c # trailing\n\t# own line\n\t`r` != \"s\"\n}",
        r#"{"b": "b", "c": "c"}"#,
        &[r#"2 {"msg": "a-b # no comment"}: x="a-b"; input.c="c""#],
    );
}

#[test]
fn the_old_dialect_is_understood() {
    check_fired(
        "deny[msg] {\n\tc := input.l[i]\n\tnot c.ok\n\tmsg := sprintf(\"%d %s\", [i, c.n])\n}\ndeny[\"fixed\"] { input.f = x }",
        r#"{"l": [{"n": "a", "ok": true}, {"n": "b"}], "f": 1}"#,
        &[r#"2 "1 b": c={"n": "b"}; i=1; c.ok=undefined"#, r#"7 "fixed": x=1"#],
    );
    check_fired(
        "import future.keywords.in\nimport future.keywords.if\nimport future.keywords.contains\n\
         deny contains x if { some x in input.l }",
        r#"{"l": ["a"]}"#,
        &[r#"5 "a":"#],
    );
    check_fired("import rego.v1\ndeny contains x if some x in input.l", r#"{"l": ["a"]}"#, &[r#"3 "a":"#]);
}

#[test]
fn imports_and_other_modules_of_the_package_are_seen() {
    let files = [
        (
            "p.rego",
            "package policies.a\nimport data.lib.names\nimport data.lib.more as m\nimport input.pod as pod\n\
             deny contains \"m\" if {\n\tx := names.first(pod.l)\n\tx == m.wanted\n\tx != limit\n}",
        ),
        ("q.rego", "package policies.a\nlimit := 9"),
        ("lib/names.rego", "package lib.names\nfirst(l) := l[0]"),
        ("lib/more.rego", "package lib.more\nwanted := \"w\""),
    ];
    let said = fired(&files, r#"{"pod": {"l": ["w"]}}"#).unwrap();
    assert_eq!(said, [r#"5 "m": x="w"; m.wanted="w"; limit=9"#]);
}

#[test]
fn nothing_is_said_of_what_is_not_understood() {
    let none = |rules: &str| fired(&[("p.rego", &format!("package p\n{rules}"))], r#"{"l": [1]}"#);
    assert_eq!(none("deny.x contains 1 if true"), None);
    assert_eq!(none("deny contains sprintf(\"%d %d\", input.l) if true"), None, "the rule itself is an error");
    assert_eq!(none("deny contains 1 if { __portcullis_x := 1; __portcullis_x == 1 }"), None);
    assert_eq!(program(&[("p.rego", "package p\nx := 1")]).fired("q.rego", "deny", &Value::Null, LIMIT), None);
    assert_eq!(none("allow contains 1 if true"), None);
}

#[test]
fn variables_are_named_though_rules_are_called_the_same() {
    check_fired(
        "name := \"rule\"\ndeny contains \"m\" if {\n\tname := input.n\n\tname == \"local\"\n}",
        r#"{"n": "local"}"#,
        &[r#"3 "m": name="local""#],
    );
}

#[test]
fn the_first_statement_that_is_false_is_found() {
    check_failed(
        "d contains 1\nd contains 2\ntest_x if {\n\ty := 1\n\ty == 1\n\tcount(d) == 0 with input as {\"a\": y}\n\ty == 2\n}",
        "7 count(d) == 0 with input as {\"a\": y}: count(d)=2; d={1, 2}",
    );
    check_failed("test_x if 1 == 2", "2 1 == 2:");
    check_failed("test_x if { false }", "2 false:");
}

#[test]
fn operands_are_evaluated_under_the_statements_modifiers() {
    check_failed(
        "deny contains input.m if input.m\nf(x) := x + input.k\n\
         test_x if {\n\tm := \"no\"\n\tdeny == {\"yes\"} with input.m as m\n}",
        "6 deny == {\"yes\"} with input.m as m: deny={\"no\"}",
    );
    check_failed(
        "f(x) := x + input.k\ntest_x if f(1) > g(2) with input as {\"k\": 1} with g as 7\ng(x) := x",
        "3 f(1) > g(2) with input as {\"k\": 1} with g as 7: f(1)=2; g(2)=7",
    );
}

#[test]
fn what_is_undefined_is_called_so() {
    check_failed("test_x if input.a.b", "2 input.a.b: input.a.b=undefined");
    check_failed("test_x if {\n\tx := input.a\n\tx == 1\n}", "3 x := input.a: input.a=undefined");
    check_failed("x := {\"a\": 1}\ntest_x if x.b == 1", "3 x.b == 1: x.b=undefined");
    check_failed("f(1) := 2\ntest_x if f(input.z) == 2", "3 f(input.z) == 2: f(input.z)=undefined; input.z=undefined");
}

#[test]
fn a_negation_that_fails_shows_what_is_true() {
    check_failed("d contains 1\ntest_x if not d[1]", "3 not d[1]: d[1]=1");
    check_failed("test_x if { x := \"abc\"; not startswith(x, \"a\") }", "2 not startswith(x, \"a\"): x=\"abc\"");
    check_failed("d := 3\ntest_x if not d == 3", "3 not d == 3: d=3");
}

#[test]
fn iteration_shows_each_value_that_was_tried() {
    check_failed("test_x if {\n\tsome x in [1, 2, 3]\n\tx > 1\n\tx > 5\n}", "5 x > 5: x=2 | 3");
    check_failed("l := [1, 2]\ntest_x if l[_] == 3", "3 l[_] == 3: l[_]=1 | 2");
    check_failed("l := []\ntest_x if { some x in l; x > 1 }", "3 some x in l: l=[]");
    check_failed("test_x if { some x; x = 1; x == 2 }", "2 x == 2: x=1");
}

#[test]
fn every_shows_the_items_it_fails_for() {
    check_failed(
        "l := [1, 5, 7]\ntest_x if every v in l { v < 6; v > 0 }",
        "3 every v in l { v < 6; v > 0 }: l=[1, 5, 7]; v=7",
    );
    check_failed(
        "test_x if {\n\tevery i, v in input.l {\n\t\t# each\n\t\ti == v\n\t} with input as {\"l\": [0, 2]}\n}",
        "3 every i, v in input.l { i == v } with input as {\"l\": [0, 2]}: input.l=[0, 2]; v=2",
    );
}

#[test]
fn statements_of_several_lines_are_shown_on_one() {
    let body = "\t\tv > 0 # positive\n\t\tnot v in {\n\t\t\t7,\n\t\t}\n\t\tx := [w |\n\t\t\tsome w in [1]\n\t\t]\n\t\tx == [\"a\"]\n";
    check_failed(
        &format!("test_x if {{\n\tevery v in [1] {{\n{body}\t}}\n}}"),
        "3 every v in [1] { v > 0; not v in { 7, }; x := [w | some w in [1] ]; x == [\"a\"] }: v=1",
    );
    check_failed(
        "test_x if count(concat(\n\t\",\",\n\t[\"a\"],\n)) == 7 with input\n\tas 1",
        "2 count(concat( \",\", [\"a\"], )) == 7 with input as 1: count(concat( \",\", [\"a\"], ))=1; concat( \",\", [\"a\"], )=\"a\"",
    );
}

#[test]
fn calls_sets_and_sums_show_their_parts() {
    check_failed(
        "a := {1}\nb := {2}\ntest_x if count(a | b) + 1 == 4",
        "4 count(a | b) + 1 == 4: count(a | b) + 1=3; count(a | b)=2; a | b={1, 2}; a={1}; b={2}",
    );
    check_failed("a := [1]\ntest_x if 2 in a", "3 2 in a: a=[1]");
    check_failed("a := {x | some x in [1]}\ntest_x if a == {2}", "3 a == {2}: a={1}");
    check_failed(
        "test_x if \"b\" in {\"a\": input.x, \"c\": 1} with input.x as 1",
        "2 \"b\" in {\"a\": input.x, \"c\": 1} with input.x as 1: {\"a\": input.x, \"c\": 1}={\"a\": 1, \"c\": 1}",
    );
}

#[test]
fn a_rules_value_that_is_not_true_is_what_failed() {
    check_failed("a := 1\ntest_x := a == 2", "3 a == 2: a=1");
    check_failed("test_x := y if { y := 1 + 1 }", "2 y: y=2");
    check_failed("default test_x := false\ntest_x if { 1 == 1; 3 == 4 }", "3 3 == 4:");
    check_failed("a := false\ntest_x := a", "3 a: a=false");
    check_failed("test_x := set() # not much", "2 set():");
    check_failed(
        "test_x := {\"a\": {1: \"}\"}, \"b\": input} # c",
        "2 {\"a\": {1: \"}\"}, \"b\": input}: {\"a\": {1: \"}\"}, \"b\": input}={\"a\": {1: \"}\"}, \"b\": {}}",
    );
}

#[test]
fn the_old_dialects_tests_are_understood() {
    check_failed("d[x] { x := 1 }\ntest_x { y := 1; count(d) == y; d[2] }", "3 d[2]: d[2]=undefined");
}

#[test]
fn of_a_rule_with_else_nothing_is_said() {
    check_failed("test_x := false if { 1 == 1 } else := true", "nothing");
}

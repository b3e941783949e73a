//! Claims about the YAML reader; values are what `sigs.k8s.io/yaml` 1.6 gave for the same text.

use super::super::TEMPLATE_HINT;
use super::*;

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let Parsed { documents, errors } = parse(text);
    assert_eq!(errors, [], "{text}");
    assert_eq!(documents.iter().map(Node::to_json).collect::<Vec<_>>(), expected, "{text}");
}

#[track_caller]
fn refuses(text: &str, line: u32, column: u32, message: &str) {
    let error = parse_one(text).map(|_| "a document").unwrap_err();
    let shown: String = text.chars().take(60).collect();
    assert_eq!((error.place, &*error.message), (Place { line, column }, message), "{shown}");
}

#[test]
fn reads_a_stream_of_documents() {
    check("a: 1\n---\nb: 2\n", &[r#"{"a":1}"#, r#"{"b":2}"#]);
    check("---\n# only a comment\n---\n\n---\na: 1\n...\n---\n", &[r#"{"a":1}"#]);
    check("# head\n--- # tail\na: 1\n--- \nb: 2", &[r#"{"a":1}"#, r#"{"b":2}"#]);
    check("%YAML 1.1\n---\na: 1\n", &[r#"{"a":1}"#]);
    check("--- {a: 1}\n--- [b]\n", &[r#"{"a":1}"#, r#"["b"]"#]);
    check("a: 1\n...\nb: 2\n", &[r#"{"a":1}"#, r#"{"b":2}"#]);
    check("", &[]);
    check("---\n---\n", &[]);
    check("null\n---\n~\n", &[]);
    check("a: |\n  ---\n  x\nb: 1", &[r#"{"a":"---\nx\n","b":1}"#]);
    check("a: 1\r\n---\r\nb: 2\r\n", &[r#"{"a":1}"#, r#"{"b":2}"#]);
    check("a: 1\rb: 2\r", &[r#"{"a":1,"b":2}"#]);
    check("\u{feff}a: 1", &[r#"{"a":1}"#]);
}

#[test]
fn resolves_scalars_as_kubectl_does() {
    check(
        "[y, N, on, ~, 0644, 1_000, 1.0, 1e400, '12', \"on\", 2001-01-01, <<]",
        &[r#"[true,false,true,null,420,1000,1,"1e400","12","on","2001-01-01","<<"]"#],
    );
    check("{true: 1, 0x10: 2, 1e3: 3, off: 4, '~': 5}", &[r#"{"true":1,"16":2,"1000":3,"false":4,"~":5}"#]);
}

#[test]
fn knows_the_place_of_every_node() {
    let text =
        "# é\nkind: Pod\nspec:\n  - name: wéb\n    image: nginx\n  - {é😀: 1, b: \"x\"}\nempty:\nnext: |\n  text\n";
    let node = parse_one(text).unwrap();
    let place = |line, column| Place { line, column };
    assert_eq!((node.place, node.entry("kind").unwrap().key_place), (place(2, 1), place(2, 1)));
    assert_eq!(node.get("kind").unwrap().place, place(2, 7));
    let items = node.get("spec").unwrap().items().unwrap();
    assert_eq!((items[0].place, items[0].entry("image").unwrap().key_place), (place(4, 5), place(5, 5)));
    assert_eq!((items[1].place, items[1].entry("b").unwrap().key_place), (place(6, 5), place(6, 13)));
    assert_eq!(items[1].get("b").unwrap().place, place(6, 16));
    assert_eq!(node.get("empty").unwrap().place, place(7, 1));
    assert_eq!(node.get("next").unwrap().place, place(9, 3));
    let second = &parse("a: 1\r\n---\r\nb:\r\n  c: 2").documents[1];
    assert_eq!(second.get("b").unwrap().entry("c").unwrap().key_place, place(4, 3));
    let cut = parse_one_from("a: 1\nb: [2]", place(10, 3)).unwrap();
    assert_eq!((cut.place, cut.get("b").unwrap().place), (place(10, 3), place(11, 6)));
}

#[test]
fn takes_brackets_and_quotes_indented_as_kubectl_allows() {
    check("args: [\n  \"a\",\n]\n", &[r#"{"args":["a"]}"#]);
    check("a:\n  b: [\n  c,\n d\n]\ne: 1", &[r#"{"a":{"b":["c","d"]},"e":1}"#]);
    check("a:\n  b: {\n  c: d\n}\n", &[r#"{"a":{"b":{"c":"d"}}}"#]);
    check("a:\n- b: \"x\n  y\nz\"\n  c: 'q\n\n r'\n", &[r#"{"a":[{"b":"x y z","c":"q\nr"}]}"#]);
    let node = parse_one("a:\n  b: [\n  c,\n d: e\n]\n").unwrap();
    let items = node.get("a").unwrap().get("b").unwrap().items().unwrap();
    assert_eq!(
        (items[0].place, items[1].get("d").unwrap().place),
        (Place { line: 3, column: 3 }, Place { line: 4, column: 5 })
    );
    let list = (0..300).map(|n| format!("b{n},\n")).collect::<Vec<_>>().concat();
    refuses(&format!("a: [\n{list}]"), 202, 1, "is no YAML: invalid indentation in flow construct");
}

#[test]
fn follows_aliases() {
    check("a: &x {b: [1]}\nc: *x\nd: &y v\n*y : *y", &[r#"{"a":{"b":[1]},"c":{"b":[1]},"d":"v","v":"v"}"#]);
    check("a: &x 1\nb: *x\nc: &x 2\nd: *x", &[r#"{"a":1,"b":1,"c":2,"d":2}"#]);
    let node = parse_one("a: &x\n  b: 1\nc: *x").unwrap();
    let entry = node.entry("c").unwrap();
    assert_eq!((entry.key_place.line, entry.value.get("b").unwrap().place.line), (3, 2));
    refuses("a: &x [*x]", 1, 8, "alias stands within its own anchor");
    refuses("a: *x", 1, 4, "is no YAML: while parsing node, found unknown anchor");
    refuses("? *x\n: 1\n", 1, 3, "is no YAML: while parsing node, found unknown anchor");
    assert_eq!(parse("a: &x 1\n...\nb: *x").errors[0].message, "alias has no anchor");
}

#[test]
fn merges_mappings() {
    check("<<: {a: 2, b: 3}\na: 1", &[r#"{"a":1,"b":3}"#]);
    check("<<: [{a: 1}, {a: 2, b: 3}]", &[r#"{"a":1,"b":3}"#]);
    check(
        "x: &x {a: 1}\nw:\n  <<: *x\n  b: 2\nz: {<<: [*x, {c: 3}]}",
        &[r#"{"x":{"a":1},"w":{"a":1,"b":2},"z":{"a":1,"c":3}}"#],
    );
    check("!!merge <<: {a: 1}", &[r#"{"a":1}"#]);
    check("'<<': {a: 1}", &[r#"{"<<":{"a":1}}"#]);
    check("<<: {a: 1}\n<<: {b: 2}", &[r#"{"a":1,"b":2}"#]);
    refuses("a: 1\n<<: {a: 2}", 2, 1, "merge key `<<` sets \"a\" again, which line 1 set");
    refuses("<<: {a: 1}\n<<: {a: 2}", 2, 1, "merge key `<<` sets \"a\" again, which line 1 set");
    refuses("<<: {a: 1}\na: 2\na: 3", 3, 1, "key \"a\" is given twice, first in line 2");
    refuses("<<: x", 1, 1, "merge key `<<` needs a mapping or a list of mappings");
    refuses("<<:", 1, 1, "merge key `<<` needs a mapping or a list of mappings");
    refuses("<<: [x]", 1, 1, "merge key `<<` needs a mapping or a list of mappings");
    refuses(
        "x: &x [{a: 1}]\ny: {<<: *x}",
        2,
        9,
        "merge key `<<` needs a mapping or a list of mappings, not an alias of a list",
    );
}

#[test]
fn obeys_the_tags_it_knows() {
    check(
        "[!!str 12, !!int '12', ! 12, !!binary aGk=, !!map {}, !!seq [], !<tag:yaml.org,2002:str> 1, !!str]",
        &[r#"["12",12,"12","hi",{},[],"1",""]"#],
    );
    refuses("a: !foo bar", 1, 4, "tag `!foo` means nothing to Kubernetes");
    refuses("a: !!foo bar", 1, 4, "tag `!!foo` means nothing to Kubernetes");
    refuses("a: !!set {b}", 1, 4, "tag `!!set` means nothing to Kubernetes");
    refuses("a: !Ref [b]", 1, 4, "tag `!Ref` means nothing to Kubernetes");
    refuses("a: !!map [b]", 1, 4, "tag `!!map` means nothing to Kubernetes");
    refuses("a: !!int x", 1, 4, "\"x\" is no value of type `!!int`");
}

#[test]
fn refuses_what_json_cannot_hold() {
    refuses("a: .inf", 1, 4, "infinity and NaN have no form in JSON");
    refuses("a: [-.INF]", 1, 5, "infinity and NaN have no form in JSON");
    refuses("~: 1", 1, 1, "a key must not be empty or null");
    refuses("? [a]\n: 1", 1, 3, "a key must not be a list or a mapping");
    refuses("{a: 1}: 1", 1, 1, "a key must not be a list or a mapping");
}

#[test]
fn refuses_keys_given_twice() {
    refuses("a: 1\nb: 2\na: 3", 3, 1, "key \"a\" is given twice, first in line 1");
    refuses("x: {1: a, '1': b}", 1, 11, "key \"1\" is given twice, first in line 1");
}

#[test]
fn refuses_characters_that_readers_differ_on() {
    refuses("a: b\n# x\u{85}c: d", 2, 4, "holds the character U+0085");
    refuses("a: '\u{2028}'", 1, 5, "holds the character U+2028");
    refuses("a: b\0\nc: d", 1, 5, "holds the character U+0000");
    refuses("a: b\n---\n\u{feff}c: d", 3, 1, "holds the character U+FEFF");
    refuses("a: \u{7f}", 1, 4, "holds the character U+007F");
    refuses("{?a: 1}", 1, 2, "plain text begins with `?`, which kubectl may take for the sign of a key");
    for text in ["{a:}", "{a:, b: 1}", "[a:]"] {
        assert_eq!(parse_one(text).unwrap_err().hint.unwrap(), "write `key: null` if no value is meant");
    }
    check(
        "{a: , b: }\n---\n{\"a\":}\n---\na:\nb:",
        &[r#"{"a":null,"b":null}"#, r#"{"a":null}"#, r#"{"a":null,"b":null}"#],
    );
    check("a: \"\\u0085\\0\"", &["{\"a\":\"\u{85}\\u0000\"}"]);
}

#[test]
fn gives_the_good_documents_beside_the_broken_ones() {
    let parsed = parse("a: 1\n---\nb: [\n---\nc: 3\n---\nd: 'x\n");
    assert_eq!(parsed.documents.iter().map(Node::to_json).collect::<Vec<_>>(), [r#"{"a":1}"#, r#"{"c":3}"#]);
    assert_eq!(parsed.errors.iter().map(|error| error.place.line).collect::<Vec<_>>(), [4, 7]);
}

#[test]
fn hints_at_tabs_and_templates() {
    let hint = |text: &str| parse_one(text).unwrap_err().hint.unwrap_or_default();
    assert_eq!(hint("a:\n\tb: 1"), "indent with spaces, YAML allows no tabs");
    assert_eq!(hint("a: {{ .Values.a }}"), TEMPLATE_HINT);
    assert_eq!(hint("{{- if .Values.a }}\na: 1\n{{- end }}"), TEMPLATE_HINT);
    assert_eq!(hint("a: [}"), "");
}

#[test]
fn reads_one_document_where_one_is_asked_for() {
    assert!(parse_one("---\na: 1\n").is_ok());
    refuses("", 1, 1, "is empty");
    refuses("a: 1\n---\nb: 2", 3, 1, "holds a second document");
}

#[test]
fn refuses_depth_without_overflow() {
    refuses(&"[".repeat(10_000), 1, 256, "is nested too deep, 256 levels are the limit");
    refuses(&"a: {".repeat(10_000), 1, 1024, "is nested too deep, 256 levels are the limit");
    let block = (0..1_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<Vec<_>>().concat();
    refuses(&block, 257, 257, "is nested too deep, 256 levels are the limit");
    refuses(&format!("{}x", "- ".repeat(100_000)), 1, 513, "is nested too deep, 256 levels are the limit");
    let chain = (1..300).map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)).collect::<Vec<_>>().concat();
    refuses(&format!("a0: &a0 [x]\n{chain}"), 256, 14, "is nested too deep, 256 levels are the limit");
}

#[test]
fn refuses_alias_bombs() {
    let bomb = (1..20)
        .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(",")))
        .collect::<Vec<_>>()
        .concat();
    let error = parse_one(&format!("a0: &a0 x\n{bomb}")).map(|_| ()).unwrap_err();
    assert_eq!(error.message, "anchors and aliases multiply its content beyond measure");
    let wide = format!("a: &a {}\nb: [{}]", "x".repeat(1_000_000), vec!["*a"; 1_000].join(","));
    assert_eq!(
        parse_one(&wide).map(|_| ()).unwrap_err().message,
        "anchors and aliases multiply its content beyond measure"
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(500))]
    #[test]
    fn no_text_breaks_it(text in r#"([-:?,\[\]{}#&*!|>'"%@a \n\r\t.]|---|<<|&a|\*a|!!str|: |- |\n ){0,24}"#) {
        for node in parse(&text).documents {
            proptest::prop_assert_eq!(node.to_value(), crate::engine::rego::Value::from_json_str(&node.to_json()).unwrap());
        }
    }
}

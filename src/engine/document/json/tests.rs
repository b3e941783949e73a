//! Claims about the JSON reader.

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(parse(text).unwrap().to_json(), expected);
}

#[track_caller]
fn refuses(text: &str, line: u32, column: u32, message: &str) {
    let error = parse(text).unwrap_err();
    assert_eq!((error.place, &*error.message), (Place { line, column }, message));
}

#[test]
fn reads_every_kind_of_value() {
    check(
        " {\"a\" : [ 1 , -2.5e1, true,false, null, \"x\" ,{}, [] ] }\r\n",
        r#"{"a":[1,-25,true,false,null,"x",{},[]]}"#,
    );
    check(r#""\"\\\/\b\f\n\r\t\u0041\ud83d\ude00\u0000é""#, "\"\\\"\\\\/\\b\\f\\n\\r\\tA😀\\u0000é\"");
    check(
        "[-0, 0.5, 1e3, 9007199254740993, 18446744073709551615, -9223372036854775808]",
        "[0,0.5,1000,9007199254740993,18446744073709551615,-9223372036854775808]",
    );
    check("[18446744073709551616, 1.0]", "[1.8446744073709552e+19,1]");
    check("7", "7");
}

#[test]
fn knows_the_place_of_every_node() {
    let node = parse("{\n  \"é😀\": {\"b\": [1,\n 22]}}").unwrap();
    let entry = node.entry("é😀").unwrap();
    assert_eq!(
        (node.place, entry.key_place, entry.value.place),
        (Place::START, Place { line: 2, column: 3 }, Place { line: 2, column: 9 },)
    );
    let items = entry.value.get("b").unwrap().items().unwrap();
    assert_eq!((items[0].place, items[1].place), (Place { line: 2, column: 16 }, Place { line: 3, column: 2 }));
}

#[test]
fn refuses_what_is_no_json() {
    refuses("", 1, 1, "is no JSON: expected a value, found the end of the text");
    refuses("\u{feff}{}", 1, 1, "is no JSON: expected a value, found a byte order mark");
    refuses("{} x", 1, 4, "is no JSON: expected the end, found `x`");
    refuses("{}{}", 1, 3, "is no JSON: expected the end, found `{`");
    refuses("[1,]", 1, 4, "is no JSON: expected a value, found `]`");
    refuses("{\"a\":1,}", 1, 8, "is no JSON: expected a key in double quotes, found `}`");
    refuses("{a: 1}", 1, 2, "is no JSON: expected a key in double quotes or `}`, found `a`");
    refuses("{'a': 1}", 1, 2, "is no JSON: expected a key in double quotes or `}`, found `'`");
    refuses("{\"a\" 1}", 1, 6, "is no JSON: expected `:`, found `1`");
    refuses("[1 2]", 1, 4, "is no JSON: expected `,` or `]`, found `2`");
    refuses("{\"a\":1]", 1, 7, "is no JSON: expected `,` or `}`, found `]`");
    refuses("[\n1", 2, 2, "is no JSON: expected `,` or `]`, found the end of the text");
    refuses("NaN", 1, 1, "is no JSON: expected a value, found `N`");
    refuses("nan", 1, 1, "is no JSON: expected a value, found `n`");
    refuses("truex", 1, 1, "is no JSON: expected a value, found `t`");
    refuses("// x", 1, 1, "is no JSON: expected a value, found `/`");
}

#[test]
fn refuses_odd_numbers() {
    refuses("[01]", 1, 2, "`01` is no JSON number");
    refuses("1.", 1, 1, "`1.` is no JSON number");
    refuses("-", 1, 1, "`-` is no JSON number");
    refuses("-.5", 1, 1, "`-.5` is no JSON number");
    refuses("1e", 1, 1, "`1e` is no JSON number");
    refuses("1-2", 1, 1, "`1-2` is no JSON number");
    refuses("1e400", 1, 1, "number `1e400` is too large");
    refuses(&"1".repeat(1_000_000), 1, 1, "number `111111111111111111111111…` is too large");
}

#[test]
fn refuses_odd_strings() {
    refuses("\"a", 1, 1, "string is not closed");
    refuses("\"a\n\"", 1, 3, "is no JSON: expected an escape for it, found the character U+000A");
    refuses("[\"\\x\"]", 1, 3, "string holds an escape that JSON does not know");
    refuses("\"\\u12g4\"", 1, 2, "string holds an escape that JSON does not know");
    refuses("\"\\u+123\"", 1, 2, "string holds an escape that JSON does not know");
    refuses("\"\\u12", 1, 2, "string holds an escape that JSON does not know");
    refuses("\"\\", 1, 2, "string holds an escape that JSON does not know");
    refuses("\"\\ud800\"", 1, 2, "string holds half of a surrogate pair");
    refuses("\"\\ud800\\u0041\"", 1, 2, "string holds half of a surrogate pair");
    refuses("\"\\udc00\\ud800\"", 1, 2, "string holds half of a surrogate pair");
    refuses("\"\\u12é\"", 1, 2, "string holds an escape that JSON does not know");
}

#[test]
fn refuses_keys_given_twice() {
    refuses("{\"a\": 1,\n \"b\": {\"a\": 2},\n \"\\u0061\": 3}", 3, 2, "key \"a\" is given twice, first in line 1");
}

#[test]
fn refuses_depth_without_overflow() {
    refuses(&"[".repeat(100_000), 1, 257, "is nested too deep, 256 levels are the limit");
    refuses(&"{\"a\":".repeat(100_000), 1, 1281, "is nested too deep, 256 levels are the limit");
    check(&format!("{}{}", "[".repeat(256), "]".repeat(256)), &format!("{}{}", "[".repeat(256), "]".repeat(256)));
}

#[test]
fn reads_values_that_follow_each_other() {
    let parsed = parse_stream("{\"a\":1}{\"b\":2}\n null [3] {\"c\" {}");
    let texts: Vec<String> = parsed.documents.iter().map(Node::to_json).collect();
    assert_eq!(texts, ["{\"a\":1}", "{\"b\":2}", "[3]"]);
    assert_eq!(parsed.errors.len(), 1);
    assert_eq!(parse_stream(" \n"), Parsed::default());
}

proptest::proptest! {
    #[test]
    fn agrees_with_another_reader(text in r#"[\[\]{},:"a\\u0d81.e\-+ ]{0,16}"#) {
        let ours = parse(&text).map(|node| serde_json::from_str::<serde_json::Value>(&node.to_json()).unwrap());
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) if !theirs.to_string().contains(".0") && !theirs.to_string().contains('e') => {
                proptest::prop_assert_eq!(ours, theirs);
            }
            (Err(error), Ok(_)) => proptest::prop_assert!(error.message.contains("twice"), "{}", error),
            (Ok(node), Err(error)) => proptest::prop_assert!(false, "{node} {error}"),
            (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
        }
    }
}

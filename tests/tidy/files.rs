//! What each file has, and what none has.

use std::collections::BTreeMap;

use super::rust::{Keep, line, strip, words};
use super::tree::{File, check, exists, paths, rust_files};

/// Past this a file holds more than one thing: name the part and move it out.
const LINES: usize = 500;

/// What no file may hold, and what to write in its place. A space stands for any white space.
const FORBIDDEN: [(&str, &str); 7] = [
    ("#[allow(", "#[expect(lint, reason = \"…\")]"),
    ("#![allow(", "#![expect(lint, reason = \"…\")]"),
    ("#[ignore", "a test that runs, or none"),
    ("todo!", "the code"),
    ("unimplemented!", "the code"),
    ("dbg!", "nothing"),
    ("#[path", "the module where its name says"),
];

fn undocumented(file: &File) -> Vec<String> {
    let opens = file.text.starts_with("//! ");
    if opens {
        Vec::new()
    } else {
        vec![format!("{}:1: the file does not open with `//!`, saying what it is about", file.path)]
    }
}

fn overlong(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    if lines <= LINES {
        Vec::new()
    } else {
        vec![format!("{}:{LINES}: the file has {lines} lines, more than {LINES}", file.path)]
    }
}

fn forbidden(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (text, instead) in FORBIDDEN {
        for (at, _) in file.code.match_indices(text) {
            let is_part_of_a_word = text.starts_with(char::is_alphabetic)
                && file.code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
            if !is_part_of_a_word && !may_hold(file, text) {
                found.push(format!("{}:{}: {text} is not allowed; write {instead}", file.path, line(&file.code, at)));
            }
        }
    }
    found
}

/// A test's target may name what several targets share: Cargo gives that no other place.
fn may_hold(file: &File, text: &str) -> bool {
    text == "#[path" && file.path.strip_prefix("tests/").is_some_and(|name| !name.contains('/'))
}

/// An argument of the command line: where it stands, its field, and the environment variable it is read from.
struct Argument {
    place: String,
    field: String,
    variable: Option<String>,
}

/// The `#[arg(long …)]` of a file.
fn arguments(file: &File) -> Vec<Argument> {
    let text = strip(&file.text, Keep::CodeAndStrings);
    let mut found = Vec::new();
    for (at, _) in text.match_indices("#[arg(") {
        let attribute = text[at..].split_once(")]\n").map_or(&text[at..], |(attribute, _)| attribute);
        if words(attribute, "long").next().is_none() {
            continue;
        }
        let behind = text[at + attribute.len()..].trim_start_matches([')', ']']).trim_start();
        let field = behind.trim_start_matches("pub(super) ").trim_start_matches("pub ");
        found.push(Argument {
            place: format!("{}:{}", file.path, line(&text, at)),
            field: field.split(':').next().unwrap_or_default().to_owned(),
            variable: attribute.split_once("env = \"").and_then(|(_, rest)| Some(rest.split_once('"')?.0.to_owned())),
        });
    }
    found
}

/// Arguments without a variable of ours, and variables that mean several things. The same argument in several
/// commands is one thing.
fn misnamed(files: &[File]) -> Vec<String> {
    let mut fields: BTreeMap<String, Argument> = BTreeMap::new();
    let mut wrong = Vec::new();
    for argument in files.iter().flat_map(arguments) {
        let Some(variable) = argument.variable.clone().filter(|name| name.starts_with("PORTCULLIS_")) else {
            wrong.push(format!("{}: argument {} has no variable PORTCULLIS_…", argument.place, argument.field));
            continue;
        };
        match fields.get(&variable) {
            Some(other) if other.field != argument.field => wrong
                .push(format!("{}: {variable} is already argument {} at {}", argument.place, other.field, other.place)),
            Some(_) => {}
            None => drop(fields.insert(variable, argument)),
        }
    }
    wrong
}

#[test]
fn every_file_says_what_it_is_about() {
    let planted = [("src/a.rs", "use std::fs;\n//! Late."), ("src/a.rs", ""), ("src/a.rs", "//!\n")];
    check(&rust_files(&["src", "tests", "benches"]), &planted, undocumented);
}

#[test]
fn no_file_grows_past_five_hundred_lines() {
    check(&rust_files(&["src"]), &[("src/a.rs", &"\n".repeat(LINES + 1))], overlong);
}

#[test]
fn nothing_is_silenced_or_left_undone() {
    let planted = FORBIDDEN.map(|(text, _)| ("src/a.rs", text));
    check(&rust_files(&["src", "tests", "benches"]), &planted, forbidden);
    let harmless = "// todo!()\nconst A: &str = \"#[allow(x)]\"; #[expect(a, reason = \"\")] fn not_todo!() {}";
    assert_eq!(forbidden(&File::new("src/a.rs", harmless)), [""; 0]);
}

#[test]
fn every_policy_has_tests() {
    let policies: Vec<String> =
        paths("policies", "rego").into_iter().filter(|path| !path.ends_with("_test.rego")).collect();
    assert!(policies.len() >= 3, "policies holds only {policies:?}");
    let missing: Vec<&String> = policies.iter().filter(|path| !exists(&path.replace(".rego", "_test.rego"))).collect();
    assert!(missing.is_empty(), "these policies have no _test.rego beside them: {missing:?}");
    let misplaced = |path: &&String| {
        let parts: Vec<&str> = path.split('/').collect();
        parts.len() != 3 || (parts[1] != "lib" && format!("{}.rego", parts[1]) != parts[2])
    };
    let misplaced: Vec<&String> = policies.iter().filter(misplaced).collect();
    assert!(misplaced.is_empty(), "these policies do not lie at policies/<name>/<name>.rego: {misplaced:?}");
}

#[test]
fn every_argument_has_a_variable_of_its_own() {
    let argument = |variable: &str, field: &str| format!("#[arg(long, env = \"{variable}\")]\npub {field}: u8,\n");
    let planted = |text: &str| misnamed(&[File::new("src/cli/a.rs", text)]);
    let one = argument("PORTCULLIS_A", "a");
    assert_eq!(planted(&format!("{one}{one}")), [""; 0], "one argument in two commands is one thing");
    assert_eq!(planted(&format!("{one}{}", argument("PORTCULLIS_A", "b"))).len(), 1);
    assert_eq!(planted(&argument("OTHER_A", "a")).len(), 1);
    assert_eq!(planted("#[arg(long)]\na: u8,\n").len(), 1);
    let files: Vec<File> = rust_files(&["src"]).into_iter().filter(|file| file.module() == "cli").collect();
    let seen = files.iter().flat_map(arguments).count();
    assert!(seen >= 10, "only {seen} arguments were found in src/cli");
    let wrong = misnamed(&files);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

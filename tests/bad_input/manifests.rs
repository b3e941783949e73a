//! Manifests that are not what they should be: each is told with its place, and none keeps the others away.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::run::{Ran, run, says};

const GOOD: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: good}\n";

/// A policy against service accounts: what is read is denied.
const POLICY: &str = "# METADATA\n# title: T\n# custom: {match: {kinds: [ServiceAccount]}}\npackage policies.seen\n\n\
                      deny contains sprintf(\"%s is seen\", [input.request.object.metadata.name]) if true\n";

/// Runs `policy test ARGUMENTS… DIRECTORY` by a policy that says which service accounts it sees.
fn test(directory: &Path, arguments: &[&str]) -> Ran {
    let policies = tempfile::tempdir().unwrap();
    fs::write(policies.path().join("seen.rego"), POLICY).unwrap();
    let policies = policies.path().to_str().unwrap();
    let fixed = ["test", "--policy-budget", "5000", "--policies", policies];
    run(&[&fixed, arguments, &[directory.to_str().unwrap()]].concat())
}

/// Puts a file beside one in order. The first is told of as expected, the second judged, and the exit code is 2.
#[track_caller]
fn check(name: &str, bytes: &[u8], expected: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(name), bytes).unwrap();
    check_beside(directory.path(), expected);
}

#[track_caller]
fn check_beside(directory: &Path, expected: &[&str]) {
    fs::write(directory.join("good.yaml"), GOOD).unwrap();
    let ran = test(directory, &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), ""), "{}", ran.stdout);
    says(&ran.stdout, expected);
    says(&ran.stdout, &["good.yaml:", ": good is seen\n", "1 object, 1 denied"]);
}

#[test]
fn text_that_is_no_yaml() {
    check("a.yaml", b"kind: Pod\nspec: [\n", &["/a.yaml:3:1: error: is no YAML: "]);
    check(
        "a.yaml",
        b"kind: Pod\nspec:\n\tcontainers: []\n",
        &["/a.yaml:3:2: error: is no YAML: ", "fix     indent with spaces, YAML allows no tabs"],
    );
    check("a.yaml", b"kind:\tPod\n", &["/a.yaml:1:7: error: is no YAML: ", "fix     put a space behind the colon"]);
    check("a.yaml", b"kind: {{ .Values.kind }}\n", &["/a.yaml:1:", "fix     ", "helm template . | policy test -"]);
    check(
        "a.yaml",
        b"kind: Pod\nkind: Pod\n",
        &["/a.yaml:2:1: error: key \"kind\" is given twice, first in line 1\n", "fix     remove one of them"],
    );
    check("a.json", b"{\"kind\": \"Pod\",\n \"kind\": \"Pod\"}", &["/a.json:2:2: error: key \"kind\" is given twice"]);
    check("a.json", b"{\"kind\":\n nil}", &["/a.json:2:2: error: is no JSON: expected a value, found `n`"]);
    check("a.yaml", b"a: \"\\ud800\"\n", &["/a.yaml:1:"]);
}

#[test]
fn bytes_that_are_no_text() {
    check(
        "a.yaml",
        b"\x7fELF\x02\x01\x01\0\0\0",
        &["/a.yaml: error: is a binary file\n", "fix     name manifests only"],
    );
    check("a.yaml", b"\xff\xfek\0i\0n\0d\0", &["/a.yaml:1:1: error: is UTF-16\n", "fix     save it as UTF-8"]);
    check("a.yaml", b"\xfe\xff\0k\0i\0n\0d", &["/a.yaml:1:1: error: is UTF-16\n"]);
    check("a.yaml", "k\0i\0n\0d\0".as_bytes(), &["/a.yaml: error: is a binary file\n"]);
    check(
        "a.yaml",
        b"kind: Pod\nmetadata: {name: caf\xe9}\n",
        &["/a.yaml:2:21: error: is not UTF-8\n", "fix     save it as UTF-8"],
    );
    let late = [b"kind: Pod\n".as_slice(), &b"# comment\n".repeat(20_000), b"a: \0\n"].concat();
    check("a.yaml", &late, &["/a.yaml:20002:4: error: holds the character U+0000\n"]);
}

#[test]
fn what_breaks_one_document_leaves_the_others_of_its_file() {
    let account = |name: &str| format!("apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}}}\n");
    let (broken, foreign) = (b"---\nkind: [\n---\n".to_vec(), b"---\nname: caf\xe9\n---\n".to_vec());
    let bytes = [account("first").into(), broken, account("second").into(), foreign, account("third").into()];
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.yaml"), bytes.concat()).unwrap();
    let ran = test(directory.path(), &[]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    let told: Vec<&str> = ran.stdout.lines().filter(|line| line.contains("/a.yaml:")).collect();
    let parts =
        [":1:1: deny: ", ":6:1: error: is no YAML", ":7:1: deny: ", ":11:10: error: is not UTF-8", ":13:1: deny: "];
    assert_eq!(told.len(), parts.len(), "{told:#?}");
    for (line, part) in told.iter().zip(parts) {
        assert!(line.contains(part), "expected `{part}`, in the order of the file: {told:#?}");
    }
}

#[test]
fn what_kubectl_takes_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let account = |name: &str| GOOD.replace("good", name);
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("crlf.yaml", &format!("---\n{}---\n{}", account("a"), account("b")).replace('\n', "\r\n"));
    write("mark.yaml", &format!("\u{feff}{}", account("c")));
    write("mark.json", "\u{feff}{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"d\"}}");
    write("empty.yaml", "");
    write("blank.yaml", &"---\n\n".repeat(50_000));
    write("comments.yaml", "# nothing\n---\n# to see\n");
    write("tab.yaml", &account("e").replace(": v1\n", ": v1\t\n"));
    let ran = test(directory.path(), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(&ran.stdout, &["a is seen", "b is seen", "c is seen", "d is seen", "e is seen", "5 objects, 5 denied"]);
    assert!(!ran.stdout.contains("error") && !ran.stdout.contains("skipped"), "{}", ran.stdout);
}

#[test]
fn documents_that_are_no_objects_are_named() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.yaml"), format!("{GOOD}---\nname: chart\n---\n- a\n---\ntext\n")).unwrap();
    let ran = test(directory.path(), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran.stdout,
        &[
            "/a.yaml:5: skipped: no Kubernetes object: it has no apiVersion and kind\n",
            "/a.yaml:7: skipped: not a mapping\n",
            "/a.yaml:9: skipped: not a mapping\n",
            ", 3 skipped (revision ",
        ],
    );
}

#[test]
fn texts_that_grow_when_they_are_read() {
    let bomb = (1..20)
        .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(",")))
        .collect::<Vec<_>>()
        .concat();
    let bomb = format!("a0: &a0 x\n{bomb}");
    check(
        "a.yaml",
        bomb.as_bytes(),
        &["/a.yaml:7:", ": error: anchors and aliases multiply its content beyond measure"],
    );
    // A bomb in a List goes off as well.
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}", bomb.replace('\n', "\n  "));
    check("a.yaml", list.as_bytes(), &[": error: anchors and aliases multiply its content beyond measure"]);
    check(
        "a.yaml",
        "[".repeat(100_000).as_bytes(),
        &["/a.yaml:1:256: error: is nested too deep, 256 levels are the limit"],
    );
    check(
        "a.json",
        "[".repeat(100_000).as_bytes(),
        &["/a.json:1:257: error: is nested too deep, 256 levels are the limit"],
    );
    let chain = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<Vec<_>>().concat();
    check("a.yaml", chain.as_bytes(), &["/a.yaml:257:257: error: is nested too deep"]);
}

#[test]
fn files_of_a_hundred_megabytes() {
    let directory = tempfile::tempdir().unwrap();
    let line = format!("k: {}\n", "x".repeat(1 << 20));
    let large = line.repeat(100);
    fs::write(directory.path().join("a.yaml"), format!("{GOOD}---\n{large}---\n{GOOD}")).unwrap();
    fs::write(directory.path().join("b.json"), format!("{{\"a\":\"{large}\"}}")).unwrap();
    fs::File::create(directory.path().join("c.yaml")).unwrap().set_len(100 << 20).unwrap();
    let ran = test(directory.path(), &[]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    says(
        &ran.stdout,
        &[
            "/a.yaml:4:1: error: document of more than 67108864 bytes\n    fix     split it into several documents\n",
            "/a.yaml:106:1: deny: ",
            "/b.json: error: holds more than 67108864 bytes of JSON\n    fix     split it into several files\n",
            "/c.yaml: error: is a binary file\n",
            "2 objects, 2 denied",
        ],
    );
}

#[test]
fn ten_megabytes_on_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let object = format!(
        r#"{{"apiVersion":"v1","kind":"ServiceAccount","metadata":{{"name":"large","annotations":{{"a":"{}"}}}}}}"#,
        "x".repeat(10 << 20)
    );
    fs::write(directory.path().join("a.json"), object).unwrap();
    let ran = test(directory.path(), &["--format", "json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(&ran.stdout, &["large is seen"]);
}

#[test]
fn lists_of_thousands() {
    let item = |n: usize| format!(r#"{{"apiVersion":"v1","kind":"ServiceAccount","metadata":{{"name":"n{n}"}}}}"#);
    let items: Vec<String> = (0..3_000).map(item).collect();
    let json = format!(r#"{{"apiVersion":"v1","items":[{}],"kind":"List"}}"#, items.join(",\n"));
    let yaml = format!("apiVersion: v1\nitems:\n- {}\nkind: List\n", items.join("\n- "));
    for (name, text) in [("a.json", json), ("a.yaml", yaml)] {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(name), text).unwrap();
        let ran = test(directory.path(), &[]);
        let seen: Vec<&str> = ran.stdout.lines().filter_map(|line| line.strip_suffix(" is seen")).collect();
        let names: Vec<&str> = seen.iter().filter_map(|line| line.rsplit(' ').next()).collect();
        let expected: Vec<String> = (0..3_000).map(|n| format!("n{n}")).collect();
        assert_eq!(names, expected, "{name}: each item once, in order");
        assert_eq!(ran.code, Some(1));
    }
}

#[test]
fn links_that_lead_back() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    fs::create_dir_all(root.join("a/b")).unwrap();
    symlink(root, root.join("a/b/up")).unwrap();
    symlink("../a", root.join("a/again")).unwrap();
    symlink("self.yaml", root.join("self.yaml")).unwrap();
    check_beside(
        root,
        &["/self.yaml: error: cannot be read: Too many levels of symbolic links", "fix     check the path"],
    );
}

/// Root may read everything, so this is asked as somebody else.
#[test]
fn directories_that_may_not_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let (root, closed) = (directory.path(), directory.path().join("closed"));
    let binary = root.join("policy");
    fs::copy(env!("CARGO_BIN_EXE_policy"), &binary).unwrap();
    fs::create_dir(&closed).unwrap();
    fs::write(closed.join("a.yaml"), GOOD).unwrap();
    fs::write(root.join("closed.yaml"), GOOD).unwrap();
    fs::write(root.join("open.yaml"), GOOD).unwrap();
    let permit = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    permit(root, 0o755);
    permit(&closed, 0o000);
    permit(&root.join("closed.yaml"), 0o000);
    let mut command = Command::new(&binary);
    command.arg("test").arg(root).env_clear();
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let output = command.output().unwrap();
    permit(&closed, 0o700);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stdout}");
    says(
        &stdout,
        &[
            "/closed: error: cannot be read: Permission denied (os error 13)\n    fix     let this user read the directory\n",
            "/closed.yaml: error: cannot be read: Permission denied (os error 13)\n    fix     check the file and its permissions\n",
            "1 object, 0 denied",
        ],
    );
}

#[test]
fn what_vanishes_or_was_never_there() {
    let directory = tempfile::tempdir().unwrap();
    symlink("nowhere", directory.path().join("a.yaml")).unwrap();
    check_beside(directory.path(), &["/a.yaml: error: cannot be read: No such file"]);
    let absent = test(&directory.path().join("absent"), &[]);
    assert_eq!(absent.code, Some(2));
    says(
        &absent.stdout,
        &["/absent: error: cannot be read: No such file", "fix     check the path", "nothing evaluated"],
    );
}

#[test]
fn a_policy_that_loops_ends_at_its_budget() {
    let policies = tempfile::tempdir().unwrap();
    let rules = "deny contains \"never\" if {\n\tx := numbers.range(1, 2000)\n\tcount([1 | some a in x; some b in x; some c in x; a + b + c == -1]) > 0\n}";
    fs::write(
        policies.path().join("loop.rego"),
        crate::policies::policy_text("loop", &["match: {kinds: [ServiceAccount]}"], rules),
    )
    .unwrap();
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.yaml"), format!("{GOOD}---\n{GOOD}")).unwrap();
    let (policies, directory) = (policies.path().to_str().unwrap(), directory.path().to_str().unwrap());
    // `run` fails what does not end.
    let ran = run(&["test", "--policy-budget", "100", "--policies", policies, directory]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    says(&ran.stdout, &["loop could not be evaluated: ", "effect  on_error is deny", "2 not evaluated"]);
}

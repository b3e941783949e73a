//! Dependencies point inward: which module names which, and who may name the crates of the outside.

use super::rust::{heads, line, modules_around, words};
use super::tree::{File, check, rust_files};

/// What each top-level module may name of the others. A new arrow is a change of the design: argue it in the commit.
const ARROWS: [(&str, &[&str]); 11] = [
    ("engine", &[]),
    ("admission", &["engine"]),
    ("observe", &["engine", "admission"]),
    ("source", &["engine"]),
    ("suite", &["engine", "admission"]),
    ("report", &["engine", "admission", "suite"]),
    ("schema", &["engine", "suite"]),
    ("certificate", &[]),
    ("server", &["admission", "observe", "certificate"]),
    ("cluster", &["engine", "admission", "observe", "certificate", "server"]),
    (
        "cli",
        &["engine", "admission", "observe", "source", "suite", "report", "schema", "certificate", "server", "cluster"],
    ),
];

/// What the engine may name of nothing: the world, and the time.
const IMPURE_STD: [&str; 6] = ["fs", "net", "process", "env", "thread", "os"];
const IMPURE_WORDS: [&str; 7] = ["tokio", "tracing", "notify", "axum", "hyper", "SystemTime", "Instant"];

/// The one file of the engine that may look at a clock.
const CLOCK: &str = "src/engine/budget.rs";

/// The one file that knows the Rego engine.
const REGO: &str = "src/engine/rego.rs";

/// What the server answers HTTP by.
const HTTP: [&str; 5] = ["axum", "hyper", "hyper_util", "http_body_util", "tower"];

/// What the server and those who make and read certificates speak TLS by.
const TLS: [&str; 4] = ["rustls", "tokio_rustls", "rcgen", "x509_parser"];

/// The API server's client and the types of what it keeps.
const KUBERNETES: [&str; 2] = ["kube", "k8s_openapi"];

/// The other top-level modules that a file names, each with its line.
fn named(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let prefix = if file.path == "src/main.rs" { "portcullis" } else { "crate" };
    for at in words(&file.code, prefix) {
        // `pub(crate)` is followed by no path.
        let names = heads(&file.code[at + prefix.len()..]);
        found.extend(names.into_iter().map(|name| (line(&file.code, at), name)));
    }
    let below = file.path.trim_start_matches("src/").split('/').count();
    for at in words(&file.code, "super") {
        if file.code[..at].trim_end().ends_with("super::") {
            continue;
        }
        let mut behind = &file.code[at + "super".len()..];
        let mut climbed = 1;
        while let Some(further) = behind.strip_prefix("::super") {
            behind = further;
            climbed += 1;
        }
        if climbed >= below + modules_around(&file.code, at).len() {
            found.extend(heads(behind).into_iter().map(|name| (line(&file.code, at), name)));
        }
    }
    found
}

fn arrows(file: &File) -> Vec<String> {
    let module = file.module();
    let allowed: &[&str] = match ARROWS.iter().find(|(name, _)| *name == module) {
        Some((_, allowed)) => allowed,
        None if module.is_empty() => &["cli"],
        None => return vec![format!("{}: module {module} has no row in the table of arrows", file.path)],
    };
    let top_level = |name: &str| ARROWS.iter().any(|(known, _)| *known == name) || name == "*" || name == "as";
    named(file)
        .into_iter()
        .filter(|(_, name)| top_level(name) && name != module && !allowed.contains(&name.as_str()))
        .map(|(line, name)| format!("{}:{line}: {module} names {name}; it may name {}", file.path, listed(allowed)))
        .collect()
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "no other module".to_owned() } else { names.join(", ") }
}

fn impurities(file: &File) -> Vec<String> {
    if file.module() != "engine" {
        return Vec::new();
    }
    let code = &file.code;
    let mut found: Vec<(usize, String)> = Vec::new();
    for at in words(code, "std") {
        let names = heads(&code[at + "std".len()..]).into_iter();
        found.extend(names.filter(|name| IMPURE_STD.contains(&name.as_str())).map(|name| (at, format!("std::{name}"))));
    }
    for word in IMPURE_WORDS {
        let is_clock = matches!(word, "SystemTime" | "Instant") && file.path == CLOCK;
        found.extend(words(code, word).filter(|_| !is_clock).map(|at| (at, word.to_owned())));
    }
    // `env!` is read when we are built, `now()` of any type when we decide.
    found.extend(
        words(code, "now")
            .filter(|at| file.path != CLOCK && is_call(code, *at, "now"))
            .map(|at| (at, "now()".to_owned())),
    );
    found
        .into_iter()
        .map(|(at, what)| format!("{}:{}: the engine is pure and cannot have {what}", file.path, line(code, at)))
        .collect()
}

/// Whether an associated function without arguments is called here.
fn is_call(code: &str, at: usize, name: &str) -> bool {
    code[..at].ends_with("::") && code[at + name.len()..].starts_with("()")
}

fn strangers(file: &File, crates: &[&str], homes: &[&str]) -> Vec<String> {
    if homes.iter().any(|home| file.path.starts_with(home)) {
        return Vec::new();
    }
    let home = homes.join(" and ");
    let found = crates.iter().flat_map(|name| words(&file.code, name).map(move |at| (at, name)));
    found.map(|(at, name)| format!("{}:{}: only {home} names {name}", file.path, line(&file.code, at))).collect()
}

#[test]
fn modules_name_only_what_lies_further_in() {
    let planted = [
        ("src/engine/answer.rs", "use crate::admission::Gate;"),
        ("src/engine/answer.rs", "use super::super::admission;"),
        ("src/engine/rego/text.rs", "fn f() { super::super::super::source::read() }"),
        ("src/engine.rs", "mod tests { use super::super::cli; }"),
        ("src/engine.rs", "use crate::*;"),
        ("src/engine.rs", "use crate as portcullis;"),
        ("src/admission.rs", "use crate::{engine::Decision, server};"),
        ("src/suite/judge.rs", "use crate::report::text;"),
        ("src/server/tls.rs", "fn f() -> crate::engine::Value {}"),
        ("src/report.rs", "use crate::cli;"),
        ("src/main.rs", "fn main() { portcullis::server::serve() }"),
        ("src/news.rs", ""),
    ];
    let files = rust_files(&["src"]);
    for (module, _) in ARROWS {
        assert!(files.iter().any(|file| file.module() == module), "the table of arrows names {module}, which is gone");
    }
    let arrows_seen = files.iter().flat_map(named).count();
    assert!(arrows_seen > 50, "only {arrows_seen} paths were found in the whole tree");
    check(&files, &planted, arrows);
}

#[test]
fn what_stays_inside_a_module_is_no_arrow() {
    for (path, text) in [
        ("src/engine/json.rs", "mod tests { use super::super::source::Source; }"),
        ("src/engine/config/read.rs", "use super::super::source::Source;"),
        ("src/engine/answer.rs", "//! Not [`crate::cli`].\nconst A: &str = \"crate::server\";"),
        ("src/engine.rs", "pub(crate) mod source; use self::source::Source; fn f(server: u8) {}"),
        ("src/server.rs", "use crate::{admission::Admit, observe::{Observe, event}};"),
    ] {
        assert_eq!(arrows(&File::new(path, text)), [""; 0]);
    }
}

#[test]
fn the_engine_touches_no_world() {
    let planted = [
        ("src/engine/a.rs", "use std::fs::File;"),
        ("src/engine/a.rs", "use std::{sync::Arc, net::IpAddr};"),
        ("src/engine/a.rs", "fn f() { std::thread::sleep(x) }"),
        ("src/engine/a.rs", "fn f() { tracing::info!(\"\") }"),
        ("src/engine/a.rs", "fn f() { std::time::Instant::now() }"),
        ("src/engine/a.rs", "fn f() { jiff::Timestamp::now() }"),
    ];
    check(&rust_files(&["src"]), &planted, impurities);
}

#[test]
fn one_file_names_the_rego_engine() {
    let files = rust_files(&["src", "tests", "benches"]);
    let home = files.iter().find(|file| file.path == REGO).expect("the file that knows the Rego engine");
    assert!(words(&home.code, "regorus").count() > 0, "{REGO} does not name the engine: the rule has lost its subject");
    check(&files, &[("src/engine/a.rs", "use regorus::Value;")], |file| strangers(file, &["regorus"], &[REGO]));
}

/// In `src` only: the tests of the server are its clients.
#[test]
fn only_the_server_and_the_exporter_speak_http() {
    let planted = [("src/cli/serve.rs", "use axum::Router;"), ("src/cluster.rs", "fn f(_: tower::X) {}")];
    check(&rust_files(&["src"]), &planted, |file| strangers(file, &HTTP, &["src/server", "src/observe/otlp.rs"]));
}

#[test]
fn only_servers_exporters_and_certificates_know_tls() {
    let planted = [("src/cluster.rs", "use rcgen::KeyPair;"), ("src/admission.rs", "fn f(_: tokio_rustls::X) {}")];
    check(&rust_files(&["src"]), &planted, |file| {
        strangers(file, &TLS, &["src/server", "src/certificate", "src/observe/otlp.rs"])
    });
}

#[test]
fn only_the_cluster_talks_to_the_api_server() {
    let planted = [("src/cli/serve/cluster.rs", "use kube::Client;"), ("src/server.rs", "fn f(_: k8s_openapi::X) {}")];
    check(&rust_files(&["src"]), &planted, |file| strangers(file, &KUBERNETES, &["src/cluster"]));
}

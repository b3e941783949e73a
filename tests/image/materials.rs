//! The bill of materials (`CycloneDX`): every crate that the binary is made of is in it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::layout::Image;

#[test]
fn the_bill_of_materials_lists_the_crates_that_are_linked() {
    let Some(image) = Image::built() else { return };
    let bill: Value = serde_json::from_slice(&fs::read(image.beside("portcullis.cdx.json")).unwrap()).unwrap();
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    assert_eq!(bill["metadata"]["component"]["name"], env!("CARGO_PKG_NAME"));
    assert_eq!(bill["metadata"]["component"]["version"], env!("CARGO_PKG_VERSION"));
    let listed: BTreeSet<String> = bill["components"].as_array().unwrap().iter().map(component).collect();
    assert!(listed.len() > 100 && listed.iter().any(|name| name.starts_with("regorus ")), "{listed:?}");
    let linked = linked();
    let missing: Vec<&String> = linked.difference(&listed).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    // Of optional crates the lock file does not say whether anything switches them on; the bill lists them.
    let locked = locked();
    let unknown: Vec<&String> = listed.difference(&locked).collect();
    let surplus: Vec<&String> = listed.difference(&linked).collect();
    assert!(unknown.is_empty() && surplus.len() < 20, "unknown: {unknown:?}, surplus: {surplus:?}");
    assert!(!listed.iter().any(|name| name.starts_with("criterion ")), "what only tests need is listed");
}

fn component(component: &Value) -> String {
    let text = |key: &str| component[key].as_str().unwrap();
    assert!(text("purl").starts_with("pkg:cargo/"), "{component:#}");
    assert!(component["licenses"].is_array(), "{component:#}");
    format!("{} {}", text("name"), text("version"))
}

/// What Cargo builds for this machine, without what only tests need.
fn linked() -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
    let output = tree.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names = BTreeSet::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap().trim_start_matches('v'));
        if name != env!("CARGO_PKG_NAME") {
            names.insert(format!("{name} {version}"));
        }
    }
    names
}

/// What `Cargo.lock` pins.
fn locked() -> BTreeSet<String> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap();
    let value = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim_matches(['=', ' ', '"']).to_owned()
    };
    text.split("[[package]]\n")
        .skip(1)
        .map(|package| format!("{} {}", value(package, "name"), value(package, "version")))
        .collect()
}

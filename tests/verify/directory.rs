//! A directory of policies of a test's own, and what `policy verify` says of it.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::command::policy;
use crate::policies::policy_text;

/// A policy that refuses Pods named "bad", warns of those named "odd", and takes a parameter.
pub(super) const NAMES: &str = "deny contains violation if {\n\tinput.request.object.metadata.name == \"bad\"\n\
     \tviolation := {\"msg\": sprintf(\"bad %s\", [input.parameters.word]), \"field\": \"metadata.name\"}\n}\n\n\
     warn contains \"odd\" if input.request.object.metadata.name == \"odd\"\n\n\
     _unused(x) if {\n\tx == 1\n\tx != 2\n}\n";

/// What `NAMES` needs in its METADATA.
pub(super) const CUSTOM: &[&str] =
    &["match: {kinds: [Pod], operations: [CREATE, UPDATE, DELETE]}", "parameters: {word: name}"];

pub(super) const SUITE: &str = "apiVersion: portcullis.dev/v1alpha1\nkind: Suite\n";

/// A directory with the policy `names`.
pub(super) struct Directory {
    home: TempDir,
}

impl Directory {
    pub(super) fn new() -> Self {
        let directory = Self { home: tempfile::tempdir().unwrap() };
        directory.write("names/names.rego", &policy_text("names", CUSTOM, NAMES));
        directory
    }

    pub(super) fn path(&self) -> PathBuf {
        self.home.path().join("policies")
    }

    /// Writes a file, `name` being its path from the directory.
    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes the suite of the policy: `body` is what follows its head.
    pub(super) fn suite(&self, body: &str) {
        self.write("names/suite.yaml", &format!("{SUITE}{body}"));
    }

    /// Runs `policy verify . ARGUMENTS…` in the directory.
    pub(super) fn verify(&self, arguments: &[&str]) -> Output {
        policy(["verify", "."].iter().chain(arguments)).current_dir(self.path()).output().unwrap()
    }

    /// Checks the exit code and what is said, on stdout and stderr together.
    #[track_caller]
    pub(super) fn check(&self, arguments: &[&str], code: i32, expected: &[&str]) {
        let output = self.verify(arguments);
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{said}");
        for part in expected {
            assert!(said.contains(part), "`{part}` is not in\n{said}");
        }
    }

    /// The report as JSON.
    pub(super) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.verify(&[&["--format", "json"], arguments].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A Pod of a name, in YAML's flow style.
pub(super) fn pod(name: &str) -> String {
    format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{}}}}")
}

//! The image as an OCI layout (<https://github.com/opencontainers/image-spec/blob/main/image-layout.md>).

use std::env::var_os;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A built image.
pub(super) struct Image {
    directory: PathBuf,
    pub(super) manifest: Value,
    /// What is run and how, and what the image says of itself.
    pub(super) config: Value,
}

impl Image {
    /// The image of `make image`.
    pub(super) fn built() -> Option<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/image");
        if !directory.join("oci/index.json").exists() {
            return left_out("no image in target/image: run make image");
        }
        let index = json(&directory.join("oci/index.json"));
        let manifest = json(&blob(&directory, &index["manifests"][0]["digest"]));
        let config = json(&blob(&directory, &manifest["config"]["digest"]));
        Some(Self { directory, manifest, config })
    }

    /// A file that lies beside the layout.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The only layer, a compressed archive.
    pub(super) fn layer(&self) -> PathBuf {
        assert_eq!(self.manifest["layers"].as_array().unwrap().len(), 1);
        blob(&self.directory, &self.manifest["layers"][0]["digest"])
    }

    /// Lays out the image's files below `root`.
    pub(super) fn unpack(&self, root: &Path) {
        let mut tar = Command::new("tar");
        tar.args(["--extract", "--gzip", "--file"]).arg(self.layer()).arg("--directory").arg(root);
        assert!(tar.status().unwrap().success());
    }

    /// The texts of a list in the configuration.
    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let texts = self.config["config"][key].as_array().unwrap();
        texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }
}

/// Says what is missing; in CI nothing may be.
pub(super) fn left_out<T>(missing: &str) -> Option<T> {
    assert!(var_os("CI").is_none(), "CI is set: {missing}");
    eprintln!("left out: {missing}");
    None
}

/// The place of a blob.
pub(super) fn blob(directory: &Path, digest: &Value) -> PathBuf {
    directory.join("oci/blobs").join(digest.as_str().unwrap().replace(':', "/"))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

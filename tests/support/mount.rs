//! A directory as the kubelet mounts a ConfigMap or Secret.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Puts `files` into a mount as its `version`: a new directory, then `..data` swapped by one rename, then a link for
/// each file that has none yet.
pub(crate) fn mount(directory: &Path, version: &str, files: &[(&str, &str)]) {
    let target = directory.join(version);
    fs::create_dir(&target).unwrap();
    for (name, text) in files {
        fs::write(target.join(name), text).unwrap();
    }
    symlink(version, directory.join("..data_tmp")).unwrap();
    fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
    for (name, _) in files.iter().filter(|(name, _)| !directory.join(name).exists()) {
        symlink(format!("..data/{name}"), directory.join(name)).unwrap();
    }
}

//! What can be read only once, kept so that it can be read again.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::process;
use std::time::SystemTime;

use super::manifest::Input;

/// What is kept in memory; the rest of what is larger lies in a file.
const MEMORY_BYTES: u64 = 16 << 20;

/// What is kept at all: a device may never end.
const SPOOL_BYTES: u64 = 1 << 30;

/// Reads to the end: into memory, or into a file without a name in the system's directory for such.
pub fn spool(reader: impl Read) -> io::Result<Input> {
    spool_within(MEMORY_BYTES, SPOOL_BYTES, reader)
}

fn spool_within(memory: u64, most: u64, mut reader: impl Read) -> io::Result<Input> {
    // All at once, and taken from the system only as it fills: to grow would copy it, with both copies in memory.
    let mut bytes = Vec::with_capacity(usize::try_from(memory).unwrap_or_default());
    reader.by_ref().take(memory).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < memory {
        return Ok(Input::Stdin(bytes));
    }
    let mut file = nameless()?;
    file.write_all(&bytes)?;
    drop(bytes);
    let rest = most.saturating_sub(memory);
    if io::copy(&mut reader.take(rest.saturating_add(1)), &mut file)? > rest {
        return Err(io::Error::other(format!("it holds more than {most} bytes; give it as files")));
    }
    Ok(Input::Spooled(file))
}

/// A file that is gone when it is closed, or when this process is killed.
fn nameless() -> io::Result<File> {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let path = env::temp_dir().join(format!(".portcullis-{}-{:x}", process::id(), time.as_nanos()));
    let file = options().open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

/// For its owner only: manifests may hold secrets.
fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::super::manifest::load;
    use super::*;

    #[track_caller]
    fn check(objects: usize, is_spooled: bool) {
        let text = "apiVersion: v1\nkind: ConfigMap\n---\n".repeat(objects);
        let input = spool_within(1_000, 10_000, text.as_bytes()).unwrap();
        assert_eq!(matches!(input, Input::Spooled(_)), is_spooled);
        let inputs = [input];
        // Twice, as it can be read as often as one likes.
        assert_eq!([load(&inputs).objects.len(), load(&inputs).objects.len()], [objects, objects]);
    }

    #[test]
    fn what_is_large_lies_in_a_file() {
        check(1, false);
        check(100, true);
    }

    #[test]
    fn what_never_ends_is_refused() {
        let error = spool_within(1_000, 10_000, io::repeat(b'a')).unwrap_err();
        assert_eq!(error.to_string(), "it holds more than 10000 bytes; give it as files");
    }
}

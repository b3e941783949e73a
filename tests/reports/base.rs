//! `--diff-base`: only what changed since a revision of git fails.

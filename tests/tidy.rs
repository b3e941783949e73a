//! The rules of the source tree that no compiler knows: which module may name which, and what no file may hold.
//!
//! Each rule is a function from a file to its violations; a test runs it over the tree, and over a planted violation
//! to show that it can fail.

#[cfg(test)]
mod tidy {
    mod rust;
    mod tree;

    mod arrows;
    mod files;
    mod orphans;
}

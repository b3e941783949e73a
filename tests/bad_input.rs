//! What users get wrong: each mistake ends in exit code 2 and a message that names the place and the remedy.

#[cfg(test)]
#[path = "support/command.rs"]
mod command;
#[cfg(test)]
#[path = "support/pair.rs"]
mod pair;
#[cfg(test)]
#[path = "support/policies.rs"]
mod policies;

#[cfg(test)]
mod bad_input {
    mod run;

    mod certificates;
    mod configurations;
    mod files;
    mod manifests;
    mod policies;
    mod suites;
    mod usage;
}

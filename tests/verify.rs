//! `policy verify` as authors of policies run it: tests in Rego, suites of cases, coverage, selection, watching.

#[cfg(test)]
#[path = "support/command.rs"]
mod command;
#[cfg(test)]
#[expect(dead_code, reason = "other targets use the rest of it")]
#[path = "support/policies.rs"]
mod policies;
#[cfg(test)]
#[expect(dead_code, reason = "other targets use the rest of it")]
#[path = "support/wait.rs"]
mod wait;

#[cfg(test)]
mod verify {
    mod directory;

    mod cases;
    mod coverage;
    mod failure;
    mod select;
    mod watch;
}

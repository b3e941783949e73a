//! `policy serve` as users run it: the binary, its files, its signals and its sockets.

#[cfg(test)]
#[path = "support/client.rs"]
mod client;
#[cfg(test)]
#[path = "support/command.rs"]
mod command;
#[cfg(test)]
#[path = "support/leaf.rs"]
mod leaf;
#[cfg(test)]
#[path = "support/mount.rs"]
mod mount;
#[cfg(test)]
#[path = "support/pair.rs"]
mod pair;
#[cfg(test)]
#[path = "support/policies.rs"]
mod policies;
#[cfg(test)]
#[path = "support/process.rs"]
mod process;
#[cfg(test)]
#[path = "support/review.rs"]
mod review;
#[cfg(test)]
#[path = "support/wait.rs"]
mod wait;

#[cfg(test)]
mod serve {
    mod start;
    mod terminal;

    mod agree;

    mod ends;
    mod faults;
    mod log;
    mod traces;

    mod certificate;
    mod config;
    mod load;
    mod reload;
    mod replace;
}

//! The server over real sockets, with a decision that only echoes.

#[cfg(test)]
#[path = "support/client.rs"]
mod client;
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
#[path = "support/wait.rs"]
mod wait;

#[cfg(test)]
mod server {
    mod der;
    mod harness;

    mod certificates;
    mod clients;
    mod ends;
    mod limits;
    mod operations;
    mod protocol;
    mod transport;
}

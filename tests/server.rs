//! The server over real sockets, with a decision that only echoes.

#[cfg(test)]
mod server {
    mod client;
    mod harness;
    mod pair;

    mod certificates;
    mod ends;
    mod limits;
    mod operations;
    mod protocol;
    mod transport;
}

//! The image that `make image` leaves in `target/image`: what it holds and says of itself, and that it runs as a cluster
//! runs it, under `runc`, with nothing but what it brings. Running takes root; what is missing is left out, except in CI.

#[cfg(test)]
#[path = "support/client.rs"]
mod client;
#[cfg(test)]
#[path = "support/pair.rs"]
mod pair;
#[cfg(test)]
#[path = "support/review.rs"]
mod review;
#[cfg(test)]
#[path = "support/wait.rs"]
mod wait;

#[cfg(test)]
mod image {
    mod layout;

    mod contents;
    mod materials;

    mod bundle;
    mod container;
    mod runs;

    mod collector;
    mod names;
    mod resolver;
}

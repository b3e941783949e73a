//! Mutation through public doors: what holds of every patch, and what the webhook says of it.

#[cfg(test)]
#[path = "support/tool.rs"]
mod tool;

#[cfg(test)]
mod mutate {
    mod apply;
    mod generate;
    mod raw;
    mod subject;

    mod properties;
    mod webhook;
}

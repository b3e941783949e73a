//! What the server does in a cluster, against an API server made of a map: it stores, watches, refuses what was changed
//! meanwhile, and can be away. The real one is asked by the tests of the whole cluster.

#[cfg(test)]
#[path = "support/wait.rs"]
mod wait;

#[cfg(test)]
mod cluster_client {
    mod api;

    mod certificates;
    mod events;
    mod namespaces;
}

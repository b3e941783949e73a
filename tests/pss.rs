//! The Pod Security Standards: our policies beside the checks of the API server's own admission plugin, on generated
//! Pods.

/// As in the binary: the allocator is a quarter of the time.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(test)]
mod pss {
    mod controls;
    mod differential;
    mod non_root;

    mod generator;
    mod pack;
    mod parts;
    mod random;
    mod run;
    mod shrink;
    mod upstream;
    mod version;
}

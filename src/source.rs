//! Where policies and configuration come from, and when to read them again.

pub mod watch;

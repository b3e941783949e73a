//! `/metrics` of the binary after traffic of every kind, under Prometheus' own checker.

#[cfg(test)]
#[path = "support/client.rs"]
mod client;
#[cfg(test)]
#[path = "support/command.rs"]
mod command;
#[cfg(test)]
#[path = "support/dashboard.rs"]
mod dashboard;
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
#[path = "support/tool.rs"]
mod tool;
#[cfg(test)]
#[path = "support/wait.rs"]
mod wait;

#[cfg(test)]
mod metrics {
    mod prometheus;
    mod promtool;
    mod scrape;

    mod live;
    mod traffic;
}

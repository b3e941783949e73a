//! The Helm chart, as `helm` renders it: what it installs, what it refuses, and that its alerts and its dashboard ask
//! for what there is. A real API server takes the same renders in the cluster's tests.

#[cfg(test)]
#[path = "support/chart.rs"]
mod render;

#[cfg(test)]
#[path = "support/command.rs"]
mod command;

#[cfg(test)]
#[path = "support/dashboard.rs"]
mod dashboard;

#[cfg(test)]
#[path = "support/tool.rs"]
mod tool;

#[cfg(test)]
mod chart {
    mod alerts;
    mod dashboard;
    mod documents;
    mod golden;
    mod pods;
    mod rights;
    mod traces;
    mod values;
    mod webhooks;
}

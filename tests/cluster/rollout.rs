//! Changes of the release itself, under load: nothing fails, and nothing slips through.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::api::eventually;
use super::load::Load;
use super::place::inside;
use super::process::signal;
use super::release::{self, deployment_path, fine, pid, pods, revisions, rolled_out, scale};

/// Load before and after a change.
const MARGIN: Duration = Duration::from_secs(2);

#[test]
fn a_rolling_restart_fails_no_admission() {
    inside(async |cluster| {
        release::install(&cluster).await;
        let before = pods(&cluster).await;
        let load = Load::start(&cluster, None);
        sleep(MARGIN).await;
        let restarted = json!({"kubectl.kubernetes.io/restartedAt": jiff::Timestamp::now().to_string()});
        let template = json!({"spec": {"template": {"metadata": {"annotations": restarted}}}});
        assert_eq!(cluster.merge(&deployment_path(), &template).await.status, 200);
        rolled_out(&cluster, 2).await;
        let after = pods(&cluster).await;
        assert!(after.iter().all(|pod| !before.contains(pod)), "{before:?} {after:?}");
        sleep(MARGIN).await;
        load.finish("rolling restart").await.is_clean();
    });
}

#[test]
fn scaling_up_and_down_fails_no_admission() {
    inside(async |cluster| {
        release::install(&cluster).await;
        let load = Load::start(&cluster, None);
        for replicas in [5, 2] {
            sleep(MARGIN).await;
            scale(&cluster, replicas).await;
            rolled_out(&cluster, replicas).await;
        }
        sleep(MARGIN).await;
        load.finish("scale 2→5→2").await.is_clean();
    });
}

/// The API server dials an endpoint once, and a create is lost to whom it asks when that endpoint has just died. What the
/// product owes is that nothing is admitted instead, that the next attempt succeeds, and that it is soon over.
#[test]
fn a_replica_that_is_killed_lets_nothing_through_and_is_missed_for_a_moment_only() {
    inside(async |cluster| {
        release::install(&cluster).await;
        let load = Load::start(&cluster, None);
        let started = Instant::now();
        sleep(MARGIN).await;
        let killed = started.elapsed();
        signal(pid(&cluster, &pods(&cluster).await[0]), Signal::KILL);
        sleep(MARGIN).await;
        rolled_out(&cluster, 2).await;
        sleep(MARGIN).await;
        let tally = load.finish("SIGKILL of a replica").await;
        assert_eq!((tally.slipped, tally.lost), (0, 0), "admitted against policy, and failed when tried again");
        let late = tally.failed.iter().find(|(when, _)| *when > killed + MARGIN);
        assert!(late.is_none(), "failed long after the kill: {late:?}");
    });
}

/// Refuses Pods of the shop that do not say whose they are.
const STRICT: &str = "overrides:
- select: {policies: [require_annotations]}
  where: {namespaces: [shop]}
  set: {enforcement: deny, parameters: {kinds: [Pod], required: {example.com/team: ''}}}
";

#[test]
fn a_change_of_the_configuration_fails_no_admission_and_holds_everywhere() {
    inside(async |cluster| {
        release::install(&cluster).await;
        let anonymous = fine("load-anonymous");
        let load = Load::start(&cluster, Some(anonymous.clone()));
        let before = revisions(&cluster).await;
        sleep(MARGIN).await;
        release::configure(&cluster, &format!("{}{STRICT}", release::CONFIG)).await;
        eventually(async || revisions(&cluster).await.iter().all(|now| !before.contains(now))).await;
        for _ in 0..50 {
            let answer = cluster.create(&anonymous, "dryRun=All").await;
            assert!(answer.is_denied() && answer.message().contains("require_annotations"), "{answer:?}");
        }
        release::configure(&cluster, release::CONFIG).await;
        eventually(async || revisions(&cluster).await == before).await;
        sleep(MARGIN).await;
        load.finish("ConfigMap changed twice").await.is_clean();
    });
}

//! `require_non_root` and the controls that it joins agree.

use serde_json::{Value, json};

use super::pack::{Pack, Question};
use super::run::Run;
use super::upstream::{Upstream, program};
use super::version::Version;

/// Fewer than where every control is compared: this is about two of them.
const PODS: u64 = 6_000;

/// The last version whose rules do not know user namespaces.
const BEFORE_USER_NAMESPACES: Version = Version::Minor(34);

#[test]
fn require_non_root_refuses_what_the_controls_refuse() {
    let Some(program) = program() else { return };
    let pack = Pack::load();
    let policy = "require_non_root";
    let cases = [
        (pack.with(&[policy], &json!({})), BEFORE_USER_NAMESPACES),
        (pack.with(&[policy], &json!({"allow_user_namespaces": true})), Version::Latest),
    ];
    let run = Run::of(PODS);
    let judged = run.share(|pods| {
        let mut upstream = Upstream::start(&program);
        let checks: Vec<_> = upstream.checks.iter().filter(|check| check.id.starts_with("runAs")).cloned().collect();
        assert_eq!(checks.len(), 2);
        let mut judged = 0;
        for (number, pod) in pods.filter(|(_, pod)| !is_windows(pod)) {
            let text = pod.to_string();
            let theirs = upstream.judge(&text);
            let question = Question::about(&text);
            for (judges, version) in &cases {
                // What cannot be decoded is a matter of each policy's own.
                let allowed = checks.iter().map(|check| theirs.allows(check, *version)).collect::<Result<Vec<_>, _>>();
                let Ok(allowed) = allowed else { continue };
                let refused = allowed.contains(&false);
                let ours = judges.judge(&question).remove(policy).unwrap().unwrap();
                // It refuses more of what Kubernetes itself takes for no valid Pod, and of nothing else.
                let agree = refused != ours.is_empty() || (!refused && is_invalid(&pod));
                assert!(agree, "Pod {number} {version}: the controls refuse: {refused}; {policy} says {ours:?}: {pod}");
            }
            judged += 1;
        }
        judged
    });
    let judged: u64 = judged.into_iter().sum();
    assert!(judged > run.pods / 2, "only {judged} Pods were judged");
}

/// Windows' users have names: there `require_non_root` has rules of its own.
fn is_windows(pod: &Value) -> bool {
    pod["spec"]["os"]["name"] == "windows"
}

/// Whether a container is none, or a user id outside of what Kubernetes takes.
fn is_invalid(pod: &Value) -> bool {
    let spec = &pod["spec"];
    let lists = ["containers", "initContainers", "ephemeralContainers"];
    let mut containers = lists.iter().filter_map(|list| spec[list].as_array()).flatten().peekable();
    let is_no_user = |part: &Value| match &part["securityContext"]["runAsUser"] {
        Value::Null => false,
        user => user.as_i64().is_none_or(|user| !(0..=2_147_483_647).contains(&user)),
    };
    is_no_user(spec) || containers.any(|container| container.is_null() || is_no_user(container))
}

//! Real reviews through the gate with the embedded policies: every file of `golden/reviews` is a test, its answer and
//! what is remembered of it a snapshot in `golden/answers`.
//!
//! A changed answer is accepted with `INSTA_UPDATE=always cargo test --test router`, and read in the diff.

#[cfg(test)]
mod router {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::fs;
    use std::panic::catch_unwind;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use portcullis::admission::{Admit, Gate, NoCluster, Outcome, Record, Reply, Webhook};
    use portcullis::source::{Location, Profile};
    use serde_json::Value;

    /// Far more than a decision takes: a slow machine is no different answer.
    const BUDGET: Duration = Duration::from_secs(30);

    fn golden(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(path)
    }

    fn gate() -> Gate {
        let location = Location { profile: Profile::None, config: Some(golden("config.yaml")), ..Location::default() };
        Gate::new(location.load().unwrap().set, Box::new(NoCluster), BUDGET)
    }

    /// The names of a directory's files with an ending, without it.
    fn names(directory: &str, ending: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(golden(directory)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter_map(|name| Some(name.strip_suffix(ending)?.to_owned())).collect()
    }

    fn reviews() -> Vec<(String, Vec<u8>)> {
        let names = names("reviews", ".json");
        assert!(names.len() > 30, "only {} reviews were found", names.len());
        names
            .into_iter()
            .map(|name| (name.clone(), fs::read(golden(&format!("reviews/{name}.json"))).unwrap()))
            .collect()
    }

    /// Reviews too large to keep: their text is made.
    fn generated() -> Vec<(String, Vec<u8>)> {
        let review = |object: &str| {
            format!(
                r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"u-deep","kind":
                    {{"group":"","version":"v1","kind":"Pod"}},"operation":"CREATE","object":{object}}}}}"#
            )
        };
        let deep = |open: &str, close: &str| review(&format!("{}1{}", open.repeat(10_000), close.repeat(10_000)));
        let wide: Vec<String> = (0..100_000).map(|n| format!(r#""k{n}":{n}"#)).collect();
        vec![
            ("generated_depth_of_objects".to_owned(), deep(r#"{"a":"#, "}").into_bytes()),
            ("generated_depth_of_lists".to_owned(), deep("[", "]").into_bytes()),
            ("generated_width".to_owned(), review(&format!(r#"{{"spec":{{{}}}}}"#, wide.join(","))).into_bytes()),
            ("generated_not_utf8".to_owned(), b"{\"kind\":\"\xff\"}".to_vec()),
            ("generated_nothing".to_owned(), Vec::new()),
        ]
    }

    /// A reply as a person reads it: status, body and what is remembered, without what changes from run to run.
    fn shown(reply: &Reply) -> String {
        let mut text = format!("HTTP {}\n", reply.status);
        match serde_json::from_slice::<Value>(&reply.body) {
            Ok(answer) => text.push_str(&serde_json::to_string_pretty(&answer).unwrap()),
            Err(_) => text.push_str(str::from_utf8(&reply.body).unwrap()),
        }
        text.push('\n');
        if let Some(record) = &reply.record {
            text.push_str(&remembered(record));
        }
        text
    }

    fn remembered(record: &Record) -> String {
        let Record { kind, sub_resource, namespace, name, operation, user, dry_run, outcome, .. } = record;
        let mut text = format!(
            "\n{outcome:?}: {operation} {kind} sub={sub_resource:?} {namespace:?}/{name:?} by {user:?} dry_run={dry_run}\n"
        );
        for policy in &record.policies {
            writeln!(text, "  {} {} {:?}", policy.policy, policy.enforcement, policy.finding).unwrap();
            policy.messages.iter().for_each(|message| writeln!(text, "    {message}").unwrap());
        }
        text
    }

    /// What holds of every answer, whatever it says (the contract's C01 to C06, C19, C34).
    fn check_contract(name: &str, body: &[u8], reply: &Reply) {
        assert!(reply.body.len() < 16 << 10, "{name}: {} bytes", reply.body.len());
        if reply.status == 400 {
            let text = str::from_utf8(&reply.body).unwrap();
            assert!(reply.record.is_none() && !text.contains('\n'), "{name}: {text}");
            return;
        }
        assert_eq!(reply.status, 200, "{name}");
        let answer: Value = serde_json::from_slice(&reply.body).unwrap();
        let response = &answer["response"];
        assert!(response["patch"].is_null() && response["patchType"].is_null(), "{name}");
        let uid = format!("\"uid\": {}", response["uid"]);
        let body = String::from_utf8_lossy(body).replace("\"uid\":\"", "\"uid\": \"");
        assert!(body.contains(&uid), "{name}: {uid} is not the review's");
        let allowed = response["allowed"].as_bool().unwrap();
        assert_eq!(allowed, response["status"].is_null(), "{name}: a status is given if and only if it is denied");
        assert_eq!(allowed, reply.record.as_ref().unwrap().outcome == Outcome::Allow, "{name}");
        if !allowed {
            assert_eq!(
                (&response["status"]["code"], &response["status"]["reason"]),
                (&403.into(), &"Forbidden".into())
            );
            assert!(response["status"]["message"].as_str().unwrap().len() <= 1_024, "{name}");
        }
    }

    #[test]
    fn every_review_is_answered_as_its_snapshot_says() {
        let gate = gate();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("golden/answers");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        // The revision changes with every policy.
        settings.add_filter(r#""revision": "[0-9a-f]{16}""#, r#""revision": "[revision]""#);
        let mut changed = Vec::new();
        for (name, body) in reviews().into_iter().chain(generated()) {
            let reply = gate.admit(Webhook::Validate, &body, BUDGET);
            check_contract(&name, &body, &reply);
            let compared = settings.bind(|| catch_unwind(|| insta::assert_snapshot!(name.as_str(), shown(&reply))));
            if compared.is_err() {
                changed.push(name);
            }
        }
        assert!(changed.is_empty(), "the answers of these reviews have changed: {}", changed.join(", "));
    }

    #[test]
    fn every_snapshot_has_its_review() {
        let generated = generated().into_iter().map(|(name, _)| name);
        let reviews: BTreeSet<String> = names("reviews", ".json").into_iter().chain(generated).collect();
        let answers = names("answers", ".snap");
        let left: Vec<&String> = answers.difference(&reviews).collect();
        assert!(left.is_empty(), "these snapshots are of reviews that are gone: {left:?}");
    }

    #[test]
    fn the_same_review_is_answered_alike_every_time() {
        let gate = gate();
        for (name, body) in reviews() {
            let answer = || gate.admit(Webhook::Validate, &body, BUDGET).body;
            assert_eq!(answer(), answer(), "{name}");
        }
    }

    #[test]
    fn a_dry_run_is_answered_like_the_real_one() {
        let gate = gate();
        for (name, body) in reviews() {
            let text = String::from_utf8(body).unwrap();
            let dry = text.replace("\"dryRun\": false", "\"dryRun\": true");
            let answer = |text: &str| gate.admit(Webhook::Validate, text.as_bytes(), BUDGET).body;
            assert_eq!(answer(&text), answer(&dry), "{name}");
        }
    }

    #[test]
    fn the_mutating_webhook_leaves_every_object_as_it_is() {
        let gate = gate();
        for (name, body) in reviews().into_iter().chain(generated()) {
            let reply = gate.admit(Webhook::Mutate, &body, BUDGET);
            check_contract(&name, &body, &reply);
        }
    }

    #[test]
    fn a_review_cut_off_for_its_size_is_denied_under_its_uid() {
        let gate = gate();
        let (name, body) = reviews().into_iter().find(|(name, _)| name == "pod_denied").unwrap();
        let reply = gate.refuse_oversize(Webhook::Validate, &body[..body.len() / 2], 12 << 20);
        check_contract(&name, &body, &reply);
        let text = str::from_utf8(&reply.body).unwrap();
        assert!(text.contains("review refused: the request is larger than 12582912 bytes"), "{text}");
        assert_eq!(gate.refuse_oversize(Webhook::Validate, &body[..20], 12 << 20).status, 413);
    }
}

//! `policy certs` as people run it: what it makes is served, and what it says of certificates is so.

#[cfg(test)]
#[path = "support/command.rs"]
mod command;
#[cfg(test)]
#[path = "support/pair.rs"]
mod pair;

#[cfg(test)]
mod certs {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use rcgen::KeyPair;
    use serde_json::Value;

    use crate::command::policy;
    use crate::pair::{issue, pair, write};

    struct Ran {
        code: i32,
        stdout: String,
        stderr: String,
    }

    fn run(arguments: &[&str]) -> Ran {
        let output = policy(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn create(directory: &Path, more: &[&str]) -> Ran {
        let directory = directory.to_str().unwrap();
        run(&[&["certs", "create", "--dir", directory, "--namespace", "platform"], more].concat())
    }

    fn at(directory: &Path, name: &str) -> String {
        directory.join(name).to_str().unwrap().to_owned()
    }

    #[test]
    fn creates_a_pair_whose_keys_are_the_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let new = directory.path().join("new");
        let created = create(&new, &["--name", "host.docker.internal"]);
        assert_eq!((created.code, created.stdout.lines().count()), (0, 4), "{}", created.stderr);
        for (name, mode) in [("ca.crt", 0o644), ("ca.key", 0o600), ("tls.crt", 0o644), ("tls.key", 0o600)] {
            assert_eq!(fs::metadata(new.join(name)).unwrap().permissions().mode() & 0o777, mode, "{name}");
        }
        let files = [at(&new, "tls.crt"), at(&new, "ca.crt"), at(&new, "tls.key")];
        let looked = run(&["certs", "inspect", "--format", "json", &files[0], &files[1], &files[2]]);
        let report: Value = serde_json::from_str(&looked.stdout).unwrap();
        assert_eq!(looked.code, 0, "{}", looked.stdout);
        assert_eq!((&report["chain"], &report["key_matches"]), (&"ok".into(), &true.into()));
        let names = report["certificates"][0]["names"].to_string();
        for name in ["portcullis.platform.svc\"", "localhost", "127.0.0.1", "::1", "host.docker.internal"] {
            assert!(names.contains(name), "{name} is not in {names}");
        }
        let text = run(&["certs", "inspect", &files[0], &files[1], &files[2]]).stdout;
        assert!(text.contains("(364 days left)") && text.contains("key: fits\nchain: ok\n"), "{text}");
    }

    #[test]
    fn overwrites_nothing() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("tls.key"), "mine").unwrap();
        let refused = create(directory.path(), &[]);
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains("tls.key exists and is not overwritten; remove it"), "{}", refused.stderr);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is half done");
        assert_eq!(fs::read_to_string(directory.path().join("tls.key")).unwrap(), "mine");
    }

    #[test]
    fn says_what_is_wrong_with_a_certificate() {
        let key = KeyPair::generate().unwrap();
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &issue(&key, 1975, 2001));
        let expired = run(&["certs", "inspect", &at(directory.path(), "tls.crt")]);
        assert_eq!(expired.code, 1);
        assert!(expired.stdout.contains("expired at 2001-01-01T00:00:00Z"), "{}", expired.stdout);

        fs::write(directory.path().join("tls.key"), pair().key).unwrap();
        let files = [at(directory.path(), "tls.crt"), at(directory.path(), "tls.key")];
        fs::write(&files[0], pair().chain).unwrap();
        let stranger = run(&["certs", "inspect", &files[0], &files[1]]);
        assert_eq!(stranger.code, 1);
        assert!(stranger.stdout.contains("key: does not fit\n"), "{}", stranger.stdout);
        assert!(!stranger.stdout.contains("PRIVATE"));

        let made = [directory.path().join("a"), directory.path().join("b")];
        for directory in &made {
            assert_eq!(create(directory, &[]).code, 0);
        }
        let alien = run(&["certs", "inspect", &at(&made[0], "tls.crt"), &at(&made[1], "ca.crt")]);
        assert_eq!(alien.code, 1);
        assert!(alien.stdout.contains("is not believed by who trusts the authorities"), "{}", alien.stdout);

        let soon = directory.path().join("soon");
        assert_eq!(create(&soon, &["--certificate-lifetime", "6d"]).code, 0);
        let soon = run(&["certs", "inspect", &at(&soon, "tls.crt")]);
        assert!(soon.code == 1 && soon.stdout.contains("has less than 7 days left"), "{}", soon.stdout);
    }

    #[test]
    fn what_cannot_be_read_is_no_verdict() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("empty"), "").unwrap();
        fs::write(directory.path().join("broken"), "-----BEGIN CERTIFICATE-----\nAA").unwrap();
        for (file, said) in [
            ("absent", "No such file"),
            ("empty", "there is no certificate; give a PEM file"),
            ("broken", "a PEM section is broken or cut off"),
        ] {
            let ran = run(&["certs", "inspect", &at(directory.path(), file)]);
            assert!(ran.code == 2 && ran.stderr.contains(said), "{file}: {}", ran.stderr);
        }
        let ran = run(&["certs", "inspect", "--url", "127.0.0.1:1"]);
        assert!(ran.code == 2 && ran.stderr.contains("shake hands with 127.0.0.1:1: "), "{}", ran.stderr);
    }

    #[test]
    fn a_cluster_is_asked_for_by_name_or_not_at_all() {
        let nowhere = |arguments: &[&str]| {
            let mut command = policy(arguments);
            command.env("KUBECONFIG", "/nonexistent").env_remove("KUBERNETES_SERVICE_HOST").env("HOME", "/nonexistent");
            let output = command.output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        for (arguments, said) in [
            (&["serve", "--cluster"][..], "find the API server: "),
            (&["webhook", "delete", "--webhook-configuration", "x"], "or set KUBECONFIG"),
            (&["webhook", "probe"], "--webhook-configuration <NAME>"),
            (&["serve", "--certificates", "self-managed"], "self-managed needs --cluster"),
            (&["serve", "--cluster", "--certificates", "self-managed"], "self-managed needs --namespace"),
            (&["serve", "--events"], "--events needs --cluster"),
            (&["serve", "--certificates", "files"], "needs --tls-cert and --tls-key"),
            (&["serve", "--client-name", "x"], "--client-ca <FILE>"),
            (&["serve", "--client-ca", "/nonexistent"], "read /nonexistent: No such file"),
            (&["serve", "--ca-lifetime", "1w"], "give a number and s, m, h, d or y"),
        ] {
            let (code, stderr) = nowhere(arguments);
            assert!(code == Some(2) && stderr.contains(said), "{arguments:?}: {stderr}");
        }
    }
}

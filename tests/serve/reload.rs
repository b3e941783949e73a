//! Policies that change while the server runs.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use super::replace::replace;
use crate::client::Client;
use crate::mount::mount;
use crate::policies::against_all;
use crate::process::Process;
use crate::review::EXAMPLE;
use crate::wait::eventually;

/// A server that watches a directory of one policy.
struct Watched {
    _home: TempDir,
    directory: PathBuf,
    file: PathBuf,
    server: Process,
}

impl Watched {
    async fn start(message: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("policies");
        fs::create_dir(&directory).unwrap();
        let file = directory.join("p.rego");
        fs::write(&file, against_all("p", message)).unwrap();
        let server = Process::start(&["--policies", directory.to_str().unwrap()]).await;
        Self { _home: home, directory, file, server }
    }

    /// Waits for a refusal to load that says `why`, and checks that nothing else follows from it.
    async fn keeps(&self, message: &str, why: &str) {
        let refused = || self.server.about("reload_failed").last().is_some_and(|line| said(line).contains(why));
        eventually(refused).await;
        assert_eq!(answer(&self.server).await.0, message);
        let mut kubelet = Client::operations(&self.server).await;
        assert_eq!(kubelet.get("/readyz").await.status, 200);
        let verbose = kubelet.get("/readyz?verbose").await;
        let failing = verbose.text().lines().find(|line| line.starts_with("[-]reload failed: policies: ")).unwrap();
        assert!(verbose.status == 200 && failing.contains(why), "{failing}");
        self.is_failing(true).await;
    }

    /// Checks what the metric says that the alert asks for.
    async fn is_failing(&self, failing: bool) {
        let metrics = self.metrics().await;
        let line = format!("\nportcullis_policy_set_reload_failing {}\n", u8::from(failing));
        assert!(metrics.contains(&line), "{metrics}");
    }

    async fn metrics(&self) -> String {
        Client::operations(&self.server).await.get("/metrics").await.text().to_owned()
    }
}

fn said(line: &Value) -> &str {
    line["error"].as_str().unwrap()
}

/// The message of the example's denial and the revision that denied it.
async fn answer(server: &Process) -> (String, String) {
    let answer = Client::connect(server).await.post("/validate", EXAMPLE).await.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let response = &answer["response"];
    (text(&response["status"]["message"]), text(&response["auditAnnotations"]["revision"]))
}

#[tokio::test]
async fn an_edit_is_in_force_soon_and_told() {
    let watched = Watched::start("before").await;
    let (message, before) = answer(&watched.server).await;
    assert_eq!(message, "p: before");
    replace(&watched.file, &against_all("p", "after"));
    let told = watched.server.told("reloaded", 1).await;
    assert_eq!((&told["what"], &told["level"]), (&"policies".into(), &"info".into()));
    let (message, after) = answer(&watched.server).await;
    assert_eq!((message.as_str(), &told["now"]), ("p: after", &after.as_str().into()));
    assert_ne!(before, after);
    let metrics = watched.metrics().await;
    // The first is the one at start.
    assert!(metrics.contains("portcullis_policy_set_reloads_total{result=\"success\"} 2\n"), "{metrics}");
    assert!(metrics.contains("portcullis_policy_set_reloads_total{result=\"failure\"} 0\n"), "{metrics}");
    assert!(metrics.contains(&format!("portcullis_policy_set_info{{revision=\"{after}\"}} 1\n")), "{metrics}");
    assert!(!metrics.contains(&before), "{metrics}");
}

#[tokio::test]
async fn a_bad_set_keeps_the_last_good_one() {
    let watched = Watched::start("good").await;
    watched.is_failing(false).await;
    replace(&watched.file, "package policies.p\n\nimport rego.v1\n\ndeny[msg] { msg := \"v0\" }\n");
    watched.keeps("p: good", "p.rego:5:").await;
    assert_eq!(watched.server.about("reload_failed")[0]["level"], "error");
    assert!(watched.metrics().await.contains("portcullis_policy_set_reloads_total{result=\"failure\"} 1\n"));

    replace(&watched.file, &against_all("p", "good"));
    let told = watched.server.told("reloaded", 1).await;
    assert_eq!(("p: good".to_owned(), told["now"].as_str().unwrap().to_owned()), answer(&watched.server).await);
    // The set that was in force all the time, which is no new one.
    watched.is_failing(false).await;
    let mut kubelet = Client::operations(&watched.server).await;
    assert!(kubelet.get("/readyz?verbose").await.text().contains("[+]reload ok"));

    fs::remove_file(&watched.file).unwrap();
    watched.keeps("p: good", "holds no policy").await;
    fs::remove_dir_all(&watched.directory).unwrap();
    watched.keeps("p: good", "cannot be read").await;

    fs::create_dir(&watched.directory).unwrap();
    fs::write(&watched.file, against_all("p", "restored")).unwrap();
    watched.server.told("reloaded", 2).await;
    assert_eq!(answer(&watched.server).await.0, "p: restored");
    watched.is_failing(false).await;
    assert!(kubelet.get("/readyz?verbose").await.text().contains("[+]reload ok"));
}

#[tokio::test]
async fn a_mounted_config_map_is_followed_from_version_to_version() {
    let directory = tempfile::tempdir().unwrap();
    let put = |version: &str| {
        let (one, two) = (against_all("one", version), against_all("two", version));
        mount(directory.path(), version, &[("one.rego", &one), ("two.rego", &two)]);
    };
    put("..1");
    let server = Process::start(&["--policies", directory.path().to_str().unwrap()]).await;
    let (before, _) = answer(&server).await;
    assert_eq!(before, "2 violations of 2 policies: one, two\n- one: ..1\n- two: ..1");
    put("..2");
    // The kubelet takes the version before away.
    fs::remove_dir_all(directory.path().join("..1")).unwrap();
    server.told("reloaded", 1).await;
    assert_eq!(answer(&server).await.0, before.replace("..1", "..2"));

    // A version with one file less: the link to it goes after the swap.
    mount(directory.path(), "..3", &[("one.rego", &against_all("one", "..3"))]);
    fs::remove_file(directory.path().join("two.rego")).unwrap();
    server.told("reloaded", 2).await;
    assert_eq!(answer(&server).await.0, "one: ..3");
}

#[tokio::test]
async fn a_change_of_the_extra_policies_is_in_force_soon() {
    let home = tempfile::tempdir().unwrap();
    let [main, extra] = ["main", "extra"].map(|name| home.path().join(name));
    for directory in [&main, &extra] {
        fs::create_dir(directory).unwrap();
    }
    fs::write(main.join("m.rego"), against_all("m", "main")).unwrap();
    let file = extra.join("e.rego");
    fs::write(&file, against_all("e", "before")).unwrap();
    let [main, extra] = [&main, &extra].map(|path| path.to_str().unwrap());
    let server = Process::start(&["--policies", main, "--extra-policies", extra]).await;
    let (message, before) = answer(&server).await;
    assert!(message.contains("m: main") && message.contains("e: before"), "{message}");
    replace(&file, &against_all("e", "after"));
    server.told("reloaded", 1).await;
    let (message, after) = answer(&server).await;
    assert!(message.contains("m: main") && message.contains("e: after") && before != after, "{message}");
    replace(&file, &against_all("m", "again"));
    let told = server.told("reload_failed", 1).await;
    assert!(said(&told).contains("e.rego") && said(&told).contains("m.rego"), "{told}");
}

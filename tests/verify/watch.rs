//! Running again whenever a file changes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::directory::{Directory, pod};
use crate::command::policy;
use crate::wait::eventually;

/// A `policy verify --watch`, which ends with its handle.
struct Watching {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Watching {
    fn start(directory: &Directory) -> Self {
        let mut command = policy(["verify", ".", "--watch"]);
        command.current_dir(directory.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::default();
        follow(child.stdout.take().unwrap(), Arc::clone(&said));
        follow(child.stderr.take().unwrap(), Arc::clone(&said));
        Self { child, said }
    }

    /// Waits until so many lines say it.
    #[track_caller]
    fn says(&self, part: &str, times: usize) -> impl Future<Output = ()> {
        eventually(move || self.said.lock().unwrap().iter().filter(|line| line.contains(part)).count() >= times)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It has ended already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(pipe: impl Read + Send + 'static, said: Arc<Mutex<Vec<String>>>) {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            said.lock().unwrap().push(line);
        }
    });
}

#[tokio::test]
async fn runs_again_when_a_policy_a_suite_or_a_fixture_changes() {
    let directory = Directory::new();
    directory.write("names/pod.yaml", &pod("bad"));
    let suite = |outcome: &str| {
        directory.suite(&format!("cases:\n- name: it\n  object: pod.yaml\n  expect: {{outcome: {outcome}}}\n"));
    };
    suite("deny");
    let mut watching = Watching::start(&directory);
    watching.says("1 case in 1 file: 1 passed", 1).await;
    suite("allow");
    watching.says("1 case in 1 file: 0 passed, 1 failed", 1).await;
    directory.write("names/pod.yaml", &pod("good"));
    watching.says("1 case in 1 file: 1 passed", 2).await;
    let file = directory.path().join("names/names.rego");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"bad\"", "\"good\"")).unwrap();
    watching.says("1 case in 1 file: 0 passed, 1 failed", 2).await;
    // What is broken is told, and watched on.
    fs::write(&file, "package").unwrap();
    watching.says("names/names.rego:1:", 1).await;
    suite("[");
    fs::write(&file, &text).unwrap();
    watching.says("policy: ./names/suite.yaml:", 1).await;
    suite("allow");
    watching.says("1 case in 1 file: 1 passed", 3).await;
    // A line with the time stands before each run.
    watching.says("--- 20", 5).await;

    kill_process(Pid::from_child(&watching.child), Signal::INT).unwrap();
    eventually(|| watching.child.try_wait().unwrap().is_some()).await;
    assert_eq!(watching.child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn an_interrupt_does_not_wait_for_a_test_that_hangs() {
    let directory = Directory::new();
    let endless = "package policies.endless_test\n\ntest_endless if {\n\tsome a in numbers.range(1, 90000)\n\
                   \tsome b in numbers.range(1, 90000)\n\ta + b < 0\n}\n";
    directory.write("names/endless_test.rego", endless);
    let mut command = policy(["verify", ".", "--watch", "--timeout", "3600000"]);
    command.current_dir(directory.path()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let said = Arc::default();
    follow(child.stderr.take().unwrap(), Arc::clone(&said));
    let mut watching = Watching { child, said };
    watching.says("---", 1).await;
    kill_process(Pid::from_child(&watching.child), Signal::INT).unwrap();
    eventually(|| watching.child.try_wait().unwrap().is_some()).await;
    assert_eq!(watching.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_shipped_policies_do_not_change() {
    let output = policy(["verify", "--watch"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("policy: --watch needs a directory"));
}

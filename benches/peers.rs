//! `policy test` and `policy verify` beside the tools that people use today, on like work: the same manifests under the
//! same three rules, each written as the tool wants it, and the tests of the shipped policies.
//!
//! The tools run in turns within one run, and each is given as a multiple of ours; the counts of violations must agree,
//! or the work was not alike. Peak memory is the kernel's own (`VmHWM`). `make bench-peers` builds what it needs.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a benchmark ends where it cannot go on")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its table is what it is for")]

use std::env::var_os;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const ROUNDS: usize = 5;
const OBJECTS: usize = 2_000;
const POLICY: &str = env!("CARGO_BIN_EXE_policy");

/// A tool at work.
struct Contender {
    name: &'static str,
    program: OsString,
    arguments: Vec<String>,
    /// What of its output is how many violations were found or tests passed.
    count: fn(&Value) -> usize,
    times: Vec<Duration>,
    peak_kib: u64,
    counted: usize,
}

impl Contender {
    fn new(name: &'static str, program: impl Into<OsString>, arguments: &[&str], count: fn(&Value) -> usize) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { name, program: program.into(), arguments, count, times: Vec::new(), peak_kib: 0, counted: 0 }
    }

    fn run(&mut self, output: &Path) {
        let file = fs::File::create(output).expect("a file for the output");
        let began = Instant::now();
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env("PORTCULLIS_POLICY_BUDGET", "10000")
            .stdout(Stdio::from(file))
            .stderr(Stdio::null())
            .spawn()
            .expect("the tool starts");
        let status = format!("/proc/{}/status", child.id());
        while child.try_wait().expect("the tool is ours").is_none() {
            self.peak_kib = self.peak_kib.max(peak(&status).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(2));
        }
        self.times.push(began.elapsed());
        let text = fs::read(output).expect("the output");
        self.counted = (self.count)(&serde_json::from_slice(&text).expect("the output is JSON"));
    }

    fn median(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }
}

/// The most memory that a process has held, in KiB.
fn peak(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn main() -> ExitCode {
    // Cargo passes --bench; with --test, as `cargo test --benches` does, there is nothing to prove.
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    let [Some(opa), Some(gator), Some(conftest)] =
        ["PORTCULLIS_OPA", "PORTCULLIS_GATOR", "PORTCULLIS_CONFTEST"].map(var_os)
    else {
        eprintln!("peers: run `make bench-peers`, which builds the tools and names them");
        return ExitCode::FAILURE;
    };
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let manifests = scratch.path().join("manifests.yaml");
    fs::write(&manifests, objects()).expect("the manifests");
    let manifests = manifests.to_str().expect("a path of text");
    let root = env!("CARGO_MANIFEST_DIR");
    let at = |path: &str| format!("{root}/{path}");

    let test = [
        Contender::new(
            "policy test",
            POLICY,
            &["test", "--format", "json", "--policies", &at("benches/peers/portcullis"), manifests],
            |report| number(&report["summary"]["deny"]),
        ),
        Contender::new(
            "conftest test",
            conftest,
            &["test", "--output", "json", "--policy", &at("benches/peers/conftest"), manifests],
            |report| list(report).iter().map(|one| list(&one["failures"]).len()).sum(),
        ),
        Contender::new(
            "gator test",
            gator,
            &["test", "--output", "json", "-f", &at("benches/peers/gator"), "-f", manifests],
            |report| list(report).len(),
        ),
    ];
    let alike = compare(&format!("{OBJECTS} objects, 3 rules"), "violations", test, scratch.path());

    let verify = [
        Contender::new(
            "policy verify",
            POLICY,
            &["verify", "--format", "json", "--run", "^data", &at("policies")],
            |report| number(&report["summary"]["passed"]),
        ),
        Contender::new(
            "opa test",
            opa,
            &["test", "--format", "json", "--ignore", "*.yaml", &at("policies")],
            |report| list(report).len(),
        ),
    ];
    compare("the Rego tests of the shipped policies", "passed", verify, scratch.path());
    if alike { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number(value: &Value) -> usize {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Runs contenders in turns and prints each as a multiple of the first; whether all counted the same.
fn compare<const N: usize>(title: &str, counted: &str, mut contenders: [Contender; N], scratch: &Path) -> bool {
    for _ in 0..ROUNDS {
        for contender in &mut contenders {
            contender.run(&scratch.join("output"));
        }
    }
    let Some(first) = contenders.first().map(|first| (first.median(), first.counted)) else { return true };
    println!("{title}, median of {ROUNDS} runs in turns");
    println!("| | time | × ours | peak memory | {counted} |");
    println!("|---|---|---|---|---|");
    for contender in &contenders {
        let median = contender.median();
        println!(
            "| `{}` | {:.2} s | {:.1} | {} MB | {} |",
            contender.name,
            median.as_secs_f64(),
            median.as_secs_f64() / first.0.as_secs_f64(),
            contender.peak_kib / 1024,
            contender.counted
        );
    }
    println!();
    contenders.iter().all(|contender| contender.counted == first.1)
}

/// Pods and Deployments of two containers, of which one in ten breaks a rule.
fn objects() -> String {
    let mut text = String::new();
    for number in 0..OBJECTS {
        let (wrong, indent) = (number % 10 == 0, if number % 2 == 0 { "" } else { "    " });
        let head = if number % 2 == 0 {
            format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: pod-{number}, namespace: shop}}\nspec:\n")
        } else {
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web-{number}, namespace: shop}}\nspec:\n  \
                 replicas: 2\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: \
                 web}}}}\n    spec:\n"
            )
        };
        text.push_str(&head);
        let _ = writeln!(text, "{indent}  containers:");
        for container in ["web", "proxy"] {
            let tag = if wrong && container == "web" { "latest" } else { "1.2.3" };
            let _ = write!(
                text,
                "{indent}  - name: {container}\n{indent}    image: registry.example.com/shop/{container}:{tag}\n\
                 {indent}    env: [{{name: MODE, value: production}}, {{name: LEVEL, value: info}}]\n\
                 {indent}    ports: [{{containerPort: 8080, name: http}}]\n\
                 {indent}    resources: {{requests: {{cpu: 100m, memory: 64Mi}}, limits: {{memory: 128Mi}}}}\n\
                 {indent}    securityContext: {{privileged: {}, allowPrivilegeEscalation: false}}\n\
                 {indent}    readinessProbe: {{httpGet: {{path: /ready, port: http}}}}\n",
                wrong && container == "proxy"
            );
        }
        text.push_str("---\n");
    }
    text
}

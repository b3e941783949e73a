//! A real Prometheus that scrapes a server.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::tool::tool;
use crate::wait::eventually;

/// A running Prometheus; it ends with its handle.
pub(super) struct Prometheus {
    child: Child,
    address: SocketAddr,
}

impl Prometheus {
    /// Scrapes `target` every second as the job `portcullis` and follows the rules of a file; nothing without the tool.
    pub(super) async fn start(directory: &Path, target: SocketAddr, rules: &Path) -> Option<Self> {
        let mut command = tool("prometheus")?;
        let config = json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [rules],
            "scrape_configs": [{"job_name": "portcullis", "static_configs": [{"targets": [target.to_string()]}]}],
        });
        let file = directory.join("prometheus.yaml");
        fs::write(&file, config.to_string()).unwrap();
        // Prometheus does not tell which port it took, so it is given one that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", directory.join("series").display()));
        command.arg(format!("--web.listen-address={address}")).arg("--log.level=warn");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let mut prometheus = Self { child, address };
        eventually(|| {
            let ended = prometheus.child.try_wait().unwrap();
            assert!(ended.is_none(), "prometheus ended: {ended:?}");
            prometheus.ask("/-/ready").is_some()
        })
        .await;
        Some(prometheus)
    }

    /// What a query finds now.
    pub(super) fn query(&self, query: &str) -> Vec<Value> {
        let encoded: String = query
            .bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") },
            )
            .collect();
        let body = self.ask(&format!("/api/v1/query?query={encoded}")).unwrap_or_else(|| panic!("{query} is refused"));
        let answer: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
        answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{query}: {answer}")).clone()
    }

    /// Every rule with its health.
    pub(super) fn rules(&self) -> Vec<Value> {
        let answer: Value = serde_json::from_str(&self.ask("/api/v1/rules").unwrap()).unwrap();
        let groups = answer["data"]["groups"].as_array().unwrap();
        groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
    }

    /// The body of an answer, if there is one with status 200.
    fn ask(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // HTTP/1.0: the body ends with the connection, in one piece.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: prometheus\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.lines().next()?.contains(" 200 ").then(|| body.to_owned())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The reports of `policy test` that pipelines read, by programs that read such reports.

#[cfg(test)]
#[path = "support/command.rs"]
mod command;
#[cfg(test)]
#[path = "support/tool.rs"]
mod tool;

#[cfg(test)]
mod reports {
    mod base;

    use std::fs;
    use std::path::Path;

    use serde_json::Value;
    use tempfile::TempDir;

    use crate::command::policy;
    use crate::tool::{fed, tool};

    /// A policy that denies, one that warns, one that breaks, and an exemption; objects for each, and a file that is none.
    fn inputs() -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let policy = |name: &str, enforcement: &str, body: &str| {
            let text = format!(
                "# METADATA\n# title: About {name}\n# description: Why <{name}> & \"how\".\n\
                 # related_resources: [{{ref: https://example.com/{name}}}]\n# custom:\n#   severity: high\n\
                 #   enforcement: {enforcement}\n#   match: {{kinds: [ConfigMap]}}\n#   controls: [cis/5.1.1]\n\
                 package policies.{name}\n\n{body}\n"
            );
            write(&format!("policies/{name}/{name}.rego"), &text);
        };
        let rule = |name: &str| {
            format!(
                "deny contains violation if {{\n\tinput.request.object.data.{name}\n\tviolation := {{\"msg\": \
                 \"{name}: 100% <wrong>, \\\"quite\\\"\", \"field\": \"data.{name}\", \"remedy\": \"remove {name}\"}}\n}}"
            )
        };
        policy("denied", "deny", &rule("denied"));
        policy("warned", "warn", &rule("warned"));
        policy("broken", "deny", "deny contains \"no\" if to_number(input.request.object.data.broken) > 1");
        write(
            "config.yaml",
            "apiVersion: portcullis.dev/v1alpha1\nkind: Config\nexemptions:\n- policies: [denied]\n  \
             match: {names: [exempt]}\n  owner: team\n  reason: because\n  expires: 2999-12-31\n",
        );
        let map = |name: &str, data: &str| {
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: shop}}\ndata:\n  {data}: \"x\"\n"
            )
        };
        let objects = [map("good", "fine"), map("bad", "denied"), map("meh", "warned"), map("exempt", "denied")];
        write("objects/a,b: c%.yaml", &objects.join("---\n"));
        write("objects/broken.yaml", &map("odd", "broken"));
        write("objects/unreadable.yaml", "a: [\n");
        write("objects/values.yaml", "replicas: 1\n");
        directory
    }

    fn report(directory: &Path, format: &str, objects: &str) -> (Option<i32>, String) {
        let mut command = policy(["test", "--policies", "policies", "--config", "config.yaml", "--format", format]);
        let output = command.args(["--policy-budget", "5000", objects]).current_dir(directory).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    /// A report as a program outside read it, if there is one.
    fn read_outside(format: &str, report: &str) -> Option<Value> {
        let mut reader = tool("reports")?;
        reader.arg(format);
        let output = fed(reader, report.as_bytes());
        assert!(output.status.success(), "{}: {report}", String::from_utf8_lossy(&output.stderr));
        Some(serde_json::from_slice(&output.stdout).unwrap())
    }

    #[test]
    fn sarif_fulfils_its_schema_and_says_all() {
        let directory = inputs();
        let (code, text) = report(directory.path(), "sarif", "objects");
        assert_eq!(code, Some(2));
        read_outside("sarif", &text);
        let log: Value = serde_json::from_str(&text).unwrap();
        let run = &log["runs"][0];
        let results = run["results"].as_array().unwrap();
        let said: Vec<(&str, &str)> = results
            .iter()
            .map(|result| (result["ruleId"].as_str().unwrap(), result["level"].as_str().unwrap()))
            .collect();
        assert_eq!(said, [("denied", "error"), ("warned", "warning"), ("denied", "error")]);
        let place = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "objects/a%2Cb%3A%20c%25.yaml");
        assert_eq!((&place["region"]["startLine"], &place["region"]["startColumn"]), (&11.into(), &3.into()));
        assert_eq!(results[2]["suppressions"][0]["justification"], "because (team)");
        let rule = &run["tool"]["driver"]["rules"].as_array().unwrap()[1];
        assert_eq!(
            (rule["id"].as_str(), rule["helpUri"].as_str()),
            (Some("denied"), Some("https://example.com/denied"))
        );
        assert!(rule["help"]["markdown"].as_str().unwrap().contains("Why <denied>"));
        assert_eq!(rule["properties"]["security-severity"], "8.0");
        let invocation = &run["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        assert_eq!(invocation["toolExecutionNotifications"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn sarif_of_nothing_found_fulfils_its_schema() {
        let directory = inputs();
        fs::write(directory.path().join("one.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n").unwrap();
        let (code, text) = report(directory.path(), "sarif", "one.yaml");
        assert_eq!(code, Some(0));
        read_outside("sarif", &text);
        let log: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(log["runs"][0]["results"], Value::Array(Vec::new()));
        assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], true);
    }

    /// The fingerprints of a report, by what it is of.
    fn fingerprints(directory: &Path) -> Vec<(String, String)> {
        let (_, text) = report(directory, "gitlab", "objects");
        let issues: Vec<Value> = serde_json::from_str(&text).unwrap();
        let text = |issue: &Value, key: &str| issue[key].as_str().unwrap().to_owned();
        let mut pairs: Vec<_> =
            issues.iter().map(|issue| (text(issue, "description"), text(issue, "fingerprint"))).collect();
        pairs.sort();
        pairs
    }

    #[test]
    fn fingerprints_stay_when_lines_move() {
        let directory = inputs();
        let before = fingerprints(directory.path());
        let path = directory.path().join("objects/a,b: c%.yaml");
        let text = fs::read_to_string(&path).unwrap();
        let mut documents: Vec<&str> = text.split("---\n").collect();
        documents.reverse();
        fs::write(&path, format!("# moved\n\n{}", documents.join("---\n"))).unwrap();
        assert_eq!(fingerprints(directory.path()), before);
        fs::write(&path, text.replace("name: bad", "name: worse")).unwrap();
        assert_ne!(fingerprints(directory.path()), before);
    }

    #[test]
    fn gitlab_takes_each_issue_for_itself() {
        let directory = inputs();
        let (_, text) = report(directory.path(), "gitlab", "objects");
        let issues: Vec<Value> = serde_json::from_str(&text).unwrap();
        let said: Vec<String> = issues
            .iter()
            .map(|issue| {
                let line = &issue["location"]["lines"]["begin"];
                format!("{} {} {line}", issue["check_name"].as_str().unwrap(), issue["severity"].as_str().unwrap())
            })
            .collect();
        assert_eq!(said, ["denied critical 11", "warned critical 17", "broken blocker 1", "input blocker 2"]);
        let all: std::collections::BTreeSet<&str> =
            issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
        assert_eq!(all.len(), issues.len());
        assert_eq!(issues[0]["location"]["path"], "objects/a,b: c%.yaml");
    }

    #[test]
    fn junit_is_read_by_a_parser_of_ci_systems() {
        let directory = inputs();
        let (_, text) = report(directory.path(), "junit", "objects");
        assert!(text.contains(r#"<testsuites name="policy test" tests="7" failures="1" errors="2">"#), "{text}");
        assert!(text.contains("warned: 100% &lt;wrong&gt;, "), "warnings are shown beside: {text}");
        let Some(tests) = read_outside("junit", &text) else { return };
        let tests: Vec<(&str, &str)> = tests
            .as_array()
            .unwrap()
            .iter()
            .map(|test| (test["Name"].as_str().unwrap(), test["Status"].as_str().unwrap()))
            .collect();
        let expected = [
            ("v1 ConfigMap shop/good", "passed"),
            ("v1 ConfigMap shop/bad", "failed"),
            ("v1 ConfigMap shop/meh", "passed"),
            ("v1 ConfigMap shop/exempt", "passed"),
            ("v1 ConfigMap shop/odd", "error"),
            ("line 2", "error"),
            ("line 1", "skipped"),
        ];
        assert_eq!(tests, expected);
    }

    #[test]
    fn github_gets_one_escaped_command_a_line() {
        let directory = inputs();
        let (_, text) = report(directory.path(), "github", "objects");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "::error file=objects/a%2Cb%3A c%25.yaml,line=11,col=3,title=denied (high)::v1 ConfigMap shop/bad: denied: \
             100%25 <wrong>, \"quite\"%0Afield: data.denied%0Afix: remove denied"
        );
        assert!(lines[1].starts_with("::warning file="), "{text}");
        assert!(lines[2].starts_with("::error file=objects/broken.yaml,line=1,title=broken (error)::"), "{text}");
        assert!(lines[3].starts_with("::error file=objects/unreadable.yaml,line="), "{text}");
        assert!(lines[4].starts_with("5 objects, 2 denied (revision "), "{text}");
        assert_eq!(lines.len(), 5);
    }
}

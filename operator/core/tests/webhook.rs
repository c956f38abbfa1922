//! What frr-k8s' admission webhook answers, as data: the same verdicts and warnings.
//!
//! The cases are looked for in `$HERALD_CONFORMANCE`, else beside the repository; without them the test says so.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads its cases from files")]

mod support;

use herald_core::admission::{Operation, Options, Request, review};
use herald_core::input::{self, SourceText};
use serde_json::{Value, json};

/// Nodes of a case as a manifest.
fn nodes(case: &Value) -> String {
    let node = |node: &Value| {
        let metadata = json!({ "name": node["name"], "labels": node["labels"] });
        json!({ "apiVersion": "v1", "kind": "Node", "metadata": metadata })
    };
    let items: Vec<Value> = case["nodes"].as_array().unwrap().iter().map(node).collect();
    json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string()
}

#[test]
fn every_request_is_answered_as_upstream_answers_it() {
    let Some(cases) = support::cases("frr-k8s/webhook") else { return };
    let (mut compared, mut failures) = (0, Vec::new());
    for entry in std::fs::read_dir(cases).unwrap() {
        let folder = entry.unwrap().path();
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        let case: Value = serde_json::from_str(&read("case.json")).unwrap();
        let text = |file: &str, text: String| SourceText { file: file.into(), text: text.into() };
        let sources = [text("existing", read("existing.yaml")), text("nodes", nodes(&case))];
        let snapshot = input::parse(&sources, &input::Options::default()).snapshot;
        assert_eq!(snapshot.nodes.len(), 1);
        let incoming: Value = serde_yaml::from_str(&read("incoming.yaml")).unwrap();
        let existing: Option<Value> = serde_yaml::from_str(&read("existing.yaml")).ok();
        let update = case["operation"] == "UPDATE";
        let request = Request {
            operation: if update { Operation::Update } else { Operation::Create },
            kind: "FRRConfiguration",
            namespace: incoming["metadata"]["namespace"].as_str().unwrap(),
            name: incoming["metadata"]["name"].as_str().unwrap(),
            object: Some(&incoming),
            old: existing.as_ref().filter(|_| update),
            dry_run: false,
        };
        let verdict = review(&snapshot, &request, &Options::default());
        let warnings: Vec<String> = serde_json::from_value(case["warnings"].clone()).unwrap_or_default();
        if verdict.allowed() != case["allowed"].as_bool().unwrap() || verdict.warnings != warnings {
            failures.push(format!("{}: {verdict:?}", folder.display()));
        }
        compared += 1;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(compared >= 6, "only {compared} cases");
}

//! Which lengths a prefix selector of an FRRConfiguration may name: frr-k8s' own table.
//!
//! The cases are looked for in `$HERALD_CONFORMANCE`, else beside the repository; without them the
//! test says so.
#![expect(clippy::disallowed_methods, reason = "a test reads its cases from files")]

use herald_core::input::{self, SourceText};
use herald_core::model::{InForce, Model, Options};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// An FRRConfiguration that takes what the selector matches.
fn receiving(selector: &Value) -> String {
    let receive = json!({"allowed": {"mode": "filtered", "prefixes": [selector]}});
    let neighbor = json!({"asn": 65002, "address": "192.0.2.1", "toReceive": receive});
    let object = json!({
        "apiVersion": "frrk8s.metallb.io/v1beta1", "kind": "FRRConfiguration",
        "metadata": {"name": "case", "namespace": "frr-k8s-system"},
        "spec": {"bgp": {"routers": [{"asn": 65001, "neighbors": [neighbor]}]}},
    });
    object.to_string()
}

#[test]
fn lengths_are_refused_as_frr_k8s_refuses_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let root = std::env::var_os("HERALD_CONFORMANCE").map_or(root, PathBuf::from);
    let folder = root.join("frr-k8s/prefix-selector");
    if !folder.is_dir() {
        eprintln!("no conformance cases at {}: set HERALD_CONFORMANCE", folder.display());
        return;
    }
    let mut judged = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let source = SourceText { file: "input.yaml".into(), text: receiving(&case["selector"]).into() };
        let parsed = input::parse(&[source], &input::Options::default());
        let built = Model::build(&parsed.snapshot, &InForce::default(), &Options::default());
        let problems: Vec<_> = parsed.problems.iter().chain(&built.problems).collect();
        let wanted = case["expectError"].as_bool().unwrap();
        assert_eq!(!problems.is_empty(), wanted, "{}: {problems:?}", path.display());
        let of_selector = |field: &str| field.contains("toReceive.allowed.prefixes[0]");
        assert!(problems.iter().all(|p| of_selector(&p.field.to_string())), "{problems:?}");
        judged += 1;
    }
    assert!(judged > 0, "no cases in {}", folder.display());
}

//! What `--always-block` may say: frr-k8s' own table.
//!
//! The cases are looked for in `$HERALD_CONFORMANCE`, else beside the repository; without them the
//! test says so.
#![expect(clippy::disallowed_methods, reason = "a test reads its cases from files")]

use herald_core::frr::Blocked;
use ipnet::IpNet;
use serde_json::Value;
use std::path::{Path, PathBuf};

#[test]
fn prefixes_are_read_as_frr_k8s_reads_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let root = std::env::var_os("HERALD_CONFORMANCE").map_or(root, PathBuf::from);
    let path = root.join("frr-k8s/misc/always-block-flag.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("no conformance case at {}: set HERALD_CONFORMANCE", path.display());
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let flag = case["flag"].as_str().unwrap();
        let wanted: Vec<IpNet> = serde_json::from_value(case["cidrs"].clone()).unwrap();
        let read = flag.parse::<Blocked>();
        assert_eq!(read.is_ok(), case["valid"], "{flag:?}: {read:?}");
        assert_eq!(read.unwrap_or_default().0, wanted, "{flag:?}");
    }
}

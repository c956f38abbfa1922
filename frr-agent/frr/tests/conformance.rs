//! How frr-k8s reads a community, as data: the same texts are one here, and mean the same.
//!
//! The cases are looked for in `$HERALD_CONFORMANCE`, else beside the repository; without them the
//! test says so.
#![expect(clippy::disallowed_methods, reason = "a test reads its cases from files")]

use herald_frr::value::Community;
use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};

#[test]
fn communities_are_read_as_frr_k8s_reads_them() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let root = std::env::var_os("HERALD_CONFORMANCE").map_or(root, PathBuf::from);
    let table = root.join("frr-k8s/community/parse.json");
    if !table.is_file() {
        eprintln!("no conformance cases at {}: set HERALD_CONFORMANCE", table.display());
        return Ok(());
    }
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(table)?)?;
    assert!(!cases.is_empty());
    for case in cases {
        let input = case["input"].as_str().ok_or("a case without input")?;
        // How FRR is told: the marker of a large community is of the manifests alone.
        let read = input.parse().ok().map(|community| match community {
            Community::Standard(standard) => (false, standard.to_string()),
            Community::Large(large) => (true, large.to_string()),
        });
        let wanted = (case["valid"] == true)
            .then(|| (case["large"] == true, case["rendered"].as_str().unwrap_or_default().to_owned()));
        assert_eq!(read, wanted, "{input:?}");
    }
    Ok(())
}

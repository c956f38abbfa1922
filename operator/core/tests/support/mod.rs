//! Where the conformance cases are: in `$HERALD_CONFORMANCE`, else beside the repository.

use std::path::{Path, PathBuf};

/// The folder of a suite; without it the test says so, and compares nothing.
pub fn cases(suite: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let root = std::env::var_os("HERALD_CONFORMANCE").map_or(root, PathBuf::from);
    let cases = root.join(suite);
    if cases.is_dir() {
        return Some(cases);
    }
    eprintln!("no conformance cases at {}: set HERALD_CONFORMANCE", cases.display());
    None
}

//! Manifests in, Snapshot and Problems out.

//! FRR's vocabulary: a typed configuration, its text, and the difference of two.
//!
//! Knows nothing of Kubernetes. Pure: no clock, no files, no processes.

pub mod config;
pub mod render;
pub mod value;

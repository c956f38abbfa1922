//! FRR's vocabulary: a typed configuration, its text, the difference of two, and what FRR shows.
//!
//! Knows nothing of Kubernetes. Pure: no clock, no files, no processes.

#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
pub mod config;
pub mod diff;
pub mod patch;
pub mod render;
pub mod running;
pub mod shared;
pub mod show;
mod statement;
pub mod value;
pub mod vtysh;

//! Kubernetes' vocabulary: the kinds of `metallb.io` and `frrk8s.metallb.io`.
//!
//! Each kind is one file: its Rust types, and by their attributes the schema that a cluster enforces. Fields carry
//! what a manifest says and no more: an absent field is `None` or empty, defaults are a matter of the schema
//! ([`schemas`]), and no value is judged here.

// Two printer columns of the same type are not a duplicate, but the lint takes them for one.
#![allow(clippy::duplicated_attributes)]

pub mod frrk8s;
pub mod metallb;

mod absent_spec;
mod crd;
mod password;
mod schema;

pub use crd::{KUSTOMIZATION, files, schemas};
pub use password::Password;

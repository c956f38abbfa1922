//! May an object be stored? What the admission webhooks answer.
//!
//! A change is judged as if everything that is there were in force: an object that conflicts with it loses. So whatever
//! is admitted is applied, and what is refused is refused for the reasons that `herald validate` gives.

mod error;
mod incoming;
mod nodes;
mod recent;
mod references;
mod reviewer;
mod set;
#[cfg(test)]
mod tests;
mod warnings;

pub use error::AdmissionError;
pub use recent::Millis;
pub use reviewer::Reviewer;

use crate::problem::Problem;
use crate::snapshot::Snapshot;
use crate::{frr, model};
use serde_json::Value;
use std::sync::Arc;

/// What is asked (`admission.k8s.io/v1` `AdmissionRequest`).
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What is done to the object.
    pub operation: Operation,
    /// The object's kind: `BGPPeer`.
    pub kind: &'a str,
    /// Its namespace; empty for objects of the cluster.
    pub namespace: &'a str,
    /// Its name; empty where the API server is to make one up.
    pub name: &'a str,
    /// What it is to be; none when it is deleted.
    pub object: Option<&'a Value>,
    /// What it is; none when it is created.
    pub old: Option<&'a Value>,
    /// Nothing is stored, whatever the answer.
    pub dry_run: bool,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It is new.
    Create,
    /// It is changed.
    Update,
    /// It is removed.
    Delete,
    /// Anything else; nothing of it is ours to judge.
    Connect,
}

/// How objects are judged.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The namespace that configuration is read from; `None` reads all of them.
    pub namespace: Option<Arc<str>>,
    /// How the inputs are to be read.
    pub model: model::Options,
    /// How FRR is configured.
    pub frr: frr::Options,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Everything that speaks against it; empty admits.
    pub errors: Vec<Problem>,
    /// What is admitted and may not be what was meant, a line each.
    pub warnings: Vec<String>,
    /// The answer depends on other objects: with what was stored in the meantime it may be another.
    pub depends_on_others: bool,
}

impl Verdict {
    /// Whether the object may be stored.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.errors.is_empty()
    }

    /// All errors, a line each.
    #[must_use]
    pub fn message(&self) -> String {
        self.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }
}

/// Judges one request. Whoever judges many against one Snapshot keeps a [`Reviewer`].
#[must_use]
pub fn review(snapshot: &Snapshot, request: &Request<'_>, options: &Options) -> Verdict {
    Reviewer::new(snapshot, options).review(request, 0)
}

//! A Lease in our words (coordination.k8s.io/v1).

use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// The annotation of a Lease that its last holder let go of: whether all of its writes had been answered.
const ANSWERED: &str = "herald.metallb.io/writes-answered";

/// A Lease as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `metadata.resourceVersion`.
    pub version: String,
    /// `spec.holderIdentity`; empty is nobody.
    pub holder: String,
    /// `spec.leaseDurationSeconds`.
    pub duration: Duration,
    /// Whoever held it let go of it, and whether none of its writes was on its way any more.
    pub answered: Option<bool>,
    /// `spec.leaseTransitions`.
    pub transitions: i64,
    /// `spec.acquireTime`, for people.
    pub acquired: Option<String>,
}

impl Record {
    /// Reads one.
    pub fn of(lease: &Value) -> Self {
        let text = |of: &Value, key: &str| of[key].as_str().map(ToOwned::to_owned);
        let (metadata, spec) = (&lease["metadata"], &lease["spec"]);
        let seconds = spec["leaseDurationSeconds"].as_u64().unwrap_or_default();
        Self {
            version: text(metadata, "resourceVersion").unwrap_or_default(),
            holder: text(spec, "holderIdentity").unwrap_or_default(),
            duration: Duration::from_secs(seconds),
            answered: metadata["annotations"][ANSWERED].as_str().map(|answered| answered == "true"),
            transitions: spec["leaseTransitions"].as_i64().unwrap_or_default(),
            acquired: text(spec, "acquireTime"),
        }
    }
}

/// What a Lease is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The resourceVersion that it has to have; `None` where it must not exist.
    pub version: Option<String>,
    /// Who holds it; empty lets go.
    pub holder: String,
    /// How long.
    pub duration: Duration,
    /// See [`Record::answered`].
    pub answered: Option<bool>,
    /// How often it changed hands.
    pub transitions: i64,
    /// Since when; `None` is now.
    pub acquired: Option<String>,
}

impl Wanted {
    /// The object to be stored.
    pub fn object(&self, namespace: &str, name: &str, now: Timestamp) -> Value {
        let now = format!("{now:.6}");
        // At least a second, and never less than is meant.
        let seconds = self.duration.as_millis().div_ceil(1000).max(1);
        let annotations = self.answered.map(|answered| json!({ ANSWERED: answered.to_string() }));
        json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": name, "namespace": namespace, "resourceVersion": self.version, "annotations": annotations,
            },
            "spec": {
                "holderIdentity": self.holder,
                "leaseDurationSeconds": u64::try_from(seconds).unwrap_or(u64::MAX),
                "acquireTime": self.acquired.as_ref().unwrap_or(&now),
                "renewTime": now,
                "leaseTransitions": self.transitions,
            },
        })
    }
}

//! What the machine asks to be done.

use super::input::WriteId;
use crate::input::objects::ALLOCATED_FROM;
use crate::problem::ObjectRef;
use crate::snapshot::ServiceKey;
use herald_crds::metallb::{ConfigurationStateStatus, IPAddressPoolStatus};
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use std::sync::Arc;

/// Something to do. The effects of one object are done in the order in which they come; those of different objects
/// in any. Every write is answered by `Input::Written`; an Event is not.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A strategic merge patch of a Service's `status` subresource.
    PatchService(ServiceWrite),
    /// The status of an IPAddressPool.
    PoolStatus(PoolWrite),
    /// The status of the ConfigurationState of the controller, which is created if it is not there.
    ConfigurationState(ConfigurationWrite),
    /// The deletion of an FRRNodeState.
    DeleteNodeState(NodeStateDelete),
    /// A Kubernetes Event.
    Event(Event),
}

/// A write of a Service's status. It must fail if the Service is another one or has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceWrite {
    /// To be answered with.
    pub id: WriteId,
    /// Namespace and name.
    pub key: ServiceKey,
    /// Precondition `metadata.uid`.
    pub uid: Arc<str>,
    /// Precondition `metadata.resourceVersion`.
    pub resource_version: Arc<str>,
    /// What changes.
    pub patch: ServicePatch,
}

/// A change of a Service's status. What is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServicePatch {
    /// All of `status.loadBalancer.ingress`.
    pub ips: Option<Vec<IpAddr>>,
    /// The annotation `metallb.io/ip-allocated-from-pool`; `Some(None)` removes it.
    pub pool: Option<Option<Arc<str>>>,
    /// Conditions by type; one without a value is removed.
    pub conditions: Vec<(&'static str, Option<Condition>)>,
}

/// A condition (`metav1.Condition`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `True` or `False`.
    pub status: bool,
    /// A stable PascalCase name, listed in docs/reference/conditions.md.
    pub reason: &'static str,
    /// One sentence that says what to do.
    pub message: Arc<str>,
    /// `lastTransitionTime`.
    pub since: Arc<str>,
}

impl ServiceWrite {
    /// The body of the patch, `application/strategic-merge-patch+json`: the API server merges conditions by type, so
    /// that those of others stay as they are. Its preconditions stand in `metadata`.
    #[must_use]
    pub fn body(&self) -> Value {
        let ServicePatch { ips, pool, conditions } = &self.patch;
        let mut metadata = Map::new();
        metadata.insert("uid".into(), json!(self.uid));
        metadata.insert("resourceVersion".into(), json!(self.resource_version));
        if let Some(pool) = pool {
            metadata.insert("annotations".into(), json!({ ALLOCATED_FROM: pool }));
        }
        let mut status = Map::new();
        if let Some(ips) = ips {
            let ingress: Vec<Value> = ips.iter().map(|ip| json!({"ip": ip, "ipMode": "VIP"})).collect();
            status.insert("loadBalancer".into(), json!({ "ingress": ingress }));
        }
        if !conditions.is_empty() {
            let items = conditions.iter().map(|(kind, condition)| match condition {
                Some(condition) => condition.body(kind),
                None => json!({"type": kind, "$patch": "delete"}),
            });
            status.insert("conditions".into(), Value::Array(items.collect()));
        }
        json!({"metadata": metadata, "status": status})
    }
}

impl Condition {
    fn body(&self, kind: &str) -> Value {
        json!({
            "type": kind,
            "status": if self.status { "True" } else { "False" },
            "reason": self.reason,
            "message": self.message,
            "lastTransitionTime": self.since,
        })
    }
}

/// A write of a pool's status, all of it; the last one wins.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolWrite {
    /// To be answered with.
    pub id: WriteId,
    /// The pool.
    pub pool: ObjectRef,
    /// Precondition `metadata.uid`.
    pub uid: Arc<str>,
    /// The status.
    pub status: IPAddressPoolStatus,
}

/// A write of the controller's ConfigurationState.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigurationWrite {
    /// To be answered with.
    pub id: WriteId,
    /// The object, which may not exist.
    pub object: ObjectRef,
    /// Its status.
    pub status: ConfigurationStateStatus,
}

/// The deletion of the FRRNodeState of a node that has no FRR any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStateDelete {
    /// To be answered with; what it answers means nothing more than that it happened.
    pub id: WriteId,
    /// The object's name, which is the node's.
    pub name: Arc<str>,
}

/// A Kubernetes Event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The object that it is about.
    pub about: ObjectRef,
    /// Its `metadata.uid`.
    pub uid: Arc<str>,
    /// Type `Warning`, else `Normal`.
    pub warning: bool,
    /// The reason: MetalLB's names, and those of docs/reference/conditions.md.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

//! What a Snapshot leaves out of an object and a writer of its status needs.

use crate::snapshot::{Service, ServiceType};
use serde_json::Value;
use std::sync::Arc;

/// The annotation that names the pool of a Service's addresses (MetalLB, Service annotations).
pub const ALLOCATED_FROM: &str = "metallb.io/ip-allocated-from-pool";
/// The condition of a Service that says whether it has its addresses.
pub const ALLOCATED: &str = "LoadBalancerAddressAllocated";
/// The condition of a Service that says whether its addresses are announced.
pub const ADVERTISED: &str = "LoadBalancerAdvertised";

/// What is known of a Service beside its [`Service`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    /// `metadata.uid`.
    pub uid: Arc<str>,
    /// `metadata.resourceVersion`.
    pub resource_version: Arc<str>,
    /// `metadata.generation`; 0 where the API server counts none.
    pub generation: i64,
    /// `metadata.creationTimestamp`, RFC 3339.
    pub created: Arc<str>,
    /// The annotation [`ALLOCATED_FROM`].
    pub pool_annotation: Option<Arc<str>>,
    /// `status.loadBalancer.ingress`.
    pub ingress: Box<[IngressFacts]>,
    /// `status.conditions`, all of them in their order: a merge patch replaces the list, so those of others have to be
    /// sent along.
    pub conditions: Box<[ConditionFacts]>,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
}

impl ServiceFacts {
    /// The condition of a type.
    #[must_use]
    pub fn condition(&self, condition_type: &str) -> Option<&ConditionFacts> {
        self.conditions.iter().find(|condition| &*condition.type_ == condition_type)
    }
}

/// One entry of `status.loadBalancer.ingress`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IngressFacts {
    /// `ip` as written.
    pub ip: Option<Arc<str>>,
    /// `hostname`.
    pub hostname: Option<Arc<str>>,
    /// `ipMode`.
    pub ip_mode: Option<Arc<str>>,
    /// `ports` is not empty.
    pub has_ports: bool,
}

/// One condition (`metav1.Condition`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConditionFacts {
    /// `type`.
    pub type_: Arc<str>,
    /// `True`, `False` or `Unknown`.
    pub status: Arc<str>,
    /// `reason`.
    pub reason: Arc<str>,
    /// `message`.
    pub message: Arc<str>,
    /// `observedGeneration`, where it is set.
    pub observed_generation: Option<i64>,
    /// `lastTransitionTime` as written, RFC 3339.
    pub last_transition_time: Arc<str>,
}

/// What is known of an object of Herald's own kinds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObjectFacts {
    /// `metadata.uid`.
    pub uid: Arc<str>,
    /// `metadata.resourceVersion`.
    pub resource_version: Arc<str>,
    /// `metadata.generation`.
    pub generation: i64,
    /// `status` as it is; null where there is none.
    pub status: Value,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
}

/// Whether one `resourceVersion` comes after another of the same kind: they are numbers (KEP-5504).
#[must_use]
pub fn newer(one: &str, other: &str) -> bool {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other)).is_gt()
}

/// A text of a JSON object.
pub(super) fn text<'v>(of: &'v Value, key: &str) -> Option<&'v str> {
    of.get(key).and_then(Value::as_str)
}

/// The facts of an object that is no Service.
pub(super) fn of_object(object: &Value) -> ObjectFacts {
    let metadata = object.get("metadata").unwrap_or(&Value::Null);
    ObjectFacts {
        uid: text(metadata, "uid").unwrap_or_default().into(),
        resource_version: text(metadata, "resourceVersion").unwrap_or_default().into(),
        generation: metadata.get("generation").and_then(Value::as_i64).unwrap_or_default(),
        status: object.get("status").cloned().unwrap_or_default(),
        deleting: metadata.get("deletionTimestamp").is_some_and(|at| !at.is_null()),
    }
}

/// The facts of a Service; `None` for one that has nothing to do with a load balancer, now or in its status, unless it
/// `was_known`.
pub(super) fn of_service(
    object: &Value,
    service: Option<&Service>,
    was_known: bool,
    intern: &mut dyn FnMut(&str) -> Arc<str>,
) -> Option<ServiceFacts> {
    let metadata = object.get("metadata").unwrap_or(&Value::Null);
    let status = object.get("status").unwrap_or(&Value::Null);
    let list = |of: Option<&Value>| of.and_then(Value::as_array).cloned().unwrap_or_default();
    let ingress = list(status.get("loadBalancer").and_then(|balancer| balancer.get("ingress")));
    let conditions = list(status.get("conditions"));
    let annotation = metadata.get("annotations").and_then(|all| text(all, ALLOCATED_FROM));
    let ours = |condition: &Value| matches!(text(condition, "type"), Some(ALLOCATED | ADVERTISED));
    let concerned = was_known
        || service.is_some_and(|service| service.service_type == ServiceType::LoadBalancer)
        || !ingress.is_empty()
        || annotation.is_some()
        || conditions.iter().any(ours);
    concerned.then(|| ServiceFacts {
        uid: text(metadata, "uid").unwrap_or_default().into(),
        resource_version: text(metadata, "resourceVersion").unwrap_or_default().into(),
        generation: metadata.get("generation").and_then(Value::as_i64).unwrap_or_default(),
        created: intern(text(metadata, "creationTimestamp").unwrap_or_default()),
        pool_annotation: annotation.map(&mut *intern),
        ingress: ingress.iter().map(|entry| of_ingress(entry, intern)).collect(),
        conditions: conditions.iter().map(|condition| of_condition(condition, intern)).collect(),
        deleting: metadata.get("deletionTimestamp").is_some_and(|at| !at.is_null()),
    })
}

fn of_ingress(entry: &Value, intern: &mut dyn FnMut(&str) -> Arc<str>) -> IngressFacts {
    IngressFacts {
        // An address is in one Service, or in few.
        ip: text(entry, "ip").map(Into::into),
        hostname: text(entry, "hostname").map(Into::into),
        ip_mode: text(entry, "ipMode").map(intern),
        has_ports: entry.get("ports").and_then(Value::as_array).is_some_and(|ports| !ports.is_empty()),
    }
}

fn of_condition(condition: &Value, intern: &mut dyn FnMut(&str) -> Arc<str>) -> ConditionFacts {
    let mut of = |key| intern(text(condition, key).unwrap_or_default());
    ConditionFacts {
        type_: of("type"),
        status: of("status"),
        reason: of("reason"),
        message: of("message"),
        last_transition_time: of("lastTransitionTime"),
        observed_generation: condition.get("observedGeneration").and_then(Value::as_i64),
    }
}

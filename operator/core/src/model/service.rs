//! Services that ask for a load balancer.

use super::service_error::{FamilyError, RequestError};
use crate::problem::ObjectRef;
use crate::snapshot::Labels;
use herald_frr::value::Family;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// The families of a Service's cluster addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Families {
    /// One family.
    Single(Family),
    /// Both; the first is the one that is preferred.
    Dual {
        /// `ipFamilies[0]`.
        primary: Family,
    },
}

/// `spec.ipFamilyPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyPolicy {
    /// One family.
    SingleStack,
    /// Both where a pool has both, else one.
    PreferDualStack,
    /// Both or nothing.
    RequireDualStack,
}

/// What decides whether Services may share an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SharingKey {
    /// Annotation `metallb.io/allow-shared-ip`; empty shares with nobody.
    pub sharing: Arc<str>,
    /// Empty for `externalTrafficPolicy: Cluster`, else the selector in one canonical text.
    pub backend: Arc<str>,
}

/// A Service of type LoadBalancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The object.
    pub object: ObjectRef,
    /// Its labels.
    pub labels: Labels,
    /// The families that it needs; `Err` says in words why they cannot be told.
    pub families: Result<Families, FamilyError>,
    /// How it takes a second family.
    pub policy: FamilyPolicy,
    /// Annotation `metallb.io/address-pool`.
    pub requested_pool: Option<Arc<str>>,
    /// Annotation `metallb.io/loadBalancerIPs` or `spec.loadBalancerIP`; empty asks for any.
    pub requested_ips: Result<Vec<IpAddr>, RequestError>,
    /// What it shares by.
    pub sharing: SharingKey,
    /// Whether the annotation `allow-shared-ip` is there at all.
    pub has_sharing_annotation: bool,
    /// Protocol and port, each once.
    pub ports: BTreeSet<(Arc<str>, u16)>,
    /// `externalTrafficPolicy: Local`.
    pub traffic_local: bool,
    /// Addresses in its status, in order.
    pub status_ips: Vec<IpAddr>,
}

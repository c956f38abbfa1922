//! The inputs, parsed once into types that cannot be wrong.
//!
//! `Model::build` judges each object alone and with those that it conflicts with; what is refused is
//! a `Problem` and the rest goes on (docs/architecture.md).

mod advertisement;
mod peer;
mod pool;
mod service;

pub use advertisement::{BgpAdvertisement, L2Advertisement};
pub use peer::{BfdProfile, Peer};
pub use pool::{AddressRange, Pinned, Pool, PoolName, is_buggy};
pub use service::{Families, FamilyError, FamilyPolicy, RequestError, Service, ServiceKey, SharingKey};

use crate::snapshot::{Labels, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything that planning needs, all of it valid.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Pools by name.
    pub pools: BTreeMap<PoolName, Pool>,
    /// L2Advertisements by name.
    pub l2_advertisements: BTreeMap<Arc<str>, L2Advertisement>,
    /// BGPAdvertisements by name.
    pub bgp_advertisements: BTreeMap<Arc<str>, BgpAdvertisement>,
    /// BGPPeers by name.
    pub peers: BTreeMap<Arc<str>, Peer>,
    /// BFDProfiles of `metallb.io` by name.
    pub bfd_profiles: BTreeMap<Arc<str>, BfdProfile>,
    /// FRRConfigurations, each valid alone, by namespace and name.
    pub frr_configurations: Vec<crate::frr::Contribution>,
    /// Services of type LoadBalancer that are ours to serve.
    pub services: BTreeMap<ServiceKey, Service>,
    /// Nodes by name.
    pub nodes: BTreeMap<Arc<str>, Node>,
    /// Labels of namespaces by name.
    pub namespaces: BTreeMap<Arc<str>, Labels>,
    /// Who can serve each Service; a Service that is absent here has no EndpointSlice in the input.
    pub endpoints: BTreeMap<ServiceKey, Serving>,
}

/// Where a Service has endpoints that can serve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Serving {
    /// At least one endpoint can serve, wherever it is.
    pub anywhere: bool,
    /// Nodes that have one.
    pub nodes: BTreeSet<Arc<str>>,
}

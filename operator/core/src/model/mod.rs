//! The inputs, parsed once into types that cannot be wrong.
//!
//! `Model::build` judges each object alone and with those that it conflicts with; what is refused is
//! a `Problem` and the rest goes on (docs/architecture.md).

mod address;
mod bfd;
mod bgp_advertisement;
mod build;
mod commit_confirmed;
mod community;
mod drain;
mod endpoints;
mod frr_configurations;
mod in_force;
mod judge;
mod kind;
mod l2_advertisement;
mod leftover;
mod lint;
mod peer;
mod peer_error;
mod peer_parse;
mod peer_secret;
mod peers;
mod pool;
mod selection;
mod service;
mod service_error;
mod service_parse;
mod sessions;
mod settings;

pub use address::{AddressError, AddressRange};
pub use bfd::{BfdError, BfdProfile};
pub use bgp_advertisement::{BgpAdvertisement, BgpAdvertisementError, conflicts_on, share_peers};
pub use build::{Built, Options};
pub use commit_confirmed::{COMMIT_CONFIRMED, CommitConfirmedError, commit_confirmed};
pub use community::CommunityError;
pub use drain::DRAIN;
pub use endpoints::Serving;
pub use in_force::{Form, Forms, InForce};
pub use judge::{Rank, Standing};
pub use kind::DuplicateName;
pub use l2_advertisement::{L2Advertisement, L2AdvertisementError};
pub use leftover::{LEFTOVER, Leftover, leftover_of};
pub use lint::LintWarning;
pub use peer::Peer;
pub use peer_error::PeerError;
pub use pool::{Pinned, Pool, PoolError, PoolName, is_buggy};
pub use selection::SelectionError;
pub use service::{Families, FamilyPolicy, Service, SharingKey};
pub use service_error::{FamilyError, RequestError, ServiceWarning};
pub use sessions::PeerHistory;

pub(crate) use drain::drain_times;
pub(crate) use endpoints::serving_of;
pub(crate) use lint::{Together, foreign_address, is_web_alone, of_services as lint_of_services};
pub(crate) use service_parse::one as parse_service;

pub use crate::snapshot::ServiceKey;

use crate::guard::Guard;
use crate::problem::{ObjectRef, Problem};
use crate::selector::Selector;
use crate::snapshot::{Labels, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Everything that planning needs, all of it valid.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    /// Pools by name.
    pub pools: BTreeMap<PoolName, Pool>,
    /// L2Advertisements by name.
    pub l2_advertisements: BTreeMap<Arc<str>, L2Advertisement>,
    /// BGPAdvertisements by name.
    pub bgp_advertisements: BTreeMap<Arc<str>, BgpAdvertisement>,
    /// BGPPeers by name, each valid alone; [`Model::peers_on`] says which have a session on a node.
    pub peers: BTreeMap<Arc<str>, Peer>,
    /// What those peers were before; a peer without an entry is new.
    pub peer_history: BTreeMap<Arc<str>, PeerHistory>,
    /// BFDProfiles of `metallb.io` by name.
    pub bfd_profiles: BTreeMap<Arc<str>, BfdProfile>,
    /// FRRConfigurations, each valid alone, by namespace and name.
    pub frr_configurations: Vec<crate::frr::Contribution>,
    /// FRRConfigurations that are not valid as they are, and the nodes that those are for.
    pub refused_configurations: BTreeMap<ObjectRef, Selector>,
    /// Services of type LoadBalancer that are ours to serve.
    pub services: BTreeMap<ServiceKey, Service>,
    /// Nodes by name.
    pub nodes: BTreeMap<Arc<str>, Node>,
    /// Labels of namespaces by name.
    pub namespaces: BTreeMap<Arc<str>, Labels>,
    /// The cluster's own networks, which no Service's prefix may cover.
    pub guard: Guard,
    /// Who can serve each Service; a Service that is absent here has no EndpointSlice in the input.
    pub endpoints: BTreeMap<ServiceKey, Serving>,
    /// For how long the node that this is planned for has been draining ([`crate::snapshot::Here`]).
    pub draining_for: Option<Duration>,
    /// Services that kube-proxy is not known to serve on that node yet.
    pub waiting: BTreeSet<ServiceKey>,
}

impl Model {
    /// Whether a problem matters to a node: not if it is said of other nodes, nor if it makes an
    /// FRRConfiguration unusable that is not for this node anyway.
    #[must_use]
    pub fn concerns(&self, problem: &Problem, node: &Node) -> bool {
        let refused = problem.object.as_ref().and_then(|object| self.refused_configurations.get(object));
        (problem.nodes.is_empty() || problem.nodes.contains(&node.name))
            && refused.is_none_or(|selector| selector.matches(&node.labels))
    }
}

#[cfg(test)]
mod tests;

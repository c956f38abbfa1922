//! What a linter can see.

use crate::problem::{ObjectRef, Reason};
use std::net::IpAddr;

/// What is probably not what was meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LintWarning {
    /// Addresses are given out and nobody answers for them.
    #[error("nothing announces this pool: no L2Advertisement and no BGPAdvertisement selects it")]
    PoolNotAdvertised,
    /// An advertisement of all pools, and no pool.
    #[error("there is no IPAddressPool to announce")]
    AdvertisementWithoutPool,
    /// An advertisement to all peers, and no peer.
    #[error("there is no BGPPeer to announce it to")]
    AdvertisementWithoutPeer,
    /// An advertisement to a peer that does not exist.
    #[error("no BGPPeer is named {0:?}")]
    UnknownPeer(String),
    /// A session that nothing is sent over.
    #[error("no BGPAdvertisement reaches this peer: its session carries no address of a Service")]
    PeerWithoutAdvertisement,
    /// Labels that no Node has.
    #[error("no Node has the labels {0}")]
    NodeSelectorMatchesNothing(String),
    /// Labels that no Service has.
    #[error("no Service of type LoadBalancer has the labels {0}")]
    ServiceSelectorMatchesNothing(String),
    /// Labels that no Namespace has.
    #[error("no Namespace of the input has the labels {0}")]
    NamespaceSelectorMatchesNothing(String),
    /// A namespace that does not exist.
    #[error("there is no Namespace {0:?}")]
    UnknownNamespace(String),
    /// Addresses that no Service can be reached by.
    #[error("{range} holds {what} addresses, by which no Service can be reached")]
    ReservedAddresses {
        /// The item of the pool.
        range: String,
        /// What they are reserved for.
        what: &'static str,
    },
    /// An address that something else has.
    #[error("{range} holds {address}, which is the address of {owner}")]
    PoolHoldsUsedAddress {
        /// The item of the pool.
        range: String,
        /// The address.
        address: IpAddr,
        /// Whose it is.
        owner: String,
    },
    /// Configuration in several namespaces.
    #[error("is in namespace {mine}, while {other} is in another: MetalLB reads only its own namespace")]
    SeveralNamespaces {
        /// Its own.
        mine: String,
        /// An object of the namespace that most of the configuration is in.
        other: ObjectRef,
    },
    /// Nodes that may not announce anything.
    #[error(
        "every Node has the label node.kubernetes.io/exclude-from-external-load-balancers: nothing is announced \
         (single-node and control-plane-only clusters: remove the label)"
    )]
    EveryNodeExcluded,
    /// Another load balancer on the same nodes.
    #[error(
        "label {label} gives this Node to {product}, which serves the same Services: switch one of the two off"
    )]
    OtherLoadBalancer {
        /// The label.
        label: &'static str,
        /// Whose it is.
        product: &'static str,
    },
    /// A status that another controller wrote, or of a pool that is gone.
    #[error(
        "{0} in the status belongs to no pool: a pool was removed, or another load balancer serves this Service too"
    )]
    ForeignAddress(IpAddr),
    /// Many addresses where one would do.
    #[error(
        "{0} Services take an address each and serve only ports 80 and 443: an Ingress or Gateway controller, or \
         annotation metallb.io/allow-shared-ip, needs one"
    )]
    ManyHttpServices(usize),
}

impl Reason for LintWarning {
    fn reason(&self) -> &'static str {
        match self {
            Self::PoolNotAdvertised => "PoolNotAdvertised",
            Self::AdvertisementWithoutPool => "AdvertisementWithoutPool",
            Self::AdvertisementWithoutPeer => "AdvertisementWithoutPeer",
            Self::UnknownPeer(_) => "UnknownPeer",
            Self::PeerWithoutAdvertisement => "PeerWithoutAdvertisement",
            Self::NodeSelectorMatchesNothing(_) => "NodeSelectorMatchesNothing",
            Self::ServiceSelectorMatchesNothing(_) => "ServiceSelectorMatchesNothing",
            Self::NamespaceSelectorMatchesNothing(_) => "NamespaceSelectorMatchesNothing",
            Self::UnknownNamespace(_) => "UnknownNamespace",
            Self::ReservedAddresses { .. } => "ReservedAddresses",
            Self::PoolHoldsUsedAddress { .. } => "PoolHoldsUsedAddress",
            Self::SeveralNamespaces { .. } => "SeveralNamespaces",
            Self::EveryNodeExcluded => "EveryNodeExcluded",
            Self::OtherLoadBalancer { .. } => "OtherLoadBalancer",
            Self::ForeignAddress(_) => "ForeignAddress",
            Self::ManyHttpServices(_) => "ManyHTTPServices",
        }
    }
}

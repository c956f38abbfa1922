//! Why a Service is not announced from a node.

use std::fmt;

/// Why a Service is not announced over BGP from a node.
///
/// The names are those that `MetalLB`'s speaker logs and users search for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// It has no address yet.
    NoIpAllocated,
    /// Its addresses are not all in one pool.
    IpNotAllowed,
    /// No `BGPAdvertisement` of the pool covers the node.
    NotOwner,
    /// Those that cover the node do not match the Service.
    NoMatchingAdvertisement,
    /// Two that do ask for different local preferences.
    ConflictingAdvertisements,
    /// The Node's condition `NetworkUnavailable` is true.
    NodeNetworkUnavailable,
    /// The Node is labelled `node.kubernetes.io/exclude-from-external-load-balancers`.
    NodeLabeledExcludeBalancers,
    /// The node drains, and its time is over (docs/draining.md).
    NodeDraining,
    /// `externalTrafficPolicy: Local`, and no endpoint on the node can serve, or only ones that terminate while
    /// another node has ready ones.
    NoLocalEndpoints,
    /// No endpoint can serve.
    NoEndpoints,
    /// kube-proxy is not known to serve its first endpoint on the node yet.
    AwaitsKubeProxy,
    /// A guard rail: its prefix is or contains a node, pod or Service network.
    ClusterNetwork,
}

impl Refusal {
    /// The stable name: `noLocalEndpoints`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoIpAllocated => "noIPAllocated",
            Self::IpNotAllowed => "ipNotAllowed",
            Self::NotOwner => "notOwner",
            Self::NoMatchingAdvertisement => "noMatchingAdvertisement",
            Self::ConflictingAdvertisements => "conflictingAdvertisements",
            Self::NodeNetworkUnavailable => "nodeNetworkUnavailable",
            Self::NodeLabeledExcludeBalancers => "nodeLabeledExcludeBalancers",
            Self::NodeDraining => "nodeDraining",
            Self::NoLocalEndpoints => "noLocalEndpoints",
            Self::NoEndpoints => "noEndpoints",
            Self::AwaitsKubeProxy => "awaitsKubeProxy",
            Self::ClusterNetwork => "clusterNetwork",
        }
    }

    /// The same for people, in one phrase.
    #[must_use]
    pub fn explain(self) -> &'static str {
        match self {
            Self::NoIpAllocated => "the Service has no address",
            Self::IpNotAllowed => "its addresses are not all in one pool",
            Self::NotOwner => "no BGPAdvertisement of the pool covers the node",
            Self::NoMatchingAdvertisement => "no BGPAdvertisement that covers the node matches the Service",
            Self::ConflictingAdvertisements => "two BGPAdvertisements ask for different local preferences",
            Self::NodeNetworkUnavailable => "the node's network is unavailable",
            Self::NodeLabeledExcludeBalancers => "the node is labelled exclude-from-external-load-balancers",
            Self::NodeDraining => "the node drains, and another one announces it",
            Self::NoLocalEndpoints => {
                "externalTrafficPolicy is Local and the node has no endpoint that can serve, or only ones that \
                 terminate while another node has ready ones"
            }
            Self::NoEndpoints => "no endpoint can serve",
            Self::AwaitsKubeProxy => "kube-proxy does not serve its first endpoint on the node yet",
            Self::ClusterNetwork => "its prefix is or contains a node, pod or Service network",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! Why something is not announced, or is about not to be.

use crate::problem::Reason;
use ipnet::IpNet;

/// What a guard rail refuses or warns of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// A default route that nobody asked for by name, or that its object does not allow.
    #[error("{0} is a default route and is not announced")]
    DefaultRoute(IpNet),
    /// A default route that is asked for by name.
    #[error(
        "{0} is a default route: it is announced because it is listed here; annotation \
         herald.metallb.io/allow-default-route of this object says whether it is meant: \"true\" or \"false\""
    )]
    DefaultRouteListed(IpNet),
    /// A Service's prefix that would attract the cluster's own traffic.
    #[error("{prefix} is not announced: it {relation} {network}, {owner}")]
    ClusterNetwork {
        /// What would be announced.
        prefix: IpNet,
        /// `is` or `contains`.
        relation: &'static str,
        /// The network, or the address.
        network: String,
        /// Whose it is: `the address of Node a`.
        owner: String,
    },
    /// The same, asked for by name.
    #[error("{prefix} is announced because it is listed here, but it {relation} {network}, {owner}")]
    ClusterNetworkListed {
        /// What is announced.
        prefix: IpNet,
        /// `is` or `contains`.
        relation: &'static str,
        /// The network, or the address.
        network: String,
        /// Whose it is.
        owner: String,
    },
    /// Four fifths of what a neighbor may be sent.
    #[error("neighbor {neighbor} is sent 80 % or more of the {limit} {family} prefixes that it may be sent")]
    NearMaxPrefixes {
        /// The neighbor.
        neighbor: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// The limit.
        limit: u32,
    },
    /// More than a neighbor may be sent.
    #[error("neighbor {neighbor} may be sent {limit} {family} prefixes and no more; not sent: {left_out}")]
    OverMaxPrefixes {
        /// The neighbor.
        neighbor: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// The limit.
        limit: u32,
        /// Services and configurations, a few by name.
        left_out: String,
    },
    /// An annotation that says nothing that can be understood.
    #[error("{given:?} is not {wanted}: it counts as if it were not there")]
    Annotation {
        /// The value.
        given: String,
        /// What it must be.
        wanted: &'static str,
    },
}

impl GuardError {
    /// Reasons of errors that cost prefixes and nothing else.
    pub(super) const REFUSALS: [&str; 3] =
        ["DefaultRouteRefused", "ClusterNetworkRefused", "OverMaxPrefixes"];
}

impl Reason for GuardError {
    fn reason(&self) -> &'static str {
        match self {
            Self::DefaultRoute(_) => "DefaultRouteRefused",
            Self::DefaultRouteListed(_) => "DefaultRouteAnnounced",
            Self::ClusterNetwork { .. } => "ClusterNetworkRefused",
            Self::ClusterNetworkListed { .. } => "ClusterNetworkAnnounced",
            Self::NearMaxPrefixes { .. } => "NearMaxPrefixes",
            Self::OverMaxPrefixes { .. } => "OverMaxPrefixes",
            Self::Annotation { .. } => "InvalidAnnotation",
        }
    }
}

//! What is missing for a Service to be announced from any node.

use super::Refusal;
use crate::model::PoolName;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The first thing that is missing for a Service to be announced from any node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The pool is in no advertisement.
    #[error("no L2Advertisement and no BGPAdvertisement selects IPAddressPool {0}: create one")]
    NoAdvertisement(PoolName),
    /// The pool's advertisements are for other Services.
    #[error("no serviceSelector of {0} matches the labels of the Service")]
    NoMatchingAdvertisement(Names),
    /// No node may announce it.
    #[error("no node can announce it by {advertisements}: {why}")]
    NoEligibleNode {
        /// Those that match.
        advertisements: Names,
        /// What keeps nodes from it.
        why: Nodes,
    },
    /// Two advertisements contradict each other.
    #[error(
        "{0} ask for different local preferences for the same peers: make them equal, or give each peers of its own"
    )]
    ConflictingAdvertisements(Names),
    /// Nobody to announce it to.
    #[error(
        "no BGPPeer has a session on the nodes of {0}: create one, or check its nodeSelectors and the \
         advertisement's peers"
    )]
    NoPeer(Names),
    /// Two wishes that do not go together.
    #[error(
        "serviceSelectors of {0} do not go together with annotation metallb.io/allow-shared-ip: remove one of them"
    )]
    SharedWithSelectors(Names),
    /// Nobody to serve the traffic.
    #[error("no endpoint of the Service is ready: check its selector and its Pods")]
    NoEndpoints,
    /// Nobody to serve the traffic where it may arrive.
    #[error(
        "externalTrafficPolicy is Local and no node that can announce it has a ready endpoint of the Service"
    )]
    NoLocalEndpoints,
    /// A guard rail.
    #[error("{0}")]
    ClusterNetwork(String),
}

impl Missing {
    /// The stable name, reason of a condition (docs/reference/conditions.md).
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoAdvertisement(_) => "NoAdvertisement",
            Self::NoMatchingAdvertisement(_) => "NoMatchingAdvertisement",
            Self::NoEligibleNode { .. } => "NoEligibleNode",
            Self::ConflictingAdvertisements(_) => "ConflictingAdvertisements",
            Self::NoPeer(_) => "NoPeer",
            Self::SharedWithSelectors(_) => "SharedAddressWithSelectors",
            Self::NoEndpoints => "NoEndpoints",
            Self::NoLocalEndpoints => "NoLocalEndpoints",
            Self::ClusterNetwork(_) => "ClusterNetwork",
        }
    }

    /// How far it got before this was missing.
    pub(super) fn progress(&self) -> u8 {
        match self {
            Self::NoAdvertisement(_) => 0,
            Self::NoMatchingAdvertisement(_) => 1,
            Self::NoEligibleNode { .. } => 2,
            Self::ConflictingAdvertisements(_) => 3,
            Self::NoPeer(_) => 4,
            Self::SharedWithSelectors(_) => 5,
            Self::NoEndpoints => 6,
            Self::NoLocalEndpoints => 7,
            Self::ClusterNetwork(_) => 8,
        }
    }
}

/// So many objects are named in a message.
const NAMED: usize = 3;

/// Objects of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    kind: &'static str,
    names: Arc<[Arc<str>]>,
}

impl Names {
    pub(super) fn of<'a>(kind: &'static str, names: impl Iterator<Item = &'a Arc<str>>) -> Self {
        Self { kind, names: names.cloned().collect() }
    }

    pub(super) fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.names[..self.names.len().min(NAMED)].join(", "))?;
        match self.names.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What keeps nodes from announcing, each cause once: a message with counts would change with every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nodes(BTreeSet<Refusal>);

impl From<BTreeSet<Refusal>> for Nodes {
    fn from(refusals: BTreeSet<Refusal>) -> Self {
        Self(refusals)
    }
}

impl fmt::Display for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the cluster has no nodes");
        }
        for (position, why) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { "; " };
            let why = match why {
                Refusal::NodeNetworkUnavailable => "nodes have condition NetworkUnavailable",
                Refusal::NodeLabeledExcludeBalancers => {
                    "nodes are labelled node.kubernetes.io/exclude-from-external-load-balancers"
                }
                _ => "nodes are not matched by its nodeSelectors",
            };
            write!(f, "{comma}{why}")?;
        }
        Ok(())
    }
}

//! Why an object cannot be merged with those that are merged already.

use super::contribution::Source;
use crate::problem::{FieldPath, ObjectRef, Problem, Reason};
use std::sync::Arc;

/// Two values where only one can be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} ({given} != {other}) specified for {subject}, the other by {by}")]
pub struct Clash {
    /// What differs, in words.
    pub what: String,
    /// Whose it is.
    pub subject: String,
    /// The value of the object that is refused.
    pub given: String,
    /// The value that stays.
    pub other: String,
    /// Who gave the value that stays: object and field.
    pub by: String,
}

/// Why an object is left out on a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConflictKind {
    /// AS number or router id.
    #[error(transparent)]
    Router(Clash),
    /// Parameters of a session.
    #[error(transparent)]
    Neighbor(Clash),
    /// Attributes of what a neighbor is sent.
    #[error("could not merge outgoing: {0}")]
    Outgoing(Clash),
    /// A BFD profile with other values.
    #[error(transparent)]
    BfdProfile(Clash),
    /// EVPN of a router.
    #[error("could not merge EVPN configuration: {0}")]
    Evpn(Clash),
    /// EVPN that needs somebody to exchange routes with.
    #[error(
        "advertiseVNIs=All, advertiseSVI and l2vnis require at least one neighbor with evpn address family in vrf {0:?}"
    )]
    EvpnNeighbor(String),
    /// An L3VNI where sessions are.
    #[error("l3vni can only be configured on routers with no neighbors, vrf {vrf:?} has them by {by}")]
    L3VniNeighbors {
        /// The VRF.
        vrf: String,
        /// Who brought the neighbors, or the L3VNI.
        by: String,
    },
}

impl Reason for ConflictKind {
    fn reason(&self) -> &'static str {
        match self {
            Self::Router(_) => "ConflictingRouter",
            Self::Neighbor(_) => "ConflictingNeighbor",
            Self::Outgoing(_) => "ConflictingAdvertisement",
            Self::BfdProfile(_) => "ConflictingBFDProfile",
            Self::Evpn(_) => "ConflictingEVPN",
            Self::EvpnNeighbor(_) => "EVPNWithoutNeighbor",
            Self::L3VniNeighbors { .. } => "L3VNIWithNeighbors",
        }
    }
}

/// A conflict and the field of the object that loses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub field: FieldPath,
    pub kind: Box<ConflictKind>,
}

impl Conflict {
    pub(crate) fn new(field: FieldPath, kind: ConflictKind) -> Self {
        Self { field, kind: Box::new(kind) }
    }

    /// The problem that it is for an object.
    pub(crate) fn problem(&self, object: &ObjectRef) -> Problem {
        Problem::error(object, self.field.clone(), self.kind.as_ref())
    }
}

/// Puts a clash into words.
pub(crate) fn clash(
    what: &str,
    subject: &dyn ToString,
    given: &dyn ToString,
    other: &dyn ToString,
    by: &Arc<Source>,
) -> Clash {
    Clash {
        what: what.to_owned(),
        subject: subject.to_string(),
        given: given.to_string(),
        other: other.to_string(),
        by: by.origin.to_string(),
    }
}

//! The objects of an API server, one by one, into a Snapshot.

mod facts;
mod kind;
mod named;
mod place;
mod reports;
mod store;
#[cfg(test)]
mod tests;

pub use facts::{
    ADVERTISED, ALLOCATED, ALLOCATED_FROM, ConditionFacts, IngressFacts, ObjectFacts, ServiceFacts, newer,
};
pub use kind::Kind;
pub use named::named_secrets;
pub use reports::{Announced, AnnouncedKey, Reports};
pub use store::Objects;

use super::Parsed;
use crate::problem::ObjectRef;
use crate::snapshot::ServiceKey;
use herald_frr::shared::SharedMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What to keep of objects beside the Snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// Facts of Services, of configuration and of `ConfigurationState`s: for the one who writes their status.
    pub facts: bool,
    /// Of Services that are no load balancers only what a node's plan reads.
    pub plan_only: bool,
}

/// Everything that is known at one instant. A clone shares nearly all of it.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// What the objects say. Problems have no place in a text.
    pub parsed: Parsed,
    /// Of every Service that has to do with a load balancer, now or in its status.
    pub facts: SharedMap<ServiceKey, Arc<ServiceFacts>>,
    /// Of every object of configuration, and of every `ConfigurationState`.
    pub objects: SharedMap<ObjectRef, Arc<ObjectFacts>>,
    /// What nodes report of themselves.
    pub reports: Reports,
    /// The kinds of which all objects are known. Of another kind more may exist than is here.
    pub synced: BTreeSet<Kind>,
    /// What differs from the view before.
    pub changed: Changed,
}

/// What differs between a view and the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Services that changed, with their status and resourceVersion, or whose endpoints did.
    pub services: BTreeSet<ServiceKey>,
    /// Anything else that decisions read, or which kinds are known in full.
    pub configuration: bool,
    /// Objects whose facts changed.
    pub objects: BTreeSet<ObjectRef>,
}

impl Changed {
    /// Whether nothing did.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.is_empty() && !self.configuration && self.objects.is_empty()
    }

    /// Adds what another view changed.
    pub fn add(&mut self, other: Self) {
        self.services.extend(other.services);
        self.configuration |= other.configuration;
        self.objects.extend(other.objects);
    }
}

//! Everything that single Services have no part in.

use super::Options;
use crate::input::objects::View;
use crate::model::{Built, InForce, Model, PoolName};
use crate::plan::Reach;
use crate::problem::{ObjectRef, Problem, Severity};
use crate::snapshot::{Configuration, Snapshot};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The Model without Services, and what follows from it.
#[derive(Debug)]
pub(super) struct World {
    pub model: Model,
    pub in_force: InForce,
    /// What nodes decide.
    pub reach: Reach,
    /// Pools that exist and do not count, because they are invalid or cannot be read: whoever has an address of one
    /// keeps it.
    pub frozen: BTreeSet<PoolName>,
    /// Errors of the objects that decide who gets which address.
    pub problems: Vec<Problem>,
    seen: Seen,
}

/// What it was made from.
#[derive(Debug, PartialEq)]
struct Seen {
    configuration: Arc<Configuration>,
    unreadable: BTreeSet<ObjectRef>,
    incomplete: bool,
}

impl World {
    pub fn new(view: &View, before: &InForce, options: &Options) -> Self {
        let snapshot = &view.parsed.snapshot;
        let Built { model, problems, in_force } =
            Model::build_configuration(snapshot, before, &options.model);
        let declared = snapshot.pools.iter().map(|pool| &pool.meta.object);
        let unreadable = snapshot.unreadable.iter().filter(|object| object.kind == "IPAddressPool");
        let names = declared.chain(unreadable).map(|object| object.name.clone());
        let frozen = names.filter(|name| !model.pools.contains_key(name)).collect();
        let decisive = |problem: &&Problem| {
            let kind = problem.object.as_ref().map(|object| object.kind);
            problem.severity == Severity::Error && matches!(kind, Some("IPAddressPool" | "Community"))
        };
        let problems = view.parsed.problems.iter().chain(&problems).filter(decisive).cloned().collect();
        Self { model, in_force, reach: Reach::default(), frozen, problems, seen: Seen::of(snapshot) }
    }

    /// Whether another one made from this view would be the same.
    pub fn fits(&self, view: &View) -> bool {
        let snapshot = &view.parsed.snapshot;
        let same = Arc::ptr_eq(&self.seen.configuration, &snapshot.configuration)
            && self.seen.unreadable == snapshot.unreadable
            && self.seen.incomplete == snapshot.incomplete;
        same || self.seen == Seen::of(snapshot)
    }
}

impl Seen {
    fn of(snapshot: &Snapshot) -> Self {
        Self {
            configuration: snapshot.configuration.clone(),
            unreadable: snapshot.unreadable.clone(),
            incomplete: snapshot.incomplete,
        }
    }
}

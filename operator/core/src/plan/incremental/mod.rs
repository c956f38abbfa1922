//! The plan of one node, made again at the price of what changed.
//!
//! It is the plan that [`evaluate`](super::evaluate) and [`Evaluation::on_node`](super::Evaluation::on_node) make: what is kept
//! here only saves work, may be dropped at any time, and a property test holds the two equal. What is kept, and
//! what each part depends on:
//!
//! - `World`, everything without Services: the configuration, for how long the node drains, what was in force
//!   before, and the set of Services' namespaces. If one of them changed, nothing is kept at all; but where what was in
//!   force before comes to the same for Services, only the Policy is made anew.
//! - `Services`, one entry each: the World, the Service, its EndpointSlices, whether it waits for kube-proxy, and the
//!   Services that claim one of its addresses. One is worked out anew if any of these changed.
//! - `Prefixes`, what is announced: the Services whose addresses lie in the prefix.
//! - `Policy`, the FRR configuration without Services' networks: the World, the kinds of prefixes that occur
//!   (set of advertisements, family), the prefixes that an FRRConfiguration mentions, and for which neighbors the maximum
//!   of prefixes is near. Where a neighbor would be sent more than that, every prefix counts: then it is made anew for
//!   each change, on top of what was in force.

mod offered;
mod policy;
mod prefixes;
mod services;
mod world;

#[cfg(test)]
mod tests;

use super::rails::{of_aggregate, of_service};
use super::{Allocate, Endpoints, Note, Options};
use crate::model::InForce;
use crate::problem::Problem;
use crate::snapshot::{Here, ServiceKey, Snapshot};
use herald_frr::config::FrrConfig;
use herald_frr::shared::SharedMap;
pub use offered::{Offered, OfferedServices, PeerSessions};
use policy::Policy;
use prefixes::Prefixes;
use services::Services;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use world::World;

/// Services that a first plan takes in at a time; random inputs of tests have few.
const PART: usize = if cfg!(test) { 2 } else { 512 };

/// Plans one node again and again, see the module.
#[derive(Debug)]
pub struct Incremental {
    node: Arc<str>,
    options: Options,
    last: Option<Last>,
}

/// What one node is to do, and what is to be said.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What its FRR is to be told; the same pointer as before if nothing changed.
    pub config: Arc<FrrConfig>,
    /// What is in force now: an input of the next plan.
    pub in_force: Arc<InForce>,
    /// Everything that is wrong, on this node and elsewhere; in no order that means anything.
    pub problems: Vec<Problem>,
    /// What was assumed, for people.
    pub notes: Vec<Note>,
    /// What each Service offers from the node; it shares with the plan before what did not change.
    pub offered: OfferedServices,
    /// To whom, by the names in it; the same pointer as before if the configuration is.
    pub sessions: Arc<PeerSessions>,
}

/// What the last plan was made from, and its parts.
#[derive(Debug)]
struct Last {
    snapshot: Snapshot,
    before: InForce,
    world: World,
    services: Services,
    prefixes: Prefixes,
    policy: Policy,
    config: Arc<FrrConfig>,
    offered: OfferedServices,
}

impl Incremental {
    /// Plans `node`. Addresses are those that are recorded, whatever the options say; nothing is held.
    #[must_use]
    pub fn new(node: &str, options: Options) -> Self {
        let options = Options { allocate: Allocate::Recorded, held: BTreeSet::new(), ..options };
        Self { node: node.into(), options, last: None }
    }

    /// The plan for these inputs. `None` where they do not know the node.
    #[must_use]
    pub fn plan(&mut self, snapshot: &Snapshot, before: &InForce) -> Option<Planned> {
        let fitting = self.last.take().filter(|last| last.fits(snapshot));
        let mut last = match fitting.and_then(|last| last.judged_anew(snapshot, before, &self.options)) {
            Some(last) => last,
            None => Last::empty(snapshot, before, &self.node, &self.options)?,
        };
        let is_new = last.snapshot.services.is_empty();
        if is_new {
            last.follow_by_parts(snapshot, &self.options);
        }
        last.follow(snapshot, &self.options);
        if is_new {
            last.services.pack();
            last.prefixes.pack();
        }
        let planned = last.planned(&self.options);
        self.options.frr.in_force = Some(Arc::clone(&planned.config));
        self.last = Some(last);
        Some(planned)
    }

    /// Every address that the last plan announces, with its Service.
    pub fn announcing(&self) -> impl Iterator<Item = (&ServiceKey, IpAddr)> {
        self.last.iter().flat_map(|last| {
            let announced = &last.prefixes.announced;
            let offered = last.services.addresses();
            let here = offered
                .filter(|(_, ip, offer)| offer.prefixes(*ip).any(|(net, _)| announced.contains_key(&net)));
            here.map(|(key, ip, _)| (key, ip))
        })
    }
}

impl Last {
    /// A plan for these inputs without any Service.
    fn empty(snapshot: &Snapshot, before: &InForce, node: &str, options: &Options) -> Option<Self> {
        let world = World::new(snapshot, before, node, options)?;
        let policy = Policy::new(&world, &Prefixes::default(), before, options);
        let config = Arc::new(policy.config(&Prefixes::default()));
        let configuration = snapshot.configuration.clone();
        let (unreadable, incomplete) = (snapshot.unreadable.clone(), snapshot.incomplete);
        let here = Here { waiting: BTreeSet::new(), ..snapshot.here };
        let snapshot = Snapshot { configuration, unreadable, incomplete, here, ..Snapshot::default() };
        let (services, prefixes) = (Services::default(), Prefixes::default());
        let (before, offered) = (before.clone(), OfferedServices::new());
        Some(Self { snapshot, before, world, services, prefixes, policy, config, offered })
    }

    /// Whether its World is that of these inputs, as far as they are objects.
    fn fits(&self, snapshot: &Snapshot) -> bool {
        let known = &self.snapshot;
        (Arc::ptr_eq(&known.configuration, &snapshot.configuration)
            || known.configuration == snapshot.configuration)
            && known.unreadable == snapshot.unreadable
            && known.incomplete == snapshot.incomplete
            && known.here.draining_for == snapshot.here.draining_for
            && self.same_namespaces(snapshot)
    }

    /// With what was in force before these inputs. That changes after every plan that accepted something, and then mostly says
    /// of the objects what they say themselves: what is known of Services stays. `None` where it does not.
    fn judged_anew(mut self, snapshot: &Snapshot, before: &InForce, options: &Options) -> Option<Self> {
        if self.before != *before {
            let world = World::new(snapshot, before, &self.world.node.name, options)?;
            self.world = world.in_place_of(self.world)?;
            self.before = before.clone();
            let policy = Policy::new(&self.world, &self.prefixes, before, options);
            if !policy.announces_as(&self.policy) {
                self.config = Arc::new(policy.config(&self.prefixes));
            }
            self.policy = policy;
        }
        Some(self)
    }

    /// Whether Services are in the same namespaces, as far as they changed.
    fn same_namespaces(&self, snapshot: &Snapshot) -> bool {
        let is_there = |namespace: &Arc<str>| {
            let first = ServiceKey { namespace: namespace.clone(), name: "".into() };
            let next = snapshot.services.from_key(&first).next();
            next.is_some_and(|(key, _)| key.namespace == *namespace)
        };
        let changes = self.snapshot.services.changes(&snapshot.services);
        changes.iter().all(|change| match (change.before, change.after) {
            (None, Some(_)) => self.world.namespaces.contains(&change.key.namespace),
            (Some(_), None) => is_there(&change.key.namespace),
            _ => true,
        })
    }

    /// Brings in all Services but the last ones, some at a time: what one part takes on the way is let go before the next.
    fn follow_by_parts(&mut self, snapshot: &Snapshot, options: &Options) {
        let mut known = Snapshot { services: SharedMap::new(), ..snapshot.clone() };
        for (at, (key, service)) in snapshot.services.iter().enumerate() {
            if at > 0 && at % PART == 0 {
                self.follow(&known, options);
            }
            known.services.insert(key.clone(), service.clone());
        }
    }

    /// Brings everything up to what the Services and EndpointSlices say now.
    fn follow(&mut self, snapshot: &Snapshot, options: &Options) {
        let Self { world, services, prefixes, policy, config, offered, .. } = self;
        let touched = services.follow(world, &self.snapshot, snapshot, options);
        offered::follow(offered, touched.keys(), services);
        let changed = prefixes.follow(&touched, services, world);
        let counts = !changed.prefixes.is_empty() && policy.counts(prefixes);
        if changed.kinds || counts {
            *policy = Policy::new(world, prefixes, &self.before, options);
            *config = Arc::new(policy.config(prefixes));
        } else if !changed.prefixes.is_empty() {
            *config = Arc::new(policy.patched(config, &changed.prefixes, prefixes));
        }
        self.snapshot = snapshot.clone();
    }

    /// What is to be said of prefixes that a guard rail refuses.
    fn refused(&self) -> Vec<Problem> {
        let Self { world, services, prefixes, .. } = self;
        let mut problems = Vec::new();
        for (net, announced) in &prefixes.refused {
            problems.extend(of_aggregate(&world.model, net, announced));
            let alone = net.prefix_len() == net.max_prefix_len();
            let keys = alone.then(|| services.announcing_alone(*net)).into_iter().flatten();
            problems.extend(keys.filter_map(|key| of_service(&world.model, net, key)));
        }
        problems.into_iter().map(|problem| problem.on_node(&world.node.name)).collect()
    }

    fn planned(&self, options: &Options) -> Planned {
        let Self { snapshot, world, services, policy, config, .. } = self;
        let mut problems = world.problems.clone();
        services.problems(world, snapshot, &mut problems);
        problems.extend(policy.problems.iter().cloned());
        problems.extend(self.refused());
        let in_force = policy.in_force.clone();
        Planned {
            config: config.clone(),
            in_force,
            problems,
            notes: services.notes(options.endpoints),
            offered: self.offered.clone(),
            sessions: world.sessions.clone(),
        }
    }
}

impl Endpoints {
    /// Whether a Service without any EndpointSlice counts as ready.
    pub(super) fn assumes(self) -> bool {
        self == Self::Assume
    }
}

//! From manifests to what FRR is to run: the pure middle of the agent, a step per line.

use crate::args::Args;
use herald_core::frr;
use herald_core::guard;
use herald_core::input::Parsed;
use herald_core::model::{self, InForce};
use herald_core::plan::{
    self, Allocate, Endpoints, Incremental, Note, OfferedServices, PeerSessions, Planned,
};
use herald_core::problem::Problem;
use herald_core::snapshot::{ServiceKey, Snapshot};
use herald_frr::config::FrrConfig;
use std::net::IpAddr;
use std::sync::Arc;

/// What was decided.
#[derive(Debug)]
pub struct Decision {
    /// What FRR is to run.
    pub wanted: Arc<FrrConfig>,
    /// The last accepted form of each object, for the next decision.
    pub in_force: Arc<InForce>,
    /// What is wrong with the manifests.
    pub problems: Vec<Problem>,
    /// What the manifests leave open.
    pub notes: Vec<Note>,
    /// The inputs that it was made from.
    pub considered: Snapshot,
    /// What each Service offers from this node.
    pub offered: OfferedServices,
    /// To whom, by the names in it.
    pub sessions: Arc<PeerSessions>,
}

/// The options of every decision of this node.
#[must_use]
pub fn options(args: &Args) -> plan::Options {
    plan::Options {
        model: model::Options {
            assume_node: Some(args.node.as_str().into()),
            lb_class: (!args.lb_class.is_empty()).then(|| args.lb_class.as_str().into()),
            networks: guard::Networks {
                services: args.service_cidr.0.clone(),
                pods: args.pod_cidr.0.clone(),
                nodes: args.node_cidr.0.clone(),
            },
            ignore_leftovers: true,
            ..model::Options::default()
        },
        endpoints: Endpoints::Strict,
        allocate: Allocate::Recorded,
        ignore_exclude_lb: args.ignore_exclude_lb,
        frr: frr::Options {
            always_block: args.always_block.0.clone(),
            fallback_router_id: args.fallback_router_id,
            max_prefixes: Some(args.max_prefixes),
            in_force: None,
        },
        ..plan::Options::default()
    }
}

/// Decides what one node's FRR is to run.
///
/// It remembers of the last decision what the next can use. What it decides depends on that only where a neighbor is
/// sent as much as it may be: what was announced before stays.
#[derive(Debug)]
pub struct Decider {
    plan: Incremental,
    /// What was wrong the last time: as it was found, and with places. A place is looked up once: where others
    /// of a file's lines come and go, what was said already is not said again.
    unplaced: Vec<Problem>,
    placed: Vec<Problem>,
}

impl Decider {
    /// Decides for `node`.
    #[must_use]
    pub fn new(node: &str, options: plan::Options) -> Self {
        Self { plan: Incremental::new(node, options), unplaced: Vec::new(), placed: Vec::new() }
    }

    /// Decides what is to run. `before` is what is in force now. `None` while the manifests do not know the node.
    #[must_use]
    pub fn decide(&mut self, parsed: Parsed, before: &InForce) -> Option<Decision> {
        let Parsed { snapshot, problems, index } = parsed;
        let planned = self.plan.plan(&snapshot, before)?;
        let Planned { config: wanted, in_force, problems: of_plan, notes, offered, sessions } = planned;
        let unplaced: Vec<Problem> = problems.into_iter().chain(of_plan).collect();
        if unplaced != self.unplaced {
            self.placed.clone_from(&unplaced);
            index.place(&mut self.placed);
            self.unplaced = unplaced;
        }
        let problems = self.placed.clone();
        Some(Decision { wanted, in_force, problems, notes, considered: snapshot, offered, sessions })
    }

    /// Every address that the last decision announces, with its Service.
    pub fn announcing(&self) -> impl Iterator<Item = (&ServiceKey, IpAddr)> {
        self.plan.announcing()
    }
}

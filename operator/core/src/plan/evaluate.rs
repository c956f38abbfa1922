//! The pipeline, as a table of contents: Snapshot, Model, Ledger, then a plan and a configuration per node.

use super::{Endpoints, NodePlan, Planner};
use crate::frr;
use crate::ledger::{self, Allocation, AllocationError, Event, Ledger, Outcome};
use crate::model::{self, Built, InForce, Model, ServiceKey};
use crate::problem::{FieldPath, Problem};
use crate::snapshot::{Node, Snapshot};
use herald_frr::config::FrrConfig;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How a plan is made.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How objects are judged.
    pub model: model::Options,
    /// What counts as ready without any `EndpointSlice`.
    pub endpoints: Endpoints,
    /// Announce from nodes labelled exclude-from-external-load-balancers, too.
    pub ignore_exclude_lb: bool,
    /// Whether Services may get addresses that nobody recorded.
    pub allocate: Allocate,
    /// Services that keep their addresses from others and are not planned themselves.
    pub held: BTreeSet<ServiceKey>,
    /// How FRR is configured.
    pub frr: frr::Options,
}

/// Whether Services may get addresses that nobody recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Allocate {
    /// Only what the Services' status says counts: an agent announces nothing else.
    #[default]
    Recorded,
    /// Services without an address get one, in memory, after all recorded ones.
    InMemory,
}

/// What holds on all nodes.
#[derive(Debug)]
pub struct Evaluation {
    /// The valid part of the input.
    pub model: Model,
    /// What is in force now: an input of the next evaluation.
    pub in_force: InForce,
    /// Who holds which address.
    pub ledger: Ledger,
    /// What became of each Service.
    pub outcomes: BTreeMap<ServiceKey, Outcome>,
    /// Everything that is wrong, whatever the node.
    pub problems: Vec<Problem>,
    /// What was assumed, for people.
    pub notes: Vec<Note>,
}

/// An assumption that a reader should know of. Nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// So many Services have no `EndpointSlice` in the input.
    EndpointsAssumed(usize),
    /// So many Services got an address that is not recorded.
    AllocatedInMemory(usize),
    /// So many Services have no recorded address and are not announced.
    NotRecorded(usize),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: usize| if count == 1 { "Service has" } else { "Services have" };
        match *self {
            Self::EndpointsAssumed(count) => write!(
                f,
                "{count} {} no EndpointSlice in the input and counted as ready on every node \
                 (--endpoints=strict counts them as not ready)",
                plural(count)
            ),
            Self::AllocatedInMemory(count) => write!(
                f,
                "{count} {} no recorded address; addresses were allocated in memory \
                 (`herald plan --write` records them, --state reads them)",
                plural(count)
            ),
            Self::NotRecorded(count) => write!(
                f,
                "{count} {} no recorded address and cannot be announced (`herald plan --write` records one)",
                plural(count)
            ),
        }
    }
}

/// What one node is to do.
#[derive(Debug)]
pub struct OnNode {
    /// What it announces, and why not.
    pub plan: NodePlan,
    /// What its FRR is to be told.
    pub config: FrrConfig,
    /// What is wrong on this node.
    pub problems: Vec<Problem>,
}

/// From the inputs to everything that does not depend on the node.
#[must_use]
pub fn evaluate(snapshot: &Snapshot, in_force: &InForce, options: &Options) -> Evaluation {
    let Built { mut model, mut problems, in_force } = Model::build(snapshot, in_force, &options.model);
    let (ledger, mut outcomes) = match options.allocate {
        Allocate::InMemory => ledger::allocate(&model),
        Allocate::Recorded => ledger::recorded(&model),
    };
    for key in &options.held {
        if let Some(service) = model.services.remove(key) {
            problems.retain(|problem| problem.object.as_ref() != Some(&service.object));
        }
        outcomes.remove(key);
    }
    if options.allocate == Allocate::InMemory {
        problems.extend(allocation_problems(&model, &outcomes));
    }
    let notes = notes(&model, &outcomes, options);
    Evaluation { model, in_force, ledger, outcomes, problems, notes }
}

impl Evaluation {
    /// What decides for nodes.
    #[must_use]
    pub fn planner(&self, options: &Options) -> Planner<'_> {
        Planner::new(&self.model, &self.outcomes, options.endpoints, options.ignore_exclude_lb)
    }

    /// The plan and the configuration of one node.
    #[must_use]
    pub fn on_node(&self, planner: &Planner<'_>, node: &Node, options: &frr::Options) -> OnNode {
        let (peers, mut problems) = self.model.peers_on(node);
        let mut plan = planner.node(node, &peers);
        problems
            .extend(planner.keep_rails(&self.model, &mut plan).into_iter().map(|p| p.on_node(&node.name)));
        let (config, refused) = frr::build(&self.model, node, &peers, &plan.announced, options);
        problems.extend(refused);
        OnNode { plan, config, problems }
    }

    /// The addresses of a Service.
    #[must_use]
    pub fn allocation(&self, service: &ServiceKey) -> Option<&Allocation> {
        self.outcomes.get(service).and_then(Outcome::allocation)
    }
}

/// Services that get no address, or not the one that their status says. Warnings: whether an address
/// is free is no property of the manifests.
fn allocation_problems(model: &Model, outcomes: &BTreeMap<ServiceKey, Outcome>) -> Vec<Problem> {
    let problem = |(key, outcome): (&ServiceKey, &Outcome)| {
        let lost = outcome.events.iter().find_map(|event| match event {
            Event::ClearAssignment(why) => Some(why),
            _ => None,
        });
        // What is wrong with the Service's own wishes, the Model has said already.
        let said = |why: &&AllocationError| {
            matches!(why, AllocationError::Families(_) | AllocationError::Request(_))
        };
        let why = outcome.error().or(lost).filter(|why| !said(why))?;
        Some(Problem::warning(&model.services.get(key)?.object, FieldPath::default(), why))
    };
    outcomes.iter().filter_map(problem).collect()
}

fn notes(model: &Model, outcomes: &BTreeMap<ServiceKey, Outcome>, options: &Options) -> Vec<Note> {
    let assumed = model.services.keys().filter(|key| !model.endpoints.contains_key(*key)).count();
    let fresh = outcomes.values().filter(|outcome| outcome.changed && outcome.result.is_ok()).count();
    let mut notes = Vec::new();
    if assumed > 0 && options.endpoints == Endpoints::Assume {
        notes.push(Note::EndpointsAssumed(assumed));
    }
    if fresh > 0 && options.allocate == Allocate::InMemory {
        notes.push(Note::AllocatedInMemory(fresh));
    }
    let without = outcomes.values().filter(|outcome| outcome.result.is_err()).count();
    if without > 0 && options.allocate == Allocate::Recorded {
        notes.push(Note::NotRecorded(without));
    }
    notes
}

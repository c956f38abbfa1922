//! From manifests to what FRR is to run: the pure middle of the agent, a step per line.

use crate::args::Args;
use herald_core::frr;
use herald_core::input::Parsed;
use herald_core::model::{self, InForce};
use herald_core::plan::{self, Allocate, Endpoints, Note};
use herald_core::problem::Problem;
use herald_core::snapshot::Snapshot;
use herald_frr::config::FrrConfig;
use std::sync::Arc;

/// What was decided.
#[derive(Debug)]
pub struct Decision {
    /// What FRR is to run.
    pub wanted: Arc<FrrConfig>,
    /// The last accepted form of each object, for the next decision.
    pub in_force: InForce,
    /// What is wrong with the manifests.
    pub problems: Vec<Problem>,
    /// What the manifests leave open.
    pub notes: Vec<Note>,
    /// The inputs that it was made from.
    pub considered: Snapshot,
}

/// The options of every decision of this node.
#[must_use]
pub fn options(args: &Args) -> plan::Options {
    plan::Options {
        model: model::Options {
            assume_node: Some(args.node.as_str().into()),
            lb_class: args.lb_class.as_deref().map(Into::into),
            ..model::Options::default()
        },
        endpoints: Endpoints::Strict,
        allocate: Allocate::Recorded,
        ignore_exclude_lb: args.ignore_exclude_lb,
        frr: frr::Options {
            always_block: args.always_block.0.clone(),
            fallback_router_id: args.fallback_router_id,
        },
        ..plan::Options::default()
    }
}

/// Decides what one node's FRR is to run.
///
/// It may remember of the last decision what the next can use; what it decides never depends on that.
#[derive(Debug)]
pub struct Decider {
    node: Arc<str>,
    options: plan::Options,
}

impl Decider {
    /// Decides for `node`.
    #[must_use]
    pub fn new(node: &str, options: plan::Options) -> Self {
        Self { node: node.into(), options }
    }

    /// Decides what is to run. `before` is what is in force now. `None` while the manifests do not know the node.
    #[must_use]
    pub fn decide(&mut self, parsed: Parsed, before: &InForce) -> Option<Decision> {
        let Self { node, options } = self;
        let evaluation = plan::evaluate(&parsed.snapshot, before, options);
        let node = evaluation.model.nodes.get(node)?;
        let on_node = evaluation.on_node(&evaluation.planner(options), node, &options.frr);
        // What lost a conflict on this node must not count as in force: it could win the next time.
        let mut in_force = evaluation.in_force;
        in_force.take_back(before, &on_node.problems);
        let mut problems = parsed.problems;
        problems.extend(evaluation.problems);
        problems.extend(on_node.problems);
        parsed.index.place(&mut problems);
        let (wanted, notes) = (Arc::new(on_node.config), evaluation.notes);
        Some(Decision { wanted, in_force, problems, notes, considered: parsed.snapshot })
    }
}

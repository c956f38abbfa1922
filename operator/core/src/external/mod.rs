//! The FRRConfiguration of a node, for a frr-k8s that somebody else runs (MetalLB's `frr-k8s-external`).

mod same;
mod spec;
#[cfg(test)]
mod tests;

pub use same::same;
pub use spec::Passwords;

pub(crate) use spec::HOSTNAME;

use crate::model::InForce;
use crate::plan::{Note, Options, evaluate};
use crate::problem::{FieldPath, Problem, Reason};
use crate::snapshot::{ServiceKey, Snapshot};
use herald_crds::frrk8s::FRRConfigurationSpec;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What is to be written, and what is to be said.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The whole spec of the object.
    pub spec: FRRConfigurationSpec,
    /// What is in force now: an input of the next plan.
    pub in_force: InForce,
    /// Everything that is wrong, on this node and elsewhere.
    pub problems: Vec<Problem>,
    /// What was assumed, for people.
    pub notes: Vec<Note>,
    /// Every address that is announced, with its Service.
    pub announcing: Vec<(ServiceKey, IpAddr)>,
}

/// What has no part in the object.
#[derive(Debug, thiserror::Error)]
enum LeftOut {
    /// As MetalLB refuses it in its mode frr-k8s.
    #[error(
        "bgpextras is not used with frr-k8s-external, where FRR is not Herald's: write an FRRConfiguration with \
         spec.raw.rawConfig, which that frr-k8s reads"
    )]
    BgpExtras,
}

impl Reason for LeftOut {
    fn reason(&self) -> &'static str {
        match self {
            Self::BgpExtras => "UnusedBGPExtras",
        }
    }
}

/// The name of a node's object.
#[must_use]
pub fn name(node: &str) -> String {
    format!("{PREFIX}{node}")
}

/// What begins the name of what a speaker wrote.
pub(crate) const PREFIX: &str = "metallb-";

/// Plans one node. `None` where the input does not know it.
///
/// Each change costs a whole plan: the object is written as a whole, too. FRRConfigurations of the input have no part in
/// it, frr-k8s merges them.
#[must_use]
pub fn plan(
    snapshot: &Snapshot,
    before: &InForce,
    node: &str,
    passwords: Passwords,
    options: &Options,
) -> Option<Planned> {
    let evaluation = evaluate(snapshot, before, options);
    let node = evaluation.model.nodes.get(node)?;
    let (peers, of_peers) = evaluation.model.peers_on(node);
    let planner = evaluation.planner(options);
    let mut plan = planner.node(node, &peers);
    let of_rails = planner.keep_rails(&evaluation.model, &mut plan);
    let of_rails = of_rails.into_iter().map(|problem| problem.on_node(&node.name));
    let spec = spec::of_node(&evaluation.model, node, &peers, &plan.announced, passwords);
    let announcing = planner.announcing(&plan).map(|(key, ip)| (key.clone(), ip)).collect();
    let mut in_force = evaluation.in_force;
    in_force.take_back(before, &of_peers);
    let extras = snapshot.configuration.bgp_extras.iter();
    let left_out =
        extras.map(|it| Problem::error(&it.meta.object, FieldPath::of("data.extras"), &LeftOut::BgpExtras));
    let problems = evaluation.problems.into_iter().chain(of_peers).chain(of_rails).chain(left_out).collect();
    Some(Planned { spec, in_force, problems, notes: evaluation.notes, announcing })
}

/// Every prefix that an object announces.
#[must_use]
pub fn prefixes(spec: &FRRConfigurationSpec) -> BTreeSet<IpNet> {
    let routers = spec.bgp.iter().flat_map(|bgp| &bgp.routers);
    routers.flat_map(|router| &router.prefixes).filter_map(|prefix| prefix.parse().ok()).collect()
}

//! What changes on one node.

use super::sessions;
use crate::input::Evaluated;
use herald_core::plan::{OnNode, Planner};
use herald_core::problem::Problem;
use herald_core::snapshot::Node;
use herald_frr::config::FrrConfig;
use herald_frr::render::{RenderOptions, render};
use ipnet::IpNet;
use similar::TextDiff;
use std::collections::BTreeSet;

/// So many prefixes are said one by one; the diff has all of them.
const PREFIXES: usize = 20;

/// A node before and after.
pub struct OnBoth {
    /// What changes, if anything does.
    pub change: Option<Change>,
    /// Whether each Service of OLD was announced, in the order of their keys.
    pub announced_before: Vec<bool>,
    /// The same of NEW.
    pub announced_after: Vec<bool>,
    /// What is wrong with NEW on this node.
    pub problems: Vec<Problem>,
}

/// What changes on a node, in words and in lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// In words.
    pub summary: Vec<String>,
    /// As a unified diff.
    pub diff: String,
}

/// One of the two folders, ready to be asked for each node.
pub struct Side<'e> {
    evaluated: &'e Evaluated,
    planner: Planner<'e>,
}

impl<'e> Side<'e> {
    /// Works out what does not depend on the node.
    pub fn of(evaluated: &'e Evaluated) -> Self {
        Self { evaluated, planner: evaluated.evaluation.planner(&evaluated.options) }
    }

    /// What the folder means for a node, by its own Node of that name where it has one.
    fn on_node(&self, node: &Node) -> OnNode {
        let Evaluated { evaluation, options, .. } = self.evaluated;
        let node = evaluation.model.nodes.get(&node.name).unwrap_or(node);
        evaluation.on_node(&self.planner, node, &options.frr)
    }
}

impl OnBoth {
    /// Plans one node for both.
    pub fn of(node: &Node, old: &Side<'_>, new: &Side<'_>) -> Self {
        let (before, after) = (old.on_node(node), new.on_node(node));
        Self {
            change: change(&before.config, &after.config),
            announced_before: announced(&before),
            announced_after: announced(&after),
            problems: after.problems,
        }
    }
}

fn announced(on_node: &OnNode) -> Vec<bool> {
    on_node.plan.services.iter().map(|(_, decision)| decision.is_ok()).collect()
}

fn change(old: &FrrConfig, new: &FrrConfig) -> Option<Change> {
    let text = |config| render(config, &RenderOptions::default());
    let (before, after) = (text(old), text(new));
    let mut summary = sessions::changes(old, new);
    summary.extend(prefix_changes(old, new));
    if before == after && summary.is_empty() {
        return None;
    }
    let diff = TextDiff::from_lines(&before, &after);
    let diff = diff.unified_diff().context_radius(3).header("OLD/frr.conf", "NEW/frr.conf").to_string();
    if summary.is_empty() {
        summary.push("policies change, sessions and prefixes do not".to_owned());
    }
    Some(Change { summary, diff })
}

fn prefix_changes(old: &FrrConfig, new: &FrrConfig) -> Vec<String> {
    let (before, after) = (prefixes(old), prefixes(new));
    let gone = said("withdrawn", before.difference(&after));
    let come = said("announced", after.difference(&before));
    come.into_iter().chain(gone).collect()
}

/// Prefixes of each VRF; what no class marks is sent to nobody.
fn prefixes(config: &FrrConfig) -> BTreeSet<(Option<String>, IpNet)> {
    let routers = config.routers.iter();
    let of = routers.flat_map(|(vrf, router)| {
        let vrf = vrf.as_ref().map(ToString::to_string);
        let marked = router.networks.iter().filter(|(_, network)| network.class.is_some());
        marked.map(move |(net, _)| (vrf.clone(), *net))
    });
    of.collect()
}

fn said<'a>(verb: &str, prefixes: impl Iterator<Item = &'a (Option<String>, IpNet)>) -> Option<String> {
    let mut words: Vec<String> = prefixes
        .map(|(vrf, net)| vrf.as_ref().map_or_else(|| net.to_string(), |vrf| format!("{net} (vrf {vrf})")))
        .collect();
    let count = words.len();
    if count > PREFIXES {
        words.truncate(PREFIXES);
        words.push(format!("and {} more", count - PREFIXES));
    }
    let noun = if count == 1 { "prefix" } else { "prefixes" };
    (count > 0).then(|| format!("{count} {noun} {verb}: {}", words.join(", ")))
}

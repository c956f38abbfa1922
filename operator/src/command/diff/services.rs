//! Services whose addresses or announcing nodes change.

use super::node::OnBoth;
use crate::input::Evaluated;
use herald_core::ledger::Allocation;
use herald_core::model::ServiceKey;
use herald_core::plan::Evaluation;
use herald_core::snapshot::Node;
use std::collections::{BTreeMap, BTreeSet};

/// So many nodes are named.
const NAMES: usize = 4;

/// One line per Service that differs, in the order of their names.
pub fn changes(old: &Evaluated, new: &Evaluated, nodes: &[Node], results: &[OnBoth]) -> Vec<String> {
    let (old, new) = (&old.evaluation, &new.evaluation);
    let before = announcers(old, nodes, results.iter().map(|both| &both.announced_before));
    let after = announcers(new, nodes, results.iter().map(|both| &both.announced_after));
    let keys: BTreeSet<&ServiceKey> = old.model.services.keys().chain(new.model.services.keys()).collect();
    let mut lines = Vec::new();
    for key in keys {
        let (from, to) = (old.allocation(key), new.allocation(key));
        lines.extend(address_change(from, to).map(|what| format!("{key} {what}")));
        let (from, to) = (before.get(key), after.get(key));
        // Of a Service that comes or goes, its address has said enough.
        if let (true, Some(from), Some(to)) = (from != to, from, to) {
            lines.push(format!("{key} announced from {} (was {})", names(to), names(from)));
        }
    }
    lines
}

fn address_change(from: Option<&Allocation>, to: Option<&Allocation>) -> Option<String> {
    match (from, to) {
        (None, Some(to)) => Some(format!("gets {} from pool {}", addresses(to), to.pool)),
        (Some(from), None) => Some(format!("loses {}", addresses(from))),
        (Some(from), Some(to)) if from.ips != to.ips => {
            Some(format!("moves from {} to {}", addresses(from), addresses(to)))
        }
        _ => None,
    }
}

fn addresses(held: &Allocation) -> String {
    held.ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// The nodes that announce each Service.
fn announcers<'a>(
    evaluation: &'a Evaluation,
    nodes: &'a [Node],
    announced: impl Iterator<Item = &'a Vec<bool>>,
) -> BTreeMap<&'a ServiceKey, Vec<&'a str>> {
    let mut announcers: BTreeMap<&ServiceKey, Vec<&str>> =
        evaluation.model.services.keys().map(|key| (key, Vec::new())).collect();
    for (node, announced) in nodes.iter().zip(announced) {
        for (found, _) in announcers.values_mut().zip(announced).filter(|(_, yes)| **yes) {
            found.push(&node.name);
        }
    }
    announcers
}

fn names(names: &[&str]) -> String {
    match names.get(..NAMES) {
        _ if names.is_empty() => "no node".to_owned(),
        Some(few) if names.len() > NAMES + 1 => {
            format!("{} and {} more", few.join(", "), names.len() - NAMES)
        }
        _ => names.join(", "),
    }
}

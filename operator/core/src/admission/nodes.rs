//! What objects make together on nodes. Of nodes that selectors cannot tell apart, one is enough.

use super::Options;
use crate::model::Model;
use crate::plan;
use crate::problem::{ObjectRef, Problem};
use crate::selector::{Selector, any_matches};
use crate::snapshot::{Configuration, Labels, Node};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::{BTreeMap, BTreeSet};

/// Keys of labels.
pub(super) type Keys = BTreeSet<String>;

/// The keys by which selectors tell nodes apart.
pub(super) fn keys(configuration: &Configuration) -> Keys {
    let Configuration { l2_advertisements, bgp_advertisements, peers, frr_configurations, .. } =
        configuration;
    let of_l2 = l2_advertisements.iter().flat_map(|ad| {
        ad.spec.node_selectors.iter().chain(ad.spec.preferred_node_selectors.iter().map(|p| &p.preference))
    });
    let selectors = of_l2
        .chain(bgp_advertisements.iter().flat_map(|ad| &ad.spec.node_selectors))
        .chain(peers.iter().flat_map(|peer| &peer.spec.node_selectors))
        .chain(frr_configurations.iter().filter_map(|frr| frr.spec.node_selector.as_ref()));
    selectors.flat_map(keys_of).cloned().collect()
}

fn keys_of(selector: &LabelSelector) -> impl Iterator<Item = &String> {
    let labels = selector.match_labels.iter().flatten().map(|(key, _)| key);
    labels.chain(selector.match_expressions.iter().flatten().map(|expression| &expression.key))
}

/// One node for each set of values that the keys have, the first by name, with no other labels.
pub(super) fn representatives(nodes: &[Node], keys: &Keys) -> Vec<Node> {
    let mut known: BTreeSet<Labels> = BTreeSet::new();
    let told = |node: &Node| -> Labels {
        keys.iter().filter_map(|key| Some((key.as_str(), node.labels.get(key)?))).collect()
    };
    let mut chosen = Vec::new();
    for node in nodes {
        let labels = told(node);
        if known.insert(labels.clone()) {
            chosen.push(Node {
                name: node.name.clone(),
                labels,
                network_unavailable: false,
                draining: false,
            });
        }
    }
    chosen
}

/// What an object is refused for on nodes that it is for, because of what else they are asked for.
pub(super) fn refusals(
    model: &Model,
    object: &ObjectRef,
    incoming: &Configuration,
    options: &Options,
) -> Vec<Problem> {
    let stand_ins = if model.nodes.is_empty() { plan::stand_ins(model) } else { Vec::new() };
    let selectors = selectors(incoming);
    let nodes = model.nodes.values().chain(&stand_ins);
    let nodes = nodes.filter(|node| any_matches(&selectors, &node.labels));
    let on_node = |node: &Node| {
        let (peers, _) = model.peers_on(node);
        crate::frr::build(model, node, &peers, &BTreeMap::new(), &options.frr).1
    };
    nodes.flat_map(on_node).filter(|problem| problem.object.as_ref() == Some(object)).collect()
}

/// The nodes that an object is for; empty is all of them.
fn selectors(incoming: &Configuration) -> Vec<Selector> {
    let of_peers = incoming.peers.iter().flat_map(|peer| &peer.spec.node_selectors);
    let of_frr = incoming.frr_configurations.iter().filter_map(|frr| frr.spec.node_selector.as_ref());
    // One that cannot be read is a problem of its own.
    of_peers.chain(of_frr).filter_map(|selector| Selector::parse(selector).ok()).collect()
}

//! Nodes to judge with where the input holds none, as in a Git repository.

use crate::model::Model;
use crate::selector::Selector;
use crate::snapshot::{Labels, Node};
use std::collections::BTreeSet;

/// A node for each way in which the Model's selectors tell nodes apart: one without labels, and one for
/// each selector, with just the labels that it asks for. Their names say what they stand for.
#[must_use]
pub fn stand_ins(model: &Model) -> Vec<Node> {
    let peers = model.peers.values().flat_map(|peer| &peer.node_selectors);
    let advertisements = model.bgp_advertisements.values().flat_map(|ad| &ad.node_selectors);
    let configurations = model.frr_configurations.iter().map(|configuration| &configuration.selector);
    let selectors: BTreeSet<&Selector> = peers.chain(advertisements).chain(configurations).collect();
    let labels: BTreeSet<Labels> = selectors.into_iter().map(Selector::example).collect();
    let plain = std::iter::once(Labels::new());
    plain.chain(labels.into_iter().filter(|labels| !labels.is_empty())).map(stand_in).collect()
}

fn stand_in(labels: Labels) -> Node {
    let words: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let name =
        if words.is_empty() { "any node".to_owned() } else { format!("a node with {}", words.join(",")) };
    Node { name: name.into(), labels, network_unavailable: false, draining: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Options, SourceText, parse};
    use crate::model::{self, InForce};

    #[test]
    fn there_is_one_for_each_way_in_which_selectors_tell_nodes_apart() {
        let peer = |last: u8, selectors: &str| {
            format!(
                "---\napiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {{name: peer-{last}, namespace: ns}}\n\
                 spec: {{myASN: 64512, peerASN: 64513, peerAddress: 192.0.2.{last}, nodeSelectors: [{selectors}]}}\n"
            )
        };
        let text = [
            peer(1, ""),
            peer(2, "{matchLabels: {rack: \"1\"}}, {matchLabels: {rack: \"2\"}}"),
            peer(3, "{matchExpressions: [{key: edge, operator: Exists}]}"),
            peer(4, "{matchExpressions: [{key: edge, operator: DoesNotExist}]}"),
        ];
        let source = SourceText { file: "peers.yaml".into(), text: text.concat().into() };
        let snapshot = parse(&[source], &Options::default()).snapshot;
        let built = Model::build(&snapshot, &InForce::default(), &model::Options::default());
        let nodes = stand_ins(&built.model);
        let names: Vec<&str> = nodes.iter().map(|node| &*node.name).collect();
        assert_eq!(names, ["any node", "a node with edge=true", "a node with rack=1", "a node with rack=2"]);
    }
}

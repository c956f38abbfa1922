//! Peers that are fine alone and impossible together on a node.

use super::{build, errors, lines, node, object, peer, snapshot};
use crate::model::{InForce, Model, Options};
use crate::problem::Severity;

fn on(name: &str, address: &str, host: &str) -> String {
    peer(name, address, &format!(", nodeSelectors: [{{matchLabels: {{host: {host}}}}}]"))
}

#[test]
fn every_rule_of_peers_that_share_a_node() {
    let asn = |name: &str, address: &str, asn: u32, more: &str| {
        let spec = format!("{{myASN: {asn}, peerASN: 7, peerAddress: {address}{more}}}");
        object("BGPPeer", "v1beta2", name, &spec)
    };
    let table: [(String, &[&str], &str); 9] = [
        (
            peer("a", "1.2.3.4", "") + &peer("b", "1.2.3.4", ""),
            &["BGPPeer b spec DuplicatePeer"],
            "peer 1.2.3.4 already exists, FRR mode doesn't support duplicate BGPPeers selecting the same node",
        ),
        (peer("a", "1.2.3.4", "") + &peer("b", "1.2.3.4", ", vrf: red"), &[], ""),
        (
            peer("a", "1.2.3.4", ", vrf: red") + &peer("b", "1.2.3.4", ", vrf: red"),
            &["BGPPeer b spec DuplicatePeer"],
            "peer 1.2.3.4-red already exists",
        ),
        (
            peer("a", "1.2.3.4", ", routerID: 1.1.1.1") + &peer("b", "1.2.3.5", ", routerID: 2.2.2.2"),
            &["BGPPeer b spec.routerID ConflictingRouterID"],
            "RouterID different from",
        ),
        (
            peer("a", "1.2.3.4", ", routerID: 1.1.1.1") + &peer("b", "1.2.3.5", ""),
            &["BGPPeer b spec.routerID ConflictingRouterID"],
            "must all have the same RouterID",
        ),
        (
            peer("a", "1.2.3.4", ", routerID: 1.1.1.1") + &peer("b", "1.2.3.5", ", vrf: red"),
            &["BGPPeer b spec.routerID ConflictingRouterID"],
            "",
        ),
        (
            asn("a", "1.2.3.4", 1, "") + &asn("b", "1.2.3.5", 2, ""),
            &["BGPPeer b spec.myASN ConflictingASN"],
            "has myAsn different from 1.2.3.4",
        ),
        (asn("a", "1.2.3.4", 1, "") + &asn("b", "1.2.3.5", 2, ", vrf: red"), &[], ""),
        (asn("a", "1.2.3.4", 1, "") + &asn("b", "1.2.3.5", 1, ""), &[], ""),
    ];
    for (yaml, expected, fragment) in table {
        let problems = build(&yaml).problems;
        assert_eq!(lines(&problems, Severity::Error), expected, "{yaml}");
        let said = |p: &&crate::problem::Problem| p.severity == Severity::Error;
        assert!(problems.iter().filter(said).all(|p| p.message.contains(fragment)), "{problems:?}");
    }
}

#[test]
fn peers_of_different_nodes_do_not_meet() {
    let peers = on("a", "1.2.3.4", "one") + &on("b", "1.2.3.4", "two");
    let nodes = node("one", "host: one") + &node("two", "host: two");
    assert!(errors(&(peers.clone() + &nodes)).is_empty());
    // Where no node is known, any may be meant.
    assert_eq!(errors(&peers), ["BGPPeer b spec DuplicatePeer"]);
}

#[test]
fn a_peer_is_refused_only_where_it_conflicts() {
    let yaml = on("a", "1.2.3.4", "one")
        + &peer("b", "1.2.3.4", "")
        + &node("one", "host: one")
        + &node("two", "host: two");
    let built = build(&yaml);
    let names = |node: &str| -> Vec<String> {
        let (peers, _) = built.model.peers_on(&built.model.nodes[node]);
        peers.iter().map(|p| p.object.name.to_string()).collect()
    };
    assert_eq!((names("one"), names("two")), (vec!["a".to_owned()], vec!["b".to_owned()]));
    let problem = built.problems.iter().find(|p| p.reason == "DuplicatePeer").unwrap();
    assert_eq!(problem.nodes.iter().map(|n| &**n).collect::<Vec<_>>(), ["one"]);
}

#[test]
fn an_assumed_node_has_its_hostname_as_label() {
    let select =
        |host: &str| format!(", nodeSelectors: [{{matchLabels: {{kubernetes.io/hostname: {host}}}}}]");
    let yaml = peer("a", "1.2.3.4", &select("one")) + &peer("b", "1.2.3.4", &select("two"));
    let options = Options { assume_node: Some("two".into()), ..Options::default() };
    let built = Model::build(&snapshot(&yaml), &InForce::default(), &options);
    let (peers, problems) = built.model.peers_on(&built.model.nodes["two"]);
    assert_eq!(peers.iter().map(|p| &*p.object.name).collect::<Vec<_>>(), ["b"]);
    assert!(problems.is_empty() && lines(&built.problems, Severity::Error).is_empty());
}

#[test]
fn a_real_node_keeps_another_from_being_assumed() {
    let options = Options { assume_node: Some("two".into()), ..Options::default() };
    let built = Model::build(&snapshot(&node("one", "")), &InForce::default(), &options);
    assert_eq!(built.model.nodes.keys().map(|n| &**n).collect::<Vec<_>>(), ["one"]);
}

//! A bad edit, or a bad newcomer, changes nothing of what is in force.

use super::{bgp, build, lines, node, object, peer, pool, snapshot};
use crate::model::{Built, InForce, Model, Options};
use crate::problem::Severity;

/// Builds each revision on what the one before left in force, through its stored form.
fn revisions(yaml: &[&str]) -> Built {
    let mut in_force = InForce::default();
    let mut built = Built::default();
    for revision in yaml {
        built = Model::build(&snapshot(revision), &in_force, &Options::default());
        let stored = serde_json::to_string(&built.in_force).unwrap();
        in_force = serde_json::from_str(&stored).unwrap();
        assert_eq!(in_force, built.in_force, "what is stored is what comes back");
    }
    built
}

fn errors(built: &Built) -> Vec<String> {
    lines(&built.problems, Severity::Error)
}

#[test]
fn a_broken_edit_keeps_the_last_valid_form() {
    let built = revisions(&[&pool("a", "10.0.0.0/24"), &pool("a", "10.0.0.0/99"), &pool("a", "10.0.0.0/98")]);
    assert_eq!(built.model.pools["a"].ranges[0].to_string(), "10.0.0.0/24");
    assert_eq!(errors(&built), ["IPAddressPool a spec.addresses[0] InvalidAddressRange"]);
}

#[test]
fn an_edit_that_conflicts_loses_and_a_newcomer_does_too() {
    let before = pool("z", "10.0.0.0/24") + &pool("x", "10.0.1.0/24");
    let edit = pool("z", "10.0.0.0/24") + &pool("x", "10.0.0.0/23") + &pool("a", "10.0.0.128/25");
    let built = revisions(&[&before, &edit]);
    let ranges: Vec<String> =
        built.model.pools.values().map(|p| format!("{} {}", p.object.name, p.ranges[0])).collect();
    assert_eq!(ranges, ["x 10.0.1.0/24", "z 10.0.0.0/24"]);
    assert_eq!(errors(&built).len(), 2);
}

#[test]
fn what_lost_wins_once_the_winner_is_gone() {
    let both = pool("a", "10.0.0.0/24") + &pool("b", "10.0.0.0/25");
    let built = revisions(&[&both, &pool("b", "10.0.0.0/25")]);
    assert!(built.model.pools.contains_key("b") && errors(&built).is_empty());
}

#[test]
fn a_deleted_object_is_gone() {
    let built = revisions(&[&pool("a", "10.0.0.0/24"), &pool("b", "10.0.1.0/24")]);
    assert!(!built.model.pools.contains_key("a"));
    assert_eq!(built.in_force.pools.len(), 1);
}

#[test]
fn a_pool_that_no_longer_fits_does_not_stop_the_advertisement_of_the_others() {
    let advertisement = bgp("ad", "{aggregationLength: 24}");
    let before = pool("a", "10.0.0.0/24") + &advertisement;
    let built = revisions(&[&before, &(before.clone() + &pool("b", "10.0.1.0/28"))]);
    assert_eq!(built.model.bgp_advertisements["ad"].pools.iter().map(|p| &**p).collect::<Vec<_>>(), ["a"]);
    // An edit that does not fit is refused as a whole: what was announced stays announced.
    let built = revisions(&[
        &(pool("a", "10.0.0.0/24") + &bgp("ad", "{localPref: 5}")),
        &(pool("a", "10.0.0.0/24") + &bgp("ad", "{localPref: 6, aggregationLength: 20}")),
    ]);
    let ad = &built.model.bgp_advertisements["ad"];
    assert_eq!((ad.length_v4, ad.local_pref), (32, Some(5)));
}

#[test]
fn references_that_vanish_leave_what_they_stood_for() {
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: m}\ntype: kubernetes.io/basic-auth\nstringData: {password: abc}\n";
    let alias = object("Community", "v1beta1", "c", "{communities: [{name: gold, value: '1:2'}]}");
    let profile = object("BFDProfile", "v1beta1", "fast", "{detectMultiplier: 5}");
    let users = peer("a", "192.0.2.1", ", passwordSecret: {name: s}, bfdProfile: fast")
        + &bgp("ad", "{communities: [gold]}");
    let built = revisions(&[&(users.clone() + secret + &alias + &profile), &users, &users]);
    let peer = &built.model.peers["a"];
    assert_eq!(peer.password.as_ref().map(herald_frr::value::Password::expose), Some("abc"));
    assert_eq!(built.model.bfd_profiles["fast"].profile.detect_multiplier, Some(5));
    assert_eq!(built.model.bgp_advertisements["ad"].communities.len(), 1);
    let said = [
        "BGPAdvertisement ad spec.communities[0] UnknownCommunity",
        "BGPPeer a spec.bfdProfile UnknownBFDProfile",
    ];
    let errors = errors(&built);
    assert!(said.iter().all(|line| errors.iter().any(|e| e == line)), "{errors:?}");
    assert!(errors.contains(&"BGPPeer a spec.passwordSecret SecretNotFound".to_owned()), "{errors:?}");
}

#[test]
fn a_rotated_password_takes_effect() {
    let secret = |password: &str| {
        format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: m}}\ntype: kubernetes.io/basic-auth\nstringData: {{password: {password}}}\n"
        )
    };
    let user = peer("a", "192.0.2.1", ", passwordSecret: {name: s}");
    let built = revisions(&[&(user.clone() + &secret("old")), &(user + &secret("new"))]);
    assert_eq!(
        built.model.peers["a"].password.as_ref().map(herald_frr::value::Password::expose),
        Some("new")
    );
}

#[test]
fn a_session_in_force_stays_against_a_newcomer_build_after_build() {
    let before = peer("z", "192.0.2.1", "");
    let both = before.clone() + &peer("a", "192.0.2.1", "");
    for nodes in [String::new(), node("one", "") + &node("two", "")] {
        let (first, then) = (before.clone() + &nodes, both.clone() + &nodes);
        let built = revisions(&[&first, &then, &then, &then]);
        let node = crate::snapshot::Node {
            name: "one".into(),
            labels: crate::snapshot::Labels::new(),
            network_unavailable: false,
            draining: false,
        };
        let (peers, _) = built.model.peers_on(&node);
        assert_eq!(peers.iter().map(|p| &*p.object.name).collect::<Vec<_>>(), ["z"]);
        assert_eq!(errors(&built), ["BGPPeer a spec DuplicatePeer"]);
    }
}

#[test]
fn an_edited_session_that_conflicts_on_one_node_keeps_its_last_form_there() {
    let nodes = node("one", "h: one") + &node("two", "h: two");
    let a = peer("a", "192.0.2.1", ", nodeSelectors: [{matchLabels: {h: one}}]");
    let before = a.clone() + &peer("b", "192.0.2.2", "") + &nodes;
    let edit = a + &peer("b", "192.0.2.1", "") + &nodes;
    let built = revisions(&[&before, &edit, &edit]);
    let session = |node: &str| {
        let (peers, _) = built.model.peers_on(&built.model.nodes[node]);
        peers.iter().map(|p| format!("{}={}", p.object.name, p.id)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(session("one"), "a=192.0.2.1 b=192.0.2.2");
    assert_eq!(session("two"), "b=192.0.2.1");
}

#[test]
fn echo_over_ipv6_does_not_tear_down_a_session_that_is_up() {
    let user = peer("a", "192.0.2.1", ", bfdProfile: fast") + &pool("p", "'fc00::/64'") + &bgp("ad", "{}");
    let profile = |spec| object("BFDProfile", "v1beta1", "fast", spec);
    let built =
        revisions(&[&(user.clone() + &profile("{}")), &(user.clone() + &profile("{echoMode: true}"))]);
    assert!(built.model.peers.contains_key("a"));
    assert_eq!(errors(&built), ["BGPPeer a spec.bfdProfile BFDEchoWithIPv6"]);
    assert!(build(&(user + &profile("{echoMode: true}"))).model.peers.is_empty());
}

#[test]
fn an_object_that_cannot_be_read_keeps_its_last_form() {
    let all = pool("a", "10.0.0.0/24") + &pool("b", "10.0.1.0/24") + &peer("p", "192.0.2.1", "");
    let in_force = build(&all).in_force;
    let reads = |text: &str| {
        let text = crate::input::SourceText { file: "t".into(), text: text.into() };
        let parsed = crate::input::parse(&[text], &crate::input::Options::default());
        Model::build(&parsed.snapshot, &in_force, &Options::default())
    };
    // A wrong type in one object; the other pool and the peer were deleted.
    let one = reads(&object("IPAddressPool", "v1beta1", "a", "{addresses: 5}"));
    assert_eq!(one.model.pools.keys().map(|n| &**n).collect::<Vec<_>>(), ["a"]);
    assert!(one.model.peers.is_empty() && one.in_force.pools.len() == 1);
    // Text of which nobody can say what it holds.
    let all = reads(&(pool("c", "10.0.0.0/23") + "---\n{{{\n"));
    assert_eq!(all.model.pools.keys().map(|n| &**n).collect::<Vec<_>>(), ["a", "b"]);
    assert!(all.model.peers.contains_key("p"));
}

#[test]
fn what_is_lost_to_a_typing_error_is_taken_over_from_before() {
    let reads = |text: &str| {
        let text = crate::input::SourceText { file: "t".into(), text: text.into() };
        crate::input::parse(&[text], &crate::input::Options::default()).snapshot
    };
    let service = |name: &str, port: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: s}}, spec: {{type: LoadBalancer, ports: [{{port: {port}}}]}}}}\n"
        )
    };
    let before = reads(&(service("a", "80") + &service("b", "80") + &node("one", "")));
    let names = |text: &str| {
        let mut now = reads(text);
        now.complete_from(&before);
        let services = now.services.values().map(|s| s.meta.object.name.to_string());
        services.chain(now.nodes.iter().map(|n| n.name.to_string())).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&service("b", "81")), "b");
    assert_eq!(names(&(service("a", "none") + &service("c", "80"))), "a c");
    assert_eq!(names(&(service("c", "80") + "---\n{{{\n")), "a b c one");
}

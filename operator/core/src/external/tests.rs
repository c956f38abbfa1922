//! What the object says beside what MetalLB's own cases say (operator/core/tests/external.rs).

use super::*;
use crate::input::{self, SourceText, parse};
use crate::plan::Endpoints;
use herald_crds::frrk8s::Neighbor;
use serde_json::{Value, json};

const CLUSTER: &str = "
{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {kubernetes.io/hostname: n1}}, spec: {unschedulable: false}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2}}
---
{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: p, namespace: m}, spec: {addresses: [10.0.0.0/24, \"fd00::/120\"]}}
---
{apiVersion: metallb.io/v1beta1, kind: BGPAdvertisement, metadata: {name: gold, namespace: m, annotations: {herald.metallb.io/drain: 30s}},
 spec: {communities: [\"64500:1\"], localPref: 200}}
---
{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: tor, namespace: m},
 spec: {myASN: 64500, peerASN: 64501, peerAddress: 192.0.2.1, localASN: 64999, sourceAddress: 192.0.2.2, holdTime: 90s,
        passwordSecret: {name: tor}}}
---
{apiVersion: v1, kind: Secret, type: kubernetes.io/basic-auth, metadata: {name: tor, namespace: m}, stringData: {password: hush}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, 
 spec: {type: LoadBalancer, ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4, IPv6], ports: [{port: 80}]},
 status: {loadBalancer: {ingress: [{ip: 10.0.0.1}, {ip: \"fd00::1\"}]}}}
";

fn planned(manifests: &str, passwords: Passwords) -> Planned {
    let source = SourceText { file: "all.yaml".into(), text: manifests.into() };
    let mut snapshot = parse(&[source], &input::Options::default()).snapshot;
    snapshot.here.draining_for = Some(std::time::Duration::ZERO);
    let options = Options { endpoints: Endpoints::Assume, ..Options::default() };
    plan(&snapshot, &InForce::default(), "n1", passwords, &options).unwrap()
}

fn neighbor(manifests: &str, passwords: Passwords) -> Neighbor {
    let bgp = planned(manifests, passwords).spec.bgp.unwrap();
    bgp.routers[0].neighbors[0].clone()
}

#[test]
fn source_address_and_local_asn_are_passed_on() {
    let neighbor = neighbor(CLUSTER, Passwords::Refer);
    assert_eq!((neighbor.sourceaddress.as_deref(), neighbor.local_asn), (Some("192.0.2.2"), Some(64999)));
    assert_eq!(
        (neighbor.hold_time.as_deref(), neighbor.keepalive_time.as_deref()),
        (Some("90s"), Some("30s"))
    );
}

#[test]
fn a_password_is_named_or_written() {
    let named = neighbor(CLUSTER, Passwords::Refer);
    assert_eq!((named.password, named.password_secret.unwrap().name.as_deref()), (None, Some("tor")));
    let written = neighbor(CLUSTER, Passwords::Write);
    assert_eq!((written.password.as_deref(), written.password_secret), (Some("hush"), None));
}

#[test]
fn a_session_carries_its_family_or_both() {
    let prefixes = |manifests: &str| {
        let neighbor = neighbor(manifests, Passwords::Refer);
        neighbor.to_advertise.unwrap().allowed.unwrap().prefixes
    };
    assert_eq!(prefixes(CLUSTER), ["10.0.0.1/32"]);
    let dual = CLUSTER.replace("holdTime: 90s", "holdTime: 90s, dualStackAddressFamily: true");
    assert_eq!(prefixes(&dual), ["10.0.0.1/32", "fd00::1/128"]);
    let all = planned(&dual, Passwords::Refer).spec.bgp.unwrap().routers.remove(0).prefixes;
    assert_eq!(all, ["10.0.0.1/32", "fd00::1/128"]);
}

#[test]
fn every_address_that_is_announced_is_named() {
    let announcing = |manifests: &str| {
        let all = planned(manifests, Passwords::Refer).announcing;
        all.iter().map(|(key, ip)| format!("{key} {ip}")).collect::<Vec<_>>()
    };
    assert_eq!(announcing(CLUSTER), ["shop/web 10.0.0.1", "shop/web fd00::1"]);
    let nowhere =
        CLUSTER.replace("localPref: 200", "localPref: 200, nodeSelectors: [{matchLabels: {no: one}}]");
    assert_eq!(announcing(&nowhere), Vec::<String>::new());
}

#[test]
fn bgpextras_is_refused_as_nobody_would_apply_it() {
    let extras = "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: bgpextras, namespace: m}, data: {extras: \"hostname x\"}}\n";
    let options = input::Options { namespace: Some("m".into()) };
    let source = SourceText { file: "all.yaml".into(), text: format!("{CLUSTER}{extras}").into() };
    let snapshot = parse(&[source], &options).snapshot;
    let options = Options { endpoints: Endpoints::Assume, ..Options::default() };
    let planned = plan(&snapshot, &InForce::default(), "n1", Passwords::Refer, &options).unwrap();
    let said: Vec<_> = planned.problems.iter().map(|problem| problem.reason).collect();
    assert!(said.contains(&"UnusedBGPExtras"), "{said:?}");
    assert!(planned.spec.raw.is_none());
}

#[test]
fn a_node_that_drains_is_the_last_choice() {
    let told = |manifests: &str| {
        let advertise = neighbor(manifests, Passwords::Refer).to_advertise.unwrap();
        let communities = advertise.with_community.into_iter().filter_map(|with| with.community);
        let local_prefs = advertise.with_local_pref.iter().filter_map(|with| with.local_pref);
        (communities.collect::<Vec<_>>().join(" "), local_prefs.collect::<Vec<_>>())
    };
    assert_eq!(told(CLUSTER), ("64500:1".to_owned(), vec![200]));
    let cordoned = CLUSTER.replace("unschedulable: false", "unschedulable: true");
    assert_eq!(told(&cordoned), ("64500:1 65535:0".to_owned(), vec![0]));
}

#[test]
fn it_is_for_its_node_alone_and_says_so_without_any_peer() {
    let spec = planned("{apiVersion: v1, kind: Node, metadata: {name: n1}}", Passwords::Refer).spec;
    let wanted = json!({"bgp": {}, "nodeSelector": {"matchLabels": {"kubernetes.io/hostname": "n1"}}});
    assert!(same(&spec, &wanted), "{spec:?}");
    assert_eq!(name("n1"), "metallb-n1");
}

#[test]
fn a_node_that_is_not_known_has_no_object() {
    let source = SourceText { file: "all.yaml".into(), text: CLUSTER.into() };
    let snapshot = parse(&[source], &input::Options::default()).snapshot;
    assert!(plan(&snapshot, &InForce::default(), "n9", Passwords::Refer, &Options::default()).is_none());
}

#[test]
fn defaults_of_the_api_server_change_nothing_and_edits_do() {
    let spec = planned(CLUSTER, Passwords::Refer).spec;
    let mut found: Value = serde_json::to_value(&spec).unwrap();
    assert!(same(&spec, &found));
    let neighbor = &mut found["bgp"]["routers"][0]["neighbors"][0];
    neighbor["addressFamilies"] = json!(["unicast"]);
    neighbor["disableMP"] = json!(false);
    neighbor["toAdvertise"]["allowed"]["mode"] = json!("filtered");
    neighbor["toReceive"] = json!({"allowed": {"mode": "filtered"}});
    assert!(same(&spec, &found), "defaults");
    for (field, value) in [("mode", json!("all")), ("prefixes", json!(["10.0.0.1/32", "10.0.0.9/32"]))] {
        let mut edited = found.clone();
        edited["bgp"]["routers"][0]["neighbors"][0]["toAdvertise"]["allowed"][field] = value;
        assert!(!same(&spec, &edited), "{field}");
    }
    found["raw"] = json!({"rawConfig": "log stdout"});
    assert!(!same(&spec, &found));
}

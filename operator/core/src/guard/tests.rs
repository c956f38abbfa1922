//! What a node announces and what is said of the rest, from manifests.

use super::{Guard, Networks};
use crate::input::{self, SourceText};
use crate::model::InForce;
use crate::plan::{Allocate, Endpoints, Incremental, OnNode, Options, evaluate};
use crate::problem::{Problem, Severity};
use crate::snapshot::Snapshot;
use herald_frr::config::FrrConfig;
use herald_frr::render::{RenderOptions, render};
use std::fmt::Write as _;
use std::sync::Arc;

const CLUSTER: &str = "
apiVersion: v1
kind: Node
metadata: {name: node-a}
spec: {podCIDRs: [10.244.1.0/24, 'fd44:1::/64']}
status: {addresses: [{type: InternalIP, address: 172.30.0.1}, {type: Hostname, address: node-a}]}
---
apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: kubernetes}
spec: {cidrs: [10.96.0.0/12]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: tor, namespace: m, annotations: {herald.metallb.io/max-prefixes: 'LIMIT'}}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 192.0.2.1}
";

fn pool(addresses: &str, advertisement: &str) -> String {
    format!(
        "---\napiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {{name: pool, namespace: m}}\n\
         spec: {{addresses: [{addresses}]}}\n---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n\
         metadata: {{name: adv, namespace: m}}\nspec: {{{advertisement}}}\n"
    )
}

fn service(name: &str, address: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: d}}\n\
         spec: {{type: LoadBalancer, ports: [{{port: 80}}]}}\n\
         status: {{loadBalancer: {{ingress: [{{ip: {address}}}]}}}}\n"
    )
}

fn configuration(annotations: &str, prefixes: &str, raw: &str) -> String {
    format!(
        "---\napiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\n\
         metadata: {{name: extra, namespace: f, annotations: {{{annotations}}}}}\n\
         spec: {{raw: {{rawConfig: \"{raw}\"}}, bgp: {{routers: [{{asn: 64500, prefixes: [{prefixes}], neighbors: [{{address: \
         192.0.2.1, asn: 64501, toAdvertise: {{allowed: {{prefixes: [{prefixes}]}}}}}}]}}]}}}}\n"
    )
}

/// The node with a limit, on top of what was in force.
fn on_node(manifests: &str, limit: &str, in_force: Option<Arc<FrrConfig>>) -> (OnNode, Vec<Problem>) {
    let text = CLUSTER.replace("LIMIT", limit) + manifests;
    let parsed = input::parse(
        &[SourceText { file: "input.yaml".into(), text: text.into() }],
        &input::Options::default(),
    );
    let mut options =
        Options { allocate: Allocate::Recorded, endpoints: Endpoints::Assume, ..Options::default() };
    options.frr.in_force = in_force;
    let evaluation = evaluate(&parsed.snapshot, &InForce::default(), &options);
    let node = &evaluation.model.nodes["node-a"];
    let on_node = evaluation.on_node(&evaluation.planner(&options), node, &options.frr);
    let planned = Incremental::new("node-a", options).plan(&parsed.snapshot, &InForce::default());
    let planned = planned.expect("the node is known");
    let problems = [parsed.problems.clone(), evaluation.problems, on_node.problems.clone()].concat();
    // The agent's own way to plan keeps the same rails.
    assert_eq!(*planned.config, on_node.config);
    assert_eq!(sorted(&[parsed.problems, planned.problems].concat()), sorted(&problems));
    (on_node, problems)
}

fn sorted(problems: &[Problem]) -> Vec<String> {
    let mut lines: Vec<String> = rails(problems).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The `network` lines with a class, and `SEVERITY object field Reason: message` of what the rails say.
fn said(manifests: &str) -> String {
    let (on_node, problems) = on_node(manifests, "100", None);
    networks(&on_node.config) + &rails(&problems)
}

fn networks(config: &FrrConfig) -> String {
    let text = render(config, &RenderOptions::default());
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with("network "));
    lines.fold(String::new(), |text, line| text + line + "\n")
}

fn rails(problems: &[Problem]) -> String {
    const REASONS: [&str; 8] = [
        "DefaultRouteAnnounced",
        "DefaultRouteRefused",
        "ClusterNetworkRefused",
        "ClusterNetworkAnnounced",
        "NearMaxPrefixes",
        "OverMaxPrefixes",
        "InvalidAnnotation",
        "RawSendsDefaultRoute",
    ];
    let mut text = String::new();
    for p in problems.iter().filter(|p| REASONS.contains(&p.reason)) {
        let object = p.object.as_ref().map(ToString::to_string).unwrap_or_default();
        let mark = if p.severity == Severity::Error { "error" } else { "warning" };
        _ = writeln!(text, "{mark} {object} {} {}: {}", p.field, p.reason, p.message);
    }
    text
}

#[test]
fn an_aggregate_over_a_node_is_refused_and_the_rest_goes_on() {
    let aggregate = pool("172.30.0.0/24, 198.51.100.0/24", "aggregationLength: 25");
    let text = said(&(aggregate + &service("a", "172.30.0.10") + &service("b", "198.51.100.1")));
    assert_eq!(
        text,
        "network 198.51.100.0/25 route-map adv-adv\n\
         error BGPAdvertisement m/adv spec.aggregationLength ClusterNetworkRefused: 172.30.0.0/25 is not announced: it \
         contains 172.30.0.1, an address of Node node-a\n"
    );
}

#[test]
fn an_address_of_a_node_is_refused_for_its_service() {
    let both = pool("172.30.0.1-172.30.0.2", "") + &service("a", "172.30.0.1") + &service("b", "172.30.0.2");
    let (on_node, problems) = on_node(&both, "100", None);
    assert_eq!(networks(&on_node.config), "network 172.30.0.2/32 route-map adv-adv\n");
    assert_eq!(
        rails(&problems),
        "error Service d/a status.loadBalancer.ingress ClusterNetworkRefused: 172.30.0.1/32 is not announced: it is \
         172.30.0.1, an address of Node node-a\n"
    );
    let decisions: Vec<String> =
        on_node.plan.services.iter().map(|(key, d)| format!("{key} {}", d.is_ok())).collect();
    assert_eq!(decisions, ["d/a false", "d/b true"]);
}

#[test]
fn networks_of_pods_and_services_are_refused_equal_or_inside() {
    for (pools, length, address, network) in [
        ("10.244.1.0/24", "aggregationLength: 24", "10.244.1.9", "is 10.244.1.0/24, the network of the Pods"),
        (
            "10.244.0.0/16",
            "aggregationLength: 16",
            "10.244.9.9",
            "contains 10.244.1.0/24, the network of the Pods",
        ),
        (
            "'fd44:1::/60'",
            "aggregationLengthV6: 60",
            "'fd44:1::9'",
            "contains fd44:1::/64, the network of the Pods",
        ),
        (
            "10.96.0.0/12",
            "aggregationLength: 12",
            "10.99.0.1",
            "is 10.96.0.0/12, a network of Services (ServiceCIDR",
        ),
        ("10.0.0.0/8", "aggregationLength: 8", "10.1.0.1", "contains 10.96.0.0/12, a network of Services"),
    ] {
        let text = said(&(pool(pools, length) + &service("a", address)));
        assert!(!text.contains("network 1") || !text.contains("route-map"), "{text}");
        assert!(text.contains("ClusterNetworkRefused") && text.contains(network), "{pools}: {text}");
    }
    // Inside such a network nothing of it is covered.
    let inside = said(&(pool("10.244.1.0/25", "aggregationLength: 25") + &service("a", "10.244.1.9")));
    assert_eq!(inside, "network 10.244.1.0/25 route-map adv-adv\n");
}

#[test]
fn what_an_frr_configuration_lists_is_announced_with_a_warning() {
    let text = said(&configuration("", "10.244.1.0/24, 172.30.0.0/16, 198.51.100.0/24", ""));
    assert_eq!(text.matches("network ").count(), 4, "three lines and a message: {text}");
    assert!(text.contains(
        "warning FRRConfiguration f/extra spec.bgp.routers[0].prefixes ClusterNetworkAnnounced: 172.30.0.0/16 is \
         announced because it is listed here, but it contains 172.30.0.1, an address of Node node-a\n"
    ));
    assert!(text.contains("10.244.1.0/24 is announced because it is listed here, but it is 10.244.1.0/24"));
}

#[test]
fn a_default_route_that_is_listed_is_announced_with_a_warning_unless_its_object_says_more() {
    let prefixes = "0.0.0.0/0, 198.51.100.0/24";
    let warning = "warning FRRConfiguration f/extra spec.bgp.routers[0].prefixes DefaultRouteAnnounced";
    let text = said(&configuration("", prefixes, ""));
    assert!(text.starts_with("network 0.0.0.0/0 route-map") && text.contains(warning), "{text}");
    let allowed = said(&configuration("herald.metallb.io/allow-default-route: 'true'", prefixes, ""));
    assert!(allowed.starts_with("network 0.0.0.0/0 route-map"), "{allowed}");
    assert!(!allowed.contains("DefaultRoute"), "{allowed}");
    let forbidden = said(&configuration("herald.metallb.io/allow-default-route: 'false'", prefixes, ""));
    assert!(forbidden.starts_with("network 198.51.100.0/24 route-map"), "{forbidden}");
    assert!(
        forbidden.contains("error FRRConfiguration f/extra spec.bgp.routers[0].prefixes DefaultRouteRefused"),
        "{forbidden}"
    );
    let mistyped = said(&configuration("herald.metallb.io/allow-default-route: 'yes'", prefixes, ""));
    assert!(mistyped.contains("InvalidAnnotation") && mistyped.contains(warning), "{mistyped}");
}

#[test]
fn raw_text_that_originates_a_default_route_must_be_allowed() {
    let raw = "router bgp 64500\\n address-family ipv4 unicast\\n  neighbor 192.0.2.1 default-originate\\n";
    let (refused, problems) = on_node(&configuration("", "198.51.100.0/24", raw), "100", None);
    assert!(refused.config.raw.is_empty() && rails(&problems).contains("RawSendsDefaultRoute"));
    let allowed = configuration("herald.metallb.io/allow-default-route: 'true'", "198.51.100.0/24", raw);
    let (allowed, problems) = on_node(&allowed, "100", None);
    assert!(allowed.config.raw.len() == 1 && rails(&problems).is_empty());
}

fn services(names: &[(&str, &str)]) -> String {
    names.iter().fold(pool("203.0.113.0/24", ""), |text, (name, address)| text + &service(name, address))
}

#[test]
fn nothing_is_added_beyond_the_maximum_and_what_is_in_force_stays() {
    let b = ("b", "203.0.113.2");
    let c = ("c", "203.0.113.3");
    let (first, problems) = on_node(&services(&[b, c]), "2", None);
    assert!(rails(&problems).contains(
        "warning BGPPeer m/tor metadata.annotations[herald.metallb.io/max-prefixes] NearMaxPrefixes"
    ));
    // A third one sorts first, and yet the two that are announced stay.
    let (second, problems) =
        on_node(&services(&[("a", "203.0.113.1"), b, c]), "2", Some(Arc::new(first.config.clone())));
    assert_eq!(networks(&second.config), networks(&first.config));
    assert!(
        rails(&problems).contains(
            "error BGPPeer m/tor metadata.annotations[herald.metallb.io/max-prefixes] OverMaxPrefixes: neighbor \
             192.0.2.1 may be sent 2 IPv4 prefixes and no more; not sent: Service d/a\n"
        ),
        "{}",
        rails(&problems)
    );
    // A limit that is lowered withdraws nothing.
    let (lowered, _) = on_node(&services(&[b, c]), "1", Some(Arc::new(first.config.clone())));
    assert_eq!(networks(&lowered.config), networks(&first.config));
    // Once there is room, it is used.
    let (third, problems) =
        on_node(&services(&[("a", "203.0.113.1"), c]), "2", Some(Arc::new(second.config)));
    assert_eq!(networks(&third.config).lines().count(), 2);
    assert!(!rails(&problems).contains("OverMaxPrefixes"));
}

#[test]
fn a_limit_counts_for_its_neighbor_alone() {
    let other = "---\napiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: other, namespace: m}\n\
                 spec: {myASN: 64500, peerASN: 64502, peerAddress: 192.0.2.2}\n";
    let two = services(&[("a", "203.0.113.1"), ("b", "203.0.113.2")]) + other;
    let (on_node, problems) = on_node(&two, "1", None);
    assert!(rails(&problems).contains("not sent: Service d/b\n"), "{}", rails(&problems));
    let text = networks(&on_node.config);
    assert_eq!(
        text,
        "network 203.0.113.1/32 route-map adv-adv\nnetwork 203.0.113.2/32 route-map adv-adv_not-192.0.2.1\n"
    );
    let text = render(&on_node.config, &RenderOptions::default());
    let maps: Vec<&str> = text.split("route-map 192.0.2.").collect();
    assert_eq!(maps.iter().filter(|map| map.starts_with("1-out permit")).count(), 1, "{text}");
    assert_eq!(maps.iter().filter(|map| map.starts_with("2-out permit")).count(), 2, "{text}");
}

#[test]
fn a_mistyped_limit_is_a_warning_and_the_default_counts() {
    let (_, problems) = on_node(&services(&[("a", "203.0.113.1")]), "many", None);
    assert!(
        rails(&problems).contains(
            "warning BGPPeer m/tor metadata.annotations[herald.metallb.io/max-prefixes] InvalidAnnotation: \"many\" is \
             not a number"
        ),
        "{}",
        rails(&problems)
    );
}

#[test]
fn networks_of_flags_count_like_those_of_objects() {
    let nets = |text: &str| vec![text.parse().unwrap()];
    let given =
        Networks { services: nets("10.43.0.0/16"), pods: nets("10.42.0.0/16"), nodes: nets("198.18.0.0/24") };
    let guard = Guard::of(&Snapshot::default(), &given);
    for (prefix, flag) in [
        ("10.43.0.0/16", Some("--service-cidr")),
        ("10.40.0.0/13", Some("--pod-cidr")),
        ("198.18.0.0/15", Some("--node-cidr")),
        ("198.18.0.0/25", None),
        ("10.44.0.0/16", None),
        ("0.0.0.0/0", Some("default route")),
        ("::/0", Some("default route")),
    ] {
        let why = guard.refusal(&prefix.parse().unwrap()).map(|why| why.to_string());
        assert_eq!(why.is_some(), flag.is_some(), "{prefix}: {why:?}");
        assert!(flag.is_none_or(|flag| why.is_some_and(|why| why.contains(flag))), "{prefix}");
    }
}

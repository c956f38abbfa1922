//! Which node announces while endpoints terminate and nodes drain.

use crate::input::{self, SourceText, parse};
use crate::model::InForce;
use crate::plan::{Endpoints, Options, evaluate};
use crate::problem::Severity;
use crate::snapshot::Here;
use herald_frr::render::{RenderOptions, render};
use std::fmt::Write as _;
use std::time::Duration;

/// A cluster with one Service at 10.0.0.1, its endpoints by node and state, and nodes that may be cordoned.
#[derive(Clone)]
struct Cluster {
    policy: &'static str,
    endpoints: Vec<(&'static str, &'static str)>,
    /// Name, and what stands in its spec.
    nodes: Vec<(&'static str, &'static str)>,
    /// Name, annotation, spec.
    advertisements: Vec<(&'static str, &'static str, &'static str)>,
    /// Seconds, and Services that wait for kube-proxy.
    draining_for: Option<u64>,
    waits: bool,
}

const READY: &str = "ready: true, serving: true";
const LEAVING: &str = "ready: false, serving: true, terminating: true";
const GONE: &str = "ready: false, serving: false, terminating: true";
const CORDONED: &str = "unschedulable: true";

fn cluster() -> Cluster {
    Cluster {
        policy: "Local",
        endpoints: vec![("n1", READY), ("n2", READY)],
        nodes: vec![("n1", ""), ("n2", "")],
        advertisements: vec![("gold", "false", "")],
        draining_for: Some(0),
        waits: false,
    }
}

/// The same, with the policy for draining nodes, n1 being cordoned.
fn cordoned() -> Cluster {
    Cluster {
        nodes: vec![("n1", CORDONED), ("n2", "")],
        advertisements: vec![("gold", "30s", "")],
        ..cluster()
    }
}

impl Cluster {
    fn manifests(&self) -> String {
        let mut text = String::from(
            "---\n{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: p, namespace: m}, \
             spec: {addresses: [10.0.0.0/24]}}\n\
             ---\n{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: tor, namespace: m}, \
             spec: {myASN: 64500, peerASN: 64501, peerAddress: 192.0.2.1}}\n",
        );
        for (name, drain, spec) in &self.advertisements {
            let _ = writeln!(
                text,
                "---\n{{apiVersion: metallb.io/v1beta1, kind: BGPAdvertisement, metadata: {{name: {name}, \
                 namespace: m, annotations: {{herald.metallb.io/drain: \"{drain}\"}}}}, spec: {{{spec}}}}}"
            );
        }
        for (name, spec) in &self.nodes {
            let _ = writeln!(
                text,
                "---\n{{apiVersion: v1, kind: Node, metadata: {{name: {name}, labels: {{name: {name}}}}}, \
                 spec: {{{spec}}}}}"
            );
        }
        let _ = writeln!(
            text,
            "---\n{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: shop}}, spec: {{type: \
             LoadBalancer, externalTrafficPolicy: {}, ports: [{{port: 80}}]}}, status: {{loadBalancer: \
             {{ingress: [{{ip: 10.0.0.1}}]}}}}}}",
            self.policy
        );
        let endpoint = |(node, state): &(&str, &str)| {
            format!("{{addresses: [10.1.0.1], nodeName: {node}, conditions: {{{state}}}}}")
        };
        let endpoints: Vec<String> = self.endpoints.iter().map(endpoint).collect();
        let _ = writeln!(
            text,
            "---\n{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, metadata: {{name: \
             web-1, namespace: shop, labels: {{kubernetes.io/service-name: web}}}}, endpoints: [{}]}}",
            endpoints.join(", ")
        );
        text
    }

    /// What n1 does: why it does not announce, or by what it does, and `last` where routers are to choose others.
    fn on_n1(&self) -> String {
        let source = SourceText { file: "all.yaml".into(), text: self.manifests().into() };
        let mut snapshot = parse(&[source], &input::Options::default()).snapshot;
        snapshot.here = Here {
            draining_for: self.draining_for.map(Duration::from_secs),
            waiting: snapshot.services.keys().filter(|_| self.waits).cloned().collect(),
        };
        let options = Options { endpoints: Endpoints::Strict, ..Options::default() };
        let evaluation = evaluate(&snapshot, &InForce::default(), &options);
        assert!(
            evaluation.problems.iter().all(|it| it.severity != Severity::Error),
            "{:?}",
            evaluation.problems
        );
        let node = &evaluation.model.nodes["n1"];
        let on_node = evaluation.on_node(&evaluation.planner(&options), node, &options.frr);
        let text = render(&on_node.config, &RenderOptions::default());
        let last = text.contains("set community 65535:0") && text.contains("set local-preference 0");
        match &on_node.plan.services[0].1 {
            Err(why) => why.to_string(),
            Ok(offer) => {
                let names: Vec<&str> = offer.advertisements.iter().map(AsRef::as_ref).collect();
                format!("{}{}", names.join("+"), if last { " last" } else { "" })
            }
        }
    }
}

#[test]
fn with_local_terminating_endpoints_keep_the_route_only_where_no_node_has_ready_ones() {
    let on_n1 = |endpoints: &[(&'static str, &'static str)]| {
        Cluster { endpoints: endpoints.to_vec(), ..cluster() }.on_n1()
    };
    assert_eq!(on_n1(&[("n1", LEAVING), ("n2", READY)]), "noLocalEndpoints");
    assert_eq!(on_n1(&[("n1", LEAVING), ("n2", LEAVING)]), "gold");
    assert_eq!(on_n1(&[("n1", LEAVING), ("n2", GONE)]), "gold");
    assert_eq!(on_n1(&[("n1", LEAVING), ("n1", READY), ("n2", READY)]), "gold");
    assert_eq!(on_n1(&[("n1", GONE), ("n2", LEAVING)]), "noLocalEndpoints");
    assert_eq!(on_n1(&[("n1", LEAVING), ("n9", READY)]), "noLocalEndpoints", "n9 is not known");
    assert_eq!(on_n1(&[("n1", GONE), ("n2", GONE)]), "noLocalEndpoints");
}

#[test]
fn ready_endpoints_where_nobody_announces_take_over_nothing() {
    let leaving = Cluster { endpoints: vec![("n1", LEAVING), ("n2", READY)], ..cluster() };
    let only_n1 = "nodeSelectors: [{matchLabels: {name: n1}}]";
    let selected = Cluster { advertisements: vec![("gold", "false", only_n1)], ..leaving.clone() };
    assert_eq!(selected.on_n1(), "gold");
    let drained = Cluster {
        nodes: vec![("n1", ""), ("n2", CORDONED)],
        advertisements: vec![("gold", "30s", "")],
        ..leaving.clone()
    };
    assert_eq!(drained.on_n1(), "gold");
    assert_eq!(leaving.on_n1(), "noLocalEndpoints");
}

#[test]
fn with_cluster_terminating_endpoints_serve_as_long_as_they_do() {
    let on_n1 = |state| Cluster { policy: "Cluster", endpoints: vec![("n2", state)], ..cluster() }.on_n1();
    assert_eq!([on_n1(READY), on_n1(LEAVING), on_n1(GONE)], ["gold", "gold", "noEndpoints"]);
}

#[test]
fn a_node_that_drains_is_the_last_choice_and_then_withdraws() {
    for policy in ["Local", "Cluster"] {
        let after = |seconds| Cluster { policy, draining_for: seconds, ..cordoned() }.on_n1();
        assert_eq!([after(Some(0)), after(Some(10))], ["gold last", "gold last"], "{policy}");
        assert_eq!([after(Some(30)), after(None)], ["nodeDraining", "nodeDraining"], "{policy}");
    }
    let advertisements = vec![("gold", "false", "")];
    assert_eq!(Cluster { advertisements, draining_for: None, ..cordoned() }.on_n1(), "gold", "as MetalLB");
    let nodes =
        vec![("n1", "taints: [{key: ToBeDeletedByClusterAutoscaler, effect: NoSchedule}]"), ("n2", "")];
    assert_eq!(Cluster { nodes, ..cordoned() }.on_n1(), "gold last");
    let nodes =
        vec![("n1", "taints: [{key: node.kubernetes.io/disk-pressure, effect: NoSchedule}]"), ("n2", "")];
    assert_eq!(Cluster { nodes, draining_for: None, ..cordoned() }.on_n1(), "gold");
}

#[test]
fn a_node_that_drains_stays_the_last_choice_where_no_other_can_take_over() {
    let over = Cluster { draining_for: Some(30), ..cordoned() };
    let only_here = Cluster { endpoints: vec![("n1", READY)], ..over.clone() };
    assert_eq!(only_here.on_n1(), "gold last");
    assert_eq!(Cluster { policy: "Cluster", ..only_here }.on_n1(), "nodeDraining");
    let nodes = vec![("n1", CORDONED), ("n2", CORDONED)];
    for policy in ["Local", "Cluster"] {
        assert_eq!(Cluster { policy, nodes: nodes.clone(), ..over.clone() }.on_n1(), "gold last");
    }
    let endpoints = vec![("n1", LEAVING), ("n2", READY)];
    assert_eq!(Cluster { endpoints, ..cordoned() }.on_n1(), "noLocalEndpoints", "n2 has it already");
}

#[test]
fn other_advertisements_keep_what_they_ask_for() {
    let advertisements = vec![("gold", "30s", ""), ("iron", "false", "")];
    let both = |seconds| {
        let advertisements = advertisements.clone();
        Cluster { advertisements, draining_for: Some(seconds), ..cordoned() }.on_n1()
    };
    assert_eq!([both(0), both(30)], ["gold+iron", "iron"]);
    let elsewhere = vec![("gold", "30s", ""), ("iron", "false", "peers: [another]")];
    let both = |seconds| {
        let advertisements = elsewhere.clone();
        Cluster { advertisements, draining_for: Some(seconds), ..cordoned() }.on_n1()
    };
    assert_eq!([both(0), both(30)], ["gold+iron last", "iron"]);
}

#[test]
fn who_waits_for_kube_proxy_is_not_announced_yet() {
    assert_eq!(Cluster { waits: true, ..cluster() }.on_n1(), "awaitsKubeProxy");
    let gone = Cluster { waits: true, endpoints: vec![("n2", READY)], ..cluster() };
    assert_eq!(gone.on_n1(), "noLocalEndpoints");
}

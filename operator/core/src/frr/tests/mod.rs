//! What users see: which objects are refused and why, and what FRR is told.

mod merge;
mod parse;
mod policy;
mod property;
mod raw;

use super::{Announced, Options, build};
use crate::input::{self, SourceText};
use crate::model::{self, BgpAdvertisement, InForce, Model};
use crate::problem::{ObjectRef, Problem, Severity};
use crate::snapshot::{Labels, Node, Snapshot};
use herald_frr::config::{FrrConfig, Origins};
use herald_frr::render::{RenderOptions, Secrets, render};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// One FRRConfiguration as a YAML document.
fn document(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\n\
         metadata: {{name: {name}, namespace: ns}}\nspec: {spec}\n"
    )
}

/// A router with one neighbor that has these fields beside its address and AS number.
fn with_neighbor(fields: &str) -> String {
    let prefixes = "prefixes: [10.0.0.0/24, 10.0.1.0/24, '2001:db8::/64']";
    let neighbor = format!("{{address: 192.0.2.1, asn: 65002, {fields}}}");
    format!("{{bgp: {{routers: [{{asn: 65001, {prefixes}, neighbors: [{neighbor}]}}]}}}}")
}

fn snapshot(yaml: &str) -> (Snapshot, Vec<Problem>) {
    let source = SourceText { file: "input.yaml".into(), text: yaml.into() };
    let parsed = input::parse(&[source], &input::Options::default());
    (parsed.snapshot, parsed.problems)
}

fn model_of(yaml: &str, before: &InForce) -> (Model, Vec<Problem>, InForce) {
    let (snapshot, mut problems) = snapshot(yaml);
    let built = Model::build(&snapshot, before, &model::Options::default());
    problems.extend(built.problems);
    (built.model, problems, built.in_force)
}

fn node() -> Node {
    Node { name: "node-a".into(), labels: Labels::new(), network_unavailable: false, draining: false }
}

/// What a node's FRR is told by FRRConfigurations alone; problems of all steps.
fn configured(specs: &[(&str, &str)]) -> (FrrConfig, Vec<Problem>) {
    let yaml: String = specs.iter().map(|(name, spec)| document(name, spec)).collect();
    let (model, mut problems, _) = model_of(&yaml, &InForce::default());
    let (config, more) = build(&model, &node(), &[], &BTreeMap::new(), &Options::default());
    problems.extend(more);
    (config, problems)
}

fn text(config: &FrrConfig) -> String {
    render(config, &RenderOptions { secrets: Secrets::Show, annotate: false })
}

/// `object field: reason`, one per problem.
fn said(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let object = problem.object.as_ref().map_or("", |object| &*object.name);
        _ = writeln!(text, "{object} {}: {}", problem.field, problem.reason);
    }
    text
}

fn advertisement(name: &str, peers: &[&str], local_pref: Option<u32>) -> BgpAdvertisement {
    BgpAdvertisement {
        object: ObjectRef { kind: "BGPAdvertisement", namespace: "ns".into(), name: name.into() },
        pools: BTreeSet::new(),
        node_selectors: Vec::new(),
        service_selectors: Vec::new(),
        peers: peers.iter().map(|p| Arc::from(*p)).collect(),
        length_v4: 32,
        length_v6: 128,
        local_pref,
        communities: BTreeSet::new(),
        drain: None,
    }
}

fn announced(prefixes: &[(&str, &[&str])]) -> BTreeMap<IpNet, Announced> {
    let one = |(prefix, ads): &(&str, &[&str])| {
        let advertisements = Arc::new(ads.iter().map(|ad| Arc::from(*ad)).collect());
        (prefix.parse().unwrap(), Announced { advertisements, origins: Origins::new() })
    };
    prefixes.iter().map(one).collect()
}

/// BGPPeers `tor-1` and so on, of AS 65000, at these addresses.
fn peers(addresses: &[&str]) -> String {
    let mut yaml = String::new();
    for (index, address) in addresses.iter().enumerate() {
        _ = write!(
            yaml,
            "---\napiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {{name: tor-{}, namespace: ns}}\n\
             spec: {{myASN: 65001, peerASN: 65000, peerAddress: '{address}'}}\n",
            index + 1
        );
    }
    yaml
}

/// What a node's FRR is told by BGPPeers, advertisements and FRRConfigurations.
fn planned(
    yaml: &str,
    ads: Vec<BgpAdvertisement>,
    announced: &BTreeMap<IpNet, Announced>,
) -> (FrrConfig, Vec<Problem>) {
    let (mut model, mut problems, _) = model_of(yaml, &InForce::default());
    problems.retain(|problem| problem.severity == Severity::Error);
    model.bgp_advertisements = ads.into_iter().map(|ad| (ad.object.name.clone(), ad)).collect();
    let (peers, more) = model.peers_on(&node());
    problems.extend(more);
    let (config, more) = build(&model, &node(), &peers, announced, &Options::default());
    problems.extend(more);
    (config, problems)
}

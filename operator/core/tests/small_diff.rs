//! One more Service changes only the lines of its own addresses, and of classes that come or go.
//!
//! It is what makes a pull request readable and an apply cheap, so it is held for random inputs.

use herald_core::input::{self, SourceText};
use herald_core::model::InForce;
use herald_core::plan::{self, Endpoints};
use herald_frr::render::{RenderOptions, render};
use ipnet::IpNet;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::Ipv4Addr;

#[derive(Debug, Clone)]
struct Advertisement {
    pools: BTreeSet<u8>,
    aggregate: bool,
    peers: BTreeSet<u8>,
    /// Only Services of this app.
    app: Option<u8>,
    community: Option<u8>,
    local_pref: Option<u8>,
}

#[derive(Debug, Clone)]
struct Inputs {
    peers: u8,
    advertisements: Vec<Advertisement>,
    /// The app of the Service at an address: pool and last octet.
    services: BTreeMap<(u8, u8), u8>,
    more: ((u8, u8), u8),
}

fn inputs() -> impl Strategy<Value = Inputs> {
    let advertisement =
        (btree_set(0..2_u8, 0..3), any::<bool>(), btree_set(0..4_u8, 0..3), option::of(0..3_u8));
    let attributes = (option::of(0..3_u8), option::of(0..2_u8));
    let advertisement = (advertisement, attributes).prop_map(|(what, (community, local_pref))| {
        let (pools, aggregate, peers, app) = what;
        Advertisement { pools, aggregate, peers, app, community, local_pref }
    });
    let address = || (0..2_u8, 1..40_u8);
    let services = btree_map(address(), 0..3_u8, 0..12);
    (0..4_u8, vec(advertisement, 0..5), services, (address(), 0..3_u8)).prop_map(
        |(peers, advertisements, mut services, more)| {
            services.remove(&more.0);
            Inputs { peers, advertisements, services, more }
        },
    )
}

fn address((pool, octet): (u8, u8)) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, pool, octet)
}

fn object(text: &mut String, kind: &str, api: &str, name: &str, spec: &str) {
    // Writing to a String cannot fail.
    _ = write!(
        text,
        "---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}, namespace: ns}}\nspec: {{{spec}}}\n"
    );
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn advertisement_spec(ad: &Advertisement) -> String {
    let pools = list(ad.pools.iter().map(|p| format!("pool-{p}")));
    let peers = list(ad.peers.iter().map(|p| format!("peer-{p}")));
    let mut spec = format!("ipAddressPools: [{pools}], peers: [{peers}]");
    if let Some(app) = ad.app {
        // The two exclude each other in the API.
        _ = write!(spec, ", serviceSelectors: [{{matchLabels: {{app: app-{app}}}}}]");
    } else if ad.aggregate {
        spec += ", aggregationLength: 28";
    }
    spec += &ad.community.map(|c| format!(", communities: [\"64512:{c}\"]")).unwrap_or_default();
    spec += &ad.local_pref.map(|p| format!(", localPref: {}", 100 + u32::from(p))).unwrap_or_default();
    spec
}

fn manifests(inputs: &Inputs, services: &BTreeMap<(u8, u8), u8>) -> String {
    const OURS: &str = "metallb.io/v1beta1";
    let mut text = String::new();
    for pool in 0..2 {
        object(
            &mut text,
            "IPAddressPool",
            OURS,
            &format!("pool-{pool}"),
            &format!("addresses: [10.0.{pool}.0/24]"),
        );
    }
    for peer in 0..inputs.peers {
        let spec = format!("myASN: 64512, peerASN: 64512, peerAddress: 192.0.2.{}", peer + 1);
        object(&mut text, "BGPPeer", "metallb.io/v1beta2", &format!("peer-{peer}"), &spec);
    }
    for (number, ad) in inputs.advertisements.iter().enumerate() {
        object(&mut text, "BGPAdvertisement", OURS, &format!("adv-{number}"), &advertisement_spec(ad));
    }
    for (at, app) in services {
        let name = format!("s-{}-{}", at.0, at.1);
        _ = write!(
            text,
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: ns, labels: {{app: app-{app}}}}}\n\
             spec: {{type: LoadBalancer}}\nstatus: {{loadBalancer: {{ingress: [{{ip: {}}}]}}}}\n",
            address(*at)
        );
    }
    text
}

fn configuration(inputs: &Inputs, services: &BTreeMap<(u8, u8), u8>) -> Vec<String> {
    let text = manifests(inputs, services);
    let source = SourceText { file: "all.yaml".into(), text: text.into() };
    let snapshot = input::parse(&[source], &input::Options::default()).snapshot;
    let mut options = plan::Options { endpoints: Endpoints::Assume, ..plan::Options::default() };
    options.model.assume_node = Some("node".into());
    let evaluation = plan::evaluate(&snapshot, &InForce::default(), &options);
    let node = evaluation.model.nodes.values().next().expect("the assumed node");
    let config = evaluation.on_node(&evaluation.planner(&options), node, &options.frr).config;
    render(&config, &RenderOptions::default()).lines().map(str::to_owned).collect()
}

/// The class of each prefix that is announced.
fn classes(lines: &[String]) -> BTreeMap<IpNet, String> {
    let network = |line: &String| {
        let (net, class) = line.trim().strip_prefix("network ")?.split_once(" route-map ")?;
        Some((net.parse().ok()?, class.to_owned()))
    };
    lines.iter().filter_map(network).collect()
}

/// The tags of classes: those that a text has and another lacks.
fn tags_only_in(lines: &[String], other: &[String]) -> BTreeSet<String> {
    let tags = |lines: &[String]| -> BTreeSet<String> {
        lines.iter().filter_map(|line| line.strip_prefix(" set tag ")).map(str::to_owned).collect()
    };
    tags(lines).difference(&tags(other)).cloned().collect()
}

/// The text without `network` lines of the address and without route-map entries of the tags; the numbers of
/// the other entries are left out, for they count from 1.
fn rest(lines: &[String], address: Ipv4Addr, tags: &BTreeSet<String>) -> Vec<String> {
    let text = lines.join("\n") + "\n";
    let own = |net: &str| {
        net.parse().is_ok_and(|net: IpNet| net.contains(&IpNet::from(std::net::IpAddr::V4(address))))
    };
    let mut kept = Vec::new();
    for block in text.split("!\n") {
        let of_class = |line: &str| {
            let tag = line.strip_prefix(" set tag ").or_else(|| line.strip_prefix(" match tag "));
            tag.is_some_and(|tag| tags.contains(tag))
        };
        // What a neighbor without any class gets stands in the place of its classes.
        let out = block.lines().next().is_some_and(|line| line.contains("-out "));
        let nothing = out && block.contains(" prefix-list nothing\n");
        if block.starts_with("route-map ") && (nothing || block.lines().any(of_class)) {
            continue;
        }
        for line in block.lines() {
            let network = line.trim().strip_prefix("network ").and_then(|rest| rest.split(' ').next());
            if network.is_some_and(own) {
                continue;
            }
            let entry = line.strip_prefix("route-map ").and_then(|rest| rest.rsplit_once(' '));
            kept.push(entry.map_or_else(|| line.to_owned(), |(head, _)| head.to_owned()));
        }
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_more_service_changes_only_its_own_lines(inputs in inputs()) {
        let mut services = inputs.services.clone();
        let before = configuration(&inputs, &services);
        let (at, app) = inputs.more;
        services.insert(at, app);
        let after = configuration(&inputs, &services);

        let (come, gone) = (tags_only_in(&after, &before), tags_only_in(&before, &after));
        let address = address(at);
        prop_assert_eq!(rest(&before, address, &gone), rest(&after, address, &come));

        // Without a class that comes or goes nothing is renumbered either: what differs is counted.
        if come.is_empty() && gone.is_empty() {
            let (old, new) = (classes(&before), classes(&after));
            let changed = new.iter().filter(|(net, class)| old.get(*net) != Some(*class)).count();
            let old: BTreeSet<&String> = before.iter().collect();
            let added = after.iter().filter(|line| !old.contains(line)).count();
            // An address has one prefix for each length that advertisements ask for.
            prop_assert!(added == changed && changed <= 2, "{} lines for {} prefixes", added, changed);
        }
    }
}

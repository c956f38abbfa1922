//! What holds for any input: small changes are small, and order does not matter.

use super::{Announced, Options, advertisement, build, document, model_of, node, peers, text};
use crate::model::{InForce, Model, Peer};
use herald_frr::config::{FrrConfig, Origins, RouteMapEntry};
use herald_frr::value::Tag;
use ipnet::IpNet;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

const ADS: [&str; 4] = ["bronze", "gold", "iron", "silver"];
const PEERS: [&str; 4] = ["192.0.2.1", "192.0.2.2", "2001:db8:f::1", "2001:db8:f::2"];

/// FRRConfigurations beside the BGPPeers: other prefixes, filters and next hops.
fn extras() -> [String; 3] {
    [
        "{bgp: {routers: [{asn: 65001, prefixes: [10.200.0.0/24, 10.0.0.9/32], neighbors: [{address: 192.0.2.1, \
         asn: 65000, toAdvertise: {allowed: {mode: all}}}]}]}}",
        "{bgp: {routers: [{asn: 65001, prefixes: [10.0.0.9/32, 10.201.0.0/24], neighbors: [{address: 192.0.2.8, \
         asn: 65008, toAdvertise: {allowed: {prefixes: [10.201.0.0/24]}, nextHop: {ipv4: 192.0.2.77}}}]}]}}",
        "{bgp: {routers: [{asn: 65001, vrf: red, prefixes: [10.202.0.0/24]}, {asn: 65001, imports: [{vrf: red}], \
         neighbors: [{address: 192.0.2.2, asn: 65000, toAdvertise: {allowed: {mode: all}}}]}]}}",
    ]
    .map(|text| document(&format!("extra-{}", text.len()), text))
}

fn prefix(v6: bool, number: u8) -> IpNet {
    let address = if v6 {
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()))
    } else {
        IpAddr::V4(Ipv4Addr::new(10, 0, 0, number))
    };
    IpNet::from(address)
}

#[derive(Debug, Clone)]
struct Case {
    /// Per advertisement the peers that it names.
    ads: Vec<BTreeSet<usize>>,
    peers: usize,
    extras: BTreeSet<usize>,
    /// Prefixes and the advertisements that announce them.
    prefixes: BTreeMap<(bool, u8), BTreeSet<usize>>,
}

fn case() -> impl Strategy<Value = Case> {
    let named = proptest::collection::btree_set(0..PEERS.len(), 0..3);
    let set = proptest::collection::btree_set(0..ADS.len(), 1..4);
    let prefixes = proptest::collection::btree_map((any::<bool>(), 0..20_u8), set, 1..20);
    let extras = proptest::collection::btree_set(0..3_usize, 0..3);
    (proptest::collection::vec(named, ADS.len()), 0..=PEERS.len(), extras, prefixes)
        .prop_map(|(ads, peers, extras, prefixes)| Case { ads, peers, extras, prefixes })
}

impl Case {
    fn model(&self) -> Model {
        let extras = extras();
        let documents = self.extras.iter().map(|at| extras[*at].as_str());
        let yaml: String = std::iter::once(&*peers(&PEERS[..self.peers])).chain(documents).collect();
        let (mut model, _, _) = model_of(&yaml, &InForce::default());
        for (name, named) in ADS.iter().zip(&self.ads) {
            let named: Vec<String> = named.iter().map(|at| format!("tor-{}", at + 1)).collect();
            let named: Vec<&str> = named.iter().map(String::as_str).collect();
            model.bgp_advertisements.insert((*name).into(), advertisement(name, &named, None));
        }
        model
    }

    fn announced(&self) -> BTreeMap<IpNet, Announced> {
        let one = |((v6, number), ads): (&(bool, u8), &BTreeSet<usize>)| {
            let advertisements = Arc::new(ads.iter().map(|at| Arc::from(ADS[*at])).collect());
            (prefix(*v6, *number), Announced { advertisements, origins: Origins::new() })
        };
        self.prefixes.iter().map(one).collect()
    }
}

fn on_node(model: &Model, announced: &BTreeMap<IpNet, Announced>) -> FrrConfig {
    let peers: Vec<&Peer> = model.peers.values().collect();
    build(model, &node(), &peers, announced, &Options::default()).0
}

/// Classes are the maps of which some `network` line speaks.
fn classes(config: &FrrConfig) -> BTreeSet<String> {
    let networks = config.routers.values().flat_map(|router| router.networks.values());
    networks.filter_map(|network| network.class.as_ref()).map(ToString::to_string).collect()
}

/// Entries of the neighbors' maps without their numbers, but those that match one of these tags or nothing.
fn entries(config: &FrrConfig, but: &BTreeSet<u32>) -> BTreeMap<String, Vec<RouteMapEntry>> {
    let kept = |entry: &&RouteMapEntry| {
        let nothing = entry.matches.prefix_list.as_ref().is_some_and(|(_, list)| list.as_str() == "nothing");
        !nothing && entry.matches.tag.is_none_or(|tag| !but.contains(&tag.get()))
    };
    let neighbors = config.route_maps.iter().filter(|(n, _)| n.as_str().ends_with("-out"));
    neighbors.map(|(n, map)| (n.to_string(), map.entries.values().filter(kept).cloned().collect())).collect()
}

fn tags(config: &FrrConfig, names: &BTreeSet<String>) -> BTreeSet<u32> {
    let maps = config.route_maps.iter().filter(|(name, _)| names.contains(name.as_str()));
    maps.flat_map(|(_, map)| map.entries.values()).filter_map(|e| e.sets.tag).map(Tag::get).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// One more prefix is one more line, unless a class comes or goes: then its map and entries, too.
    #[test]
    fn one_more_prefix_changes_its_own_lines_alone(case in case(), at in 0..20_usize) {
        let key = *case.prefixes.keys().nth(at % case.prefixes.len()).unwrap();
        let model = case.model();
        let after_announced = case.announced();
        let mut before_announced = after_announced.clone();
        before_announced.remove(&prefix(key.0, key.1));
        let (before, after) = (on_node(&model, &before_announced), on_node(&model, &after_announced));
        let mine = format!("  network {}", prefix(key.0, key.1));
        let is_mine = |line: &&str| *line == mine || line.starts_with(&format!("{mine} "));
        let (old, new) = (classes(&before), classes(&after));
        if old == new {
            let (before, after) = (text(&before), text(&after));
            let kept = |text: &str| text.lines().filter(|l| !is_mine(l)).map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(kept(&before), kept(&after));
            prop_assert!(after.lines().filter(is_mine).count() <= 1);
        } else {
            // At most one class comes, and at most one goes: that of the same prefix in an FRRConfiguration.
            let gone: BTreeSet<String> = old.difference(&new).cloned().collect();
            let come: BTreeSet<String> = new.difference(&old).cloned().collect();
            prop_assert!(gone.len() <= 1 && come.len() <= 1, "{:?} {:?}", gone, come);
            let moved: BTreeSet<u32> = tags(&before, &gone).union(&tags(&after, &come)).copied().collect();
            prop_assert_eq!(entries(&before, &moved), entries(&after, &moved));
            let lines = |config: &FrrConfig| -> BTreeSet<String> {
                let text = text(config);
                text.lines().filter(|l| l.starts_with("  network") && !is_mine(l)).map(str::to_owned).collect()
            };
            prop_assert_eq!(lines(&before), lines(&after));
            for (vrf, router) in &before.routers {
                prop_assert_eq!(&router.neighbors, &after.routers[vrf].neighbors);
            }
        }
    }

    /// Lists come in any order; the text is the same.
    #[test]
    fn the_order_of_the_input_does_not_matter(case in case()) {
        let mut model = case.model();
        let announced = case.announced();
        let one = text(&on_node(&model, &announced));
        model.frr_configurations.reverse();
        let mut peers: Vec<&Peer> = model.peers.values().collect();
        peers.reverse();
        let (other, _) = build(&model, &node(), &peers, &announced, &Options::default());
        prop_assert_eq!(one, text(&other));
    }

    /// Where nothing conflicts it does not matter which object is older.
    #[test]
    fn ages_decide_conflicts_alone(case in case()) {
        let mut model = case.model();
        let announced = case.announced();
        let one = text(&on_node(&model, &announced));
        for (age, contribution) in model.frr_configurations.iter_mut().rev().enumerate() {
            contribution.rank.created = format!("2026-01-0{age}").into();
        }
        prop_assert_eq!(one, text(&on_node(&model, &announced)));
    }
}

//! What it costs to make one node's FRR configuration, by prefixes and peers.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use herald_core::frr::{Announced, Options, build};
use herald_core::model::{BgpAdvertisement, Model, Peer};
use herald_core::problem::ObjectRef;
use herald_core::snapshot::{Labels, Node};
use herald_frr::config::{NeighborId, Origin, RemoteAs};
use herald_frr::diff::edit;
use herald_frr::render::{RenderOptions, render};
use herald_frr::value::Asn;
use ipnet::{IpNet, Ipv4Net};
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Sets of advertisements that prefixes are announced by.
const SETS: u32 = 10;

fn object(kind: &'static str, name: &str) -> ObjectRef {
    ObjectRef { kind, namespace: "bench".into(), name: name.into() }
}

fn advertisement(number: u32) -> BgpAdvertisement {
    BgpAdvertisement {
        object: object("BGPAdvertisement", &format!("adv-{number}")),
        pools: BTreeSet::new(),
        node_selectors: Vec::new(),
        service_selectors: Vec::new(),
        peers: BTreeSet::new(),
        length_v4: 32,
        length_v6: 128,
        local_pref: Some(number),
        communities: "65000:1".parse().into_iter().collect(),
        drain: None,
    }
}

fn peer(number: u32, asn: Asn) -> Peer {
    Peer {
        object: object("BGPPeer", &format!("peer-{number}")),
        node_selectors: Vec::new(),
        my_asn: asn,
        remote_as: RemoteAs::External,
        local_as: None,
        id: NeighborId::Address(IpAddr::V4(Ipv4Addr::from_bits(0xC000_0200 + number))),
        vrf: None,
        router_id: None,
        source_address: None,
        port: None,
        timers: None,
        connect_time: None,
        password: None,
        password_secret: None,
        bfd_profile: None,
        graceful_restart: false,
        ebgp_multihop: false,
        dual_stack: false,
        max_prefixes: None,
    }
}

fn announced(count: u32) -> BTreeMap<IpNet, Announced> {
    let set = |n: u32| Arc::new(BTreeSet::from([Arc::from(format!("adv-{n}"))]));
    let sets: Vec<Arc<BTreeSet<Arc<str>>>> = (0..SETS).map(set).collect();
    let one = |n: u32| {
        let set = sets.get((n % SETS) as usize)?;
        let net = IpNet::V4(Ipv4Net::new(Ipv4Addr::from_bits(0x0A00_0000 + n), 32).ok()?);
        let origins = [Origin(format!("Service bench/service-{n}").into())].into();
        Some((net, Announced { advertisements: Arc::clone(set), origins }))
    };
    (0..count).filter_map(one).collect()
}

fn configuration(c: &mut Criterion) {
    let Ok(asn) = Asn::try_from(64_512) else { return };
    let node =
        Node { name: "node".into(), labels: Labels::new(), network_unavailable: false, draining: false };
    let advertisements = (0..SETS).map(advertisement).map(|ad| (ad.object.name.clone(), ad)).collect();
    let model = Model { bgp_advertisements: advertisements, ..Model::default() };
    let options = Options::default();
    let mut group = c.benchmark_group("configuration");
    for (prefixes, peers) in [(1_000, 10), (10_000, 10), (10_000, 100)] {
        let announced = announced(prefixes);
        let peers: Vec<Peer> = (0..peers).map(|n| peer(n, asn)).collect();
        let peers: Vec<&Peer> = peers.iter().collect();
        let name = format!("{prefixes} prefixes, {} peers", peers.len());
        group.bench_function(BenchmarkId::new("build", &name), |b| {
            b.iter(|| black_box(build(&model, &node, &peers, &announced, &options)));
        });
        let (config, _) = build(&model, &node, &peers, &announced, &options);
        group.bench_function(BenchmarkId::new("render", &name), |b| {
            b.iter(|| black_box(render(&config, &RenderOptions::default())));
        });
        let mut less = config.clone();
        let networks = less.routers.values_mut().next().map(|router| &mut router.networks);
        if let Some(networks) = networks {
            let middle = networks.keys().nth(networks.len() / 2).copied();
            if let Some(prefix) = middle {
                networks.remove(&prefix);
            }
        }
        group.bench_function(BenchmarkId::new("edit of one prefix", &name), |b| {
            b.iter(|| black_box(edit(&less, &config, None)));
        });
        let mut policy = config.clone();
        if let Some(entry) = policy.route_maps.values_mut().find_map(|map| map.entries.values_mut().next()) {
            entry.sets.local_preference = Some(7);
        }
        group.bench_function(BenchmarkId::new("edit of one policy", &name), |b| {
            b.iter(|| black_box(edit(&config, &policy, None)));
        });
    }
    group.finish();
}

criterion_group!(benches, configuration);
criterion_main!(benches);

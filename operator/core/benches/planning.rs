//! What one change costs the agent before it asks FRR: planned from nothing, and from what was planned before.

use criterion::{Criterion, criterion_group, criterion_main};
use herald_core::input::{self, SourceText};
use herald_core::model::{self, InForce};
use herald_core::plan::{self, Allocate, Endpoints, Incremental};
use herald_core::snapshot::{Few, Snapshot};
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;

const SERVICES: usize = 10_000;
const POOLS: usize = 50;
const PEERS: usize = 100;
const NODE: &str = "node-a";

/// A folder as text: pools with an advertisement each, peers, and Services that hold an address.
fn manifests() -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for pool in 0..POOLS {
        writeln!(
            text,
            "---\napiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {{name: p{pool}, namespace: m}}\n\
             spec: {{addresses: [10.{pool}.0.0/16]}}\n---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n\
             metadata: {{name: a{pool}, namespace: m}}\nspec: {{ipAddressPools: [p{pool}]}}"
        )?;
    }
    for peer in 1..=PEERS {
        writeln!(
            text,
            "---\napiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {{name: t{peer}, namespace: m}}\n\
             spec: {{myASN: 64500, peerASN: 64501, peerAddress: 192.0.2.{peer}}}"
        )?;
    }
    for service in 0..SERVICES {
        let (pool, high, low) = (service % POOLS, service / POOLS / 250, service / POOLS % 250);
        writeln!(
            text,
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{service}, namespace: d}}\n\
             spec: {{type: LoadBalancer, clusterIP: 10.96.0.1, ports: [{{port: 80}}]}}\n\
             status: {{loadBalancer: {{ingress: [{{ip: 10.{pool}.{high}.{low}}}]}}}}"
        )?;
    }
    Ok(text)
}

fn one_change(c: &mut Criterion) {
    let Ok(text) = manifests() else { return };
    let text = SourceText { file: "bench".into(), text: text.into() };
    let snapshot: Snapshot = input::parse(&[text], &input::Options::default()).snapshot;
    let options = plan::Options {
        model: model::Options { assume_node: Some(NODE.into()), ..model::Options::default() },
        endpoints: Endpoints::Assume,
        allocate: Allocate::Recorded,
        ..plan::Options::default()
    };
    let before = plan::evaluate(&snapshot, &InForce::default(), &options).in_force;
    let mut group = c.benchmark_group("plan after one change");
    group.sample_size(10);
    group.bench_function("from nothing, 10,000 Services, 50 pools, 100 peers", |b| {
        b.iter(|| {
            let evaluation = plan::evaluate(&snapshot, &before, &options);
            let planner = evaluation.planner(&options);
            let node = evaluation.model.nodes.get(NODE);
            black_box(node.map(|node| evaluation.on_node(&planner, node, &options.frr).config))
        });
    });
    // One Service loses its address and gets it back.
    let mut without = snapshot.clone();
    if let Some(service) = without.services.values_mut().nth(SERVICES / 2) {
        Arc::make_mut(service).ingress = Few::default();
    }
    let mut incremental = Incremental::new(NODE, options);
    group.bench_function("10,000 Services, 50 pools, 100 peers", |b| {
        b.iter(|| {
            black_box(incremental.plan(&without, &before));
            black_box(incremental.plan(&snapshot, &before));
        });
    });
    group.finish();
}

criterion_group!(benches, one_change);
criterion_main!(benches);

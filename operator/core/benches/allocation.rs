//! What it costs to give a Service an address and to take it back, by what is already allocated.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use herald_core::ledger::{Ledger, allocate};
use herald_core::model::{
    AddressRange, Families, FamilyPolicy, Model, Pinned, Pool, PoolName, Service, ServiceKey, SharingKey,
};
use herald_core::problem::ObjectRef;
use herald_core::snapshot::Labels;
use herald_frr::value::Family;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::IpAddr;
use std::time::Duration;

/// Addresses that are in use in the large cases.
const MANY: usize = 100_000;

type Pools = BTreeMap<PoolName, Pool>;

fn object(kind: &'static str, name: &str) -> ObjectRef {
    ObjectRef { kind, namespace: "bench".into(), name: name.into() }
}

fn pool(ranges: &[(&str, &str)]) -> Pool {
    let address = |text: &str| text.parse::<IpAddr>().ok();
    let range = |(first, last): &(&str, &str)| AddressRange::new(address(first)?, address(last)?);
    Pool {
        object: object("IPAddressPool", "pool"),
        labels: Labels::new(),
        ranges: ranges.iter().filter_map(range).collect(),
        auto_assign: true,
        avoid_buggy_ips: true,
        pinned: None,
    }
}

fn service(families: Families) -> Service {
    Service {
        object: object("Service", "service"),
        labels: Labels::new(),
        families: Ok(families),
        policy: FamilyPolicy::PreferDualStack,
        requested_pool: None,
        requested_ips: Ok(vec![]),
        sharing: SharingKey::default(),
        has_sharing_annotation: false,
        ports: [("TCP".into(), 80), ("TCP".into(), 443)].into(),
        traffic_local: false,
        status_ips: vec![],
    }
}

fn sharer(port: u16) -> Service {
    let sharing = SharingKey { sharing: "key".into(), backend: "".into() };
    let ports = [("TCP".into(), port)].into();
    Service { sharing, ports, ..service(Families::Single(Family::V4)) }
}

fn key(number: usize) -> ServiceKey {
    ServiceKey { namespace: "bench".into(), name: format!("service-{number}").into() }
}

/// A ledger in which so many Services hold an address; the last ones are then released at random
/// places, so that it is not one whole run.
fn filled(pools: &Pools, count: usize, holes: bool, each: impl Fn(usize) -> Service) -> Ledger {
    let mut ledger = Ledger::new(pools);
    for number in 0..count {
        ledger.assign(&key(number), &each(number));
    }
    if holes {
        // 7919 is prime to the count: it visits places all over the pool. The first stays taken.
        for step in 1..=count / 4 {
            ledger.release(&key(step * 7919 % count));
        }
    }
    ledger
}

/// The ledgers that are measured, and the Service that comes to each.
fn states() -> Vec<(&'static str, Ledger, Service)> {
    let v4 = || service(Families::Single(Family::V4));
    let v6 = || service(Families::Single(Family::V6));
    let dual = || service(Families::Dual { primary: Family::V4 });
    let one = |ranges: &[(&str, &str)]| Pools::from([("pool".into(), pool(ranges))]);
    let eight = ("10.0.0.0", "10.255.255.255");
    let sixty_four = ("fc00::", "fc00::ffff:ffff:ffff:ffff");
    let (four, six, both) = (one(&[eight]), one(&[sixty_four]), one(&[eight, sixty_four]));
    let fifty: Pools = (0..50_u8)
        .map(|n| {
            let (first, last) = (format!("10.{n}.0.1"), format!("10.{n}.0.200"));
            let namespaces = Some(["bench".into()].into());
            let pinned = Some(Pinned { priority: 1, namespaces, service_selectors: vec![] });
            (format!("pool-{n:02}").into(), Pool { pinned, ..pool(&[(&first, &last)]) })
        })
        .collect();
    let two_ports = |number: usize| sharer(if number.is_multiple_of(2) { 80 } else { 443 });
    vec![
        ("empty /64", Ledger::new(&six), v6()),
        ("empty /8", Ledger::new(&four), v4()),
        ("100000 in use of /64", filled(&six, MANY, false, |_| v6()), v6()),
        ("100000 in use of /8", filled(&four, MANY, false, |_| v4()), v4()),
        ("75000 in use of /8, with holes", filled(&four, MANY, true, |_| v4()), v4()),
        ("100000 in use of both, dual stack", filled(&both, MANY, false, |_| dual()), dual()),
        ("50 pools, 49 full", filled(&fifty, 49 * 200, false, |_| v4()), v4()),
        ("100000 share, port free", filled(&four, MANY, false, two_ports), sharer(8080)),
        ("100000 share, port taken", filled(&four, MANY, false, two_ports), sharer(80)),
    ]
}

fn one_service(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("assign and release");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    for (name, mut ledger, newcomer) in states() {
        let key = key(usize::MAX);
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                black_box(ledger.assign(&key, &newcomer));
                ledger.release(&key)
            });
        });
    }
    group.finish();
}

fn whole_model(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("allocate");
    group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    let pools = Pools::from([("pool".into(), pool(&[("10.0.0.0", "10.255.255.255")]))]);
    let fresh = |n| (key(n), service(Families::Single(Family::V4)));
    let mut model = Model { pools, services: (0..10_000).map(fresh).collect(), ..Model::default() };
    group.bench_function("10000 new", |bencher| bencher.iter(|| black_box(allocate(&model))));
    let (ledger, _) = allocate(&model);
    for (key, service) in &mut model.services {
        service.status_ips = ledger.allocation(key).map(|a| a.ips.clone()).unwrap_or_default();
    }
    group.bench_function("10000 readopted", |bencher| bencher.iter(|| black_box(allocate(&model))));
    group.finish();
}

criterion_group!(benches, one_service, whole_model);
criterion_main!(benches);

//! Tests of the ledger: the rules one by one, and properties over random histories.

mod allocation;
mod lifecycle;
mod property;
mod reference;
mod sharing;

use super::*;
use crate::model::{AddressRange, Families, FamilyPolicy, Model, Pinned};
use crate::problem::ObjectRef;
use crate::snapshot::Labels;

/// A pool from ranges written `first-last`, or single addresses.
pub(super) fn pool(ranges: &[&str]) -> Pool {
    let range = |text: &&str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        AddressRange::new(first.parse().unwrap(), last.parse().unwrap()).unwrap()
    };
    Pool {
        object: object("IPAddressPool", ""),
        labels: Labels::new(),
        ranges: ranges.iter().map(range).collect(),
        auto_assign: true,
        avoid_buggy_ips: false,
        pinned: None,
    }
}

/// A pool pinned by priority, to some namespaces or to all.
pub(super) fn pinned(ranges: &[&str], priority: u32, namespaces: &[&str]) -> Pool {
    let namespaces =
        (!namespaces.is_empty()).then(|| namespaces.iter().map(|name| Arc::from(*name)).collect());
    let pinned = Some(Pinned { priority, namespaces, service_selectors: vec![] });
    Pool { pinned, ..pool(ranges) }
}

/// A single-stack IPv4 Service with port TCP/80.
pub(super) fn service() -> Service {
    Service {
        object: object("Service", "ns"),
        labels: Labels::new(),
        families: Ok(Families::Single(Family::V4)),
        policy: FamilyPolicy::SingleStack,
        requested_pool: None,
        requested_ips: Ok(vec![]),
        sharing: SharingKey::default(),
        has_sharing_annotation: false,
        ports: ports(&["TCP/80"]),
        traffic_local: false,
        status_ips: vec![],
    }
}

/// A Service with both families.
pub(super) fn dual(policy: FamilyPolicy, primary: Family) -> Service {
    Service { families: Ok(Families::Dual { primary }), policy, ..service() }
}

/// A Service whose status has these addresses.
pub(super) fn with_status(status: &[&str]) -> Service {
    Service { status_ips: ips(status), ..service() }
}

/// A Service that shares by a key.
pub(super) fn sharer(sharing: &str, backend: &str, on: &[&str]) -> Service {
    let sharing = SharingKey { sharing: sharing.into(), backend: backend.into() };
    Service { sharing, has_sharing_annotation: true, ports: ports(on), ..service() }
}

pub(super) fn ports(texts: &[&str]) -> BTreeSet<Port> {
    let port = |text: &&str| {
        let (protocol, number) = text.split_once('/').unwrap();
        (protocol.into(), number.parse().unwrap())
    };
    texts.iter().map(port).collect()
}

pub(super) fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(super) fn key(name: &str) -> ServiceKey {
    let (namespace, name) = name.split_once('/').unwrap_or(("ns", name));
    ServiceKey { namespace: namespace.into(), name: name.into() }
}

fn object(kind: &'static str, namespace: &str) -> ObjectRef {
    ObjectRef { kind, namespace: namespace.into(), name: "x".into() }
}

pub(super) fn pools<const N: usize>(pools: [(&str, Pool); N]) -> BTreeMap<PoolName, Pool> {
    pools.into_iter().map(|(name, pool)| (name.into(), pool)).collect()
}

pub(super) fn model<const P: usize, const S: usize>(
    with_pools: [(&str, Pool); P],
    services: [(&str, Service); S],
) -> Model {
    let services = services.into_iter().map(|(name, service)| (key(name), service)).collect();
    Model { pools: pools(with_pools), services, ..Model::default() }
}

/// `pool: address,address` or the reason.
pub(super) fn said(outcome: &Outcome) -> String {
    match &outcome.result {
        Ok(allocation) => format!("{}: {}", allocation.pool, error::list(&allocation.ips)),
        Err(why) => crate::problem::Reason::reason(why).to_owned(),
    }
}

pub(super) fn events(outcome: &Outcome) -> Vec<&'static str> {
    outcome.events.iter().map(Event::reason).collect()
}

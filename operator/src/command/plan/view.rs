//! What `herald plan` shows, as data.

use herald_core::ledger::Outcome;
use herald_core::model::{AddressRange, BgpAdvertisement, Pool, ServiceKey};
use herald_core::plan::{Decision, Evaluation, Refusal};
use herald_core::snapshot::Node;
use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The whole plan.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Services by namespace and name.
    pub services: Vec<ServiceView>,
    /// Pools by name.
    pub pools: Vec<PoolView>,
}

/// One Service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceView {
    /// Namespace and name.
    pub service: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The pool that they are from.
    pub pool: Option<Arc<str>>,
    /// Why it has no address.
    pub unallocated: Option<String>,
    /// The protocols that its pool is advertised by.
    pub protocols: Vec<&'static str>,
    /// Nodes that announce it over BGP.
    pub nodes: Vec<Arc<str>>,
    /// BGPPeers that are offered it by some node.
    pub peers: BTreeSet<Arc<str>>,
    /// Communities that it is announced with.
    pub communities: BTreeSet<String>,
    /// Why the other nodes do not announce it over BGP.
    pub refusals: Vec<RefusalView>,
}

/// Why some nodes do not announce a Service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusalView {
    /// The stable name.
    pub reason: &'static str,
    /// The same for people.
    pub message: &'static str,
    /// The nodes.
    pub nodes: Vec<Arc<str>>,
    /// Whether these are all nodes.
    pub everywhere: bool,
}

/// One pool.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolView {
    /// Its name.
    pub pool: Arc<str>,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// Services that hold one.
    pub services: usize,
    /// IPv4 addresses in use.
    pub assigned_v4: i64,
    /// IPv6 addresses in use.
    pub assigned_v6: i64,
    /// IPv4 addresses that are free.
    pub available_v4: i64,
    /// IPv6 addresses that are free.
    pub available_v6: i64,
}

impl View {
    /// Puts together what each node decided; `decisions` are in the order of `nodes` and of the Services.
    pub fn of(evaluation: &Evaluation, nodes: &[Node], decisions: &[Vec<Decision>]) -> Self {
        let services = evaluation.model.services.keys().enumerate().map(|(position, key)| {
            let on_nodes =
                nodes.iter().zip(decisions).filter_map(|(node, all)| Some((node, all.get(position)?)));
            service_view(evaluation, key, on_nodes, nodes.len())
        });
        let services: Vec<ServiceView> = services.collect();
        let pools = pools(evaluation, &services);
        Self { services, pools }
    }
}

fn service_view<'a>(
    evaluation: &Evaluation,
    key: &ServiceKey,
    on_nodes: impl Iterator<Item = (&'a Node, &'a Decision)>,
    node_count: usize,
) -> ServiceView {
    let outcome = evaluation.outcomes.get(key);
    let held = outcome.and_then(Outcome::allocation);
    let mut view = ServiceView {
        service: key.to_string(),
        addresses: held.map(|held| held.ips.clone()).unwrap_or_default(),
        pool: held.map(|held| held.pool.clone()),
        unallocated: outcome.and_then(Outcome::error).map(ToString::to_string),
        protocols: held.map(|held| protocols(evaluation, &held.pool)).unwrap_or_default(),
        nodes: Vec::new(),
        peers: BTreeSet::new(),
        communities: BTreeSet::new(),
        refusals: Vec::new(),
    };
    let mut refusals: BTreeMap<Refusal, Vec<Arc<str>>> = BTreeMap::new();
    let mut advertisements = BTreeSet::new();
    for (node, decision) in on_nodes {
        match decision {
            Ok(offer) => {
                view.nodes.push(node.name.clone());
                view.peers.extend(offer.peers.iter().cloned());
                advertisements.extend(offer.advertisements.iter().cloned());
            }
            Err(refusal) => refusals.entry(*refusal).or_default().push(node.name.clone()),
        }
    }
    view.communities = communities(evaluation, &advertisements);
    view.refusals = refusals.into_iter().map(|(why, nodes)| refusal_view(why, nodes, node_count)).collect();
    view
}

fn refusal_view(refusal: Refusal, nodes: Vec<Arc<str>>, of: usize) -> RefusalView {
    let everywhere = nodes.len() == of;
    RefusalView { reason: refusal.as_str(), message: refusal.explain(), nodes, everywhere }
}

fn protocols(evaluation: &Evaluation, pool: &Arc<str>) -> Vec<&'static str> {
    let model = &evaluation.model;
    let bgp = model.bgp_advertisements.values().any(|ad| ad.pools.contains(pool));
    let layer2 = model.l2_advertisements.values().any(|ad| ad.pools.contains(pool));
    [(bgp, "bgp"), (layer2, "layer2")].into_iter().filter_map(|(yes, name)| yes.then_some(name)).collect()
}

fn communities(evaluation: &Evaluation, advertisements: &BTreeSet<Arc<str>>) -> BTreeSet<String> {
    let found = advertisements.iter().filter_map(|name| evaluation.model.bgp_advertisements.get(name));
    found.flat_map(|ad: &BgpAdvertisement| ad.communities.iter().map(ToString::to_string)).collect()
}

fn pools(evaluation: &Evaluation, services: &[ServiceView]) -> Vec<PoolView> {
    let mut holders: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
    for pool in services.iter().filter_map(|service| service.pool.as_ref()) {
        *holders.entry(pool).or_default() += 1;
    }
    let view = |(name, pool): (&Arc<str>, &Pool)| {
        let usage = evaluation.ledger.usage(name).unwrap_or_default();
        PoolView {
            pool: name.clone(),
            addresses: pool.ranges.iter().map(range).collect(),
            services: holders.get(name).copied().unwrap_or_default(),
            assigned_v4: usage.assigned_v4,
            assigned_v6: usage.assigned_v6,
            available_v4: usage.available_v4,
            available_v6: usage.available_v6,
        }
    };
    evaluation.model.pools.iter().map(view).collect()
}

/// As a CIDR where it is one, else both ends.
fn range(range: &AddressRange) -> String {
    let nets: Vec<IpNet> = match (range.first(), range.last()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            Ipv4Subnets::new(first, last, 0).take(2).map(IpNet::V4).collect()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            Ipv6Subnets::new(first, last, 0).take(2).map(IpNet::V6).collect()
        }
        _ => Vec::new(),
    };
    match nets.as_slice() {
        [net] => net.to_string(),
        _ => format!("{}-{}", range.first(), range.last()),
    }
}

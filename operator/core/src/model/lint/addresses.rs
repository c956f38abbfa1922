//! Pools that hold addresses which are not theirs to give.

use super::LintWarning;
use crate::model::{AddressRange, Model, Pool};
use crate::problem::{FieldPath, Problem};
use crate::snapshot::{Configuration, Service};
use herald_frr::config::NeighborId;
use std::net::IpAddr;

/// Blocks that are no unicast addresses of a network (IANA special-purpose address registries).
const RESERVED: [(&str, &str); 9] = [
    ("0.0.0.0/8", "\"this network\""),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("fe80::/10", "link-local"),
    ("ff00::/8", "multicast"),
];

pub(super) fn lint(
    snapshot: &Configuration,
    model: &Model,
    services: &[&Service],
    warnings: &mut Vec<Problem>,
) {
    let reserved: Vec<(AddressRange, &str)> =
        RESERVED.iter().filter_map(|(block, what)| Some((AddressRange::parse(block).ok()?, *what))).collect();
    let used = used_addresses(snapshot, model, services);
    for pool in model.pools.values() {
        for (index, range) in pool.ranges.iter().enumerate() {
            let field = FieldPath::of("spec.addresses").index(index);
            if let Some((_, what)) = reserved.iter().find(|(block, _)| block.overlaps(range)) {
                let why = LintWarning::ReservedAddresses { range: range.to_string(), what };
                warnings.push(Problem::warning(&pool.object, field.clone(), &why));
            }
            if let Some(why) = held(pool, range, &used) {
                warnings.push(Problem::warning(&pool.object, field, &why));
            }
        }
    }
}

/// The first address of a range that something else has.
fn held(pool: &Pool, range: &AddressRange, used: &[(IpAddr, String)]) -> Option<LintWarning> {
    let (address, owner) =
        used.iter().find(|(address, _)| range.contains(*address) && pool.holds(*address))?;
    let (address, owner) = (*address, owner.clone());
    Some(LintWarning::PoolHoldsUsedAddress { range: range.to_string(), address, owner })
}

/// Addresses that are known to be somebody's: routers, nodes, and Services inside the cluster.
fn used_addresses(snapshot: &Configuration, model: &Model, services: &[&Service]) -> Vec<(IpAddr, String)> {
    let routers = model.peers.values().filter_map(|peer| match peer.id {
        NeighborId::Address(address) => Some((address, peer.object.to_string())),
        NeighborId::Interface(_) => None,
    });
    let sources = model.peers.values().filter_map(|peer| {
        Some((peer.source_address?, format!("this side of the session of {}", peer.object)))
    });
    let nodes = snapshot.node_addresses.iter().flat_map(|(name, addresses)| {
        addresses.iter().map(move |address| (*address, format!("Node {name}")))
    });
    let cluster = services.iter().flat_map(|service| {
        let addresses = service.cluster_ips.iter().filter_map(|text| text.parse().ok());
        addresses.map(|address| (address, format!("{} inside the cluster", service.meta.object)))
    });
    routers.chain(sources).chain(nodes).chain(cluster).collect()
}

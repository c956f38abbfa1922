//! From a Service to a page through a router, on the whole product: rows of MetalLB's BGP suite, each by its name, and what
//! the data path must do beside them.

mod attributes;
mod bfd;
mod frrk8s;
mod ground;
mod inward;
mod metrics;
mod reach;
mod select;
mod sessions;
mod status;
mod unnumbered;

use anyhow::{Context, Result};
use ground::Ground;
use std::time::Instant;

type Row = (&'static str, fn(&mut Ground) -> Result<()>);

/// In the order in which they run.
const ROWS: &[Row] = &[
    ("B1 to B3: through all nodes", reach::through_all_nodes),
    ("B4, B5: at a wanted address", reach::at_a_wanted_address),
    ("equal paths", reach::equal_paths),
    ("B12: a node without network", reach::network_unavailable),
    ("B13 to B15: local, and endpoints move", reach::local),
    ("terminating endpoints", reach::terminating),
    ("B18, B19: one address for two", reach::shared),
    ("B20 to B25: pools", reach::pools),
    ("B43, B44: pools are added", reach::pools_added),
    ("B45, B46: peers are added", reach::peers_added),
    ("B47 to B57: attributes", attributes::of_an_advertisement),
    ("B58: advertisements overlap", attributes::overlapping),
    ("B59, B60: an advertisement is edited", attributes::edited),
    ("PS1 to PS4: peers", select::peers),
    ("PS5 to PS8: a community for each peer", select::a_community_for_each_peer),
    ("NS1 to NS4, NS11, NS12: nodes", select::nodes),
    ("NS5 to NS8: a community for each node", select::a_community_for_each_node),
    ("NS9, NS10: a node is labelled", select::a_node_is_labelled),
    ("NS13 to NS15: nodes of peers", select::nodes_of_peers),
    ("SS1 to SS8: Services", select::services),
    ("SS9 to SS14: Services and aggregates", select::services_and_aggregates),
    ("B34 to B36: to whom a Service was sent", status::of_services),
    ("C1, C6, C7, C9: nodes judge for themselves", status::of_single_nodes),
    ("C2 to C5, BM9: what is wrong for all", status::of_all_nodes),
    ("C8, C10: verdicts are deleted", status::deleted),
    ("BM1 to BM4: metrics of sessions", metrics::of_sessions),
    ("B26 to B29: identity", sessions::identity),
    ("B30, B31: another AS number", sessions::local_as),
    ("B32, B33: passwords", sessions::passwords),
    ("B37 to B42, BM5 to BM8: BFD", bfd::profiles),
    ("B61, B62, B67 to B70: what routers announce", inward::routes_of_routers),
    ("B63 to B66: what routers announce, by bgpextras", inward::routes_by_bgpextras),
    ("B72: a profile in the configuration", bfd::in_configuration),
    ("B16, B17, B73, B74: timers", sessions::timers),
    ("B75: a session is reset", sessions::reset),
    ("B78 to B81: dynamic AS numbers", sessions::dynamic_as),
    ("frr-k8s advertisement", frrk8s::advertisement),
    ("frr-k8s node_selector", frrk8s::node_selector),
    ("frr-k8s raw_config", frrk8s::raw_config),
    ("frr-k8s receiving", inward::picked),
    ("frr-k8s advertise_and_receive", inward::both_ways),
    ("NS16: an AS number for each node", sessions::own_as_numbers),
    ("U1 to U6: a cable without addresses", unnumbered::cable),
    ("M1 to M6: both families on a session", sessions::both_families),
];

// One test, so that one cluster serves all of it. `HERALD_ROWS=B13` runs the rows whose name has that text.
#[test]
fn a_client_reaches_pods_as_with_metallb() -> Result<()> {
    let wanted = std::env::var("HERALD_ROWS").unwrap_or_default();
    let started = Instant::now();
    let mut ground = Ground::new()?;
    println!("the cluster: {:?}", started.elapsed());
    let mut failed = Vec::new();
    for (name, row) in ROWS.iter().filter(|(name, _)| name.contains(&wanted)) {
        let started = Instant::now();
        let done = row(&mut ground).and_then(|()| ground.clear());
        println!("{name}: {:?}", started.elapsed());
        if let Err(why) = done {
            failed.push(format!("{name}: {why:?}"));
            ground.clear()?;
        }
    }
    failed.is_empty().then_some(()).with_context(|| failed.join("\n\n"))
}

//! The two routers: BIRD with another AS (eBGP), FRR 10.3 with the nodes' own (iBGP). Each has a session of each family with
//! each node; a session that nobody asks for stays down.

use super::wires::{ASN, BIRD_ASN, NODES, addresses, node_at};
use crate::bird::Bird;
use crate::frr::Frr;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeSet;

/// A route that a router has from a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The node's number.
    pub node: u8,
    /// `64500:100`, in order; large ones as `64500:1:2`.
    pub communities: BTreeSet<String>,
    /// Only the FRR router is told it.
    pub local_pref: Option<u64>,
}

/// What BIRD needs beside its sessions with nodes.
const BIRD: &str = "log stderr all;
router id 172.30.0.254;
protocol device { }
protocol direct { ipv4; ipv6; interface \"eth*\"; }
protocol bfd { accept direct; interface \"eth0\" { interval 100 ms; }; }
protocol kernel { merge paths on; ipv4 { export where source = RTS_BGP; }; }
protocol kernel { merge paths on; ipv6 { export where source = RTS_BGP; }; }
template bgp node {
  connect delay time 1; connect retry time 2; error wait time 1, 4;
  ipv4 { import all; export none; };
  ipv6 { import all; export none; };";

/// BIRD's configuration. `session` stands in each session: `password "..";`, `bfd on;`.
#[must_use]
pub fn bird_config(session: &str) -> String {
    let mut lines = vec![BIRD.to_owned(), format!("  {session}\n}}")];
    for number in 1..=NODES {
        for (family, (node, own)) in ["v4", "v6"].iter().zip(addresses(number).iter().zip(addresses(254))) {
            let ends = format!("local {own} as {BIRD_ASN}; neighbor {node} as {ASN};");
            lines.push(format!("protocol bgp node{number}_{family} from node {{ {ends} }}"));
        }
    }
    lines.join("\n") + "\n"
}

/// The FRR router's configuration. Each of `more` stands in it once for each session, after `neighbor ADDRESS`.
#[must_use]
pub fn frr_config(more: &[&str]) -> String {
    let mut lines = ["frr defaults traditional", "bgp route-map delay-timer 1"].map(str::to_owned).to_vec();
    lines.push(format!("router bgp {ASN}"));
    for line in ["bgp router-id 172.30.0.253", "no bgp ebgp-requires-policy", "no bgp default ipv4-unicast"] {
        lines.push(format!(" {line}"));
    }
    let remote = format!("remote-as {ASN}");
    for node in (1..=NODES).flat_map(addresses) {
        for line in [&*remote, "timers connect 2", "advertisement-interval 0"].iter().chain(more) {
            lines.push(format!(" neighbor {node} {line}"));
        }
    }
    let families = |family: &str, address: &str| address.contains(':') == (family == "ipv6");
    lines.extend(activated(families));
    lines.join("\n") + "\n"
}

/// Lines that activate both families on every session of [`frr_config`].
pub(super) fn both_families() -> String {
    let mut lines = vec![format!("router bgp {ASN}")];
    lines.extend(activated(|_, _| true));
    lines.join("\n") + "\n"
}

/// The end of a `router bgp`: the sessions that carry a family.
fn activated(carries: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut lines = Vec::new();
    for family in ["ipv4", "ipv6"] {
        lines.push(format!(" address-family {family} unicast"));
        let sessions = (1..=NODES).flat_map(addresses).filter(|address| carries(family, address));
        lines.extend(sessions.map(|address| format!("  neighbor {address} activate")));
        lines.push(" exit-address-family".to_owned());
    }
    lines.push("exit".to_owned());
    lines
}

/// The routes to `prefix` at BIRD.
pub(super) fn at_bird(bird: &Bird, prefix: &str) -> Result<Vec<Route>> {
    let mut routes = Vec::new();
    for route in bird.routes()?.into_iter().filter(|route| route.prefix == prefix) {
        let number = route.protocol.strip_prefix("node").and_then(|rest| rest.split('_').next());
        let node = number.and_then(|number| number.parse().ok());
        let mut communities = BTreeSet::new();
        for kind in ["BGP.community", "BGP.large_community"] {
            // `(65000,1) (65000,2)`, large ones with spaces: `(64500, 1, 2)`
            let text = route.attribute(kind).unwrap_or_default().replace(", ", ",");
            communities
                .extend(text.split_whitespace().map(|one| one.trim_matches(['(', ')']).replace(',', ":")));
        }
        routes.push(Route {
            node: node.with_context(|| route.protocol.clone())?,
            communities,
            local_pref: None,
        });
    }
    routes.sort();
    Ok(routes)
}

/// The routes to `prefix` at the FRR router.
pub(super) fn at_frr(frr: &Frr, prefix: &str) -> Result<Vec<Route>> {
    let family = if prefix.contains(':') { "ipv6" } else { "ipv4" };
    let answer = frr.json(&format!("show bgp {family} unicast {prefix} json"))?;
    // A shorter prefix around it is no answer.
    if answer["prefix"] != prefix {
        return Ok(Vec::new());
    }
    let mut routes = Vec::new();
    for path in answer["paths"].as_array().into_iter().flatten() {
        let peer = path["peer"]["peerId"].as_str().unwrap_or_default();
        let list = |key: &str| {
            let text = path[key]["string"].as_str().unwrap_or_default();
            // FRR has a name for this one; everybody else has the number.
            let number = |word: &str| if word == "graceful-shutdown" { "65535:0" } else { word }.to_owned();
            text.split_whitespace().map(number).collect::<Vec<_>>()
        };
        let mut communities: BTreeSet<String> = list("community").into_iter().collect();
        communities.extend(list("largeCommunity"));
        routes.push(Route {
            node: node_at(peer).with_context(|| format!("from {peer}: {path}"))?,
            communities,
            local_pref: path["locPrf"].as_u64(),
        });
    }
    routes.sort();
    Ok(routes)
}

/// Every prefix that a session brought to the FRR router.
pub(super) fn all_at_frr(frr: &Frr) -> Result<BTreeSet<String>> {
    let mut prefixes = BTreeSet::new();
    for family in ["ipv4", "ipv6"] {
        let answer = frr.json(&format!("show bgp {family} unicast json"))?;
        prefixes.extend(answer["routes"].as_object().into_iter().flatten().map(|(prefix, _)| prefix.clone()));
    }
    Ok(prefixes)
}

/// Whether FRR's answer names a session with `node` that is Established.
pub(super) fn established(frr: &Frr, address: &str) -> Result<bool> {
    let answer: Value = frr.json("show bgp vrf default neighbors json")?;
    Ok(answer[address]["bgpState"] == "Established")
}

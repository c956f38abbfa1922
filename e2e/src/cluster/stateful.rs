//! A router that keeps a connection on the node on which it began, as routers do that are firewalls, too. Without it Linux, like most
//! hardware, chooses a way for each packet: when the ways change, a connection that is open moves to a node that does not know
//! it, and is reset there, whoever announces (docs/draining.md).

use super::{NODES, addresses};
use crate::network::Namespace;
use anyhow::Result;
use std::fmt::Write as _;

/// The mark of a connection is its node's number; a packet of it goes by that node's own table.
pub fn keep_connections(router: &Namespace) -> Result<()> {
    let mut rules = "table ip stateful {
  chain known { type filter hook prerouting priority mangle; iifname \"eth1\" ct mark != 0 meta mark set ct mark; }
  chain begun { type filter hook postrouting priority mangle; oifname \"eth0\" ct mark 0 jump choose; }
  chain choose {\n"
        .to_owned();
    for node in 1..=NODES {
        let [address, _] = addresses(node);
        let _ = writeln!(rules, "    rt nexthop {address} ct mark set {node}");
        router.ip(&format!("rule add fwmark {node} table 10{node}"))?;
        router.ip(&format!("route add default via {address} table 10{node}"))?;
    }
    router.run("nft", &[&(rules + "  }\n}\n")]).map(drop)
}

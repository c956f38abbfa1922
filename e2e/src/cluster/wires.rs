//! The plan of the network, and its cables.
//!
//! ```text
//!                        .254 ::254 BIRD, AS 64501 (eBGP) .1 ::1
//! 172.30.0.0/24 fd30::/64 <                                > 203.0.113.0/24 2001:db8:c::/64 --- client .10 ::10, .11 ::11
//!   node-1 .1 ::1        .253 ::253 FRR, AS 64500 (iBGP)  .2 ::2
//!   node-2 .2 ::2        what the client sends from .10 and ::10 goes through BIRD's machine, from .11 and ::11 through FRR's
//!   node-3 .3 ::3 --- pods 10.244.3.0/24 fd44:0:3::/64
//! ```
//!
//! API server and operator stand on a segment of their own, to which each node is attached, too.

use crate::lab::Lab;
use crate::network::{Namespace, Segment};
use anyhow::Result;

/// How many nodes a cluster has.
pub const NODES: u8 = 3;
/// The AS of the nodes, and of the FRR router.
pub const ASN: u32 = 64500;
/// The AS of the BIRD router.
pub const BIRD_ASN: u32 = 64501;

/// A node's name.
#[must_use]
pub fn name(number: u8) -> String {
    format!("node-{number}")
}

/// A machine's addresses on the segment of the nodes: 1 to 3 are nodes, 253 the FRR router, 254 the BIRD router.
#[must_use]
pub fn addresses(number: u8) -> [String; 2] {
    [format!("172.30.0.{number}"), format!("fd30::{number}")]
}

/// The node that stands at an address of [`addresses`].
pub(super) fn node_at(address: &str) -> Option<u8> {
    (1..=NODES).find(|number| addresses(*number).iter().any(|own| own == address))
}

/// The networks of a node's pods.
pub(super) fn pod_networks(number: u8) -> [String; 2] {
    [format!("10.244.{number}.0/24"), format!("fd44:0:{number}::/64")]
}

/// Namespaces, wired.
pub(super) struct Wires {
    /// A node's own namespace, and that of its pods.
    pub nodes: Vec<(Namespace, Namespace)>,
    pub bird: Namespace,
    pub frr: Namespace,
    pub client: Namespace,
}

impl Wires {
    pub fn new(lab: &Lab) -> Result<Self> {
        let (lan, outside) = (lab.segment("lan")?, lab.segment("outside")?);
        let [bird, frr] = [("bird", 254, 1), ("router", 253, 2)].map(|(name, inside, out)| {
            let namespace = lab.namespace(name)?;
            attach(&lan, &namespace, "eth0", inside)?;
            let out = [format!("203.0.113.{out}/24"), format!("2001:db8:c::{out}/64")];
            outside.attach(&namespace, "eth1", &out.each_ref().map(String::as_str))?;
            anyhow::Ok(namespace)
        });
        let client = client(lab, &outside)?;
        let nodes = (1..=NODES).map(|number| node(lab, &lan, number)).collect::<Result<_>>()?;
        Ok(Self { nodes, bird: bird?, frr: frr?, client })
    }
}

fn attach(lan: &Segment, namespace: &Namespace, device: &str, number: u8) -> Result<()> {
    let [v4, v6] = addresses(number);
    lan.attach(namespace, device, &[&format!("{v4}/24"), &format!("{v6}/64")])
}

/// The client has two addresses of each family, and a way out for each.
fn client(lab: &Lab, outside: &Segment) -> Result<Namespace> {
    let client = lab.namespace("client")?;
    let own = ["203.0.113.10/24", "203.0.113.11/24", "2001:db8:c::10/64", "2001:db8:c::11/64"];
    outside.attach(&client, "eth0", &own)?;
    client.ip("route add default via 203.0.113.1")?;
    client.ip("route add default via 2001:db8:c::1")?;
    client.ip("rule add from 203.0.113.11 table 2")?;
    client.ip("-6 rule add from 2001:db8:c::11 table 2")?;
    client.ip("route add default via 203.0.113.2 table 2")?;
    client.ip("route add default via 2001:db8:c::2 table 2")?;
    Ok(client)
}

/// A node's machine: a way out, its pods behind it, and the ways to other nodes' pods.
fn node(lab: &Lab, lan: &Segment, number: u8) -> Result<(Namespace, Namespace)> {
    let (host, pods) = (lab.namespace(&name(number))?, lab.namespace(&format!("{}-pods", name(number)))?);
    attach(lan, &host, "eth0", number)?;
    host.ip("route add default via 172.30.0.254")?;
    host.ip("route add default via fd30::254")?;
    // Answers go back as their questions came: a router that follows connections sees both.
    host.ip("route add 203.0.113.11 via 172.30.0.253")?;
    host.ip("route add 2001:db8:c::11 via fd30::253")?;
    host.ip(&format!("link add pods0 type veth peer name eth0 netns {}", pods.name()))?;
    host.ip(&format!("address add 10.244.{number}.1/24 dev pods0"))?;
    host.ip(&format!("address add fd44:0:{number}::1/64 dev pods0 nodad"))?;
    host.ip("link set pods0 up")?;
    pods.ip("link set eth0 up")?;
    pods.ip(&format!("address add 10.244.{number}.2/24 dev eth0"))?;
    pods.ip(&format!("address add fd44:0:{number}::2/64 dev eth0 nodad"))?;
    pods.ip(&format!("route add default via 10.244.{number}.1"))?;
    pods.ip(&format!("route add default via fd44:0:{number}::1"))?;
    for other in (1..=NODES).filter(|other| *other != number) {
        for (network, via) in pod_networks(other).iter().zip(addresses(other)) {
            host.ip(&format!("route add {network} via {via}"))?;
        }
    }
    Ok((host, pods))
}

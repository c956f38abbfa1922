//! What is announced and to whom, as manifests and as the text that frr-k8s renders of the same.

use anyhow::Result;
use herald_e2e::many;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

/// Pools, each with an advertisement and a community of its own: as many classes.
pub const POOLS: u8 = 4;

/// The AS numbers of node and neighbours.
pub const ASNS: (u32, u32) = (64500, 64501);

/// A state of the node's manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// An address per Service.
    pub addresses: BTreeSet<Ipv4Addr>,
    /// How many neighbours there are.
    pub neighbours: u8,
}

/// Where a prefix sorts among those that are there.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Front,
    Middle,
    End,
}

impl Place {
    pub const ALL: [Self; 3] = [Self::Front, Self::Middle, Self::End];

    pub const fn words(self) -> &'static str {
        match self {
            Self::Front => "sorts first",
            Self::Middle => "sorts in the middle",
            Self::End => "sorts last",
        }
    }

    /// An address that none of [`address`]' is.
    pub const fn address(self, services: u32) -> Ipv4Addr {
        match self {
            Self::Front => Ipv4Addr::new(10, 64, 0, 1),
            Self::Middle => {
                let [a, b, c, d] = address(services / 2 / POOLS as u32 * POOLS as u32 + 2).octets();
                Ipv4Addr::new(a, b, c, d | 1)
            }
            Self::End => Ipv4Addr::new(10, 63 + POOLS, 255, 254),
        }
    }
}

/// The Service's address: spread over the pools, every second one, so that others fit between.
pub const fn address(number: u32) -> Ipv4Addr {
    let pools = POOLS as u32;
    Ipv4Addr::from_bits(0x0a40_0000 + ((number % pools) << 16) + number / pools * 2 + 2)
}

/// The neighbour's address, counted from 0.
pub const fn neighbour(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(172, 31, 0, 1 + number)
}

impl World {
    /// Neighbours that are there in every state.
    pub const STAYING: u8 = 2;

    pub fn new(services: u32) -> Self {
        Self { addresses: (0..services).map(address).collect(), neighbours: Self::STAYING }
    }

    pub fn with(&self, more: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        let mut next = self.clone();
        next.addresses.extend(more);
        next
    }

    pub fn without(&self, fewer: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        let mut next = self.clone();
        for address in fewer {
            next.addresses.remove(&address);
        }
        next
    }

    /// Everything, a small file per Service and per neighbour.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::write(folder.join("site.yaml"), site())?;
        for number in 0..self.neighbours {
            fs::write(folder.join(format!("peer-{number}.yaml")), peer(number))?;
        }
        for address in &self.addresses {
            fs::write(folder.join(file_name(*address)), service(*address))?;
        }
        Ok(())
    }

    /// What is different in `next`, prepared in `beside` and moved into `folder`: the files to move, and those to remove.
    pub fn changed_files(&self, next: &Self, beside: &Path) -> Result<(Vec<String>, Vec<String>)> {
        let (mut arriving, mut leaving) = (Vec::new(), Vec::new());
        for address in next.addresses.difference(&self.addresses) {
            fs::write(beside.join(file_name(*address)), service(*address))?;
            arriving.push(file_name(*address));
        }
        leaving.extend(self.addresses.difference(&next.addresses).copied().map(file_name));
        for number in self.neighbours..next.neighbours {
            let name = format!("peer-{number}.yaml");
            fs::write(beside.join(&name), peer(number))?;
            arriving.push(name);
        }
        leaving.extend((next.neighbours..self.neighbours).map(|number| format!("peer-{number}.yaml")));
        Ok((arriving, leaving))
    }

    /// The shape of frr-k8s: an entry of a prefix-list per address and neighbour, with positional sequence numbers. Without
    /// communities, which would add a second entry each: the shape's better case.
    pub fn listed(&self) -> String {
        let mut text = String::from(
            "frr defaults traditional\nip nht resolve-via-default\nipv6 nht resolve-via-default\n",
        );
        let mut addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        addresses.sort();
        let mut router = format!(
            "router bgp {}\n no bgp ebgp-requires-policy\n no bgp network import-check\n \
             no bgp default ipv4-unicast\n bgp graceful-restart preserve-fw-state\n",
            ASNS.0
        );
        let mut unicast = String::from(" address-family ipv4 unicast\n");
        // Writing to a String cannot fail.
        for id in (0..self.neighbours).map(neighbour) {
            if addresses.is_empty() {
                let _ = writeln!(text, "ip prefix-list {id}-allowed-ipv4 seq 1 deny any");
            }
            for (seq, address) in (1..).zip(&addresses) {
                let _ = writeln!(text, "ip prefix-list {id}-allowed-ipv4 seq {seq} permit {address}/32");
            }
            let _ = write!(
                text,
                "ip prefix-list {id}-inpl-ipv4 seq 1 deny any\nroute-map {id}-out permit 1\n match ip address prefix-list \
                 {id}-allowed-ipv4\nexit\nroute-map {id}-in permit 2\n match ip address prefix-list {id}-inpl-ipv4\nexit\n"
            );
            let _ = writeln!(router, " neighbor {id} remote-as {}", ASNS.1);
            let _ = write!(
                unicast,
                "  neighbor {id} activate\n  neighbor {id} route-map {id}-in in\n  \
                 neighbor {id} route-map {id}-out out\n"
            );
        }
        for address in &addresses {
            let _ = writeln!(unicast, "  network {address}/32");
        }
        text + &router + &unicast + " exit-address-family\nexit\n"
    }
}

fn file_name(address: Ipv4Addr) -> String {
    format!("service-{address}.yaml")
}

fn service(address: Ipv4Addr) -> String {
    many::announced(&address.to_string().replace('.', "-"), address, "node-0")
}

fn site() -> String {
    let mut text = String::from(
        "apiVersion: v1\nkind: Node\nmetadata:\n  name: node-0\n  labels: {kubernetes.io/hostname: node-0}\n\
         status:\n  conditions:\n    - {type: Ready, status: \"True\"}\n",
    );
    for pool in 0..POOLS {
        let _ = write!(
            text,
            "---\napiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {{name: pool-{pool}, namespace: metallb-system}}\n\
             spec: {{addresses: [10.{}.0.0/16]}}\n---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n\
             metadata: {{name: pool-{pool}, namespace: metallb-system}}\n\
             spec: {{ipAddressPools: [pool-{pool}], communities: [\"64500:{pool}\"]}}\n",
            64 + pool
        );
    }
    text
}

fn peer(number: u8) -> String {
    format!(
        "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {{name: peer-{number}, namespace: metallb-system}}\n\
         spec: {{myASN: {}, peerASN: {}, peerAddress: {}}}\n",
        ASNS.0,
        ASNS.1,
        neighbour(number)
    )
}

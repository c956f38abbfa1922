//! Large folders of manifests: for measurements and soaks.

use anyhow::{Context, Result};
use std::fmt::Write;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

/// How much of each kind.
#[derive(Clone, Copy, Debug)]
pub struct Many {
    /// Services of type `LoadBalancer`, spread over the pools.
    pub services: u32,
    /// Pools, with an advertisement each; at most 256.
    pub pools: u32,
    /// Routers; two to a rack, each known to the nodes of its rack only.
    pub peers: u32,
    /// Nodes, spread over the racks.
    pub nodes: u32,
}

impl Many {
    /// The folder that figures are about: 10,000 Services, 50 pools, 100 peers, 100 nodes.
    pub const LARGE: Self = Self { services: 10_000, pools: 50, peers: 100, nodes: 100 };

    /// Writes pools.yaml, peers.yaml, nodes.yaml and services.yaml.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let files = [
            ("pools.yaml", documents(self.pools, pool)),
            ("peers.yaml", documents(self.peers, peer)),
            ("nodes.yaml", documents(self.nodes, |n| self.node(n))),
            ("services.yaml", documents(self.services, |n| service(n, n % self.pools))),
        ];
        for (name, text) in files {
            fs::write(folder.join(name), text).with_context(|| format!("write {name}"))?;
        }
        Ok(())
    }

    fn node(&self, number: u32) -> String {
        let rack = number % (self.peers / 2).max(1);
        format!(
            "apiVersion: v1\nkind: Node\nmetadata:\n  name: node-{number}\n  labels:\n    \
             kubernetes.io/hostname: node-{number}\n    rack: \"{rack}\"\nstatus:\n  conditions:\n    \
             - type: Ready\n      status: \"True\"\n"
        )
    }
}

fn documents(count: u32, one: impl Fn(u32) -> String) -> String {
    let mut text = String::new();
    for number in 0..count {
        // Writing to a String cannot fail.
        let _ = write!(text, "---\n{}", one(number));
    }
    text
}

/// 1,024 addresses, and an advertisement with a community of its own.
fn pool(number: u32) -> String {
    let (high, low) = (64 + number / 64, number % 64 * 4);
    format!(
        "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata:\n  name: pool-{number}\n  \
         namespace: metallb-system\nspec:\n  addresses:\n    - 10.{high}.{low}.0/22\n---\n\
         apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\nmetadata:\n  name: pool-{number}\n  \
         namespace: metallb-system\nspec:\n  ipAddressPools:\n    - pool-{number}\n  communities:\n    - 64500:{number}\n"
    )
}

fn peer(number: u32) -> String {
    let (rack, side) = (number / 2, number % 2 + 1);
    format!(
        "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata:\n  name: rack-{rack}-{side}\n  \
         namespace: metallb-system\nspec:\n  myASN: 64500\n  peerASN: 64501\n  peerAddress: 172.31.{rack}.{side}\n  \
         nodeSelectors:\n    - matchLabels:\n        rack: \"{rack}\"\n"
    )
}

/// A Service that asks for an address of one pool.
#[must_use]
pub fn service(number: u32, pool: u32) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: service-{number}\n  namespace: team-{}\n  annotations:\n    \
         metallb.io/address-pool: pool-{pool}\nspec:\n  type: LoadBalancer\n  selector:\n    app: service-{number}\n  \
         ports:\n    - name: http\n      protocol: TCP\n      port: 80\n      targetPort: 8080\n",
        number % 100
    )
}

/// A Service that has its address, and an `EndpointSlice` with one ready endpoint on `node`: all that an agent needs to
/// announce it.
#[must_use]
pub fn announced(name: &str, address: impl Into<IpAddr>, node: &str) -> String {
    let address = address.into();
    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: service-{name}\n  namespace: default\nspec:\n  \
         type: LoadBalancer\n  ipFamilies: [{family}]\n  selector: {{app: service-{name}}}\n  \
         ports:\n    - {{port: 80, protocol: TCP, targetPort: 8080}}\n\
         status:\n  loadBalancer:\n    ingress:\n      - ip: \"{address}\"\n---\n\
         apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: service-{name}\n  namespace: default\n  \
         labels: {{kubernetes.io/service-name: service-{name}}}\naddressType: IPv4\n\
         ports:\n  - {{port: 8080, protocol: TCP}}\nendpoints:\n  - addresses: [\"10.244.1.10\"]\n    \
         conditions: {{ready: true}}\n    nodeName: {node}\n"
    )
}

//! The whole product on three nodes, as users run it.

mod agent;
mod api;
mod node;
mod pods;
mod routers;
mod see;
mod stateful;
mod wires;

pub use agent::Agent;
pub use node::Node;
pub use pods::{PORT, Pod};
pub use routers::{Route, bird_config, frr_config};
pub use see::Router;
pub use stateful::keep_connections;
pub use wires::{ASN, BIRD_ASN, NODES, addresses, name};

use crate::Logged;
use crate::bird::Bird;
use crate::frr::{Frr, Release};
use crate::kube::{Kube, Operator};
use crate::lab::Lab;
use crate::network::Namespace;
use agent::Manifest;
use anyhow::{Result, anyhow};
use std::time::Duration;
use wires::Wires;

/// For whatever is waited for, on a machine that has other things to do.
pub const LIMIT: Duration = Duration::from_mins(1);

/// A BGPPeer for each router and family: `bird`, `bird-v6`, `frr`, `frr-v6`.
pub const PEERS: &str = "
{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: bird, namespace: metallb-system},
 spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.254, connectTime: 1s}}
---
{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: bird-v6, namespace: metallb-system},
 spec: {myASN: 64500, peerASN: 64501, peerAddress: 'fd30::254', connectTime: 1s}}
---
{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: frr, namespace: metallb-system},
 spec: {myASN: 64500, peerASN: 64500, peerAddress: 172.30.0.253, connectTime: 1s}}
---
{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: frr-v6, namespace: metallb-system},
 spec: {myASN: 64500, peerASN: 64500, peerAddress: 'fd30::253', connectTime: 1s}}
";

/// A pool of both families, and an advertisement of all pools to all peers.
pub const POOL: &str = "
{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: pool, namespace: metallb-system},
 spec: {addresses: [198.51.100.0/24, '2001:db8:100::/120']}}
---
{apiVersion: metallb.io/v1beta1, kind: BGPAdvertisement, metadata: {name: all, namespace: metallb-system}, spec: {}}
";

/// What a cluster starts with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Replicas of the operator.
    pub operators: usize,
    /// Whether agents are started; else [`Node::start_agent`] does.
    pub agents: bool,
    /// Whether kube-proxy runs on the nodes; without it no packet reaches a pod.
    pub proxies: bool,
    /// Arguments of the agents, in place of those of the same flag in the manifest.
    pub agent_arguments: Vec<String>,
    /// Pods' servers are programs, not threads of who starts the cluster: for one that is left up.
    pub outlives: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { operators: 1, agents: true, proxies: true, agent_arguments: Vec::new(), outlives: false }
    }
}

/// API server, controllers, operator, nodes, routers, client. All of it ends with its owner.
#[derive(Debug)]
pub struct Cluster {
    /// `node-1` to `node-3`.
    pub nodes: Vec<Node>,
    /// The router of another AS; the client sends through it.
    pub bird: Bird,
    /// The router of the nodes' own AS; the client's second address sends through it.
    pub router: Frr,
    /// The client's namespace.
    pub client: Namespace,
    /// Replicas of the operator.
    pub operators: Vec<Operator>,
    /// The API server, with kube-controller-manager.
    pub kube: Kube,
    outlives: bool,
}

impl Cluster {
    /// Starts everything. Manifests are installed; there is no pool, no peer and no Service.
    pub fn start(lab: &Lab, options: &Options) -> Result<Self> {
        let wires = Wires::new(lab)?;
        let Wires { nodes, bird, frr, client } = &wires;
        let (control, bird, router, frrs) = std::thread::scope(|scope| {
            let control = scope.spawn(|| control(lab, options));
            let frrs: Vec<_> = nodes
                .iter()
                .map(|(node, _)| scope.spawn(|| Frr::start(lab, node, Release::V10, node::FRESH)))
                .collect();
            let router = Frr::start(lab, frr, Release::V10, &frr_config(&[]));
            let bird = Bird::start(lab, bird, &bird_config(""));
            let frrs: Vec<_> = frrs.into_iter().map(joined).collect();
            (joined(control), bird, router, frrs)
        });
        let (kube, operators) = control?;
        let manifest = Manifest::read(&kube)?;
        let mut made = Vec::new();
        for ((number, wires), frr) in (1..).zip(nodes).zip(frrs) {
            made.push(node::Plain::join(&kube, number, wires, frr?, options.proxies)?);
        }
        pods::place(&kube, "frr-k8s", NODES)?;
        let pods = pods::place(&kube, "speaker", NODES)?;
        let mut nodes = Vec::new();
        for (plain, pod) in made.into_iter().zip(&pods) {
            let mut node = Node::new(lab, &kube, &manifest, plain, pod, &options.agent_arguments)?;
            if options.agents {
                node.start_agent()?;
            }
            nodes.push(node);
        }
        let (client, outlives) = (client.clone(), options.outlives);
        let cluster = Self { nodes, bird: bird?, router: router?, client, operators, kube, outlives };
        cluster.wait_ready().logged(|| cluster.logs())?;
        Ok(cluster)
    }

    /// A node by its number, from 1.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    #[must_use]
    pub fn node(&self, number: u8) -> &Node {
        &self.nodes[usize::from(number) - 1]
    }

    /// The same to change what runs on it.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    pub fn node_mut(&mut self, number: u8) -> &mut Node {
        &mut self.nodes[usize::from(number) - 1]
    }

    /// Replaces an agent's pod, as a rolling update does: it ends, its object goes, the `DaemonSet` gets a new one.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    pub fn replace_agent(&mut self, number: u8) -> Result<()> {
        self.nodes[usize::from(number) - 1].replace_agent(&self.kube)
    }

    fn wait_ready(&self) -> Result<()> {
        self.nodes.iter().try_for_each(Node::wait_proxy)
    }
}

/// API server, controllers and operators.
fn control(lab: &Lab, options: &Options) -> Result<(Kube, Vec<Operator>)> {
    let mut kube = Kube::installed(lab)?;
    let mut operators = Vec::new();
    for number in 1..=options.operators {
        operators.push(Operator::start(lab, &kube, &format!("controller-{number}"), &[])?);
    }
    kube.start_controllers()?;
    operators.iter_mut().try_for_each(Operator::wait_ready)?;
    Ok((kube, operators))
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a start panicked"))?
}

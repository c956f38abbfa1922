//! The cluster's own networks, and what would attract their traffic.

use super::GuardError;
use super::default_route::is_default;
use crate::problem::ObjectRef;
use crate::snapshot::Snapshot;
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Networks that no object names, given on a command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    /// Networks of the cluster's Services (kube-apiserver `--service-cluster-ip-range`).
    pub services: Vec<IpNet>,
    /// Networks of Pods, where Nodes do not name them in `spec.podCIDRs` (Calico and Cilium with pools of their own).
    pub pods: Vec<IpNet>,
    /// Networks that nodes are in; Nodes name only addresses.
    pub nodes: Vec<IpNet>,
}

/// Knows the cluster's own networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// In ascending order, host bits clear.
    networks: Vec<(IpNet, Owner)>,
}

/// Whose a network is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    /// The address of a Node.
    Address(Arc<str>),
    /// The Pods of a Node.
    PodsOf(Arc<str>),
    /// An object.
    Object(ObjectRef),
    /// A flag: what it is for.
    Given(&'static str),
}

impl Guard {
    /// The networks that the input names, and those that are given besides.
    #[must_use]
    pub fn of(snapshot: &Snapshot, given: &Networks) -> Self {
        let addresses = snapshot.node_addresses.iter().flat_map(|(node, addresses)| {
            addresses.iter().map(|address| (IpNet::from(*address), Owner::Address(node.clone())))
        });
        let pods = snapshot.pod_networks.iter().flat_map(|(node, networks)| {
            networks.iter().map(|network| (*network, Owner::PodsOf(node.clone())))
        });
        let services = snapshot.service_networks.iter().flat_map(|(object, networks)| {
            networks.iter().map(|network| (*network, Owner::Object(object.clone())))
        });
        let flag = |networks: &[IpNet], what| -> Vec<(IpNet, Owner)> {
            networks.iter().map(|network| (*network, Owner::Given(what))).collect()
        };
        let given = [
            flag(&given.services, "a network of Services (--service-cidr)"),
            flag(&given.pods, "a network of Pods (--pod-cidr)"),
            flag(&given.nodes, "a network of nodes (--node-cidr)"),
        ];
        let all = addresses.chain(pods).chain(services).chain(given.into_iter().flatten());
        let mut networks: Vec<_> = all.map(|(network, owner)| (network.trunc(), owner)).collect();
        networks.sort_unstable();
        Self { networks }
    }

    /// Why a prefix is not announced for a Service. Costs one search in a sorted list.
    #[must_use]
    pub fn refusal(&self, prefix: &IpNet) -> Option<GuardError> {
        if is_default(prefix) {
            return Some(GuardError::DefaultRoute(*prefix));
        }
        let Covered { relation, network, owner } = self.covered(prefix)?;
        Some(GuardError::ClusterNetwork { prefix: *prefix, relation, network, owner })
    }

    /// What is to be said of a prefix that somebody listed by name.
    #[must_use]
    pub fn warning(&self, prefix: &IpNet) -> Option<GuardError> {
        let Covered { relation, network, owner } = self.covered(prefix).filter(|_| !is_default(prefix))?;
        Some(GuardError::ClusterNetworkListed { prefix: *prefix, relation, network, owner })
    }

    /// The first network that a prefix equals or contains.
    fn covered(&self, prefix: &IpNet) -> Option<Covered> {
        // Prefixes nest or are apart, and a wider one sorts before what it contains: whatever is
        // inside this one follows its own place.
        let at = self.networks.partition_point(|(network, _)| network < prefix);
        let (network, owner) = self.networks.get(at).filter(|(network, _)| prefix.contains(network))?;
        let relation = if network == prefix { "is" } else { "contains" };
        Some(Covered { relation, network: shown(network), owner: owner.to_string() })
    }
}

/// A network inside a prefix, in words.
struct Covered {
    relation: &'static str,
    network: String,
    owner: String,
}

/// An address without its length.
fn shown(network: &IpNet) -> String {
    let address: IpAddr = network.addr();
    if network.prefix_len() == network.max_prefix_len() { address.to_string() } else { network.to_string() }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(node) => write!(f, "an address of Node {node}"),
            Self::PodsOf(node) => write!(f, "the network of the Pods of Node {node}"),
            Self::Object(object) => write!(f, "a network of Services ({object})"),
            Self::Given(what) => f.write_str(what),
        }
    }
}

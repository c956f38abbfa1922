//! The objects about a node: their names, labels and statuses (MetalLB 0.16, frr-k8s 0.0.25).

use herald_core::snapshot::ServiceKey;
use herald_crds::frrk8s::{BGPSessionStateStatus, FRRNodeStateStatus};
use herald_crds::metallb::{ConfigurationStateStatus, ServiceBGPStatusStatus};
use herald_frr::config::NeighborId;
use herald_frr::diff::Session;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

/// Names of peers, sorted.
pub type Peers = Arc<[Arc<str>]>;

/// The kinds that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Of the node.
    NodeState,
    /// Of the configuration, as the node sees it.
    Configuration,
    /// One per session.
    Session,
    /// One per Service that the node announces.
    Service,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::NodeState, Self::Configuration, Self::Session, Self::Service];

    /// Kind, group and plural.
    pub const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::NodeState => ("FRRNodeState", "frrk8s.metallb.io", "frrnodestates"),
            Self::Configuration => ("ConfigurationState", "metallb.io", "configurationstates"),
            Self::Session => ("BGPSessionState", "frrk8s.metallb.io", "bgpsessionstates"),
            Self::Service => ("ServiceBGPStatus", "metallb.io", "servicebgpstatuses"),
        }
    }

    /// Who MetalLB's own tests look for among the managers of the fields.
    pub const fn manager(self) -> &'static str {
        match self {
            Self::Configuration => "configReconciler",
            _ => super::MANAGER,
        }
    }
}

/// Names one object of the node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Id {
    /// The node's FRRNodeState.
    NodeState,
    /// The node's ConfigurationState.
    Configuration,
    /// The BGPSessionState of a session.
    Session(Session),
    /// The ServiceBGPStatus of a Service.
    Service(ServiceKey),
    /// An object with the node's labels and another name than ours: of MetalLB or frr-k8s before, or a double.
    Other(Kind, Box<str>),
}

impl Id {
    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NodeState => Kind::NodeState,
            Self::Configuration => Kind::Configuration,
            Self::Session(_) => Kind::Session,
            Self::Service(_) => Kind::Service,
            Self::Other(kind, _) => *kind,
        }
    }

    /// The object's name: of upstream's form, and the same after a restart.
    pub fn name(&self, node: &str) -> String {
        match self {
            Self::NodeState => node.to_owned(),
            Self::Configuration => format!("speaker-{node}"),
            Self::Session(session) => {
                // A name holds 253 characters.
                let front: String = node.chars().take(200).collect();
                format!("{front}-{}", digest(&[&vrf(session), &peer(&session.neighbor)]))
            }
            Self::Service(key) => format!("bgp-{}", digest(&[node, &key.namespace, &key.name])),
            Self::Other(_, name) => name.to_string(),
        }
    }

    /// Its labels.
    pub fn labels(&self, node: &str) -> BTreeMap<&'static str, String> {
        match self {
            Self::NodeState | Self::Other(..) => BTreeMap::new(),
            Self::Configuration => BTreeMap::from([
                ("metallb.io/component-type", "speaker".to_owned()),
                ("metallb.io/node-name", node.to_owned()),
            ]),
            Self::Session(session) => BTreeMap::from([
                ("frrk8s.metallb.io/node", node.to_owned()),
                ("frrk8s.metallb.io/peer", peer(&session.neighbor)),
                ("frrk8s.metallb.io/vrf", vrf(session)),
            ]),
            Self::Service(key) => BTreeMap::from([
                ("metallb.io/node", node.to_owned()),
                ("metallb.io/service-name", key.name.to_string()),
                ("metallb.io/service-namespace", key.namespace.to_string()),
            ]),
        }
    }
}

/// The name of a VRF; empty is the default one.
pub fn vrf(session: &Session) -> String {
    session.vrf.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// A neighbor as a label can hold it: IPv6 addresses are written in full with `-` for `:` (frr-k8s, `BGPSessionState`).
pub fn peer(neighbor: &NeighborId) -> String {
    match neighbor {
        NeighborId::Address(IpAddr::V6(address)) => {
            let parts: Vec<String> = address.segments().iter().map(|part| format!("{part:04x}")).collect();
            parts.join("-")
        }
        _ => neighbor.to_string(),
    }
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut text = String::new();
    for byte in hash.finalize().iter().take(8) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A status, as it stands or as it should.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Of an FRRNodeState.
    NodeState(Box<NodeState>),
    /// Of a ConfigurationState.
    Configuration(Box<ConfigurationStateStatus>),
    /// Of a BGPSessionState.
    Session(Box<BGPSessionStateStatus>),
    /// Of a ServiceBGPStatus.
    Service(Peers),
}

/// The status of an FRRNodeState, its long text told by its digest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeState {
    /// All but the running configuration.
    pub status: FRRNodeStateStatus,
    /// Of the running configuration.
    pub running: [u8; 32],
}

impl NodeState {
    /// Of a text; it is not kept here.
    pub fn digest(text: &str) -> [u8; 32] {
        Sha256::digest(text.as_bytes()).into()
    }

    fn of(mut status: FRRNodeStateStatus) -> Self {
        let running = Self::digest(&status.running_config.take().unwrap_or_default());
        Self { status, running }
    }
}

impl Body {
    /// What stands in an object; `None` where it cannot be read, and is to be written again.
    pub fn read(kind: Kind, status: &Value, intern: &mut dyn FnMut(&[String]) -> Peers) -> Option<Self> {
        match kind {
            Kind::NodeState => {
                let status = FRRNodeStateStatus::deserialize(status).ok()?;
                Some(Self::NodeState(Box::new(NodeState::of(status))))
            }
            Kind::Configuration => {
                ConfigurationStateStatus::deserialize(status).ok().map(Box::new).map(Self::Configuration)
            }
            Kind::Session => BGPSessionStateStatus::deserialize(status).ok().map(Box::new).map(Self::Session),
            Kind::Service => {
                let status = ServiceBGPStatusStatus::deserialize(status).ok()?;
                Some(Self::Service(intern(&status.peers)))
            }
        }
    }

    /// The status to be written: a merge patch, so that a server whose CRD knows fewer fields takes it.
    pub fn patch(&self, node: &str, id: &Id, running: &str) -> Value {
        match (self, id) {
            (Self::NodeState(state), _) => {
                let mut status = json!(state.status);
                status["runningConfig"] = json!(running);
                status
            }
            (Self::Configuration(status), _) => json!(status),
            (Self::Session(status), _) => json!(status),
            (Self::Service(peers), Id::Service(key)) => json!({
                "node": node,
                "serviceName": key.name,
                "serviceNamespace": key.namespace,
                "peers": peers.iter().map(|peer| &**peer).collect::<Vec<_>>(),
            }),
            (Self::Service(_), _) => Value::Null,
        }
    }
}

//! BGP sessions as users declare them: `BGPPeer`.

use super::kind::Named;
use crate::problem::ObjectRef;
use crate::selector::Selector;
use herald_frr::config::{NeighborId, RemoteAs, Timers};
use herald_frr::value::{Asn, InterfaceName, Password};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// A session on every node that its selectors match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The object; its name is what `BGPAdvertisement.spec.peers` refers to.
    pub object: ObjectRef,
    /// Nodes that hold the session; empty is all.
    pub node_selectors: Vec<Selector>,
    /// The AS number of the router that holds the session.
    pub my_asn: Asn,
    /// What the other side must be.
    pub remote_as: RemoteAs,
    /// `local-as` of this session.
    pub local_as: Option<Asn>,
    /// The other side.
    pub id: NeighborId,
    /// The VRF; `None` is the default one.
    pub vrf: Option<InterfaceName>,
    /// `bgp router-id` of the router.
    pub router_id: Option<Ipv4Addr>,
    /// The address that the session comes from.
    pub source_address: Option<IpAddr>,
    /// TCP port of the other side; `None` is 179.
    pub port: Option<u16>,
    /// Keepalive and hold time; `None` is FRR's default.
    pub timers: Option<Timers>,
    /// Seconds between attempts to connect, 1 to 65535.
    pub connect_time: Option<u16>,
    /// TCP MD5 password.
    pub password: Option<Password>,
    /// The Secret that it comes from.
    pub password_secret: Option<Arc<str>>,
    /// Name of a BFDProfile that exists.
    pub bfd_profile: Option<Arc<str>>,
    /// Graceful restart (RFC 4724).
    pub graceful_restart: bool,
    /// The other side is more than one hop away.
    pub ebgp_multihop: bool,
    /// Both families over one session.
    pub dual_stack: bool,
    /// Prefixes of a family that it is sent at most; `None` is the default.
    pub max_prefixes: Option<u32>,
}

impl Named for Peer {
    fn object(&self) -> &ObjectRef {
        &self.object
    }
}

impl Peer {
    /// What identifies the session on a node: the other side, and `-VRF` where there is one.
    #[must_use]
    pub fn identifier(&self) -> String {
        match &self.vrf {
            None => self.id.to_string(),
            Some(vrf) => format!("{}-{vrf}", self.id),
        }
    }
}

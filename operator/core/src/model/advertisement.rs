//! Advertisements: `BGPAdvertisement` and `L2Advertisement`.

use super::pool::PoolName;
use crate::problem::ObjectRef;
use crate::selector::Selector;
use herald_frr::value::{Community, InterfaceName};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How the addresses of some pools are announced over BGP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BgpAdvertisement {
    /// The object.
    pub object: ObjectRef,
    /// Pools by name and by selector, resolved; all pools where the object names none.
    pub pools: BTreeSet<PoolName>,
    /// Nodes that announce; empty is all.
    pub node_selectors: Vec<Selector>,
    /// Services that are announced; empty is all.
    pub service_selectors: Vec<Selector>,
    /// Names of BGPPeers; empty is all.
    pub peers: BTreeSet<Arc<str>>,
    /// Prefix length of an IPv4 announcement.
    pub length_v4: u8,
    /// Prefix length of an IPv6 announcement.
    pub length_v6: u8,
    /// Local preference over iBGP; `None` leaves FRR's 100.
    pub local_pref: Option<u32>,
    /// Communities, aliases resolved.
    pub communities: BTreeSet<Community>,
}

/// How the addresses of some pools are answered for on the local network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L2Advertisement {
    /// The object.
    pub object: ObjectRef,
    /// Pools by name and by selector, resolved; all pools where the object names none.
    pub pools: BTreeSet<PoolName>,
    /// Nodes that may answer; empty is all.
    pub node_selectors: Vec<Selector>,
    /// Services that are answered for; empty is all.
    pub service_selectors: Vec<Selector>,
    /// Interfaces to answer on; empty is all.
    pub interfaces: BTreeSet<InterfaceName>,
    /// Weights by which nodes are preferred in the election.
    pub preferred_nodes: Vec<(u8, Selector)>,
}

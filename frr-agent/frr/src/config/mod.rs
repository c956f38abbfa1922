//! The configuration of one FRR, as types that cannot hold an invalid line.
//!
//! Rendering cannot fail and needs nothing else. Lists that FRR orders by number are maps by that
//! number; everything else is a sorted map by what FRR identifies it with, so equal meaning is
//! equal value and equal text.

mod announced;
mod origin;
mod policy;
mod router;
mod target;

pub use announced::{Announcement, Outbound};
pub use origin::{Origin, Origins};
pub use policy::{Action, Match, PrefixList, PrefixRule, RouteMap, RouteMapEntry, Sets};
pub use router::{
    AddressFamily, Evpn, Neighbor, NeighborId, Network, RemoteAs, Router, Timers, UpdateSource, VniPolicy,
};
pub use target::{RouteDistinguisher, RouteTarget};

use crate::shared::SharedMap;
use crate::value::{Family, FrrName, InterfaceName, RawConfig, Vni};
use std::collections::BTreeMap;

/// What FRR on one node is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrrConfig {
    /// Prefix-lists by family and name; `ip` and `ipv6` lists of one name are two lists.
    pub prefix_lists: SharedMap<(FrrName, Family), PrefixList>,
    /// Route-maps by name.
    pub route_maps: SharedMap<FrrName, RouteMap>,
    /// VRFs that carry an L3VNI: `vrf NAME` / `vni N`.
    pub vrf_vnis: BTreeMap<InterfaceName, (Vni, Origins)>,
    /// `router bgp` blocks by VRF; `None` is the default VRF and comes first.
    pub routers: BTreeMap<Option<InterfaceName>, Router>,
    /// BFD profiles by name.
    pub bfd_profiles: BTreeMap<FrrName, BfdProfile>,
    /// What users wrote by hand, in the order in which it is applied.
    pub raw: Vec<RawSnippet>,
}

/// `bfd` / `profile NAME` (FRR manual, "BFD", Peer Configurations). Unset values are FRR's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BfdProfile {
    /// `receive-interval`, milliseconds, 10 to 60000.
    pub receive_interval: Option<u16>,
    /// `transmit-interval`, milliseconds, 10 to 60000.
    pub transmit_interval: Option<u16>,
    /// `detect-multiplier`, 2 to 255.
    pub detect_multiplier: Option<u8>,
    /// `echo receive-interval` and `echo transmit-interval`, milliseconds, 10 to 60000.
    pub echo_interval: Option<u16>,
    /// `echo-mode`.
    pub echo_mode: bool,
    /// `passive-mode`.
    pub passive_mode: bool,
    /// `minimum-ttl`, 1 to 254, for multi-hop peers.
    pub minimum_ttl: Option<u8>,
    /// Where it comes from.
    pub origins: Origins,
}

/// One piece of hand-written configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawSnippet {
    /// The text.
    pub text: RawConfig,
    /// Where it comes from.
    pub origins: Origins,
}

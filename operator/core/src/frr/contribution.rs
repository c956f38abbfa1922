//! What one object asks of FRR, valid alone.

use super::class::Listing;
use super::session::Session;
use crate::model::Rank;
use crate::problem::{FieldPath, ObjectRef, Problem};
use crate::selector::Selector;
use herald_frr::config::{BfdProfile, NeighborId, Origin, VniPolicy};
use herald_frr::value::{Asn, Community, Family, FrrName, InterfaceName, RawConfig, Vni};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// What one `FRRConfiguration` contributes, valid alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// The object.
    pub object: ObjectRef,
    /// Nodes that it is for.
    pub selector: Selector,
    /// What is to be said of it although it is applied: warnings, and errors that cost only what they name.
    pub warnings: Vec<Problem>,
    /// Its place among objects that conflict: what is in force and unchanged comes first.
    pub rank: Rank,
    /// Its last valid form, where it was edited since; that stays where the edit loses a conflict.
    pub previous: Option<Box<Contribution>>,
    pub(crate) bfd_profiles: BTreeMap<FrrName, BfdProfile>,
    pub(crate) routers: Vec<RouterPart>,
    pub(crate) raw: Option<RawPart>,
}

/// Where a statement comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The object.
    pub object: ObjectRef,
    /// The field.
    pub field: FieldPath,
    /// Both in words.
    pub origin: Origin,
}

impl Source {
    pub(crate) fn new(object: &ObjectRef, field: FieldPath) -> Arc<Self> {
        let text = if field.0.is_empty() { object.to_string() } else { format!("{object} {field}") };
        Arc::new(Self { object: object.clone(), field, origin: Origin(text.into()) })
    }
}

/// `spec.raw`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawPart {
    /// Lower is applied first.
    pub priority: i64,
    /// The text.
    pub text: RawConfig,
    /// Whether it may tell FRR to send default routes.
    pub allows_default_route: bool,
    /// Where it stands.
    pub source: Arc<Source>,
}

/// One of `spec.bgp.routers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RouterPart {
    /// The VRF; `None` is the default one.
    pub vrf: Option<InterfaceName>,
    /// What neighbors that get all are sent.
    pub listing: Listing,
    pub asn: Asn,
    pub router_id: Option<Ipv4Addr>,
    pub imports: BTreeSet<Option<InterfaceName>>,
    /// Its own prefixes.
    pub prefixes: BTreeSet<IpNet>,
    /// Those of the routers that it imports, as far as this object lists them.
    pub imported: BTreeSet<IpNet>,
    pub neighbors: Vec<NeighborPart>,
    pub evpn: Option<EvpnPart>,
    pub source: Arc<Source>,
}

/// One of `neighbors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NeighborPart {
    pub id: NeighborId,
    pub session: Session,
    pub outgoing: Outgoing,
    pub incoming: Incoming,
    pub source: Arc<Source>,
}

/// `toAdvertise`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// `mode: all`: every prefix of the router, and what it imports.
    pub all: bool,
    /// The prefixes that are named; empty with `all`.
    pub allowed: BTreeSet<IpNet>,
    pub next_hop_v4: Option<Ipv4Addr>,
    pub next_hop_v6: Option<Ipv6Addr>,
    pub local_prefs: BTreeMap<IpNet, u32>,
    pub communities: BTreeMap<IpNet, BTreeSet<Community>>,
}

/// `toReceive`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// Everything.
    All,
    /// What matches a filter.
    Only(BTreeSet<Filter>),
}

impl Default for Incoming {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

/// Prefixes inside `net` from `ge` to `le` long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Filter {
    pub net: IpNet,
    pub ge: Option<u8>,
    pub le: Option<u8>,
}

/// `evpn`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EvpnPart {
    pub advertise_all_vni: bool,
    pub advertise_svi_ip: bool,
    pub l2vnis: BTreeMap<Vni, VniPolicy>,
    pub l3vni: Option<L3Vni>,
}

/// The L3VNI of a VRF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct L3Vni {
    pub vni: Vni,
    pub policy: VniPolicy,
}

impl EvpnPart {
    /// Whether it makes no sense without a neighbor to exchange EVPN routes with.
    pub(crate) fn needs_neighbor(&self) -> bool {
        self.advertise_all_vni || self.advertise_svi_ip || !self.l2vnis.is_empty()
    }
}

/// The family of a prefix.
pub(crate) fn family(net: &IpNet) -> Family {
    Family::of(net.addr())
}

//! `router bgp` (FRR manual, "BGP").

use super::{Origins, RouteDistinguisher, RouteTarget};
use crate::shared::SharedMap;
use crate::value::{Asn, Family, FrrName, InterfaceName, Password, ValueError, Vni};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// One `router bgp ASN [vrf NAME]` block.
///
/// Rendered with `no bgp ebgp-requires-policy`, `no bgp network import-check` (before any network),
/// `no bgp default ipv4-unicast` and `bgp graceful-restart preserve-fw-state`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Router {
    /// The local AS number.
    pub asn: Asn,
    /// `bgp router-id`.
    pub router_id: Option<Ipv4Addr>,
    /// `import vrf NAME`, in both unicast families; `None` is the default VRF (`import vrf default`).
    pub imports: BTreeSet<Option<InterfaceName>>,
    /// Sessions by what FRR names them with.
    pub neighbors: SharedMap<NeighborId, Neighbor>,
    /// `network` lines; prefixes with host bits cleared.
    pub networks: SharedMap<IpNet, Network>,
    /// `address-family l2vpn evpn`.
    pub evpn: Option<Evpn>,
    /// Where it comes from.
    pub origins: Origins,
}

impl Router {
    /// Sessions as FRR lists them: interfaces by name, then IPv4, then IPv6 addresses.
    pub fn in_frr_order(&self) -> impl Iterator<Item = (&NeighborId, &Neighbor)> {
        let interfaces = self.neighbors.iter().filter(|(id, _)| id.is_interface());
        interfaces.chain(self.neighbors.iter().filter(|(id, _)| !id.is_interface()))
    }

    /// Sessions that are active in a family, in FRR's order.
    pub fn active_in(&self, family: AddressFamily) -> impl Iterator<Item = (&NeighborId, &Neighbor)> {
        self.in_frr_order().filter(move |(_, neighbor)| neighbor.families.contains(&family))
    }

    /// `network` lines of a family.
    pub fn networks_of(&self, family: Family) -> impl Iterator<Item = (&IpNet, &Network)> {
        // IPv4 sorts first; a router may have thousands of one family and none of the other.
        let first = match family {
            Family::V4 => IpNet::V4(Ipv4Net::default()),
            Family::V6 => IpNet::V6(Ipv6Net::default()),
        };
        self.networks.from_key(&first).take_while(move |(prefix, _)| Family::of(prefix.addr()) == family)
    }

    /// True if there is something to say in a unicast family.
    #[must_use]
    pub fn has_unicast(&self, family: Family) -> bool {
        !self.imports.is_empty()
            || self.active_in(family.into()).next().is_some()
            || self.networks_of(family).next().is_some()
    }

    /// True if there is something to say in `l2vpn evpn`.
    #[must_use]
    pub fn has_evpn(&self) -> bool {
        self.evpn.as_ref().is_some_and(|evpn| !evpn.is_empty())
            || self.active_in(AddressFamily::L2vpnEvpn).next().is_some()
    }
}

/// One `network` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The route-map that marks it; without one nobody is sent the prefix.
    pub class: Option<FrrName>,
    /// Where it comes from.
    pub origins: Origins,
}

/// What FRR names a session with: an address, or an interface (unnumbered, RFC 8950 next hops).
///
/// In JSON the word that FRR uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum NeighborId {
    /// `neighbor 192.0.2.1 ...`.
    Address(IpAddr),
    /// `neighbor eth0 interface ...`.
    Interface(InterfaceName),
}

impl NeighborId {
    /// True for an unnumbered session.
    #[must_use]
    pub fn is_interface(&self) -> bool {
        matches!(self, Self::Interface(_))
    }
}

/// An address if it is one, otherwise an interface: as FRR reads `neighbor WORD`.
impl FromStr for NeighborId {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.parse() {
            Ok(address) => Ok(Self::Address(address)),
            Err(_) => text.parse().map(Self::Interface),
        }
    }
}

impl fmt::Display for NeighborId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Interface(name) => name.fmt(f),
        }
    }
}

/// `remote-as`: a number, or any of the same (`internal`) or of another (`external`) AS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteAs {
    /// This AS.
    Number(Asn),
    /// iBGP, whatever the number.
    Internal,
    /// eBGP, whatever the number.
    External,
}

impl fmt::Display for RemoteAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(asn) => asn.fmt(f),
            Self::Internal => f.write_str("internal"),
            Self::External => f.write_str("external"),
        }
    }
}

/// An address family in which a session is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressFamily {
    /// `ipv4 unicast`.
    Ipv4Unicast,
    /// `ipv6 unicast`.
    Ipv6Unicast,
    /// `l2vpn evpn`.
    L2vpnEvpn,
}

impl From<Family> for AddressFamily {
    fn from(family: Family) -> Self {
        match family {
            Family::V4 => Self::Ipv4Unicast,
            Family::V6 => Self::Ipv6Unicast,
        }
    }
}

/// `timers KEEPALIVE HOLD`, seconds. Both 0 (never time out), or hold at least 3 (RFC 4271 4.2).
///
/// FRR lowers a keepalive above a third of the hold time by itself: it shows `timers 20 30` as
/// `timers 10 30`. Here stands what was asked for; the diff takes the two for equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Seconds between keepalives.
    pub keepalive: u16,
    /// Seconds without a message after which the session is down.
    pub hold: u16,
}

/// `update-source`: an address of this host, or the interface whose address to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateSource {
    /// An address.
    Address(IpAddr),
    /// An interface.
    Interface(InterfaceName),
}

impl fmt::Display for UpdateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Interface(name) => name.fmt(f),
        }
    }
}

/// One BGP session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbor {
    /// `remote-as`.
    pub remote_as: RemoteAs,
    /// `ebgp-multihop`; only where FRR gives it a meaning (eBGP, by address).
    pub ebgp_multihop: bool,
    /// `local-as N no-prepend replace-as`.
    pub local_as: Option<Asn>,
    /// `port`, where it is not 179.
    pub port: Option<u16>,
    /// `timers K H`; without it FRR's profile decides.
    pub timers: Option<Timers>,
    /// `timers connect N`, seconds, 1 to 65535.
    pub connect_timer: Option<u16>,
    /// `password`.
    pub password: Option<Password>,
    /// `update-source`.
    pub update_source: Option<UpdateSource>,
    /// `graceful-restart`.
    pub graceful_restart: bool,
    /// `bfd` and `bfd profile NAME`.
    pub bfd_profile: Option<FrrName>,
    /// `disable-connected-check`.
    pub disable_connected_check: bool,
    /// Families in which the session is active.
    pub families: BTreeSet<AddressFamily>,
    /// `route-map NAME in`, in each unicast family.
    pub map_in: FrrName,
    /// `route-map NAME out`, in each unicast family.
    pub map_out: FrrName,
    /// Where it comes from.
    pub origins: Origins,
}

/// `address-family l2vpn evpn` of one router.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evpn {
    /// `advertise-all-vni`.
    pub advertise_all_vni: bool,
    /// `advertise-svi-ip`.
    pub advertise_svi_ip: bool,
    /// `vni N` blocks; one without RD and route targets is not rendered.
    pub l2vnis: BTreeMap<Vni, VniPolicy>,
    /// The policy of the VRF's L3VNI: `advertise ipv4 unicast`, `advertise ipv6 unicast`, `rd`, route
    /// targets. The binding `vrf NAME` / `vni N` stands in `FrrConfig::vrf_vnis`.
    pub l3vni: Option<VniPolicy>,
    /// Where it comes from.
    pub origins: Origins,
}

impl Evpn {
    /// True if FRR has nothing to keep of it: a VNI without RD and route targets says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let silent = self.l2vnis.values().all(VniPolicy::is_empty);
        silent && !self.advertise_all_vni && !self.advertise_svi_ip && self.l3vni.is_none()
    }
}

/// RD and route targets of a VNI.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VniPolicy {
    /// `rd`.
    pub rd: Option<RouteDistinguisher>,
    /// `route-target import`.
    pub import_targets: BTreeSet<RouteTarget>,
    /// `route-target export`.
    pub export_targets: BTreeSet<RouteTarget>,
}

impl VniPolicy {
    /// True without RD and route targets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rd.is_none() && self.import_targets.is_empty() && self.export_targets.is_empty()
    }

    /// Import targets of an L2VNI in the order in which FRR takes them all, see [`RouteTarget::auto`].
    pub fn imports_in_order(&self, asn: Asn, vni: Vni) -> impl Iterator<Item = &RouteTarget> {
        auto_last(&self.import_targets, RouteTarget::auto(asn, vni))
    }

    /// Export targets of an L2VNI in the order in which FRR takes them all, see [`RouteTarget::auto`].
    pub fn exports_in_order(&self, asn: Asn, vni: Vni) -> impl Iterator<Item = &RouteTarget> {
        auto_last(&self.export_targets, RouteTarget::auto(asn, vni))
    }
}

fn auto_last(targets: &BTreeSet<RouteTarget>, auto: RouteTarget) -> impl Iterator<Item = &RouteTarget> {
    let last = targets.get(&auto);
    targets.iter().filter(move |target| **target != auto).chain(last)
}

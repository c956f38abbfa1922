//! `router bgp` (FRR manual, "BGP").

use super::Origins;
use crate::value::{Asn, FrrName, InterfaceName, Password, ValueError, Vni};
use ipnet::IpNet;
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
    pub neighbors: BTreeMap<NeighborId, Neighbor>,
    /// `network` lines; prefixes with host bits cleared.
    pub networks: BTreeMap<IpNet, Network>,
    /// `address-family l2vpn evpn`.
    pub evpn: Option<Evpn>,
    /// Where it comes from.
    pub origins: Origins,
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NeighborId {
    /// `neighbor 192.0.2.1 ...`.
    Address(IpAddr),
    /// `neighbor eth0 interface ...`.
    Interface(InterfaceName),
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

/// `timers KEEPALIVE HOLD`, seconds. Both 0 (never time out), or hold at least 3 (RFC 4271 4.2).
///
/// FRR lowers a keepalive above a third of the hold time by itself; such a pair is not made, so that
/// what is read back is what was written.
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
    /// The L3VNI's policy: `advertise ipv4 unicast`, `advertise ipv6 unicast`, `rd`, route targets.
    pub l3vni: Option<L3Vni>,
    /// Where it comes from.
    pub origins: Origins,
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

/// The L3VNI of a VRF. The binding `vrf NAME` / `vni N` stands in `FrrConfig::vrf_vnis`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L3Vni {
    /// The VNI.
    pub vni: Vni,
    /// RD and route targets.
    pub policy: VniPolicy,
}

/// A route distinguisher (RFC 4364 section 4.2): `ADDRESS:N16`, `AS16:N32` or `AS32:N16`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteDistinguisher(String);

/// A route target (RFC 4360 section 4): as a route distinguisher, or `*:N` for imports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteTarget(String);

impl RouteTarget {
    /// True for `*:N`, which only an import may use.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with('*')
    }
}

const RD_FORM: &str = "<IPv4>:<uint16>, <uint16>:<uint32> or <uint32>:<uint16>";

impl FromStr for RouteDistinguisher {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        checked_pair(text, false).map(Self)
    }
}

impl FromStr for RouteTarget {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        checked_pair(text, true).map(Self)
    }
}

impl fmt::Display for RouteDistinguisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RouteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn checked_pair(text: &str, wildcard: bool) -> Result<String, ValueError> {
    let bad = || ValueError::Form { given: text.to_owned(), form: RD_FORM };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (left, right) = text.split_once(':').ok_or_else(bad)?;
    if !digits(right) {
        return Err(bad());
    }
    let right: u32 = right.parse().map_err(|_| bad())?;
    let short = u16::try_from(right).is_ok();
    if let Ok(address) = left.parse::<Ipv4Addr>() {
        return short.then(|| format!("{address}:{right}")).ok_or_else(bad);
    }
    if wildcard && left == "*" {
        return Ok(format!("*:{right}"));
    }
    if !digits(left) {
        return Err(bad());
    }
    let left: u32 = left.parse().map_err(|_| bad())?;
    let fits = short || u16::try_from(left).is_ok();
    fits.then(|| format!("{left}:{right}")).ok_or_else(bad)
}

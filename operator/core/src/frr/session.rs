//! A session as an object declares it, and how two declarations of one session compare.

use crate::model::Peer;
use herald_frr::config::{NeighborId, RemoteAs, Timers, UpdateSource};
use herald_frr::value::{Asn, Family, FrrName, Password};

/// TCP port of BGP (RFC 4271 section 8).
pub(crate) const BGP_PORT: u16 = 179;
/// What both APIs take an unset hold time for, seconds.
pub(crate) const DEFAULT_HOLD: u16 = 180;
/// What both APIs take an unset keepalive time for, seconds.
pub(crate) const DEFAULT_KEEPALIVE: u16 = 60;
/// What both APIs take an unset connect time for, seconds. FRR's own is 120, so it is not left out.
const DEFAULT_CONNECT: u16 = 60;

/// What one object says of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a statement of FRR that is there or not")]
pub(crate) struct Session {
    pub remote_as: RemoteAs,
    pub dual_stack: bool,
    /// `None` is 179.
    pub port: Option<u16>,
    pub timers: Option<Timers>,
    pub connect: Option<u16>,
    pub password: Option<Password>,
    pub update_source: Option<UpdateSource>,
    pub ebgp_multihop: bool,
    pub local_as: Option<Asn>,
    pub bfd_profile: Option<FrrName>,
    pub graceful_restart: bool,
    pub unicast: bool,
    pub evpn: bool,
    /// Prefixes of a family that the neighbor is sent at most; `None` is the default.
    pub max_prefixes: Option<u32>,
}

/// A field on which two declarations differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// In words: `hold times`.
    pub what: &'static str,
    /// The field in an FRRConfiguration's neighbor.
    pub field: &'static str,
    /// The value of the first.
    pub given: String,
    /// The value of the second.
    pub other: String,
}

impl Session {
    /// The session of a BGPPeer.
    pub(crate) fn of_peer(peer: &Peer) -> Self {
        Self {
            remote_as: peer.remote_as,
            dual_stack: peer.dual_stack,
            port: peer.port.filter(|p| *p != BGP_PORT),
            timers: peer.timers,
            connect: peer.connect_time,
            password: peer.password.clone(),
            update_source: peer.source_address.map(UpdateSource::Address),
            ebgp_multihop: peer.ebgp_multihop,
            local_as: peer.local_as,
            bfd_profile: peer.bfd_profile.as_deref().map(FrrName::from_text),
            graceful_restart: peer.graceful_restart,
            unicast: true,
            evpn: false,
            max_prefixes: peer.max_prefixes,
        }
    }

    /// The unicast families that the session can carry.
    pub(crate) fn families(&self, id: &NeighborId) -> &'static [Family] {
        match id {
            NeighborId::Address(address) if !self.dual_stack => match Family::of(*address) {
                Family::V4 => &[Family::V4],
                Family::V6 => &[Family::V6],
            },
            _ => &[Family::V4, Family::V6],
        }
    }

    /// The first field on which this declaration and another of the same session cannot both hold.
    ///
    /// Unset and default are equal. Graceful restart is not compared: one `true` is enough.
    pub(crate) fn difference(&self, other: &Self, id: &NeighborId) -> Option<Difference> {
        let differ = |what, field, given: String, other: String| {
            (given != other).then_some(Difference { what, field, given, other })
        };
        let port = |s: &Self| s.port.unwrap_or(BGP_PORT).to_string();
        let hold = |s: &Self| s.timers.map_or(DEFAULT_HOLD, |t| t.hold).to_string();
        let keepalive = |s: &Self| s.timers.map_or(DEFAULT_KEEPALIVE, |t| t.keepalive).to_string();
        let connect = |s: &Self| s.connect.unwrap_or(DEFAULT_CONNECT).to_string();
        let source = |s: &Self| shown(s.update_source.as_ref());
        differ("asns", "asn", self.remote_as.to_string(), other.remote_as.to_string())
            .or_else(|| differ("ports", "port", port(self), port(other)))
            .or_else(|| differ("source addresses", "sourceaddress", source(self), source(other)))
            .or_else(|| self.password_difference(other))
            .or_else(|| flag("ebgpMultiHop", "ebgpMultiHop", self.ebgp_multihop, other.ebgp_multihop))
            .or_else(|| self.dual_stack_difference(other, id))
            .or_else(|| differ("hold times", "holdTime", hold(self), hold(other)))
            .or_else(|| differ("keepalive times", "keepaliveTime", keepalive(self), keepalive(other)))
            .or_else(|| differ("connect times", "connectTime", connect(self), connect(other)))
            .or_else(|| {
                differ("localASNs", "localASN", shown(self.local_as.as_ref()), shown(other.local_as.as_ref()))
            })
            .or_else(|| match (&self.bfd_profile, &other.bfd_profile) {
                (Some(a), Some(b)) => differ("bfd profiles", "bfdProfile", a.to_string(), b.to_string()),
                _ => None,
            })
    }

    /// An interface carries both families whatever it is told.
    fn dual_stack_difference(&self, other: &Self, id: &NeighborId) -> Option<Difference> {
        let field = "dualStackAddressFamily";
        flag("advertiseDualStack", field, self.dual_stack, other.dual_stack).filter(|_| !id.is_interface())
    }

    /// Says that passwords differ without saying which they are.
    fn password_difference(&self, other: &Self) -> Option<Difference> {
        let said = |p: Option<&Password>| p.map_or_else(|| "none".to_owned(), ToString::to_string);
        (self.password != other.password).then(|| Difference {
            what: "passwords",
            field: "password",
            given: said(self.password.as_ref()),
            other: said(other.password.as_ref()),
        })
    }

    /// Takes over what this declaration leaves open from another that does not differ.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.timers = self.timers.or(other.timers);
        self.connect = self.connect.or(other.connect);
        if self.bfd_profile.is_none() {
            self.bfd_profile.clone_from(&other.bfd_profile);
        }
        self.graceful_restart |= other.graceful_restart;
        self.unicast |= other.unicast;
        self.evpn |= other.evpn;
        self.max_prefixes = [self.max_prefixes, other.max_prefixes].into_iter().flatten().min();
    }
}

fn shown<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

fn flag(what: &'static str, field: &'static str, given: bool, other: bool) -> Option<Difference> {
    (given != other).then(|| Difference { what, field, given: given.to_string(), other: other.to_string() })
}

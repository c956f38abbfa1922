//! What each statement does to sessions that are up. Each row is proved on real FRR, see `e2e/tests/effects`.

use super::Effect::{self, None, Reset, Soft};
use crate::statement::Kind;

/// A statement, or several of one kind, and what it does to the session that it is about.
#[derive(Debug, Clone, Copy)]
pub struct StatementEffect {
    /// As FRR writes it.
    pub statement: &'static str,
    /// When it was not there.
    pub set: Effect,
    /// When it gets another value; as `set` for one that has no value.
    pub change: Effect,
    /// When it goes.
    pub remove: Effect,
    pub(super) kinds: &'static [Kind],
}

const fn row(statement: &'static str, effects: [Effect; 3], kinds: &'static [Kind]) -> StatementEffect {
    let [set, change, remove] = effects;
    StatementEffect { statement, set, change, remove, kinds }
}

/// Every statement of the model. docs/reference/effects.md has the same rows, with the fields that lead to them.
pub const EFFECTS: [StatementEffect; 32] = [
    row("router bgp ASN", [None, Reset, Reset], &[]),
    row("bgp router-id A", [Reset, Reset, Reset], &[Kind::RouterId]),
    row("neighbor N remote-as", [None, Reset, Reset], &[Kind::RemoteAs]),
    row("neighbor N local-as", [Reset, Reset, Reset], &[Kind::LocalAs]),
    row("neighbor N password", [Reset, Reset, Reset], &[Kind::Password]),
    row("neighbor N port", [Reset, None, None], &[Kind::Port]),
    row("neighbor N ebgp-multihop", [Reset, Reset, Reset], &[Kind::Multihop]),
    row("neighbor N disable-connected-check", [Reset, Reset, Reset], &[Kind::DisableConnectedCheck]),
    row("neighbor N update-source", [Reset, Reset, Reset], &[Kind::UpdateSource]),
    row("neighbor N graceful-restart", [Reset, Reset, Reset], &[Kind::GracefulRestart]),
    row("neighbor N activate", [Reset, Reset, Reset], &[Kind::Activate]),
    row("neighbor N timers", [None, None, None], &[Kind::Timers]),
    row("neighbor N timers connect", [None, None, None], &[Kind::ConnectTimer]),
    row("neighbor N bfd", [None, None, Reset], &[Kind::Bfd]),
    row("neighbor N bfd profile", [None, None, None], &[Kind::BfdProfile]),
    row("neighbor N route-map M in", [Soft, Soft, Soft], &[Kind::MapIn]),
    row("neighbor N route-map M out", [Soft, Soft, Soft], &[Kind::MapOut]),
    row("route-map: match", [Soft, Soft, Soft], &[Kind::MatchPrefixList, Kind::MatchTag]),
    row(
        "route-map: set",
        [Soft, Soft, Soft],
        &[
            Kind::SetCommunity,
            Kind::SetNextHopV4,
            Kind::SetNextHopV6,
            Kind::SetLargeCommunity,
            Kind::SetLocalPreference,
            Kind::SetTag,
        ],
    ),
    row("ip|ipv6 prefix-list", [Soft, Soft, Soft], &[Kind::PrefixRule]),
    row("network P route-map CLASS", [None, None, None], &[Kind::Network]),
    row("import vrf", [None, None, None], &[Kind::Import]),
    row("advertise-all-vni", [None, None, None], &[Kind::AdvertiseAllVni]),
    row("advertise-svi-ip", [None, None, None], &[Kind::AdvertiseSviIp]),
    row("advertise ipv4|ipv6 unicast", [None, None, None], &[Kind::Advertise]),
    row("vni: rd", [None, None, None], &[Kind::Rd]),
    row("vni: route-target", [None, None, None], &[Kind::ImportTarget, Kind::ExportTarget]),
    row("vrf: vni", [None, None, None], &[Kind::VrfVni]),
    row(
        "bfd profile",
        [None, None, None],
        &[
            Kind::DetectMultiplier,
            Kind::TransmitInterval,
            Kind::ReceiveInterval,
            Kind::PassiveMode,
            Kind::EchoMode,
            Kind::EchoTransmit,
            Kind::EchoReceive,
            Kind::MinimumTtl,
        ],
    ),
    row(
        "router bgp: defaults",
        [None, None, None],
        &[Kind::NoEbgpRequiresPolicy, Kind::NoDefaultIpv4Unicast, Kind::NoImportCheck, Kind::PreserveFwState],
    ),
    row("coalesce-time T", [None, None, None], &[Kind::CoalesceTime]),
    row("ip|ipv6 nht resolve-via-default", [None, None, None], &[Kind::Nht]),
];

/// What a change of a statement does.
pub fn of(kind: Kind, is_there: bool, stays: bool) -> Effect {
    let row = EFFECTS.iter().find(|row| row.kinds.contains(&kind));
    row.map_or(Reset, |row| match (is_there, stays) {
        (false, _) => row.set,
        (true, true) => row.change,
        (true, false) => row.remove,
    })
}

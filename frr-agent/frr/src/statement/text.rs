//! How a statement is written, and how it is taken back.

use super::{Block, Context, Key, Kind, Subject, Vrf};
use crate::config::{AddressFamily, NeighborId};
use crate::value::Family;

/// The line that sets a statement, without indentation.
#[must_use]
pub fn set(key: &Key, value: &str) -> String {
    let line = words(key, value);
    match key.0 {
        Kind::Nht if value == "off" => format!("no {line}"),
        _ if is_negative(key.0) => format!("no {line}"),
        _ => line,
    }
}

/// The line that takes a statement back; `value` is what runs.
#[must_use]
pub fn undo(key: &Key, value: &str) -> String {
    let line = words(key, value);
    match (key.0, &key.1) {
        (kind, _) if is_negative(kind) => line,
        // Takes the whole session away, by address and by interface alike.
        (Kind::RemoteAs, Subject::Neighbor(id)) => format!("no neighbor {id}"),
        // FRR 10.3 refuses `no network P route-map OTHER`; without the map it always works.
        (Kind::Network, Subject::Prefix(prefix)) => format!("no network {prefix}"),
        (
            Kind::Password
            | Kind::Timers
            | Kind::ConnectTimer
            | Kind::LocalAs
            | Kind::Port
            | Kind::UpdateSource,
            _,
        ) => {
            let named = words(key, "");
            format!("no {}", named.trim_end().trim_end_matches(" no-prepend replace-as").trim_end())
        }
        // Setting the default takes it back; FRR 8.4 does not know the `no` of these.
        (kind, _) if bfd_default(kind).is_some() => words(key, bfd_default(kind).unwrap_or_default()),
        (Kind::SetCommunity, _) => "no set community".to_owned(),
        (Kind::SetLargeCommunity, _) => "no set large-community".to_owned(),
        _ => format!("no {line}"),
    }
}

/// FRR's default of a value of a BFD profile (FRR manual, "BFD"); a statement that says no more than
/// that is not kept.
#[must_use]
pub fn bfd_default(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::DetectMultiplier => Some("3"),
        Kind::TransmitInterval | Kind::ReceiveInterval => Some("300"),
        Kind::EchoTransmit | Kind::EchoReceive => Some("50"),
        Kind::MinimumTtl => Some("254"),
        _ => None,
    }
}

/// Statements whose plain form is `no ...`.
fn is_negative(kind: Kind) -> bool {
    matches!(kind, Kind::NoEbgpRequiresPolicy | Kind::NoDefaultIpv4Unicast | Kind::NoImportCheck)
}

fn words(key: &Key, value: &str) -> String {
    match &key.1 {
        Subject::Sole => sole(key.0, value),
        Subject::Family(family) => match key.0 {
            Kind::Nht => format!("{} nht resolve-via-default", family.keyword()),
            Kind::Advertise => format!("advertise {family} unicast"),
            _ => format!("match {} address prefix-list {value}", family.keyword()),
        },
        Subject::Rule(family, name, seq) => {
            format!("{} prefix-list {name} seq {seq} {value}", family.keyword())
        }
        Subject::Neighbor(id) => neighbor(key.0, id, value),
        Subject::Prefix(prefix) if value.is_empty() => format!("network {prefix}"),
        Subject::Prefix(prefix) => format!("network {prefix} route-map {value}"),
        Subject::Vrf(vrf) => format!("import vrf {}", vrf.as_ref().map_or("default", |vrf| vrf.as_str())),
        Subject::Target(_, target) if key.0 == Kind::ExportTarget => format!("route-target export {target}"),
        Subject::Target(_, target) => format!("route-target import {target}"),
    }
}

/// The keyword of each kind that a block holds once, and of each that a neighbor holds.
#[must_use]
pub fn keyword(kind: Kind) -> &'static str {
    match kind {
        Kind::VrfVni => "vni",
        Kind::MatchTag => "match tag",
        Kind::SetCommunity => "set community",
        Kind::SetNextHopV4 => "set ip next-hop",
        Kind::SetNextHopV6 => "set ipv6 next-hop global",
        Kind::SetLargeCommunity => "set large-community",
        Kind::SetLocalPreference => "set local-preference",
        Kind::SetTag => "set tag",
        Kind::NoEbgpRequiresPolicy => "bgp ebgp-requires-policy",
        Kind::NoDefaultIpv4Unicast => "bgp default ipv4-unicast",
        Kind::NoImportCheck => "bgp network import-check",
        Kind::PreserveFwState => "bgp graceful-restart preserve-fw-state",
        Kind::CoalesceTime => "coalesce-time",
        Kind::RouterId => "bgp router-id",
        Kind::LocalAs => "local-as",
        Kind::Bfd => "bfd",
        Kind::BfdProfile => "bfd profile",
        Kind::Password => "password",
        Kind::Port => "port",
        Kind::Multihop => "ebgp-multihop",
        Kind::DisableConnectedCheck => "disable-connected-check",
        Kind::UpdateSource => "update-source",
        Kind::Timers => "timers",
        Kind::ConnectTimer => "timers connect",
        Kind::GracefulRestart => "graceful-restart",
        Kind::MapIn | Kind::MapOut => "route-map",
        Kind::Activate => "activate",
        Kind::AdvertiseAllVni => "advertise-all-vni",
        Kind::AdvertiseSviIp => "advertise-svi-ip",
        Kind::Rd => "rd",
        Kind::DetectMultiplier => "detect-multiplier",
        Kind::TransmitInterval => "transmit-interval",
        Kind::ReceiveInterval => "receive-interval",
        Kind::PassiveMode => "passive-mode",
        Kind::EchoMode => "echo-mode",
        Kind::EchoTransmit => "echo transmit-interval",
        Kind::EchoReceive => "echo receive-interval",
        Kind::MinimumTtl => "minimum-ttl",
        // These are written around their subject.
        Kind::Nht
        | Kind::PrefixRule
        | Kind::MatchPrefixList
        | Kind::RemoteAs
        | Kind::Network
        | Kind::Import
        | Kind::Advertise
        | Kind::ImportTarget
        | Kind::ExportTarget => "",
    }
}

fn sole(kind: Kind, value: &str) -> String {
    let word = keyword(kind);
    if value.is_empty() { word.to_owned() } else { format!("{word} {value}") }
}

fn neighbor(kind: Kind, id: &NeighborId, value: &str) -> String {
    match kind {
        Kind::RemoteAs if id.is_interface() => format!("neighbor {id} interface remote-as {value}"),
        Kind::RemoteAs => format!("neighbor {id} remote-as {value}"),
        Kind::LocalAs => format!("neighbor {id} local-as {value} no-prepend replace-as"),
        Kind::MapIn => format!("neighbor {id} route-map {value} in"),
        Kind::MapOut => format!("neighbor {id} route-map {value} out"),
        _ if value.is_empty() => format!("neighbor {id} {}", keyword(kind)),
        _ => format!("neighbor {id} {} {value}", keyword(kind)),
    }
}

/// The words after `address-family`.
#[must_use]
pub fn family(family: AddressFamily) -> &'static str {
    match family {
        AddressFamily::Ipv4Unicast => "ipv4 unicast",
        AddressFamily::Ipv6Unicast => "ipv6 unicast",
        AddressFamily::L2vpnEvpn => "l2vpn evpn",
    }
}

/// The family of prefixes of a unicast address family.
#[must_use]
pub fn unicast(family: AddressFamily) -> Option<Family> {
    match family {
        AddressFamily::Ipv4Unicast => Some(Family::V4),
        AddressFamily::Ipv6Unicast => Some(Family::V6),
        AddressFamily::L2vpnEvpn => None,
    }
}

/// `router bgp ASN [vrf NAME]`.
#[must_use]
pub fn router(asn: &str, vrf: &Vrf) -> String {
    match vrf {
        None => format!("router bgp {asn}"),
        Some(vrf) => format!("router bgp {asn} vrf {vrf}"),
    }
}

/// The line that opens a block inside the one around it, and the line that closes it.
#[must_use]
pub fn frame(context: &Context, head: &str) -> (String, &'static str) {
    match context {
        Context::Top => (String::new(), ""),
        Context::Vrf(name) => (format!("vrf {name}"), "exit-vrf"),
        Context::RouteMap(name, seq) => (format!("route-map {name} {head} {seq}"), "exit"),
        Context::Router(vrf) => (router(head, vrf), "exit"),
        Context::Family(_, af) => (format!("address-family {}", family(*af)), "exit-address-family"),
        Context::Vni(_, vni) => (format!("vni {vni}"), "exit-vni"),
        Context::BfdProfile(name) => (format!("profile {name}"), "exit"),
    }
}

/// The line that takes a whole block away, in the block around it.
#[must_use]
pub fn remove(context: &Context, block: &Block<'_>) -> String {
    format!("no {}", frame(context, &block.head).0)
}

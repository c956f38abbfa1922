//! A line taken apart: the statement that it is, or the block that it opens.
//!
//! Every value is checked by its type, so that what is read can be written again.

use super::value::{as_number, canonical, family, neighbor_id, prefix_rule, remote_as, value};
use super::{Context, Key, Kind, Subject, text};
use crate::config::{AddressFamily, NeighborId, RouteTarget};
use crate::value::{Family, FrrName, Vni};
use ipnet::IpNet;

/// The block that a line opens inside another, and its head.
#[must_use]
pub fn opens(inside: &Context, words: &[&str]) -> Option<(Context, String)> {
    match (inside, words) {
        (Context::Top, ["vrf", name]) => Some((Context::Vrf(name.parse().ok()?), String::new())),
        (Context::Top, ["route-map", name, action @ ("permit" | "deny"), seq]) => {
            let seq = seq.parse().ok().filter(|seq| *seq > 0)?;
            Some((Context::RouteMap(name.parse().ok()?, seq), (*action).to_owned()))
        }
        (Context::Top, ["router", "bgp", asn, rest @ ..]) => {
            let vrf = match rest {
                [] => None,
                ["vrf", name] => Some(name.parse().ok()?),
                _ => return None,
            };
            Some((Context::Router(vrf), as_number(asn)?.to_string()))
        }
        (Context::Router(vrf), ["address-family", rest @ ..]) => {
            let family = match rest {
                ["ipv4", "unicast"] => AddressFamily::Ipv4Unicast,
                ["ipv6", "unicast"] => AddressFamily::Ipv6Unicast,
                ["l2vpn", "evpn"] => AddressFamily::L2vpnEvpn,
                _ => return None,
            };
            Some((Context::Family(vrf.clone(), family), String::new()))
        }
        (Context::Family(vrf, AddressFamily::L2vpnEvpn), ["vni", number]) => {
            let vni = Vni::try_from(number.parse::<i64>().ok()?).ok()?;
            Some((Context::Vni(vrf.clone(), vni), String::new()))
        }
        _ => None,
    }
}

/// The statement that a line is inside a block; `derived` is FRR's own route target there.
#[must_use]
pub fn statement(inside: &Context, words: &[&str], derived: Option<&RouteTarget>) -> Option<(Key, String)> {
    match inside {
        Context::Top => top(words),
        Context::Vrf(_) => sole(&[Kind::VrfVni], words),
        Context::RouteMap(..) => entry(words),
        Context::Router(_) => router(words),
        Context::Family(_, family) => in_family(*family, words, derived),
        Context::Vni(..) => policy(words, derived),
        Context::BfdProfile(_) => sole(&BFD, words),
    }
}

const BFD: [Kind; 8] = [
    Kind::DetectMultiplier,
    Kind::TransmitInterval,
    Kind::ReceiveInterval,
    Kind::PassiveMode,
    Kind::EchoMode,
    Kind::EchoTransmit,
    Kind::EchoReceive,
    Kind::MinimumTtl,
];
const ENTRY: [Kind; 7] = [
    Kind::MatchTag,
    Kind::SetCommunity,
    Kind::SetNextHopV4,
    Kind::SetNextHopV6,
    Kind::SetLargeCommunity,
    Kind::SetLocalPreference,
    Kind::SetTag,
];
const SESSION: [Kind; 11] = [
    Kind::LocalAs,
    Kind::Bfd,
    Kind::BfdProfile,
    Kind::Password,
    Kind::Port,
    Kind::Multihop,
    Kind::DisableConnectedCheck,
    Kind::UpdateSource,
    Kind::Timers,
    Kind::ConnectTimer,
    Kind::GracefulRestart,
];

/// The kind among these whose keyword the words begin with, the longest first, and the rest.
fn keyed<'w, 's>(kinds: &[Kind], words: &'s [&'w str]) -> Option<(Kind, &'s [&'w str])> {
    let behind = |kind: &Kind| {
        let key: Vec<&str> = text::keyword(*kind).split(' ').collect();
        words.strip_prefix(key.as_slice()).map(|rest| (*kind, rest))
    };
    kinds.iter().filter_map(behind).min_by_key(|(_, rest)| rest.len())
}

fn sole(kinds: &[Kind], words: &[&str]) -> Option<(Key, String)> {
    let (kind, rest) = keyed(kinds, words)?;
    Some(((kind, Subject::Sole), value(kind, rest)?))
}

fn top(words: &[&str]) -> Option<(Key, String)> {
    match words {
        [ip, "nht", "resolve-via-default"] => {
            Some(((Kind::Nht, Subject::Family(family(ip)?)), "on".to_owned()))
        }
        ["no", ip, "nht", "resolve-via-default"] => {
            Some(((Kind::Nht, Subject::Family(family(ip)?)), "off".to_owned()))
        }
        [ip, "prefix-list", name, "seq", seq, action, rule @ ..] => {
            let family = family(ip)?;
            let subject = Subject::Rule(family, name.parse().ok()?, seq.parse().ok().filter(|seq| *seq > 0)?);
            let rule = prefix_rule(family, action, rule)?;
            Some(((Kind::PrefixRule, subject), format!("{} {rule}", rule.action)))
        }
        _ => None,
    }
}

fn entry(words: &[&str]) -> Option<(Key, String)> {
    if let ["match", ip, "address", "prefix-list", name] = words {
        return Some(((Kind::MatchPrefixList, Subject::Family(family(ip)?)), canonical::<FrrName>(name)?));
    }
    sole(&ENTRY, words)
}

fn router(words: &[&str]) -> Option<(Key, String)> {
    const NEGATIVE: [Kind; 3] = [Kind::NoEbgpRequiresPolicy, Kind::NoDefaultIpv4Unicast, Kind::NoImportCheck];
    match words {
        ["no", rest @ ..] => {
            let (kind, rest) = keyed(&NEGATIVE, rest)?;
            rest.is_empty().then(|| ((kind, Subject::Sole), String::new()))
        }
        ["neighbor", id, "interface", "remote-as", asn] => {
            let id = NeighborId::Interface(id.parse().ok()?);
            Some(((Kind::RemoteAs, Subject::Neighbor(id)), remote_as(asn)?.to_string()))
        }
        ["neighbor", id, "remote-as", asn] => {
            let id = neighbor_id(id).filter(|id| !id.is_interface())?;
            Some(((Kind::RemoteAs, Subject::Neighbor(id)), remote_as(asn)?.to_string()))
        }
        ["neighbor", id, rest @ ..] => {
            let (kind, rest) = keyed(&SESSION, rest)?;
            Some(((kind, Subject::Neighbor(neighbor_id(id)?)), value(kind, rest)?))
        }
        _ => sole(&[Kind::RouterId, Kind::PreserveFwState, Kind::CoalesceTime], words),
    }
}

fn in_family(family: AddressFamily, words: &[&str], derived: Option<&RouteTarget>) -> Option<(Key, String)> {
    let evpn = family == AddressFamily::L2vpnEvpn;
    match words {
        ["neighbor", id, "activate"] => {
            Some(((Kind::Activate, Subject::Neighbor(neighbor_id(id)?)), String::new()))
        }
        ["neighbor", id, "route-map", name, way @ ("in" | "out")] if !evpn => {
            let kind = if *way == "in" { Kind::MapIn } else { Kind::MapOut };
            Some(((kind, Subject::Neighbor(neighbor_id(id)?)), canonical::<FrrName>(name)?))
        }
        ["network", prefix, rest @ ..] if !evpn => {
            let class = match rest {
                [] => String::new(),
                ["route-map", name] => canonical::<FrrName>(name)?,
                _ => return None,
            };
            let prefix = prefix.parse::<IpNet>().ok()?.trunc();
            (AddressFamily::from(Family::of(prefix.addr())) == family)
                .then_some(((Kind::Network, Subject::Prefix(prefix)), class))
        }
        ["import", "vrf", name] if !evpn => {
            let vrf = (*name != "default").then(|| name.parse()).transpose().ok()?;
            Some(((Kind::Import, Subject::Vrf(vrf)), String::new()))
        }
        ["advertise", "ipv4", "unicast"] if evpn => {
            Some(((Kind::Advertise, Subject::Family(Family::V4)), String::new()))
        }
        ["advertise", "ipv6", "unicast"] if evpn => {
            Some(((Kind::Advertise, Subject::Family(Family::V6)), String::new()))
        }
        _ if evpn => {
            sole(&[Kind::AdvertiseAllVni, Kind::AdvertiseSviIp], words).or_else(|| policy(words, derived))
        }
        _ => None,
    }
}

fn policy(words: &[&str], derived: Option<&RouteTarget>) -> Option<(Key, String)> {
    let target = |kind, text: &str| {
        let target: RouteTarget = text.parse().ok()?;
        Some(((kind, Subject::Target(derived == Some(&target), target)), String::new()))
    };
    match words {
        ["route-target", "import", text] => target(Kind::ImportTarget, text),
        ["route-target", "export", text] => target(Kind::ExportTarget, text),
        _ => sole(&[Kind::Rd], words),
    }
}

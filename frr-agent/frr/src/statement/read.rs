//! A line taken apart: the statement that it is, or the block that it opens.
//!
//! Every value is checked by its type, so that what is read can be written again.

use super::{Context, Key, Kind, Subject, text};
use crate::config::{
    Action, AddressFamily, NeighborId, PrefixRule, RemoteAs, RouteDistinguisher, RouteTarget, UpdateSource,
};
use crate::value::{Asn, Family, FrrName, InterfaceName, LargeCommunity, Password, StandardCommunity, Tag, Vni};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

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

/// A value of this type as it is written, if the text is one.
fn canonical<T: FromStr + Display>(text: &str) -> Option<String> {
    text.parse::<T>().ok().map(|value| value.to_string())
}

fn number<T: FromStr + Display + PartialOrd>(text: &str, range: std::ops::RangeInclusive<T>) -> Option<String> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|value| digits && range.contains(value)).map(|value| value.to_string())
}

/// `N` or `HIGH.LOW` (RFC 5396).
fn as_number(text: &str) -> Option<Asn> {
    let number = match text.split_once('.') {
        None => text.parse().ok()?,
        Some((high, low)) => i64::from(high.parse::<u16>().ok()?) << 16 | i64::from(low.parse::<u16>().ok()?),
    };
    Asn::try_from(number).ok()
}

fn family(word: &str) -> Option<Family> {
    match word {
        "ip" => Some(Family::V4),
        "ipv6" => Some(Family::V6),
        _ => None,
    }
}

fn neighbor_id(word: &str) -> Option<NeighborId> {
    let address = word.parse::<IpAddr>().map(NeighborId::Address);
    address.or_else(|_| word.parse().map(NeighborId::Interface)).ok()
}

/// The value of a kind that stands behind its keyword.
fn value(kind: Kind, words: &[&str]) -> Option<String> {
    match (kind, words) {
        (Kind::SetCommunity, [items @ .., "additive"]) => {
            set_of(items, |word| Some(WELL_KNOWN.iter().find(|(name, _)| *name == word).map_or(word, |w| w.1)), community)
        }
        (Kind::SetLargeCommunity, [items @ .., "additive"]) => set_of(items, Some, large_community),
        (Kind::Timers, [keepalive, hold]) => {
            Some(format!("{} {}", number(keepalive, 0..=u16::MAX)?, number(hold, 0..=u16::MAX)?))
        }
        (Kind::LocalAs, [asn, "no-prepend", "replace-as"]) => Some(as_number(asn)?.to_string()),
        // FRR 8.4 writes the largest TTL, 10.3 does not.
        (Kind::Multihop, ["255"]) => Some(String::new()),
        (_, []) => flags().contains(&kind).then(String::new),
        (_, [word]) => one_word(kind, word),
        _ => None,
    }
}

fn flags() -> [Kind; 9] {
    [
        Kind::Bfd,
        Kind::Multihop,
        Kind::DisableConnectedCheck,
        Kind::GracefulRestart,
        Kind::AdvertiseAllVni,
        Kind::AdvertiseSviIp,
        Kind::PassiveMode,
        Kind::EchoMode,
        Kind::PreserveFwState,
    ]
}

fn one_word(kind: Kind, word: &str) -> Option<String> {
    match kind {
        Kind::VrfVni => Vni::try_from(word.parse::<i64>().ok()?).ok().map(|vni| vni.to_string()),
        Kind::MatchTag | Kind::SetTag => Tag::new(number::<u32>(word, 1..=u32::MAX)?.parse().ok()?).map(|t| t.to_string()),
        Kind::SetNextHopV4 | Kind::RouterId => canonical::<Ipv4Addr>(word),
        Kind::SetNextHopV6 => canonical::<Ipv6Addr>(word),
        Kind::SetLocalPreference => number(word, 0..=u32::MAX),
        Kind::BfdProfile => canonical::<FrrName>(word),
        Kind::Password => word.parse::<Password>().ok().map(|_| word.to_owned()),
        Kind::Port => number(word, 0..=u16::MAX),
        Kind::ConnectTimer => number(word, 1..=u16::MAX),
        Kind::UpdateSource => update_source(word).map(|source| source.to_string()),
        Kind::Rd => canonical::<RouteDistinguisher>(word),
        Kind::DetectMultiplier => number(word, 1..=u8::MAX),
        Kind::MinimumTtl => number(word, 1..=u8::MAX),
        Kind::TransmitInterval | Kind::ReceiveInterval | Kind::EchoTransmit | Kind::EchoReceive => {
            number(word, 0..=u16::MAX)
        }
        _ => None,
    }
}

/// An address or an interface.
#[must_use]
pub fn update_source(word: &str) -> Option<UpdateSource> {
    let address = word.parse().map(UpdateSource::Address);
    address.or_else(|_| word.parse::<InterfaceName>().map(UpdateSource::Interface)).ok()
}

/// `internal`, `external` or a number.
#[must_use]
pub fn remote_as(word: &str) -> Option<RemoteAs> {
    match word {
        "internal" => Some(RemoteAs::Internal),
        "external" => Some(RemoteAs::External),
        number => as_number(number).map(RemoteAs::Number),
    }
}

/// The names that FRR prints for some communities (RFC 1997, 3765, 7611, 7999, 8326, 9494).
const WELL_KNOWN: [(&str, &str); 12] = [
    ("graceful-shutdown", "65535:0"),
    ("accept-own", "65535:1"),
    ("route-filter-translated-v4", "65535:2"),
    ("route-filter-v4", "65535:3"),
    ("route-filter-translated-v6", "65535:4"),
    ("route-filter-v6", "65535:5"),
    ("llgr-stale", "65535:6"),
    ("no-llgr", "65535:7"),
    ("blackhole", "65535:666"),
    ("no-export", "65535:65281"),
    ("no-advertise", "65535:65282"),
    ("local-AS", "65535:65283"),
];

fn set_of<'w, T: Ord + Display>(
    words: &[&'w str],
    spelt: impl Fn(&'w str) -> Option<&'w str>,
    item: impl Fn(&str) -> Option<T>,
) -> Option<String> {
    let items: BTreeSet<T> = words.iter().map(|word| spelt(word).and_then(&item)).collect::<Option<_>>()?;
    let text: String = items.iter().map(|item| format!("{item} ")).collect();
    (!items.is_empty()).then(|| text + "additive")
}

/// `A:B`, 16 bits each.
#[must_use]
pub fn community(word: &str) -> Option<StandardCommunity> {
    if word == "no-peer" {
        return Some(StandardCommunity(65535, 65284));
    }
    match word.parse().ok()? {
        crate::value::Community::Standard(community) => Some(community),
        crate::value::Community::Large(_) => None,
    }
}

/// `A:B:C`, 32 bits each.
#[must_use]
pub fn large_community(word: &str) -> Option<LargeCommunity> {
    match format!("large:{word}").parse().ok()? {
        crate::value::Community::Large(community) => Some(community),
        crate::value::Community::Standard(_) => None,
    }
}

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
        [ip, "nht", "resolve-via-default"] => Some(((Kind::Nht, Subject::Family(family(ip)?)), "on".to_owned())),
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

/// `permit` or `deny`.
#[must_use]
pub fn action(word: &str) -> Option<Action> {
    match word {
        "permit" => Some(Action::Permit),
        "deny" => Some(Action::Deny),
        _ => None,
    }
}

/// `permit|deny` and `any`, or a prefix with its bounds.
#[must_use]
pub fn prefix_rule(family: Family, verdict: &str, words: &[&str]) -> Option<PrefixRule> {
    let mut rule = PrefixRule {
        action: action(verdict)?,
        net: match family {
            Family::V4 => IpNet::from(ipnet::Ipv4Net::default()),
            Family::V6 => IpNet::from(ipnet::Ipv6Net::default()),
        },
        ge: None,
        le: None,
        origins: [].into(),
    };
    if words == ["any"] {
        rule.le = Some(rule.net.max_prefix_len());
        return Some(rule);
    }
    let (net, bounds) = words.split_first()?;
    rule.net = net.parse::<IpNet>().ok()?.trunc();
    for bound in bounds.chunks(2) {
        match *bound {
            ["ge", length] => rule.ge = Some(length.parse().ok()?),
            ["le", length] => rule.le = Some(length.parse().ok()?),
            _ => return None,
        }
    }
    (Family::of(rule.net.addr()) == family).then_some(rule)
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
        _ => sole(&[Kind::RouterId, Kind::PreserveFwState], words),
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
        _ if evpn => sole(&[Kind::AdvertiseAllVni, Kind::AdvertiseSviIp], words).or_else(|| policy(words, derived)),
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

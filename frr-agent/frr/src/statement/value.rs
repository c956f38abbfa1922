//! Values of statements, each checked by its type and written in one way.

use super::Kind;
use crate::config::{Action, NeighborId, PrefixRule, RemoteAs, RouteDistinguisher, UpdateSource};
use crate::value::{
    Asn, Community, Family, FrrName, InterfaceName, LargeCommunity, Password, StandardCommunity, Tag, Vni,
};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A value of this type as it is written, if the text is one.
pub fn canonical<T: FromStr + Display>(text: &str) -> Option<String> {
    text.parse::<T>().ok().map(|value| value.to_string())
}

fn number<T: FromStr + Display + PartialOrd>(
    text: &str,
    range: std::ops::RangeInclusive<T>,
) -> Option<String> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|value| digits && range.contains(value)).map(|value| value.to_string())
}

/// `N` or `HIGH.LOW` (RFC 5396).
pub fn as_number(text: &str) -> Option<Asn> {
    let number = match text.split_once('.') {
        None => text.parse().ok()?,
        Some((high, low)) => i64::from(high.parse::<u16>().ok()?) << 16 | i64::from(low.parse::<u16>().ok()?),
    };
    Asn::try_from(number).ok()
}

pub fn family(word: &str) -> Option<Family> {
    match word {
        "ip" => Some(Family::V4),
        "ipv6" => Some(Family::V6),
        _ => None,
    }
}

pub fn neighbor_id(word: &str) -> Option<NeighborId> {
    let address = word.parse::<IpAddr>().map(NeighborId::Address);
    address.or_else(|_| word.parse().map(NeighborId::Interface)).ok()
}

/// The value of a kind that stands behind its keyword.
pub fn value(kind: Kind, words: &[&str]) -> Option<String> {
    match (kind, words) {
        (Kind::SetCommunity, [items @ .., "additive"]) => set_of(items, community),
        (Kind::SetLargeCommunity, [items @ .., "additive"]) => set_of(items, large_community),
        (Kind::Timers, [keepalive, hold]) => {
            Some(format!("{} {}", number(keepalive, 0..=u16::MAX)?, number(hold, 0..=u16::MAX)?))
        }
        (Kind::LocalAs, [asn, "no-prepend", "replace-as"]) => Some(as_number(asn)?.to_string()),
        // FRR 8.4 writes the largest TTL, 10.3 does not.
        (Kind::Multihop, ["255"]) => Some(String::new()),
        (_, []) => FLAGS.contains(&kind).then(String::new),
        (_, [word]) => one_word(kind, word),
        _ => None,
    }
}

/// Kinds that are just there.
const FLAGS: [Kind; 9] = [
    Kind::Bfd,
    Kind::Multihop,
    Kind::DisableConnectedCheck,
    Kind::GracefulRestart,
    Kind::AdvertiseAllVni,
    Kind::AdvertiseSviIp,
    Kind::PassiveMode,
    Kind::EchoMode,
    Kind::PreserveFwState,
];

fn one_word(kind: Kind, word: &str) -> Option<String> {
    match kind {
        Kind::VrfVni => Vni::try_from(word.parse::<i64>().ok()?).ok().map(|vni| vni.to_string()),
        Kind::MatchTag | Kind::SetTag => {
            Tag::new(number::<u32>(word, 1..=u32::MAX)?.parse().ok()?).map(|t| t.to_string())
        }
        Kind::SetNextHopV4 | Kind::RouterId => canonical::<Ipv4Addr>(word),
        Kind::SetNextHopV6 => canonical::<Ipv6Addr>(word),
        Kind::SetLocalPreference | Kind::CoalesceTime => number(word, 0..=u32::MAX),
        Kind::BfdProfile => canonical::<FrrName>(word),
        Kind::Password => word.parse::<Password>().ok().map(|_| word.to_owned()),
        Kind::Port => number(word, 0..=u16::MAX),
        Kind::ConnectTimer => number(word, 1..=u16::MAX),
        Kind::UpdateSource => update_source(word).map(|source| source.to_string()),
        Kind::Rd => canonical::<RouteDistinguisher>(word),
        Kind::DetectMultiplier | Kind::MinimumTtl => number(word, 1..=u8::MAX),
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

/// The names that FRR prints for some communities `65535:N` (RFC 1997, 3765, 7611, 7999, 8326, 9494).
const WELL_KNOWN: [(&str, u16); 13] = [
    ("graceful-shutdown", 0),
    ("accept-own", 1),
    ("route-filter-translated-v4", 2),
    ("route-filter-v4", 3),
    ("route-filter-translated-v6", 4),
    ("route-filter-v6", 5),
    ("llgr-stale", 6),
    ("no-llgr", 7),
    ("blackhole", 666),
    ("no-export", 65281),
    ("no-advertise", 65282),
    ("local-AS", 65283),
    ("no-peer", 65284),
];

fn set_of<T: Ord + Display>(words: &[&str], item: impl Fn(&str) -> Option<T>) -> Option<String> {
    let items: BTreeSet<T> = words.iter().map(|word| item(word)).collect::<Option<_>>()?;
    let text = items.iter().fold(String::new(), |text, item| text + &item.to_string() + " ");
    (!items.is_empty()).then(|| text + "additive")
}

/// `A:B`, 16 bits each, or the name of a well-known one.
#[must_use]
pub fn community(word: &str) -> Option<StandardCommunity> {
    if let Some((_, low)) = WELL_KNOWN.iter().find(|(name, _)| *name == word) {
        return Some(StandardCommunity(u16::MAX, *low));
    }
    match word.parse().ok()? {
        Community::Standard(community) => Some(community),
        Community::Large(_) => None,
    }
}

/// `A:B:C`, 32 bits each.
#[must_use]
pub fn large_community(word: &str) -> Option<LargeCommunity> {
    match format!("large:{word}").parse().ok()? {
        Community::Large(community) => Some(community),
        Community::Standard(_) => None,
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

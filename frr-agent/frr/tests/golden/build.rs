//! Short ways to build the values of a case.

use herald_frr::config::*;
use herald_frr::value::*;
use std::collections::BTreeSet;
use std::str::FromStr;

pub fn parse<T: FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

pub fn asn(number: i64) -> Asn {
    number.try_into().unwrap()
}

pub fn vni(number: i64) -> Vni {
    number.try_into().unwrap()
}

pub fn from(words: &[&str]) -> Origins {
    words.iter().map(|word| Origin((*word).into())).collect()
}

pub fn id(text: &str) -> NeighborId {
    text.parse().map_or_else(|_| NeighborId::Interface(parse(text)), NeighborId::Address)
}

pub fn router(number: i64) -> Router {
    Router {
        asn: asn(number),
        router_id: None,
        imports: BTreeSet::new(),
        neighbors: [].into(),
        networks: [].into(),
        evpn: None,
        origins: from(&["BGPPeer metallb-system/tor spec.myASN"]),
    }
}

/// A session named by the address or interface, active in the families given.
pub fn neighbor(name: &str, remote_as: RemoteAs, families: &[AddressFamily]) -> Neighbor {
    Neighbor {
        remote_as,
        ebgp_multihop: false,
        local_as: None,
        port: None,
        timers: None,
        connect_timer: None,
        password: None,
        update_source: None,
        graceful_restart: false,
        bfd_profile: None,
        disable_connected_check: false,
        families: families.iter().copied().collect(),
        map_in: parse(&format!("{name}-in")),
        map_out: parse(&format!("{name}-out")),
        origins: from(&[&format!("BGPPeer metallb-system/{}", name.replace([':', '.'], "-"))]),
    }
}

pub fn entry(action: Action, matches: Match, sets: Sets) -> RouteMapEntry {
    RouteMapEntry { action, matches, sets, origins: Origins::new() }
}

pub fn tagged(tag: u32) -> Match {
    Match { tag: Some(Tag::ours(tag)), prefix_list: None }
}

pub fn listed(family: Family, list: &str) -> Match {
    Match { tag: None, prefix_list: Some((family, parse(list))) }
}

pub fn map(entries: impl IntoIterator<Item = RouteMapEntry>) -> RouteMap {
    RouteMap { entries: (1..).zip(entries).collect() }
}

pub fn rule(action: Action, net: &str, ge: Option<u8>, le: Option<u8>) -> PrefixRule {
    PrefixRule { action, net: parse(net), ge, le, origins: Origins::new() }
}

pub fn list(rules: impl IntoIterator<Item = PrefixRule>) -> PrefixList {
    PrefixList { rules: (1..).zip(rules).collect() }
}

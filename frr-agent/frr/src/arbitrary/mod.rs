//! Random configurations that FRR takes, for property tests.
//!
//! The names come from small pools, so that two of them have much in common: that is where
//! differences are interesting.

mod edits;
mod watched;

pub use edits::{Edit, edit};
pub use watched::{Watched, Watcher, watched};

use crate::config::{
    Action, AddressFamily, BfdProfile, Evpn, FrrConfig, Match, Neighbor, NeighborId, Network, Origin,
    Origins, PrefixList, PrefixRule, RemoteAs, RouteMap, RouteMapEntry, Router, Sets, Timers, UpdateSource,
    VniPolicy,
};
use crate::shared::SharedMap;
use crate::value::{Asn, Family, FrrName, InterfaceName, LargeCommunity, StandardCommunity, Tag, Vni};
use ipnet::IpNet;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option::{of, weighted};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use std::collections::BTreeMap;
use std::str::FromStr;

const CLASSES: [&str; 5] = ["adv-bronze", "adv-gold", "adv-iron", "adv-lead", "adv-silver"];
const LISTS: [&str; 3] = ["imported", "never", "wanted"];
const PROFILES: [&str; 2] = ["calm", "fast"];
const PEERS: [&str; 5] = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "eth0", "eth1"];
const PREFIXES: [&str; 10] = [
    "10.0.0.1/32",
    "10.0.0.2/32",
    "10.0.0.3/32",
    "10.0.1.0/24",
    "10.0.1.7/32",
    "10.0.2.0/23",
    "2001:db8:1::1/128",
    "2001:db8:1::2/128",
    "2001:db8:2::/64",
    "2001:db8:2::/65",
];

/// A value of the pools above.
///
/// # Panics
/// If a pool holds a word that its type does not take.
#[allow(clippy::unwrap_used, reason = "the pools are constants; only tests use this module")]
fn word<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

#[allow(clippy::unwrap_used, reason = "as above")]
fn number<T: TryFrom<i64, Error: std::fmt::Debug>>(value: i64) -> T {
    value.try_into().unwrap()
}

fn from(name: &str) -> Origins {
    [Origin(name.into())].into()
}

/// A configuration as the plan makes them: classes, sessions with their route-maps, VRFs, EVPN, BFD.
pub fn config() -> impl Strategy<Value = FrrConfig> {
    parts().prop_map(assembled)
}

fn parts() -> impl Strategy<Value = Parts> {
    let lists = btree_map((select(&LISTS[..]), select(&[Family::V4, Family::V6][..])), 0..=1_u8, 0..5);
    (classes(), lists.prop_flat_map(filled), routers(), profiles())
}

fn classes() -> impl Strategy<Value = BTreeMap<FrrName, RouteMap>> {
    // Tags move between classes now and then, as they do when two names have the same hash.
    let shift = prop_oneof![9 => Just(0_u32), 1 => Just(1_u32)];
    let sets = (shift, of(communities()));
    btree_map(select(&CLASSES[..]), sets, 0..5).prop_map(|classes| {
        let mut maps = BTreeMap::new();
        for (at, (name, (shift, communities))) in (0_u32..).zip(classes) {
            let sets = Sets {
                tag: Some(Tag::ours(at + shift * 3)),
                communities: communities.unwrap_or_default(),
                ..Sets::default()
            };
            let entry = RouteMapEntry {
                action: Action::Permit,
                matches: Match::default(),
                sets,
                origins: from(name),
            };
            maps.insert(word(name), RouteMap { entries: [(1, entry)].into() });
        }
        maps
    })
}

fn communities() -> impl Strategy<Value = std::collections::BTreeSet<StandardCommunity>> {
    let known = select(&[(65535, 65281), (65535, 666), (65000, 1), (65000, 2), (1, 1)][..]);
    btree_set(known.prop_map(|(a, b)| StandardCommunity(a, b)), 1..3)
}

type Lists = BTreeMap<(FrrName, Family), PrefixList>;

fn filled(names: BTreeMap<(&'static str, Family), u8>) -> impl Strategy<Value = Lists> {
    let rules = names.into_keys().map(|(name, family)| {
        vec(rule(name, family), 1..4).prop_map(move |mut rules| {
            // FRR 8.4 takes no rule twice.
            let mut seen = std::collections::BTreeSet::new();
            rules.retain(|rule| seen.insert(rule.to_string()));
            let rules = (1..).zip(rules).collect();
            ((word::<FrrName>(name), family), PrefixList { rules })
        })
    });
    rules.collect::<Vec<_>>().prop_map(|lists| lists.into_iter().collect())
}

fn rule(list: &'static str, family: Family) -> impl Strategy<Value = PrefixRule> {
    let nets = match family {
        Family::V4 => ["10.0.0.0/8", "10.0.0.0/24", "172.16.0.0/12", "0.0.0.0/0"],
        Family::V6 => ["2001:db8::/32", "2001:db8:1::/48", "fd00::/8", "::/0"],
    };
    let bounds = (weighted(0.3, 25..=32_u8), weighted(0.5, 32..=32_u8));
    (select(nets.to_vec()), bounds, weighted(0.2, Just(()))).prop_map(move |(net, (ge, le), deny)| {
        let net = word::<IpNet>(net);
        let scale = |length: u8| length + (net.max_prefix_len() - 32).min(96 - net.prefix_len().min(96));
        let fits = |length: &u8| *length >= net.prefix_len();
        let (ge, le) = (ge.map(scale).filter(fits), le.map(|_| net.max_prefix_len()));
        let action = if deny.is_some() { Action::Deny } else { Action::Permit };
        PrefixRule { action, net, ge, le, origins: from(&format!("{list} {family}")) }
    })
}

fn profiles() -> impl Strategy<Value = BTreeMap<&'static str, BfdProfile>> {
    let interval = || of(select(&[100_u16, 300, 1000][..]));
    let profile =
        (interval(), interval(), of(select(&[3_u8, 5][..])), of(Just(70_u16)), any::<(bool, bool)>());
    let ttl = of(select(&[250_u8, 254][..]));
    btree_map(select(&PROFILES[..]), (profile, ttl), 0..3).prop_map(|profiles| {
        let profiles =
            profiles.into_iter().map(|(name, ((receive, transmit, multiplier, echo, flags), ttl))| {
                let profile = BfdProfile {
                    receive_interval: receive,
                    transmit_interval: transmit,
                    detect_multiplier: multiplier,
                    echo_interval: echo,
                    echo_mode: flags.0,
                    passive_mode: flags.1,
                    minimum_ttl: ttl,
                    origins: from(name),
                };
                (name, profile)
            });
        profiles.collect()
    })
}

/// A session before its name, and what its route-maps let through.
#[derive(Debug, Clone)]
struct Peer {
    session: Neighbor,
    sent: Vec<(&'static str, Sets)>,
    imported: bool,
    received: Vec<&'static str>,
    bfd: bool,
    sourced: bool,
}

#[derive(Debug, Clone)]
struct Instance {
    router: Router,
    peers: BTreeMap<&'static str, Peer>,
    networks: BTreeMap<&'static str, &'static str>,
}

fn routers() -> impl Strategy<Value = (Option<Instance>, Option<Instance>)> {
    (weighted(0.9, instance(true)), weighted(0.4, instance(false)))
}

fn instance(default: bool) -> impl Strategy<Value = Instance> {
    let asn = prop_oneof![9 => Just(65_000_i64), 1 => Just(4_200_000_001_i64)];
    let id = of(select(&["10.9.0.1", "10.9.0.2"][..]));
    let networks = btree_map(select(&PREFIXES[..]), select(&CLASSES[..]), 0..8);
    let peers = btree_map(select(&PEERS[..]), peer(), 0..4);
    (asn, id, networks, peers, any::<bool>(), weighted(0.3, evpn(default))).prop_map(
        move |(asn, id, networks, peers, import, evpn)| {
            let from_vrf = if default { Some(word::<InterfaceName>("red")) } else { None };
            let router = Router {
                asn: number::<Asn>(asn),
                router_id: id.map(word),
                imports: import.then_some(from_vrf).into_iter().collect(),
                neighbors: SharedMap::new(),
                networks: SharedMap::new(),
                evpn,
                origins: from("router"),
            };
            Instance { router, peers, networks }
        },
    )
}

fn evpn(default: bool) -> impl Strategy<Value = Evpn> {
    let policy = || {
        let targets =
            || btree_set(select(&["65000:100", "65000:101", "192.0.2.7:9"][..]).prop_map(word), 0..3);
        // The second has the form of those that FRR derives itself.
        let rd = of(select(&["65000:77", "10.0.0.1:3"][..]).prop_map(word));
        (rd, targets(), targets()).prop_map(|(rd, import_targets, export_targets)| VniPolicy {
            rd,
            import_targets,
            export_targets,
        })
    };
    (any::<bool>(), policy(), policy()).prop_map(move |(svi, policy, other)| {
        let l2vnis = [(number::<Vni>(100), policy.clone()), (number::<Vni>(101), other)];
        Evpn {
            advertise_all_vni: default,
            advertise_svi_ip: default && svi,
            l2vnis: l2vnis.into_iter().filter(|(_, policy)| default && !policy.is_empty()).collect(),
            l3vni: (!default).then_some(policy),
            origins: from("evpn"),
        }
    })
}

fn peer() -> impl Strategy<Value = Peer> {
    let remote = select(vec![
        RemoteAs::Internal,
        RemoteAs::External,
        RemoteAs::Number(number(64_512)),
        RemoteAs::Number(number(65_000)),
    ]);
    let timers = of(select(&[(0, 0), (3, 9), (20, 30), (30, 90), (60, 180)][..]));
    let families = [AddressFamily::Ipv4Unicast, AddressFamily::Ipv6Unicast];
    let numbers = (of(select(&[179_u16, 1179][..])), timers, of(select(&[5_u16, 120][..])));
    let options = (remote, numbers, of(select(&["hush", "s3cret!"][..])), any::<[bool; 7]>());
    let sent = subsequence(CLASSES.to_vec(), 0..4)
        .prop_flat_map(|classes| classes.into_iter().map(|class| (Just(class), sets())).collect::<Vec<_>>());
    let policy = (sent, any::<bool>(), subsequence(LISTS.to_vec(), 0..3));
    (options, subsequence(families.to_vec(), 0..3), policy).prop_map(
        |((remote_as, (port, timers, connect), password, flags), families, (sent, imported, received))| {
            let session = Neighbor {
                remote_as,
                ebgp_multihop: flags[0],
                local_as: flags[1].then(|| number(65_100)),
                port,
                timers: timers.map(|(keepalive, hold)| Timers { keepalive, hold }),
                connect_timer: connect,
                password: password.map(word),
                update_source: flags[2].then(|| UpdateSource::Interface(word("lo"))),
                graceful_restart: flags[3],
                bfd_profile: None,
                disable_connected_check: flags[4] && !flags[0],
                families: families.into_iter().collect(),
                map_in: word("unnamed"),
                map_out: word("unnamed"),
                origins: Origins::new(),
            };
            Peer { session, sent, imported, received, bfd: flags[5], sourced: flags[6] }
        },
    )
}

fn sets() -> impl Strategy<Value = Sets> {
    let large = of(Just(LargeCommunity(4_200_000_000, 1, 2)));
    let preference = weighted(0.3, select(&[0_u32, 100, u32::MAX][..]));
    let hops = (weighted(0.2, Just("192.0.2.200")), weighted(0.2, Just("2001:db8::200")));
    (preference, weighted(0.3, communities()), large, hops).prop_map(
        |(preference, communities, large, hops)| Sets {
            tag: None,
            local_preference: preference,
            communities: communities.unwrap_or_default(),
            large_communities: large.into_iter().collect(),
            next_hop_v4: hops.0.map(word),
            next_hop_v6: hops.1.map(word),
        },
    )
}

type Parts = (
    BTreeMap<FrrName, RouteMap>,
    Lists,
    (Option<Instance>, Option<Instance>),
    BTreeMap<&'static str, BfdProfile>,
);

/// Puts the parts together so that every name that is used is defined.
fn assembled((classes, prefix_lists, (default, red), profiles): Parts) -> FrrConfig {
    let mut config = FrrConfig {
        prefix_lists: prefix_lists.into_iter().collect(),
        route_maps: classes.clone().into_iter().collect(),
        ..FrrConfig::default()
    };
    config.bfd_profiles = profiles.into_iter().map(|(name, profile)| (word(name), profile)).collect();
    for (vrf, instance) in [(None, default), (Some(word::<InterfaceName>("red")), red)] {
        let Some(Instance { mut router, peers, networks }) = instance else { continue };
        if router.evpn.as_ref().is_some_and(|evpn| evpn.l3vni.is_some()) {
            config.vrf_vnis.insert(word("red"), (number(500), from("vni")));
        }
        for (prefix, class) in networks {
            let class = word::<FrrName>(class);
            let known = classes.contains_key(&class).then_some(class);
            router.networks.insert(word(prefix), Network { class: known, origins: from(prefix) });
        }
        for (name, peer) in peers {
            let stem = vrf.as_ref().map_or_else(|| name.to_owned(), |vrf| format!("{name}-{vrf}"));
            let id = name.parse().map_or_else(|_| NeighborId::Interface(word(name)), NeighborId::Address);
            let neighbor = named(&mut config, &classes, &id, &stem, router.asn, peer);
            router.neighbors.insert(id, neighbor);
        }
        config.routers.insert(vrf, router);
    }
    config
}

fn named(
    config: &mut FrrConfig,
    classes: &BTreeMap<FrrName, RouteMap>,
    id: &NeighborId,
    stem: &str,
    asn: Asn,
    peer: Peer,
) -> Neighbor {
    let entry = |action, matches, sets| RouteMapEntry { action, matches, sets, origins: from(stem) };
    let listed = |list: &str, family| Match { tag: None, prefix_list: Some((family, word(list))) };
    let mut out: Vec<RouteMapEntry> = Vec::new();
    if peer.imported {
        out.push(entry(Action::Permit, listed("imported", Family::V4), Sets::default()));
    }
    for (class, sets) in peer.sent {
        let tag = classes.get(&word::<FrrName>(class)).and_then(|map| map.entries.get(&1)?.sets.tag);
        let matches = Match { tag, prefix_list: None };
        out.extend(tag.map(|_| entry(Action::Permit, matches, sets)));
    }
    let actions = |list: &str| if list == "never" { Action::Deny } else { Action::Permit };
    let received = peer.received.iter().flat_map(|list| [(list, Family::V4), (list, Family::V6)]);
    let mut into: Vec<_> =
        received.map(|(list, family)| entry(actions(list), listed(list, family), Sets::default())).collect();
    // What lets nothing through is an entry that says so: FRR has no empty route-map.
    for entries in [&mut out, &mut into] {
        if entries.is_empty() {
            entries.push(entry(Action::Deny, Match::default(), Sets::default()));
        }
    }
    let numbered = |entries: Vec<RouteMapEntry>| RouteMap { entries: (1..).zip(entries).collect() };
    let (map_in, map_out) = (word::<FrrName>(&format!("{stem}-in")), word::<FrrName>(&format!("{stem}-out")));
    config.route_maps.insert(map_in.clone(), numbered(into));
    config.route_maps.insert(map_out.clone(), numbered(out));
    let mut session = Neighbor { map_in, map_out, origins: from(stem), ..peer.session };
    let inside =
        matches!(session.remote_as, RemoteAs::Internal) || session.remote_as == RemoteAs::Number(asn);
    session.ebgp_multihop &= !inside && !id.is_interface();
    session.disable_connected_check &= !inside && !id.is_interface();
    session.local_as = session.local_as.filter(|_| !inside);
    session.update_source = session.update_source.filter(|_| peer.sourced && !id.is_interface());
    session.bfd_profile = peer.bfd.then(|| config.bfd_profiles.keys().next().cloned()).flatten();
    session
}

//! Random folders of manifests, and what of them an edit of one object concerns.

use herald_core::input::{self, SourceText};
use herald_core::snapshot::Snapshot;
use proptest::collection::{btree_map, btree_set};
use proptest::option;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What an object is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// `Service ns/s-POOL-OCTET`.
    Service(u8, u8),
    Pool(u8),
    Advertisement(u8),
    Peer(u8),
    Profile(u8),
    Community(u8),
    Configuration(u8),
}

/// What it says.
#[derive(Debug, Clone, PartialEq)]
pub enum Says {
    /// Its app.
    Service(u8),
    /// Half of its network, or all.
    Pool(bool),
    Advertisement(Advertisement),
    Peer(Peer),
    /// Its detect multiplier.
    Profile(u8),
    /// What its alias stands for.
    Community(u8),
    Configuration(Configuration),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Advertisement {
    pools: BTreeSet<u8>,
    aggregate: bool,
    peers: BTreeSet<u8>,
    app: Option<u8>,
    /// A Community's alias, or a value of its own.
    community: Option<Result<u8, u8>>,
    local_pref: Option<u8>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    asn: u8,
    hold: bool,
    profile: Option<u8>,
    password: Option<u8>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// Prefixes of its own, and addresses of Services that it names.
    prefixes: BTreeSet<u8>,
    named: BTreeSet<(u8, u8)>,
    /// The peer whose session it is for, and whether it asks for all of its prefixes.
    neighbor: Option<(u8, bool)>,
}

/// All objects of a folder.
#[derive(Debug, Clone)]
pub struct Folder(BTreeMap<Object, Says>);

const POOLS: u8 = 2;
const PEERS: u8 = 3;
const OCTETS: std::ops::Range<u8> = 1..24;

impl Object {
    /// As in origins.
    pub fn name(self) -> String {
        match self {
            Self::Service(pool, octet) => format!("Service ns/s-{pool}-{octet}"),
            Self::Pool(n) => format!("IPAddressPool ns/pool-{n}"),
            Self::Advertisement(n) => format!("BGPAdvertisement ns/adv-{n}"),
            Self::Peer(n) => format!("BGPPeer ns/peer-{n}"),
            Self::Profile(n) => format!("BFDProfile ns/profile-{n}"),
            Self::Community(n) => format!("Community ns/community-{n}"),
            Self::Configuration(n) => format!("FRRConfiguration ns/frr-{n}"),
        }
    }
}

fn advertisement() -> impl Strategy<Value = Says> {
    let what = (btree_set(0..POOLS, 0..3), any::<bool>(), btree_set(0..PEERS, 0..3), option::of(0..3_u8));
    let community = option::of(prop_oneof![(0..2_u8).prop_map(Ok), (0..3_u8).prop_map(Err)]);
    (what, community, option::of(0..2_u8)).prop_map(
        |((pools, aggregate, peers, app), community, local_pref)| {
            Says::Advertisement(Advertisement { pools, aggregate, peers, app, community, local_pref })
        },
    )
}

fn configuration() -> impl Strategy<Value = Says> {
    let named = btree_set((0..POOLS, OCTETS), 0..3);
    (btree_set(0..4_u8, 0..3), named, option::of((0..=PEERS, any::<bool>()))).prop_map(
        |(prefixes, named, neighbor)| Says::Configuration(Configuration { prefixes, named, neighbor }),
    )
}

/// An object, and something that it may say.
fn object() -> impl Strategy<Value = (Object, Says)> {
    let peer = (0..2_u8, any::<bool>(), option::of(0..2_u8), option::of(0..2_u8));
    let peer =
        peer.prop_map(|(asn, hold, profile, password)| Says::Peer(Peer { asn, hold, profile, password }));
    prop_oneof![
        4 => ((0..POOLS, OCTETS), 0..3_u8).prop_map(|((pool, octet), app)| (Object::Service(pool, octet), Says::Service(app))),
        1 => (0..POOLS, any::<bool>()).prop_map(|(n, all)| (Object::Pool(n), Says::Pool(all))),
        3 => (0..4_u8, advertisement()).prop_map(|(n, says)| (Object::Advertisement(n), says)),
        2 => (0..PEERS, peer).prop_map(|(n, says)| (Object::Peer(n), says)),
        1 => (0..2_u8, 3..6_u8).prop_map(|(n, times)| (Object::Profile(n), Says::Profile(times))),
        1 => (0..2_u8, 0..4_u8).prop_map(|(n, value)| (Object::Community(n), Says::Community(value))),
        2 => (0..3_u8, configuration()).prop_map(|(n, says)| (Object::Configuration(n), says)),
    ]
}

/// A folder, the same after one object of it was made, changed or removed, and which one.
pub fn folder_and_edit() -> impl Strategy<Value = (Folder, Folder, Object)> {
    let services = btree_map((0..POOLS, OCTETS), 0..3_u8, 0..12);
    let others = prop::collection::vec(object(), 4..20);
    (services, others, object(), any::<u8>()).prop_map(|(services, others, (object, says), how)| {
        let services = services
            .into_iter()
            .map(|((pool, octet), app)| (Object::Service(pool, octet), Says::Service(app)));
        let pools = (0..POOLS).map(|n| (Object::Pool(n), Says::Pool(true)));
        let before: BTreeMap<Object, Says> = pools.chain(services).chain(others).collect();
        let mut after = before.clone();
        // One in three edits removes one of those that are there.
        let edited = match before.keys().nth(usize::from(how) % before.len()) {
            Some(there) if how % 3 == 0 => {
                after.remove(there);
                *there
            }
            _ => {
                after.insert(object, says);
                object
            }
        };
        (Folder(before), Folder(after), edited)
    })
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn manifest(kind: &str, api: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}, namespace: ns}}\nspec: {{{spec}}}\n"
    )
}

impl Folder {
    pub fn text(&self) -> String {
        self.0.iter().map(|(object, says)| text(*object, says)).collect()
    }

    pub fn snapshot(&self) -> Snapshot {
        let source = SourceText { file: "all.yaml".into(), text: self.text().into() };
        input::parse(&[source], &input::Options::default()).snapshot
    }

    fn services(&self) -> impl Iterator<Item = (u8, u8)> {
        self.0.keys().filter_map(|object| match object {
            Object::Service(pool, octet) => Some((*pool, *octet)),
            _ => None,
        })
    }

    fn advertisements(&self) -> impl Iterator<Item = (u8, &Advertisement)> {
        self.0.iter().filter_map(|(object, says)| match (object, says) {
            (Object::Advertisement(n), Says::Advertisement(says)) => Some((*n, says)),
            _ => None,
        })
    }

    fn configurations(&self) -> impl Iterator<Item = (u8, &Configuration)> {
        self.0.iter().filter_map(|(object, says)| match (object, says) {
            (Object::Configuration(n), Says::Configuration(says)) => Some((*n, says)),
            _ => None,
        })
    }

    /// The objects that an edit of one concerns in this folder, see the rule in `main.rs`.
    pub fn concerned_by(&self, edited: Object) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        match (edited, self.0.get(&edited)) {
            (Object::Service(pool, octet), _) => {
                let beside = |(p, o): &(u8, u8)| *p == pool && o / 16 == octet / 16;
                found.extend(self.services().filter(beside).map(|(p, o)| Object::Service(p, o).name()));
            }
            (Object::Pool(pool), _) => {
                found.extend(self.of_pool(pool));
                for (n, says) in self.advertisements().filter(|(_, says)| says.is_for(pool)) {
                    found.insert(Object::Advertisement(n).name());
                    self.around(says, &mut found);
                }
            }
            (Object::Advertisement(_), Some(Says::Advertisement(says))) => self.around(says, &mut found),
            (Object::Peer(peer), Some(_)) => self.of_session(peer, &mut found),
            (Object::Configuration(_), Some(Says::Configuration(says))) => {
                self.of_prefixes(says, &mut found);
                if let Some((peer, _)) = says.neighbor {
                    found.insert(Object::Peer(peer).name());
                    self.of_session(peer, &mut found);
                }
            }
            (Object::Community(alias), _) => {
                let users = self.advertisements().filter(|(_, says)| says.community == Some(Ok(alias)));
                for (n, says) in users {
                    found.insert(Object::Advertisement(n).name());
                    self.around(says, &mut found);
                }
            }
            (Object::Profile(profile), _) => {
                for (object, says) in &self.0 {
                    if let (Object::Peer(peer), Says::Peer(says)) = (object, says)
                        && says.profile == Some(profile)
                    {
                        found.insert(object.name());
                        self.of_session(*peer, &mut found);
                    }
                }
            }
            _ => {}
        }
        found
    }

    fn of_pool(&self, pool: u8) -> impl Iterator<Item = String> {
        self.services().filter(move |(p, _)| *p == pool).map(|(p, o)| Object::Service(p, o).name())
    }

    fn of_advertisement(&self, says: &Advertisement, found: &mut BTreeSet<String>) {
        (0..POOLS).filter(|pool| says.is_for(*pool)).for_each(|pool| found.extend(self.of_pool(pool)));
    }

    /// The same, and of those that it may conflict with: one of a pool may get its place, or lose it.
    fn around(&self, says: &Advertisement, found: &mut BTreeSet<String>) {
        self.of_advertisement(says, found);
        let shares = |other: &Advertisement| (0..POOLS).any(|pool| says.is_for(pool) && other.is_for(pool));
        for (n, other) in self.advertisements().filter(|(_, other)| shares(other)) {
            found.insert(Object::Advertisement(n).name());
            self.of_advertisement(other, found);
        }
    }

    /// What a session is sent, and who else says something of it.
    fn of_session(&self, peer: u8, found: &mut BTreeSet<String>) {
        for (n, says) in self.advertisements().filter(|(_, says)| says.reaches(peer)) {
            found.insert(Object::Advertisement(n).name());
            self.of_advertisement(says, found);
        }
        let of_session = |says: &Configuration| says.neighbor.is_some_and(|(of, _)| of == peer);
        for (n, says) in self.configurations().filter(|(_, says)| of_session(says)) {
            found.insert(Object::Configuration(n).name());
            // One may lose its place, and get it back: then others announce its prefixes alone, or not alone.
            self.of_prefixes(says, found);
        }
    }

    /// Who else announces a prefix that it names.
    fn of_prefixes(&self, says: &Configuration, found: &mut BTreeSet<String>) {
        found.extend(says.named.iter().map(|(p, o)| Object::Service(*p, *o).name()));
        let same = |other: &Configuration| !other.prefixes.is_disjoint(&says.prefixes);
        let same = self.configurations().filter(|(_, other)| same(other));
        found.extend(same.map(|(n, _)| Object::Configuration(n).name()));
    }
}

impl Advertisement {
    fn is_for(&self, pool: u8) -> bool {
        self.pools.is_empty() || self.pools.contains(&pool)
    }

    fn reaches(&self, peer: u8) -> bool {
        self.peers.is_empty() || self.peers.contains(&peer)
    }
}

fn text(object: Object, says: &Says) -> String {
    const OURS: &str = "metallb.io/v1beta1";
    let name = object.name();
    let name = name.rsplit('/').next().unwrap_or_default();
    match (object, says) {
        (Object::Service(pool, octet), Says::Service(app)) => format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: ns, labels: {{app: app-{app}}}}}\n\
             spec: {{type: LoadBalancer, ports: [{{port: 80}}]}}\n\
             status: {{loadBalancer: {{ingress: [{{ip: 10.0.{pool}.{octet}}}]}}}}\n"
        ),
        (Object::Pool(n), Says::Pool(all)) => {
            let length = if *all { 24 } else { 28 };
            manifest("IPAddressPool", OURS, name, &format!("addresses: [10.0.{n}.0/{length}]"))
        }
        (_, Says::Advertisement(says)) => manifest("BGPAdvertisement", OURS, name, &advertisement_spec(says)),
        (Object::Peer(n), Says::Peer(says)) => {
            manifest("BGPPeer", "metallb.io/v1beta2", name, &peer_spec(n, says))
        }
        (_, Says::Profile(times)) => {
            manifest("BFDProfile", OURS, name, &format!("detectMultiplier: {times}"))
        }
        (Object::Community(n), Says::Community(value)) => {
            let spec = format!("communities: [{{name: alias-{n}, value: \"64512:{value}\"}}]");
            manifest("Community", OURS, name, &spec)
        }
        (_, Says::Configuration(says)) => {
            manifest("FRRConfiguration", "frrk8s.metallb.io/v1beta1", name, &configuration_spec(says))
        }
        _ => String::new(),
    }
}

fn advertisement_spec(ad: &Advertisement) -> String {
    let pools = list(ad.pools.iter().map(|p| format!("pool-{p}")));
    let peers = list(ad.peers.iter().map(|p| format!("peer-{p}")));
    let mut spec = format!("ipAddressPools: [{pools}], peers: [{peers}]");
    if let Some(app) = ad.app {
        // The two exclude each other in the API. Writing to a String cannot fail.
        _ = write!(spec, ", serviceSelectors: [{{matchLabels: {{app: app-{app}}}}}]");
    } else if ad.aggregate {
        spec += ", aggregationLength: 28";
    }
    match ad.community {
        Some(Ok(alias)) => _ = write!(spec, ", communities: [alias-{alias}]"),
        Some(Err(value)) => _ = write!(spec, ", communities: [\"64512:{}\"]", 10 + value),
        None => {}
    }
    spec += &ad.local_pref.map(|p| format!(", localPref: {}", 100 + u32::from(p))).unwrap_or_default();
    spec
}

fn peer_spec(number: u8, peer: &Peer) -> String {
    let mut spec = format!(
        "myASN: 64512, peerASN: {}, peerAddress: 192.0.2.{}",
        64512 + u32::from(peer.asn),
        number + 1
    );
    spec += if peer.hold { ", holdTime: 90s, keepaliveTime: 30s" } else { "" };
    spec += &peer.profile.map(|n| format!(", bfdProfile: profile-{n}")).unwrap_or_default();
    spec += &peer.password.map(|n| format!(", password: secret-{n}")).unwrap_or_default();
    spec
}

fn configuration_spec(says: &Configuration) -> String {
    let prefixes = list(says.prefixes.iter().map(|n| format!("198.18.{n}.0/24")));
    let mut neighbors = String::new();
    if let Some((peer, all)) = says.neighbor {
        let named = list(says.named.iter().map(|(pool, octet)| format!("10.0.{pool}.{octet}/32")));
        let allowed = if all { "mode: all".to_owned() } else { format!("prefixes: [{named}]") };
        neighbors = format!(
            "{{address: 192.0.2.{}, asn: {}, toAdvertise: {{allowed: {{{allowed}}}}}}}",
            peer + 1,
            // As most peers have it; another is a conflict, which the one in force wins.
            64512
        );
    }
    format!("bgp: {{routers: [{{asn: 64512, prefixes: [{prefixes}], neighbors: [{neighbors}]}}]}}")
}

//! Random configurations for neighbors that exist: their sessions stay up while policies and prefixes change.

use super::{CLASSES, LISTS, Lists, PREFIXES, filled, from, number, word};
use crate::config::{
    Action, AddressFamily, FrrConfig, Match, Neighbor, NeighborId, Network, RemoteAs, RouteMap,
    RouteMapEntry, Router, Sets,
};
use crate::shared::SharedMap;
use crate::value::{Family, FrrName, InterfaceName, StandardCommunity, Tag};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use std::collections::{BTreeMap, BTreeSet};

/// A neighbor that exists.
#[derive(Debug, Clone)]
pub struct Watcher {
    /// What FRR names it with.
    pub id: NeighborId,
    /// Its AS.
    pub remote_as: RemoteAs,
    /// The families that it can speak.
    pub families: Vec<AddressFamily>,
}

/// What a session is sent.
#[derive(Debug, Clone)]
struct Policy {
    out: Vec<(Action, What, Option<u16>)>,
    /// Now and then a session is without its last family.
    whole: bool,
}

/// What an entry of a route-map is about.
#[derive(Debug, Clone)]
enum What {
    Class(&'static str),
    List(&'static str, Family),
}

type Networks = BTreeMap<&'static str, &'static str>;

/// What can change while neighbors watch.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The classes that there are. Each has a tag of its own for good, as a hash of its name is: where a tag moves to another
    /// class, bgpd's queue decides when a neighbor stops hearing of the first one's prefixes.
    classes: BTreeSet<&'static str>,
    lists: Lists,
    own: Networks,
    red: Networks,
    import: bool,
    policies: Vec<Policy>,
}

/// Policies for so many neighbors.
pub fn watched(neighbors: usize) -> impl Strategy<Value = Watched> {
    let keys = || (select(&LISTS[..]), select(&[Family::V4, Family::V6][..]));
    let lists = btree_map(keys(), 0..=1_u8, 0..5).prop_flat_map(filled);
    let classes = btree_set(select(&CLASSES[..]), 3..=5);
    let networks = |size| btree_map(select(&PREFIXES[..]), select(&CLASSES[..]), size);
    let what = prop_oneof![
        3 => select(&CLASSES[..]).prop_map(What::Class),
        1 => keys().prop_map(|(list, family)| What::List(list, family)),
    ];
    let action = prop_oneof![4 => Just(Action::Permit), 1 => Just(Action::Deny)];
    let entry = (action, what, proptest::option::of(1..4_u16));
    let policy = (vec(entry, 0..6), 0..30_u8).prop_map(|(out, odd)| Policy { out, whole: odd > 0 });
    (classes, lists, (networks(4..10_usize), networks(0..5)), any::<bool>(), vec(policy, neighbors)).prop_map(
        |(classes, lists, (own, red), import, policies)| Watched {
            classes,
            lists,
            own,
            red,
            import,
            policies,
        },
    )
}

impl Watched {
    /// The same but for one part, which is `other`'s; any number names one.
    #[must_use]
    pub fn with_one_of(&self, other: &Self, part: usize) -> Self {
        let (mut new, other) = (self.clone(), other.clone());
        match part % (5 + self.policies.len()) {
            0 => new.classes = other.classes,
            1 => new.lists = other.lists,
            2 => new.own = other.own,
            3 => new.red = other.red,
            4 => new.import = other.import,
            session => new.policies[session - 5] = other.policies[session - 5].clone(),
        }
        new
    }

    /// The configuration, with a session for each neighbor.
    #[must_use]
    pub fn config(&self, asn: i64, watchers: &[Watcher]) -> FrrConfig {
        let mut config =
            FrrConfig { prefix_lists: self.lists.clone().into_iter().collect(), ..FrrConfig::default() };
        let all = CLASSES.into_iter().zip((0..).map(Tag::ours));
        let tags: BTreeMap<&str, Tag> = all.filter(|(name, _)| self.classes.contains(name)).collect();
        for (name, tag) in &tags {
            let sets = Sets { tag: Some(*tag), ..Sets::default() };
            config
                .route_maps
                .insert(word(name), map(vec![entry(Action::Permit, Match::default(), sets, name)]));
        }
        let red = Some(word::<InterfaceName>("red"));
        let mut default = self.router(asn, &self.own);
        default.imports = self.import.then(|| red.clone()).into_iter().collect();
        for (watcher, policy) in watchers.iter().zip(&self.policies) {
            let session = policy.session(&mut config, &tags, watcher);
            default.neighbors.insert(watcher.id.clone(), session);
        }
        config.routers.insert(red, self.router(asn, &self.red));
        config.routers.insert(None, default);
        config
    }

    fn router(&self, asn: i64, networks: &Networks) -> Router {
        let class = |class: &str| self.classes.contains(class).then(|| word::<FrrName>(class));
        let network = |(prefix, name): (&&str, &&str)| {
            (word(prefix), Network { class: class(name), origins: from(prefix) })
        };
        Router {
            asn: number(asn),
            router_id: None,
            imports: [].into(),
            neighbors: SharedMap::new(),
            networks: networks.iter().map(network).collect(),
            evpn: None,
            origins: from("router"),
        }
    }
}

impl Policy {
    fn session(&self, config: &mut FrrConfig, tags: &BTreeMap<&str, Tag>, watcher: &Watcher) -> Neighbor {
        let stem = watcher.id.to_string();
        let mut out = Vec::new();
        for (action, what, community) in &self.out {
            let matches = match what {
                What::Class(class) => match tags.get(class) {
                    Some(tag) => Match { tag: Some(*tag), prefix_list: None },
                    None => continue,
                },
                What::List(list, family) => Match { tag: None, prefix_list: Some((*family, word(list))) },
            };
            let communities = community.iter().map(|low| StandardCommunity(64500, *low)).collect();
            out.push(entry(*action, matches, Sets { communities, ..Sets::default() }, &stem));
        }
        let none = || entry(Action::Deny, Match::default(), Sets::default(), &stem);
        if out.is_empty() {
            out.push(none());
        }
        let (map_in, map_out) =
            (word::<FrrName>(&format!("{stem}-in")), word::<FrrName>(&format!("{stem}-out")));
        config.route_maps.insert(map_in.clone(), map(vec![none()]));
        config.route_maps.insert(map_out.clone(), map(out));
        let families = watcher.families.len() - usize::from(!self.whole);
        Neighbor {
            remote_as: watcher.remote_as,
            ebgp_multihop: false,
            local_as: None,
            port: None,
            timers: None,
            connect_timer: Some(1),
            password: None,
            update_source: None,
            graceful_restart: false,
            bfd_profile: None,
            disable_connected_check: false,
            families: watcher.families.iter().take(families).copied().collect(),
            map_in,
            map_out,
            origins: from(&stem),
        }
    }
}

fn entry(action: Action, matches: Match, sets: Sets, origin: &str) -> RouteMapEntry {
    RouteMapEntry { action, matches, sets, origins: from(origin) }
}

fn map(entries: Vec<RouteMapEntry>) -> RouteMap {
    RouteMap { entries: (1..).zip(entries).collect() }
}

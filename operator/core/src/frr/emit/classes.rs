//! Which class each own prefix of a router is in, and which neighbors get which class.
//!
//! Prefixes of Services are handled by their set of advertisements, of which there are few, so the
//! work per prefix is one look-up.

use super::limit::Withheld;
use super::{Inputs, family, object_origin};
use crate::frr::class::{ClassKey, Token};
use crate::frr::merge::{MergedNeighbor, MergedRouter, Vrf};
use crate::model::BgpAdvertisement;
use herald_frr::config::{NeighborId, Origin, Origins};
use herald_frr::value::{Community, Family};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What a prefix is announced with.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attributes {
    pub local_pref: Option<u32>,
    pub communities: BTreeSet<Community>,
}

/// A class that some prefix is in.
#[derive(Debug)]
pub(super) struct ClassUse {
    pub key: ClassKey,
    /// Who gets it, with what.
    pub picks: BTreeMap<NeighborId, Attributes>,
    /// Families in which anybody gets it.
    families: BTreeSet<Family>,
    pub origins: Origins,
}

/// A prefix that the router originates.
#[derive(Debug)]
pub(super) struct Own {
    /// Index of its class; without one nobody is sent it.
    pub class: Option<usize>,
    pub origins: Origins,
}

/// The own prefixes of one router.
#[derive(Debug, Default)]
pub(super) struct RouterClasses {
    pub own: BTreeMap<IpNet, Own>,
    pub classes: Vec<ClassUse>,
}

/// The sets of advertisements that Services' prefixes have, each once.
pub(super) struct AdvertisementSets<'a> {
    sets: Vec<Vec<&'a BgpAdvertisement>>,
    names: Vec<&'a BTreeSet<Arc<str>>>,
    by_address: HashMap<*const BTreeSet<Arc<str>>, usize>,
}

impl<'a> AdvertisementSets<'a> {
    pub(super) fn of(inputs: &Inputs<'a>) -> Self {
        let mut found = Self { sets: Vec::new(), names: Vec::new(), by_address: HashMap::new() };
        let mut by_value: BTreeMap<&BTreeSet<Arc<str>>, usize> = BTreeMap::new();
        for announced in inputs.announced.values() {
            let address = Arc::as_ptr(&announced.advertisements);
            if found.by_address.contains_key(&address) {
                continue;
            }
            let names = announced.advertisements.as_ref();
            let at = *by_value.entry(names).or_insert_with(|| {
                found.names.push(names);
                found.sets.push(names.iter().filter_map(|n| inputs.advertisements.get(n)).collect());
                found.sets.len() - 1
            });
            found.by_address.insert(address, at);
        }
        found
    }

    fn index(&self, set: &Arc<BTreeSet<Arc<str>>>) -> Option<usize> {
        self.by_address.get(&Arc::as_ptr(set)).copied()
    }
}

/// Advertisements of a set that a neighbor is chosen by.
fn chosen<'s>(
    set: &'s [&BgpAdvertisement],
    neighbor: &'s MergedNeighbor,
) -> impl Iterator<Item = &'s BgpAdvertisement> {
    set.iter().copied().filter(|ad| {
        !neighbor.peers.is_empty()
            && (ad.peers.is_empty() || neighbor.peers.iter().any(|p| ad.peers.contains(p)))
    })
}

/// The families that a neighbor carries unicast routes of.
pub(super) fn carried(id: &NeighborId, neighbor: &MergedNeighbor) -> &'static [Family] {
    neighbor.session().filter(|s| s.unicast).map_or(&[], |s| s.families(id))
}

/// Sorts the own prefixes of a router into classes.
pub(super) fn of_router(
    inputs: &Inputs<'_>,
    sets: &AdvertisementSets<'_>,
    vrf: &Vrf,
    router: &MergedRouter,
    withheld: &Withheld,
) -> RouterClasses {
    let (found, index) = (RouterClasses::default(), HashMap::new());
    let mut builder = Builder { sets, vrf, router, draining: inputs.draining, found, index };
    let families = builder.families_of_sets();
    let mut own: BTreeMap<IpNet, Option<usize>> = BTreeMap::new();
    let mut services = Vec::with_capacity(inputs.announced.len());
    for (prefix, announced) in inputs.announced {
        let Some(set) = sets.index(&announced.advertisements) else { continue };
        if families.get(set).is_some_and(|f| f.contains(&family(prefix))) {
            services.push((*prefix, set));
        }
    }
    own.extend(router.prefixes.keys().map(|prefix| (*prefix, None)));
    own.extend(services.iter().map(|(prefix, set)| (*prefix, Some(*set))));
    let mut tokens = tokens(router, &own, withheld);
    let placed: Vec<(IpNet, Own)> = own
        .into_iter()
        .filter_map(|(prefix, set)| {
            let class = builder.class(set, tokens.remove(&prefix).unwrap_or_default(), family(&prefix));
            let announced = inputs.announced.get(&prefix).filter(|_| set.is_some());
            (class.is_some() || router.prefixes.contains_key(&prefix))
                .then(|| (prefix, Own { class, origins: origins(router, &prefix, announced) }))
        })
        .collect();
    builder.found.own = placed.into_iter().collect();
    builder.finish()
}

fn origins(router: &MergedRouter, prefix: &IpNet, announced: Option<&crate::frr::Announced>) -> Origins {
    let mut origins = announced.map(|a| a.origins.clone()).unwrap_or_default();
    let listed = router.prefixes.get(prefix).into_iter().flatten();
    origins.extend(listed.map(|(_, by)| Origin(format!("{}.prefixes", by.origin).into())));
    origins
}

/// What FRRConfigurations select the own prefixes by.
fn tokens(
    router: &MergedRouter,
    own: &BTreeMap<IpNet, Option<usize>>,
    withheld: &Withheld,
) -> BTreeMap<IpNet, BTreeSet<Token>> {
    let mut tokens: BTreeMap<IpNet, BTreeSet<Token>> = BTreeMap::new();
    let mut add = |prefix: &IpNet, token| {
        if own.contains_key(prefix) {
            tokens.entry(*prefix).or_default().insert(token);
        }
    };
    for (prefix, listed) in &router.prefixes {
        for (listing, _) in listed {
            add(prefix, Token::Listed(listing.clone()));
        }
    }
    for (id, prefixes) in withheld {
        for prefix in prefixes {
            add(prefix, Token::Withheld(id.clone()));
        }
    }
    for (id, neighbor) in &router.neighbors {
        let carried = carried(id, neighbor);
        for prefix in neighbor.named.iter().filter(|p| carried.contains(&family(p))) {
            add(prefix, Token::Sent(id.clone()));
        }
        for (prefix, (value, _)) in &neighbor.local_prefs {
            add(prefix, Token::LocalPref(id.clone(), *value));
        }
        for (prefix, communities) in &neighbor.communities {
            for community in communities {
                add(prefix, Token::Community(id.clone(), *community));
            }
        }
    }
    tokens
}

struct Builder<'a> {
    sets: &'a AdvertisementSets<'a>,
    vrf: &'a Vrf,
    router: &'a MergedRouter,
    draining: bool,
    found: RouterClasses,
    index: HashMap<(Option<usize>, Vec<Token>), usize>,
}

impl Builder<'_> {
    /// Per set of advertisements the families in which a neighbor of this router is sent it.
    fn families_of_sets(&self) -> Vec<BTreeSet<Family>> {
        let families = |set: &Vec<&BgpAdvertisement>| {
            let chosen = self.router.neighbors.iter().filter(|(_, n)| chosen(set, n).next().is_some());
            chosen.flat_map(|(id, n)| carried(id, n)).copied().collect()
        };
        self.sets.sets.iter().map(families).collect()
    }

    /// The class of a prefix; `None` where nobody is sent it.
    fn class(&mut self, set: Option<usize>, tokens: BTreeSet<Token>, family: Family) -> Option<usize> {
        let known = (set, tokens.into_iter().collect::<Vec<_>>());
        let at = self.index.get(&known).copied().unwrap_or(self.found.classes.len());
        if at == self.found.classes.len() {
            let class = self.make(set, &known.1);
            self.found.classes.push(class);
            self.index.insert(known, at);
        }
        self.found.classes.get(at).filter(|c| c.families.contains(&family)).map(|_| at)
    }

    fn make(&self, set: Option<usize>, tokens: &[Token]) -> ClassUse {
        let ads: &[&BgpAdvertisement] = set.and_then(|at| self.sets.sets.get(at)).map_or(&[], Vec::as_slice);
        let names = set.and_then(|at| self.sets.names.get(at)).into_iter().copied().flatten();
        let all = names.cloned().map(Token::Advertisement).chain(tokens.iter().cloned()).collect();
        let mut picks = BTreeMap::new();
        let mut families = BTreeSet::new();
        for (id, neighbor) in &self.router.neighbors {
            if let Some(attributes) = pick(id, neighbor, ads, tokens, self.draining) {
                picks.insert(id.clone(), attributes);
                families.extend(carried(id, neighbor).iter().copied());
            }
        }
        let listings = self
            .router
            .prefixes
            .values()
            .flatten()
            .filter(|(listing, _)| tokens.iter().any(|t| matches!(t, Token::Listed(l) if l == listing)));
        let mut origins: Origins = listings.map(|(_, by)| object_origin(&by.object)).collect();
        origins.extend(ads.iter().map(|ad| Origin(format!("{} spec", ad.object).into())));
        ClassUse { key: ClassKey { vrf: self.vrf.clone(), tokens: all }, picks, families, origins }
    }

    /// Drops classes that no prefix is in, such as those of prefixes that nobody is sent.
    fn finish(mut self) -> RouterClasses {
        let used: BTreeSet<usize> = self.found.own.values().filter_map(|own| own.class).collect();
        let moved: HashMap<usize, usize> = used.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        for own in self.found.own.values_mut() {
            own.class = own.class.and_then(|at| moved.get(&at).copied());
        }
        let classes = std::mem::take(&mut self.found.classes);
        let kept = classes.into_iter().enumerate().filter(|(at, _)| used.contains(at));
        self.found.classes = kept.map(|(_, class)| class).collect();
        self.found
    }
}

/// What a neighbor is sent the prefixes of a class with; `None` where it is not sent them.
fn pick(
    id: &NeighborId,
    neighbor: &MergedNeighbor,
    ads: &[&BgpAdvertisement],
    tokens: &[Token],
    draining: bool,
) -> Option<Attributes> {
    let mut attributes = Attributes::default();
    let mut sent = false;
    let mut stays = !draining;
    for ad in chosen(ads, neighbor) {
        sent = true;
        stays |= ad.drain.is_none();
        attributes.local_pref = attributes.local_pref.max(ad.local_pref);
        attributes.communities.extend(ad.communities.iter().copied());
    }
    for token in tokens {
        match token {
            Token::Listed(listing) if neighbor.all_of.contains(listing) => (sent, stays) = (true, true),
            Token::Sent(to) if to == id => (sent, stays) = (true, true),
            Token::Withheld(from) if from == id => return None,
            Token::LocalPref(to, value) if to == id => attributes.local_pref = Some(*value),
            Token::Community(to, community) if to == id => {
                attributes.communities.insert(*community);
            }
            _ => {}
        }
    }
    if !stays {
        // RFC 8326: of all ways the last, until it goes.
        attributes.local_pref = Some(0);
        attributes.communities.insert(Community::GRACEFUL_SHUTDOWN);
    }
    sent.then_some(attributes)
}

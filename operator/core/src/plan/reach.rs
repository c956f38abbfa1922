//! Whether any node announces a Service, and what is missing where none does: what the nodes decide, seen from above.
//!
//! Nodes are asked once per group of Services, those of one pool that the same advertisements match; what is left per
//! Service is where its endpoints are. So one Service costs the same on three nodes and on three thousand.

use super::EXCLUDE_LABEL;
use super::missing::{Missing, Names as Listed};
use super::node::Offer;
use super::planner::Group as OnNodes;
use super::refusal::Refusal;
use super::stance::stance;
use crate::model::{L2Advertisement, Model, Peer, PoolName, Service, Serving};
use crate::selector::any_matches;
use crate::snapshot::Node;
use herald_frr::config::NeighborId;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// A node, and the peers that it has for a Service.
pub(crate) type NodeSessions = (Arc<str>, Arc<[Arc<str>]>);

/// By what a Service is announced: names of advertisements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Announcement {
    pub bgp: Listed,
    pub l2: Listed,
    /// The nodes that announce it over BGP, each with the peers that it has for it.
    pub sessions: Vec<NodeSessions>,
}

/// What nodes decide, kept for one Model.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    groups: BTreeMap<Key, Group>,
    /// Names of the peers of each node; made when first asked for.
    sessions: Option<BTreeMap<Arc<str>, Vec<Arc<str>>>>,
}

/// A pool, and which of its advertisements match.
type Key = (PoolName, Vec<bool>, Vec<bool>);

#[derive(Debug)]
struct Group {
    bgp: Result<Way, Missing>,
    l2: Result<Way, Missing>,
}

/// What a node offers where no other can take over, and while one can: a node that drains offers nothing then.
#[derive(Debug, Clone, Copy, Default)]
struct Places {
    alone: usize,
    usual: Option<usize>,
}

/// One protocol that some nodes announce by.
#[derive(Debug)]
struct Way {
    advertisements: Listed,
    /// Each with what it offers over BGP, by its place in `offers`.
    nodes: BTreeMap<Arc<str>, Places>,
    /// What is offered over BGP, each once.
    offers: Vec<Arc<Offer>>,
}

impl Reach {
    /// By what a Service with these addresses of a pool is announced, or the first thing that is missing on the
    /// way that gets farthest.
    pub fn judge(
        &mut self,
        model: &Model,
        ignore_exclude_lb: bool,
        (pool, ips): (&PoolName, &[IpAddr]),
        service: &Service,
        serving: Option<&Serving>,
    ) -> Result<Announcement, Missing> {
        let key = key_of(model, pool, service);
        if !self.groups.contains_key(&key) {
            let group = Group {
                bgp: self.over_bgp(model, ignore_exclude_lb, &key),
                l2: on_layer_2(model, ignore_exclude_lb, &key),
            };
            self.groups.insert(key.clone(), group);
        }
        let Some(Group { bgp, l2 }) = self.groups.get(&key) else {
            return Err(Missing::NoAdvertisement(pool.clone()));
        };
        let bgp = bgp
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|way| way.serves(service, serving)?.passes(model, ips));
        let l2 = l2
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|way| way.shares(model, service)?.serves(service, serving));
        match (bgp, l2) {
            (Err(one), Err(other)) => Err(if one.progress() >= other.progress() { one } else { other }),
            (bgp, l2) => {
                let sessions = bgp.as_ref().map(|way| way.sessions(model, ips, service, serving));
                let sessions = sessions.unwrap_or_default();
                let names = |way: Result<&Way, Missing>| way.map(|way| way.advertisements.clone());
                let (bgp, l2) = (names(bgp).unwrap_or_default(), names(l2).unwrap_or_default());
                Ok(Announcement { bgp, l2, sessions })
            }
        }
    }

    fn over_bgp(&mut self, model: &Model, ignore_exclude_lb: bool, key: &Key) -> Result<Way, Missing> {
        let (pool, matches, _) = key;
        let of_pool: Vec<_> =
            model.bgp_advertisements.values().filter(|ad| ad.pools.contains(pool)).collect();
        let matching: Vec<_> =
            of_pool.iter().zip(matches).filter(|(_, yes)| **yes).map(|(ad, _)| *ad).collect();
        let listed = |ads: &[&crate::model::BgpAdvertisement]| {
            Listed::of("BGPAdvertisement", ads.iter().map(|ad| &ad.object.name))
        };
        if of_pool.is_empty() {
            return Err(Missing::NoAdvertisement(pool.clone()));
        }
        if matching.is_empty() {
            return Err(Missing::NoMatchingAdvertisement(listed(&of_pool)));
        }
        let advertisements = listed(&matching);
        let Some(found) = model.pools.get(pool) else { return Err(Missing::NoAdvertisement(pool.clone())) };
        let group = OnNodes { pool: found, of_pool, matching };
        let sessions = self.sessions.get_or_insert_with(|| sessions(model));
        let mut way =
            Way { advertisements: advertisements.clone(), nodes: BTreeMap::new(), offers: Vec::new() };
        let (mut refusals, mut alone) = (BTreeSet::new(), false);
        for node in model.nodes.values() {
            let names = sessions.get(&node.name).map_or(&[][..], |names| names);
            let peers: Vec<&Peer> = names.iter().filter_map(|name| model.peers.get(name)).collect();
            // A node that drains still announces what no other can take over.
            let stance = stance(model, &group, node, &peers, ignore_exclude_lb);
            match stance.alone {
                Ok(offer) if offer.peers.is_empty() => alone = true,
                Ok(offer) => {
                    let usual = stance.usual.ok().map(|offer| way.place(offer));
                    let places = Places { alone: way.place(offer), usual };
                    way.nodes.insert(node.name.clone(), places);
                }
                Err(why) => drop(refusals.insert(why)),
            }
        }
        match (way.nodes.is_empty(), alone) {
            (false, _) => Ok(way),
            (true, true) => Err(Missing::NoPeer(advertisements)),
            (true, false) if refusals.contains(&Refusal::ConflictingAdvertisements) => {
                Err(Missing::ConflictingAdvertisements(advertisements))
            }
            (true, false) => Err(Missing::NoEligibleNode { advertisements, why: refusals.into() }),
        }
    }
}

impl Way {
    fn place(&mut self, offer: Arc<Offer>) -> usize {
        let known = self.offers.iter().position(|known| *known == offer);
        known.unwrap_or_else(|| {
            self.offers.push(offer);
            self.offers.len() - 1
        })
    }

    /// Whether endpoints can serve from where it leads.
    fn serves(&self, service: &Service, serving: Option<&Serving>) -> Result<&Self, Missing> {
        let Some(serving) = serving.filter(|serving| serving.anywhere) else {
            return Err(Missing::NoEndpoints);
        };
        let here = |nodes: &BTreeSet<Arc<str>>| nodes.iter().any(|node| self.nodes.contains_key(node));
        if service.traffic_local && !here(&serving.ready) && !here(&serving.leaving) {
            return Err(Missing::NoLocalEndpoints);
        }
        Ok(self)
    }

    /// The nodes that announce a Service with these addresses, and the peers that carry one of their families.
    fn sessions(
        &self,
        model: &Model,
        ips: &[IpAddr],
        service: &Service,
        serving: Option<&Serving>,
    ) -> Vec<NodeSessions> {
        let carries = |name: &&Arc<str>| {
            let peer = model.peers.get(*name);
            peer.is_some_and(|peer| match peer.id {
                NeighborId::Address(of) if !peer.dual_stack => {
                    ips.iter().any(|ip| ip.is_ipv4() == of.is_ipv4())
                }
                _ => true,
            })
        };
        let of_offer = |offer: &Arc<Offer>| offer.peers.iter().filter(carries).cloned().collect();
        let peers: Vec<Arc<[Arc<str>]>> = self.offers.iter().map(of_offer).collect();
        // Endpoints that terminate serve where no others do, and so do nodes that drain.
        let ready = serving.filter(|_| service.traffic_local).map(|serving| {
            let here = serving.ready.iter().any(|node| self.nodes.contains_key(node));
            if here { &serving.ready } else { &serving.leaving }
        });
        let serves = |(node, _): &(&Arc<str>, &Places)| ready.is_none_or(|ready| ready.contains(*node));
        let nodes: Vec<_> = self.nodes.iter().filter(serves).collect();
        let stay = nodes.iter().any(|(_, places)| places.usual.is_some());
        let of = |(node, places): (&Arc<str>, &Places)| {
            let at = if stay { places.usual? } else { places.alone };
            Some((node.clone(), peers.get(at)?.clone()))
        };
        nodes.into_iter().filter_map(of).collect()
    }

    /// Whether the guard rails leave any prefix.
    fn passes(&self, model: &Model, ips: &[IpAddr]) -> Result<&Self, Missing> {
        let mut prefixes = self
            .offers
            .iter()
            .flat_map(|offer| ips.iter().flat_map(|ip| offer.prefixes(*ip)).map(|(net, _)| net));
        let Some(first) = prefixes.next() else { return Ok(self) };
        match model.guard.refusal(&first) {
            Some(why) if prefixes.all(|net| model.guard.refusal(&net).is_some()) => {
                Err(Missing::ClusterNetwork(why.to_string()))
            }
            _ => Ok(self),
        }
    }

    /// Whether an address may be shared on layer 2.
    fn shares(&self, model: &Model, service: &Service) -> Result<&Self, Missing> {
        let selects = |name: &Arc<str>| {
            model.l2_advertisements.get(name).is_some_and(|ad| !ad.service_selectors.is_empty())
        };
        if service.has_sharing_annotation && self.advertisements.names().iter().any(selects) {
            return Err(Missing::SharedWithSelectors(self.advertisements.clone()));
        }
        Ok(self)
    }
}

fn key_of(model: &Model, pool: &PoolName, service: &Service) -> Key {
    let bgp = model.bgp_advertisements.values().filter(|ad| ad.pools.contains(pool));
    let l2 = model.l2_advertisements.values().filter(|ad| ad.pools.contains(pool));
    (
        pool.clone(),
        bgp.map(|ad| any_matches(&ad.service_selectors, &service.labels)).collect(),
        l2.map(|ad| any_matches(&ad.service_selectors, &service.labels)).collect(),
    )
}

fn sessions(model: &Model) -> BTreeMap<Arc<str>, Vec<Arc<str>>> {
    let of = |node: &Node| model.peers_on(node).0.into_iter().map(|peer| peer.object.name.clone()).collect();
    model.nodes.values().map(|node| (node.name.clone(), of(node))).collect()
}

/// Nodes that may be elected (MetalLB, `layer2_controller.go`).
fn on_layer_2(model: &Model, ignore_exclude_lb: bool, key: &Key) -> Result<Way, Missing> {
    let (pool, _, matches) = key;
    let of_pool: Vec<&L2Advertisement> =
        model.l2_advertisements.values().filter(|ad| ad.pools.contains(pool)).collect();
    let matching: Vec<_> = of_pool.iter().zip(matches).filter(|(_, yes)| **yes).map(|(ad, _)| *ad).collect();
    let listed =
        |ads: &[&L2Advertisement]| Listed::of("L2Advertisement", ads.iter().map(|ad| &ad.object.name));
    if of_pool.is_empty() {
        return Err(Missing::NoAdvertisement(pool.clone()));
    }
    if matching.is_empty() {
        return Err(Missing::NoMatchingAdvertisement(listed(&of_pool)));
    }
    let refusal = |node: &Node| {
        if !matching.iter().any(|ad| any_matches(&ad.node_selectors, &node.labels)) {
            return Some(Refusal::NotOwner);
        }
        if node.network_unavailable {
            return Some(Refusal::NodeNetworkUnavailable);
        }
        (!ignore_exclude_lb && node.labels.contains_key(EXCLUDE_LABEL))
            .then_some(Refusal::NodeLabeledExcludeBalancers)
    };
    let (mut nodes, mut refusals) = (BTreeMap::new(), BTreeSet::new());
    for node in model.nodes.values() {
        match refusal(node) {
            // What is offered matters on BGP only.
            None => drop(nodes.insert(node.name.clone(), Places::default())),
            Some(why) => drop(refusals.insert(why)),
        }
    }
    let advertisements = listed(&matching);
    if nodes.is_empty() {
        return Err(Missing::NoEligibleNode { advertisements, why: refusals.into() });
    }
    Ok(Way { advertisements, nodes, offers: Vec::new() })
}

//! What one node announces (MetalLB's speaker, `bgp_controller.go`; there is no election).

use super::Refusal;
use super::planner::{Candidate, Planner};
use super::stance::{Case, Stance, stance};
use crate::frr::Announced;
use crate::model::{BgpAdvertisement, Peer, Pool, ServiceKey};
use crate::snapshot::Node;
use herald_frr::config::Origins;
use herald_frr::value::Family;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The label that keeps a node from serving load balancers (Kubernetes, well-known labels).
pub const EXCLUDE_LABEL: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// Object names.
pub type Names = Arc<BTreeSet<Arc<str>>>;

/// What one node announces, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePlan {
    /// The node.
    pub node: Arc<str>,
    /// Each Service's decision, in the order of their keys.
    pub services: Vec<(ServiceKey, Decision)>,
    /// Every prefix, with the advertisements that it has and the Services that it is for.
    pub announced: BTreeMap<IpNet, Announced>,
}

/// How a Service is announced from a node, or why it is not.
pub type Decision = Result<Arc<Offer>, Refusal>;

/// How Services of one group are announced from a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Names of the `BGPAdvertisements`.
    pub advertisements: Names,
    /// Names of the `BGPPeers` of this node that are offered the prefixes.
    pub peers: Names,
    lengths_v4: Vec<(u8, Names)>,
    lengths_v6: Vec<(u8, Names)>,
}

impl Offer {
    /// What these advertisements ask for, offered to those of the node's peers that they are for.
    pub(super) fn of(advertisements: &[&BgpAdvertisement], peers: &[&Peer]) -> Self {
        let offered = |name: &Arc<str>| advertisements.iter().any(|ad| ad.reaches(name));
        let peers =
            peers.iter().map(|peer| &peer.object.name).filter(|name| offered(name)).cloned().collect();
        Self {
            advertisements: Arc::new(advertisements.iter().map(|ad| ad.object.name.clone()).collect()),
            peers: Arc::new(peers),
            lengths_v4: by_length(advertisements, |ad| ad.length_v4),
            lengths_v6: by_length(advertisements, |ad| ad.length_v6),
        }
    }

    /// The prefixes for an address, each with the names of its advertisements.
    pub fn prefixes(&self, address: IpAddr) -> impl Iterator<Item = (IpNet, &Names)> {
        let lengths = if address.is_ipv4() { &self.lengths_v4 } else { &self.lengths_v6 };
        // The Model holds no length that is longer than the family's addresses.
        lengths.iter().filter_map(move |(length, names)| {
            IpNet::new(address, *length).ok().map(|net| (net.trunc(), names))
        })
    }
}

impl Planner<'_> {
    /// Decides for one node. `peers` are the sessions that it holds.
    #[must_use]
    pub fn node(&self, node: &Node, peers: &[&Peer]) -> NodePlan {
        let stance = |group| stance(self.model, group, node, peers, self.ignore_exclude_lb);
        let stances: Vec<Stance> = self.groups.iter().map(stance).collect();
        let decisions: Vec<Decision> =
            self.candidates.iter().map(|candidate| self.decide(candidate, &stances)).collect();
        let announced = self.announced(&decisions);
        let keys = self.candidates.iter().map(|candidate| candidate.key.clone());
        NodePlan { node: node.name.clone(), services: keys.zip(decisions).collect(), announced }
    }

    /// Every address of which this plan of a node announces something, with its Service.
    pub(crate) fn announcing<'p>(
        &'p self,
        plan: &'p NodePlan,
    ) -> impl Iterator<Item = (&'p ServiceKey, IpAddr)> {
        self.addresses.iter().filter_map(|(address, position)| {
            let (key, decision) = plan.services.get(*position)?;
            let mut nets = decision.as_ref().ok()?.prefixes(*address);
            nets.any(|(net, _)| plan.announced.contains_key(&net)).then_some((key, *address))
        })
    }

    fn decide(&self, candidate: &Candidate<'_>, stances: &[Stance]) -> Decision {
        let Candidate { key, traffic_local, serving: ready, .. } = *candidate;
        let stance = stances.get(candidate.group?).ok_or(Refusal::IpNotAllowed)?;
        let case = Case { traffic_local, ready, waiting: self.model.waiting.contains(key) };
        let choice = stance.decide(self.model, case)?;
        stance.offer(choice).cloned().ok_or(Refusal::NodeDraining)
    }

    fn announced(&self, decisions: &[Decision]) -> BTreeMap<IpNet, Announced> {
        let mut found = Vec::with_capacity(self.addresses.len());
        for (address, position) in &self.addresses {
            if let (Some(Ok(offer)), Some(candidate)) =
                (decisions.get(*position), self.candidates.get(*position))
            {
                found.extend(offer.prefixes(*address).map(|(net, names)| (net, names, &candidate.origins)));
            }
        }
        found.sort_by_key(|(net, ..)| *net);
        let of_prefix = found.chunk_by(|(one, ..), (other, ..)| one == other);
        let joined = of_prefix.filter_map(|all| {
            let (net, ..) = all.first()?;
            Some((*net, join(all.iter().map(|(_, names, origins)| (*names, *origins)))?))
        });
        joined.collect()
    }
}

/// One prefix of all who ask for it; `None` where nobody does.
pub(super) fn join<'a>(asking: impl Iterator<Item = (&'a Names, &'a Origins)>) -> Option<Announced> {
    let mut joined: Option<(Names, Vec<&Origins>)> = None;
    for (names, origins) in asking {
        match &mut joined {
            None => joined = Some((names.clone(), vec![origins])),
            Some((known, all)) => {
                if known != names {
                    Arc::make_mut(known).extend(names.iter().cloned());
                }
                all.push(origins);
            }
        }
    }
    let (advertisements, origins) = joined?;
    let origins = match origins[..] {
        [only] => only.clone(),
        _ => origins.into_iter().flatten().cloned().collect(),
    };
    Some(Announced { advertisements, origins })
}

/// Whether two advertisements would give one prefix at one peer two local preferences.
pub(super) fn conflict(advertisements: &[&BgpAdvertisement], pool: &Pool) -> bool {
    advertisements.iter().enumerate().any(|(position, a)| {
        advertisements
            .iter()
            .skip(position + 1)
            .any(|b| a.local_pref != b.local_pref && same_length(a, b, pool) && peers_intersect(a, b))
    })
}

fn same_length(a: &BgpAdvertisement, b: &BgpAdvertisement, pool: &Pool) -> bool {
    (pool.has_family(Family::V4) && a.length_v4 == b.length_v4)
        || (pool.has_family(Family::V6) && a.length_v6 == b.length_v6)
}

fn peers_intersect(a: &BgpAdvertisement, b: &BgpAdvertisement) -> bool {
    a.peers.is_empty() || b.peers.is_empty() || !a.peers.is_disjoint(&b.peers)
}

fn by_length(
    advertisements: &[&BgpAdvertisement],
    length: impl Fn(&BgpAdvertisement) -> u8,
) -> Vec<(u8, Names)> {
    let mut lengths: BTreeMap<u8, BTreeSet<Arc<str>>> = BTreeMap::new();
    for ad in advertisements {
        lengths.entry(length(ad)).or_default().insert(ad.object.name.clone());
    }
    lengths.into_iter().map(|(length, names)| (length, Arc::new(names))).collect()
}

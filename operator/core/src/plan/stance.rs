//! What a node decides of a group of Services, and then of one of them by its endpoints.
//!
//! Whether another node can take over matters twice. A node that drains withdraws, and one whose endpoints all
//! terminate does; but where nobody else can take the traffic, it stays (docs/draining.md).

use super::node::{EXCLUDE_LABEL, Offer, conflict};
use super::planner::{Group, Ready};
use super::refusal::Refusal;
use crate::model::{BgpAdvertisement, Model, Peer, Serving};
use crate::selector::any_matches;
use crate::snapshot::Node;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// What a node decides of all Services of a group.
#[derive(Debug)]
pub(super) struct Stance {
    node: Arc<str>,
    ignore_exclude_lb: bool,
    /// Names of all advertisements that match the group, for whatever node.
    matching: Arc<[Arc<str>]>,
    /// What it offers while another node can take over.
    pub usual: Result<Arc<Offer>, Refusal>,
    /// What it offers where no other node can.
    pub alone: Result<Arc<Offer>, Refusal>,
    /// The other nodes that can take over.
    others: OnceLock<BTreeSet<Arc<str>>>,
}

/// Which of its offers a node makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// [`Stance::usual`].
    Usual,
    /// [`Stance::alone`].
    Alone,
}

/// One Service, as far as its endpoints decide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub traffic_local: bool,
    pub ready: Ready<'a>,
    /// kube-proxy is not known to serve it on the node yet.
    pub waiting: bool,
}

/// The refusals that hold for all Services of a group, in `MetalLB`'s order, then what is offered.
pub(super) fn stance(
    model: &Model,
    group: &Group<'_>,
    node: &Node,
    peers: &[&Peer],
    ignore_exclude_lb: bool,
) -> Stance {
    let covering = covering(group, node, ignore_exclude_lb);
    let alone = covering.as_ref().map(|ads| Arc::new(Offer::of(ads, peers))).map_err(|why| *why);
    let usual = covering.and_then(|covering| {
        let staying: Vec<_> = covering.iter().copied().filter(|ad| !model.is_over(ad, node)).collect();
        match staying.len() {
            0 => Err(Refusal::NodeDraining),
            all if all == covering.len() => alone.clone(),
            _ => Ok(Arc::new(Offer::of(&staying, peers))),
        }
    });
    let matching = group.matching.iter().map(|ad| ad.object.name.clone()).collect();
    let others = OnceLock::new();
    Stance { node: node.name.clone(), ignore_exclude_lb, matching, usual, alone, others }
}

/// The advertisements that cover the node.
fn covering<'m>(
    group: &Group<'m>,
    node: &Node,
    ignore_exclude_lb: bool,
) -> Result<Vec<&'m BgpAdvertisement>, Refusal> {
    let covers = |ad: &&&BgpAdvertisement| any_matches(&ad.node_selectors, &node.labels);
    if !group.of_pool.iter().any(|ad| covers(&ad)) {
        return Err(Refusal::NotOwner);
    }
    let matching: Vec<&BgpAdvertisement> = group.matching.iter().filter(covers).copied().collect();
    if matching.is_empty() {
        return Err(Refusal::NoMatchingAdvertisement);
    }
    if conflict(&matching, group.pool) {
        return Err(Refusal::ConflictingAdvertisements);
    }
    match unfit(node, ignore_exclude_lb) {
        Some(why) => Err(why),
        None => Ok(matching),
    }
}

/// Why a node announces nothing at all.
fn unfit(node: &Node, ignore_exclude_lb: bool) -> Option<Refusal> {
    if node.network_unavailable {
        return Some(Refusal::NodeNetworkUnavailable);
    }
    (!ignore_exclude_lb && node.labels.contains_key(EXCLUDE_LABEL))
        .then_some(Refusal::NodeLabeledExcludeBalancers)
}

impl Stance {
    /// Whether and how the node offers a Service of the group.
    pub fn decide(&self, model: &Model, case: Case<'_>) -> Result<Choice, Refusal> {
        let Case { traffic_local, ready, waiting } = case;
        let alone = self.alone.as_ref().map_err(|why| *why)?;
        let (anywhere, here, leaving) = match ready {
            Ready::Everywhere => (true, true, false),
            Ready::Nowhere => (false, false, false),
            Ready::At(serving) => {
                (serving.anywhere, serving.ready.contains(&self.node), serving.leaving.contains(&self.node))
            }
        };
        if traffic_local && !here && (!leaving || self.can_be_taken_over(model, case)) {
            return Err(Refusal::NoLocalEndpoints);
        }
        if !anywhere {
            return Err(Refusal::NoEndpoints);
        }
        if waiting {
            return Err(Refusal::AwaitsKubeProxy);
        }
        match &self.usual {
            Ok(usual) if Arc::ptr_eq(usual, alone) => Ok(Choice::Usual),
            _ if !self.can_be_taken_over(model, case) => Ok(Choice::Alone),
            Ok(_) => Ok(Choice::Usual),
            Err(why) => Err(*why),
        }
    }

    /// What is offered by that choice.
    pub fn offer(&self, choice: Choice) -> Option<&Arc<Offer>> {
        match choice {
            Choice::Usual => self.usual.as_ref().ok(),
            Choice::Alone => self.alone.as_ref().ok(),
        }
    }

    /// Whether another node can take a Service over. Of a node that is not known, its endpoints tell.
    fn can_be_taken_over(&self, model: &Model, Case { traffic_local, ready, .. }: Case<'_>) -> bool {
        let others = self.others.get_or_init(|| self.others(model));
        let takes = |node: &Arc<str>| others.contains(node) || !model.nodes.contains_key(node);
        match ready {
            Ready::At(Serving { ready, .. }) if traffic_local => {
                ready.iter().any(|node| *node != self.node && takes(node))
            }
            _ => !others.is_empty(),
        }
    }

    fn others(&self, model: &Model) -> BTreeSet<Arc<str>> {
        let ads: Vec<&BgpAdvertisement> =
            self.matching.iter().filter_map(|name| model.bgp_advertisements.get(name)).collect();
        let others = model.nodes.values().filter(|node| node.name != self.node);
        let others = others.filter(|node| unfit(node, self.ignore_exclude_lb).is_none());
        others.filter(|node| announces(model, &ads, node)).map(|node| node.name.clone()).collect()
    }
}

/// Whether a node announces by one of the advertisements and goes on doing so.
fn announces(model: &Model, advertisements: &[&BgpAdvertisement], node: &Node) -> bool {
    let staying = |ad: &&&BgpAdvertisement| any_matches(&ad.node_selectors, &node.labels) && !ad.drains(node);
    let mut peers = model.peers.values().filter(|peer| any_matches(&peer.node_selectors, &node.labels));
    let staying: Vec<_> = advertisements.iter().filter(staying).collect();
    peers.any(|peer| staying.iter().any(|ad| ad.reaches(&peer.object.name)))
}

#[cfg(test)]
mod tests;

//! Everything that Services have no part in.

use super::super::Options;
use super::super::planner::Group;
use super::super::stance::{Stance, stance};
use super::offered::{self, PeerSessions};
use crate::frr;
use crate::ledger::Ledger;
use crate::model::{Built, InForce, Model, Peer, PoolName, Service};
use crate::problem::Problem;
use crate::selector::any_matches;
use crate::snapshot::{Node, Snapshot};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The Model without Services, and what follows from it.
#[derive(Debug)]
pub struct World {
    pub model: Model,
    pub node: Node,
    /// What is in force before the node's own conflicts are known.
    pub in_force: InForce,
    pub problems: Vec<Problem>,
    /// Namespaces that Services are in.
    pub namespaces: BTreeSet<Arc<str>>,
    /// Prefixes that FRRConfigurations mention.
    pub mentioned: BTreeSet<IpNet>,
    /// Nobody holds anything in it.
    pub ledger: Ledger,
    /// The sessions of the node's peers.
    pub sessions: Arc<PeerSessions>,
    ignore_exclude_lb: bool,
    /// By pool and by which of its advertisements match a Service: what the node decides.
    stances: BTreeMap<(PoolName, Vec<bool>), Arc<Stance>>,
}

impl World {
    /// `None` where the node is not known.
    pub fn new(snapshot: &Snapshot, before: &InForce, node: &str, options: &Options) -> Option<Self> {
        let Built { model, problems, in_force } =
            Model::build_configuration(snapshot, before, &options.model);
        let node = model.nodes.get(node)?.clone();
        Some(Self {
            namespaces: snapshot.services.keys().map(|key| key.namespace.clone()).collect(),
            mentioned: frr::mentioned(&model),
            ledger: Ledger::new(&model.pools),
            ignore_exclude_lb: options.ignore_exclude_lb,
            stances: BTreeMap::new(),
            sessions: Arc::new(offered::sessions(&model.peers_on(&node).0)),
            model,
            node,
            in_force,
            problems,
        })
    }

    /// This, with what another one knows of Services; `None` if they could be served otherwise here.
    pub fn in_place_of(mut self, other: Self) -> Option<Self> {
        let peers = |world: &Self| -> Vec<Peer> {
            world.model.peers_on(&world.node).0.into_iter().cloned().collect()
        };
        let alike = peers(&self) == peers(&other)
            && self.node == other.node
            && self.namespaces == other.namespaces
            && self.mentioned == other.mentioned;
        let history = std::mem::take(&mut self.model.peer_history);
        // Who was there before decides between peers, and those are compared.
        let alike = alike && self.model == Model { peer_history: BTreeMap::new(), ..other.model };
        self.model.peer_history = history;
        (self.ledger, self.stances) = (other.ledger, other.stances);
        alike.then_some(self)
    }

    /// What the node decides of a Service that has addresses of a pool, before endpoints are asked.
    pub fn stance(&mut self, pool: &PoolName, service: &Service) -> Option<Arc<Stance>> {
        let Self { model, node, ignore_exclude_lb, stances, .. } = self;
        let of_pool: Vec<_> =
            model.bgp_advertisements.values().filter(|ad| ad.pools.contains(pool)).collect();
        let matches: Vec<bool> =
            of_pool.iter().map(|ad| any_matches(&ad.service_selectors, &service.labels)).collect();
        let key = (pool.clone(), matches);
        if let Some(known) = stances.get(&key) {
            return Some(known.clone());
        }
        let matching = of_pool.iter().zip(&key.1).filter(|(_, yes)| **yes).map(|(ad, _)| *ad).collect();
        let group = Group { pool: model.pools.get(pool)?, of_pool, matching };
        let found = Arc::new(stance(model, &group, node, &model.peers_on(node).0, *ignore_exclude_lb));
        stances.insert(key, found.clone());
        Some(found)
    }
}

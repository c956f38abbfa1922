//! What does not depend on the node, worked out once for all Services.
//!
//! Services whose pool is the same and which the same advertisements match are one group: a node
//! decides once per group, then only what endpoints decide is left per Service.

use super::Refusal;
use crate::ledger::Outcome;
use crate::model::{BgpAdvertisement, Model, Pool, PoolName, ServiceKey, Serving};
use crate::selector::any_matches;
use herald_frr::config::{Origin, Origins};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What counts as ready where the input holds no `EndpointSlice` of a Service at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Endpoints {
    /// Every node, as is useful for a Git repository, which never holds any.
    Assume,
    /// None, as is true in a cluster.
    #[default]
    Strict,
}

/// Decides what nodes announce. Made once, asked per node ([`Planner::node`]).
#[derive(Debug)]
pub struct Planner<'m> {
    pub(super) model: &'m Model,
    pub(super) ignore_exclude_lb: bool,
    /// By Service, in the order of their keys.
    pub(super) candidates: Vec<Candidate<'m>>,
    /// Addresses in ascending order, each with the candidate that holds it.
    pub(super) addresses: Vec<(IpAddr, usize)>,
    pub(super) groups: Vec<Group<'m>>,
}

/// A Service, as far as nodes do not matter.
#[derive(Debug)]
pub(super) struct Candidate<'m> {
    pub(super) key: &'m ServiceKey,
    /// Its group, or why no node announces it.
    pub(super) group: Result<usize, Refusal>,
    pub(super) traffic_local: bool,
    pub(super) serving: Ready<'m>,
    pub(super) origins: Origins,
}

/// Where endpoints can serve.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ready<'m> {
    /// On every node.
    Everywhere,
    /// Nowhere.
    Nowhere,
    /// Where the EndpointSlices say.
    At(&'m Serving),
}

impl<'m> Ready<'m> {
    /// What the EndpointSlices of a Service say, or what counts without any.
    pub(super) fn of(serving: Option<&'m Serving>, endpoints: Endpoints) -> Self {
        match (serving, endpoints) {
            (Some(serving), _) => Self::At(serving),
            (None, Endpoints::Assume) => Self::Everywhere,
            (None, Endpoints::Strict) => Self::Nowhere,
        }
    }
}

/// Services of one pool that the same advertisements match.
#[derive(Debug)]
pub(super) struct Group<'m> {
    pub(super) pool: &'m Pool,
    /// Every advertisement of the pool.
    pub(super) of_pool: Vec<&'m BgpAdvertisement>,
    /// Those that match the Services of the group.
    pub(super) matching: Vec<&'m BgpAdvertisement>,
}

impl<'m> Planner<'m> {
    /// Works out what does not depend on the node. `outcomes` says who holds which addresses.
    #[must_use]
    pub fn new(
        model: &'m Model,
        outcomes: &BTreeMap<ServiceKey, Outcome>,
        endpoints: Endpoints,
        ignore_exclude_lb: bool,
    ) -> Self {
        let mut groups = Groups::of(model);
        let mut candidates = Vec::with_capacity(model.services.len());
        let mut addresses = Vec::with_capacity(model.services.len());
        for (position, (key, service)) in model.services.iter().enumerate() {
            let group = match outcomes.get(key).and_then(Outcome::allocation) {
                Some(held) => {
                    addresses.extend(held.ips.iter().map(|ip| (*ip, position)));
                    groups.find(&held.pool, service).ok_or(Refusal::IpNotAllowed)
                }
                None if service.status_ips.is_empty() => Err(Refusal::NoIpAllocated),
                None => Err(Refusal::IpNotAllowed),
            };
            let serving = Ready::of(model.endpoints.get(key), endpoints);
            let origin = Origin(format!("{} status.loadBalancer", service.object).into());
            candidates.push(Candidate {
                key,
                group,
                traffic_local: service.traffic_local,
                serving,
                origins: Origins::from([origin]),
            });
        }
        addresses.sort_unstable();
        Self { model, ignore_exclude_lb, candidates, addresses, groups: groups.found }
    }
}

/// Finds the group of each Service.
struct Groups<'m> {
    pools: BTreeMap<&'m PoolName, (&'m Pool, Vec<&'m BgpAdvertisement>)>,
    /// Positions in `found` by pool and by which of its advertisements match.
    known: BTreeMap<(&'m PoolName, Vec<bool>), usize>,
    found: Vec<Group<'m>>,
}

impl<'m> Groups<'m> {
    fn of(model: &'m Model) -> Self {
        let advertisements =
            |name| model.bgp_advertisements.values().filter(move |ad| ad.pools.contains(name)).collect();
        let pools = model.pools.iter().map(|(name, pool)| (name, (pool, advertisements(name)))).collect();
        Self { pools, known: BTreeMap::new(), found: Vec::new() }
    }

    fn find(&mut self, pool: &PoolName, service: &crate::model::Service) -> Option<usize> {
        let (name, (pool, of_pool)) = self.pools.get_key_value(pool)?;
        let matches: Vec<bool> =
            of_pool.iter().map(|ad| any_matches(&ad.service_selectors, &service.labels)).collect();
        let position = *self.known.entry((*name, matches)).or_insert_with_key(|(_, matches)| {
            let matching = of_pool.iter().zip(matches).filter(|(_, yes)| **yes).map(|(ad, _)| *ad).collect();
            self.found.push(Group { pool, of_pool: of_pool.clone(), matching });
            self.found.len() - 1
        });
        Some(position)
    }
}

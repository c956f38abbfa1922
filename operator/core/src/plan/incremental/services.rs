//! What is known of each Service.

use super::super::node::Offer;
use super::super::planner::Ready;
use super::super::stance::{Case, Choice, Stance};
use super::super::{Endpoints, Note, Options};
use super::world::World;
use crate::ledger::{Outcome, recorded_among};
use crate::model::{
    self, Together, foreign_address, is_web_alone, lint_of_services, parse_service, serving_of,
};
use crate::problem::{ObjectRef, Problem};
use crate::selector::Selector;
use crate::snapshot::{Few, Service, ServiceKey, Snapshot};
use herald_frr::config::{Origin, Origins};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// What one Service of type `LoadBalancer` comes to.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and there are thousands of them"
)]
pub struct Entry {
    pub origins: Origins,
    /// Addresses in its status.
    ips: Few<IpAddr>,
    /// Whether they are its own to use.
    recorded: bool,
    /// What the node decides of its group.
    stance: Option<Arc<Stance>>,
    /// How the node offers them, if it does.
    choice: Option<Choice>,
    traffic_local: bool,
    /// Whether there is any EndpointSlice.
    has_slices: bool,
    web_alone: bool,
}

impl Entry {
    /// Every prefix that it is announced by.
    pub fn announced(&self) -> impl Iterator<Item = (IpNet, &super::super::Names)> {
        let ips = &*self.ips;
        self.offer_here()
            .into_iter()
            .flat_map(move |offer| ips.iter().flat_map(move |ip| offer.prefixes(*ip)))
    }

    /// How its addresses are announced from here, if they are.
    pub fn offer_here(&self) -> Option<&Offer> {
        self.stance.as_ref()?.offer(self.choice?).map(AsRef::as_ref)
    }
}

/// All Services.
#[derive(Debug, Default)]
pub struct Services {
    entries: BTreeMap<ServiceKey, Entry>,
    /// How many of them are what notes and warnings count.
    counts: Counts,
    /// Which Services have an address in their status.
    claims: BTreeSet<(IpAddr, ServiceKey)>,
    /// What is wrong with single Services, of those that have something.
    problems: BTreeMap<ServiceKey, Vec<Problem>>,
    /// Services of any type with a cluster address that lies in a pool.
    in_pools: BTreeMap<ServiceKey, Arc<Service>>,
}

/// Of how many entries something is true.
#[derive(Debug, Default)]
struct Counts {
    web_alone: usize,
    without_slices: usize,
    not_recorded: usize,
}

impl Counts {
    /// An entry comes, or goes.
    fn count(&mut self, entry: &Entry, comes: bool) {
        let each = [
            (&mut self.web_alone, entry.web_alone),
            (&mut self.without_slices, !entry.has_slices),
            (&mut self.not_recorded, !entry.recorded),
        ];
        for (count, _) in each.into_iter().filter(|(_, is)| *is) {
            *count = if comes { *count + 1 } else { count.saturating_sub(1) };
        }
    }
}

/// Services that were worked out anew, each with its form before.
pub type Touched = BTreeMap<ServiceKey, Option<Entry>>;

impl Services {
    /// Works out anew what is not as it was in `before`, and returns that.
    pub fn follow(
        &mut self,
        world: &mut World,
        before: &Snapshot,
        after: &Snapshot,
        options: &Options,
    ) -> Touched {
        let edited = before.services.changes(&after.services);
        let edited: BTreeSet<ServiceKey> = edited.into_iter().map(|change| change.key.clone()).collect();
        let resliced = before.endpoint_slices.changes(&after.endpoint_slices);
        let resliced = resliced.into_iter().map(|change| change.key.service.clone());
        let waiting = before.here.waiting.symmetric_difference(&after.here.waiting).cloned();
        let resliced: BTreeSet<ServiceKey> = resliced.chain(waiting).collect();

        let mut old = Touched::new();
        let mut parsed: BTreeMap<ServiceKey, model::Service> = BTreeMap::new();
        let mut addresses: BTreeSet<IpAddr> = BTreeSet::new();
        for key in edited {
            let entry = self.forget(&key);
            addresses.extend(entry.iter().flat_map(|entry| entry.ips.iter().copied()));
            if let Some(service) = after.services.get(&key) {
                parsed.extend(self.read(world, &key, service, options).map(|read| (key.clone(), read)));
            }
            old.insert(key, entry);
        }
        for (key, service) in &parsed {
            addresses.extend(service.status_ips.iter().copied());
            self.claims.extend(service.status_ips.iter().map(|ip| (*ip, key.clone())));
        }
        self.add_neighbours(addresses, world, after, options, &mut parsed);
        let outcomes = recorded_among(&mut world.ledger, &parsed);
        for (key, service) in &parsed {
            let entry = self.entry(world, key, service, outcomes.get(key), after, options);
            self.counts.count(&entry, true);
            let before = self.entries.insert(key.clone(), entry);
            if let Some(before) = &before {
                self.counts.count(before, false);
            }
            old.entry(key.clone()).or_insert(before);
        }
        for key in resliced {
            let Some(entry) = self.entries.get_mut(&key).filter(|_| !parsed.contains_key(&key)) else {
                continue;
            };
            let before = entry.clone();
            self.counts.count(&before, false);
            entry.look_at(&key, after, world, options.endpoints);
            self.counts.count(entry, true);
            old.entry(key).or_insert(Some(before));
        }
        old
    }

    /// Takes no more room than is needed, after many were added in order: that leaves a tree half full.
    pub fn pack(&mut self) {
        self.entries = std::mem::take(&mut self.entries).into_iter().collect();
        self.claims = std::mem::take(&mut self.claims).into_iter().collect();
    }

    /// Forgets all that is known of a Service.
    fn forget(&mut self, key: &ServiceKey) -> Option<Entry> {
        self.problems.remove(key);
        self.in_pools.remove(key);
        let entry = self.entries.remove(key)?;
        self.counts.count(&entry, false);
        for ip in &*entry.ips {
            self.claims.remove(&(*ip, key.clone()));
        }
        Some(entry)
    }

    /// Reads a Service that changed; `None` if it is not ours.
    fn read(
        &mut self,
        world: &World,
        key: &ServiceKey,
        service: &Arc<Service>,
        options: &Options,
    ) -> Option<model::Service> {
        let inside = |text: &Arc<str>| {
            let address: Option<IpAddr> = text.parse().ok();
            address.is_some_and(|address| {
                world.model.pools.values().any(|pool| pool.ranges.iter().any(|range| range.contains(address)))
            })
        };
        if service.cluster_ips.iter().any(inside) {
            self.in_pools.insert(key.clone(), service.clone());
        }
        let mut problems = Vec::new();
        let class = options.model.lb_class.as_deref();
        let read = parse_service(service, class, world.model.pool_families(), &mut problems);
        problems.extend(read.as_ref().and_then(|read| foreign_address(read, &world.model)));
        if !problems.is_empty() {
            self.problems.insert(key.clone(), problems);
        }
        read
    }

    /// Adds the Services that claim one of the addresses, and those that claim one of theirs: who has it is
    /// decided among them all.
    fn add_neighbours(
        &self,
        addresses: BTreeSet<IpAddr>,
        world: &World,
        after: &Snapshot,
        options: &Options,
        parsed: &mut BTreeMap<ServiceKey, model::Service>,
    ) {
        let mut waiting: Vec<IpAddr> = addresses.iter().copied().collect();
        let mut seen = addresses;
        while let Some(address) = waiting.pop() {
            for key in self.claimants(address, address).map(|(_, key)| key) {
                let Some(service) = after.services.get(key).filter(|_| !parsed.contains_key(key)) else {
                    continue;
                };
                let class = options.model.lb_class.as_deref();
                let read = parse_service(service, class, world.model.pool_families(), &mut Vec::new());
                let Some(read) = read else { continue };
                waiting.extend(read.status_ips.iter().filter(|ip| seen.insert(**ip)));
                parsed.insert(key.clone(), read);
            }
        }
    }

    /// Who claims addresses from the first to the last, in ascending order.
    fn claimants(&self, first: IpAddr, last: IpAddr) -> impl Iterator<Item = &(IpAddr, ServiceKey)> {
        self.claims.range((first, ServiceKey::default())..).take_while(move |(ip, _)| *ip <= last)
    }

    /// Announced Services with an address from the first to the last, in ascending order.
    pub fn announced_between(&self, first: IpAddr, last: IpAddr) -> impl Iterator<Item = (IpAddr, &Entry)> {
        let entry = |(ip, key): &(IpAddr, ServiceKey)| Some((*ip, self.entries.get(key)?));
        self.claimants(first, last).filter_map(entry).filter(|(_, entry)| entry.offer_here().is_some())
    }

    /// Every address that is offered from here, with its Service.
    pub fn addresses(&self) -> impl Iterator<Item = (&ServiceKey, IpAddr, &Offer)> {
        let here = self.entries.iter().filter_map(|(key, entry)| Some((key, entry, entry.offer_here()?)));
        here.flat_map(|(key, entry, offer)| entry.ips.iter().map(move |ip| (key, *ip, offer)))
    }

    /// Services that would announce this address alone.
    pub fn announcing_alone(&self, net: IpNet) -> impl Iterator<Item = &ServiceKey> {
        let claimants = self.claimants(net.addr(), net.addr());
        let announces = move |key: &ServiceKey| {
            let offer = self.entries.get(key).and_then(Entry::offer_here);
            offer.is_some_and(|offer| offer.prefixes(net.addr()).any(|(prefix, _)| prefix == net))
        };
        claimants.map(|(_, key)| key).filter(move |key| announces(key))
    }

    /// What is known of a Service.
    pub fn get(&self, key: &ServiceKey) -> Option<&Entry> {
        self.entries.get(key)
    }

    fn entry(
        &self,
        world: &mut World,
        key: &ServiceKey,
        service: &model::Service,
        outcome: Option<&Outcome>,
        after: &Snapshot,
        options: &Options,
    ) -> Entry {
        let held = outcome.and_then(Outcome::allocation);
        let stance = held.and_then(|held| world.stance(&held.pool, service));
        let known = self.entries.get(key).map(|entry| entry.origins.clone());
        let mut entry = Entry {
            origins: known.unwrap_or_else(|| origins(&service.object)),
            ips: service.status_ips.iter().copied().collect(),
            recorded: held.is_some(),
            stance,
            choice: None,
            traffic_local: service.traffic_local,
            has_slices: false,
            web_alone: is_web_alone(service),
        };
        entry.look_at(key, after, world, options.endpoints);
        entry
    }

    /// Adds what is wrong with Services, alone and together.
    pub fn problems(&self, world: &World, snapshot: &Snapshot, problems: &mut Vec<Problem>) {
        problems.extend(self.problems.values().flatten().cloned());
        let web = || self.entries.iter().find(|(_, entry)| entry.web_alone);
        let first = (self.counts.web_alone > 0).then(web).flatten();
        let first = first.and_then(|(key, _)| snapshot.services.get(key));
        let ours = snapshot.services.iter().filter(|(key, _)| self.entries.contains_key(*key));
        let selected =
            |selector: &Selector| ours.clone().any(|(_, service)| selector.matches(&service.meta.labels));
        let together = Together {
            any_service: !self.entries.is_empty(),
            selected: &selected,
            with_cluster_address: self.in_pools.values().map(AsRef::as_ref).collect(),
            web: (self.counts.web_alone, first.map(|service| &service.meta.object)),
        };
        lint_of_services(snapshot, &world.model, &together, problems);
    }

    /// What was assumed.
    pub fn notes(&self, endpoints: Endpoints) -> Vec<Note> {
        let Counts { without_slices, not_recorded, .. } = self.counts;
        let mut notes = Vec::new();
        if endpoints.assumes() && without_slices > 0 {
            notes.push(Note::EndpointsAssumed(without_slices));
        }
        if not_recorded > 0 {
            notes.push(Note::NotRecorded(not_recorded));
        }
        notes
    }
}

impl Entry {
    /// Takes in where endpoints can serve, and whether kube-proxy does.
    fn look_at(&mut self, key: &ServiceKey, now: &Snapshot, world: &World, endpoints: Endpoints) {
        let serving = serving_of(&now.endpoint_slices, key);
        let ready = Ready::of(serving.as_ref(), endpoints);
        let case = Case { traffic_local: self.traffic_local, ready, waiting: now.here.waiting.contains(key) };
        self.has_slices = serving.is_some();
        self.choice = self.stance.as_ref().and_then(|stance| stance.decide(&world.model, case).ok());
    }
}

fn origins(service: &ObjectRef) -> Origins {
    Origins::from([Origin(format!("{service} status.loadBalancer").into())])
}

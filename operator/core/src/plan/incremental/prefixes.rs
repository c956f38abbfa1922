//! What the node announces, prefix by prefix.

use super::super::Names;
use super::super::node::join;
use super::services::{Services, Touched};
use super::world::World;
use crate::frr::Announced;
use herald_frr::value::Family;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// What decides how a prefix is announced, where no FRRConfiguration mentions it.
pub type Kind = (Names, Family);

/// All announced prefixes.
#[derive(Debug, Default)]
pub struct Prefixes {
    pub announced: BTreeMap<IpNet, Announced>,
    /// Those that a guard rail refuses.
    pub refused: BTreeMap<IpNet, Announced>,
    /// How many prefixes that no FRRConfiguration mentions are of each kind.
    kinds: BTreeMap<Kind, usize>,
}

/// What became of the prefixes.
#[derive(Debug, Default)]
pub struct Changed {
    /// A kind came or went, or something changed that an FRRConfiguration mentions.
    pub kinds: bool,
    /// Prefixes that came, went, or are announced otherwise.
    pub prefixes: BTreeSet<IpNet>,
}

impl Prefixes {
    /// Works out anew the prefixes of the Services that were.
    pub fn follow(&mut self, touched: &Touched, services: &Services, world: &World) -> Changed {
        let mut asked: BTreeSet<IpNet> = BTreeSet::new();
        for (key, before) in touched {
            for entry in before.iter().chain(services.get(key)) {
                asked.extend(entry.announced().map(|(net, _)| net));
            }
        }
        let kinds_before: BTreeSet<Kind> = self.kinds().cloned().collect();
        let mut changed = Changed::default();
        for net in asked {
            let now = self.keep_rails(&net, announced(&net, services), world);
            if self.announced.get(&net) == now.as_ref() {
                continue;
            }
            let is_mentioned = world.mentioned.contains(&net);
            let kind = |it: &Announced| (it.advertisements.clone(), Family::of(net.addr()));
            if let Some(kind) = now.as_ref().map(kind).filter(|_| !is_mentioned) {
                *self.kinds.entry(kind).or_default() += 1;
            }
            let before = match now {
                Some(now) => self.announced.insert(net, now),
                None => self.announced.remove(&net),
            };
            if let Some(count) =
                before.as_ref().map(kind).filter(|_| !is_mentioned).and_then(|kind| self.kinds.get_mut(&kind))
            {
                *count -= 1;
            }
            changed.kinds |= is_mentioned;
            changed.prefixes.insert(net);
        }
        self.kinds.retain(|_, count| *count > 0);
        changed.kinds |= !self.kinds().eq(&kinds_before);
        changed
    }

    /// Takes no more room than is needed, after many were added in order: that leaves a tree half full.
    pub fn pack(&mut self) {
        self.announced = std::mem::take(&mut self.announced).into_iter().collect();
    }

    /// What is left of a prefix: nothing, if a guard rail refuses it.
    fn keep_rails(&mut self, net: &IpNet, now: Option<Announced>, world: &World) -> Option<Announced> {
        if world.model.guard.refusal(net).is_none() {
            return now;
        }
        match now {
            Some(now) => drop(self.refused.insert(*net, now)),
            None => drop(self.refused.remove(net)),
        }
        None
    }

    /// How many prefixes that no FRRConfiguration mentions are of a kind.
    pub fn count(&self, kind: &Kind) -> usize {
        self.kinds.get(kind).copied().unwrap_or_default()
    }

    /// The kinds of prefixes that there are.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.keys()
    }
}

/// A prefix, of all Services that ask for it.
fn announced(net: &IpNet, services: &Services) -> Option<Announced> {
    let (first, last) = (net.network(), net.broadcast());
    let asking = services.announced_between(first, last).flat_map(|(ip, entry)| {
        let prefixes = entry.offer_here().into_iter().flat_map(move |offer| offer.prefixes(ip));
        let this = prefixes.filter(|(prefix, _)| prefix == net);
        this.map(|(_, names)| (names, &entry.origins))
    });
    join(asking)
}

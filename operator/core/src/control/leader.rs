//! What a leader knows, and the order in which it works.

use super::Options;
use super::advertised::AllVanished;
use super::configuration::Report;
use super::effect::{Effect, Event};
use super::entry::{Entry, Tally};
use super::facts::{Facts, count};
use super::input::{Millis, Now, WriteId};
use super::orphans::Orphans;
use super::pools::Pools;
use super::world::World;
use crate::input::objects::{ServiceFacts, View};
use crate::ledger::Ledger;
use crate::problem::ObjectRef;
use crate::snapshot::ServiceKey;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Services that wait are looked at again no sooner than this after the last time, in milliseconds, and one more for
/// every so many of them: a thousand addresses that become free one by one must not cost a thousand times as much.
const BETWEEN_ROUNDS: Millis = 20;
const WAITING_PER_MILLISECOND: usize = 20;

/// What one step has at hand.
pub(super) struct Context<'a> {
    pub options: &'a Options,
    pub view: &'a View,
    pub world: &'a mut World,
    pub now: Now,
    pub effects: &'a mut Vec<Effect>,
    pub writes: &'a mut u64,
}

/// What a leader knows.
#[derive(Debug, Default)]
pub(super) struct Leader {
    /// Who holds which address, or keeps it from others because a status may still show it.
    pub ledger: Ledger,
    pub entries: BTreeMap<ServiceKey, Entry>,
    /// To be worked out.
    pub dirty: BTreeSet<ServiceKey>,
    /// Those that would take an address if one became free.
    pub waiting: BTreeSet<ServiceKey>,
    /// Something became free, or may be shared.
    pub freed: bool,
    /// When those that wait were last looked at.
    round: Option<Millis>,
    /// Those whose addresses another one holds, too, and who could not set them aside yet.
    pub contested: BTreeSet<ServiceKey>,
    /// Those that have to be written to before the first address is given out, and where they were.
    pub touching: BTreeMap<ServiceKey, Arc<str>>,
    /// Which write is whose.
    pub targets: BTreeMap<WriteId, Target>,
    pub pools: Pools,
    pub report: Report,
    /// Reports that were deleted a moment ago.
    pub vanished: AllVanished,
    pub orphans: Orphans,
    /// When to look again at what.
    pub wakes: BTreeSet<(Millis, Wake)>,
    pub facts: Facts,
}

/// What a write is to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Service(ServiceKey),
    Pool(ObjectRef),
    Configuration,
    NodeState,
}

/// What to look at again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wake {
    Service(ServiceKey),
    /// Those that wait, pools, the configuration: they are looked at in every step.
    Rest,
}

impl Context<'_> {
    pub fn next_write(&mut self) -> WriteId {
        *self.writes += 1;
        WriteId(*self.writes)
    }

    pub fn say(
        &mut self,
        about: ObjectRef,
        uid: &Arc<str>,
        warning: bool,
        reason: &'static str,
        message: String,
    ) {
        self.effects.push(Effect::Event(Event { about, uid: uid.clone(), warning, reason, message }));
    }
}

impl Leader {
    /// When to look again.
    pub fn next(&self) -> Option<Millis> {
        self.wakes.first().map(|(at, _)| *at)
    }

    /// Takes in a view, and what differs from the one before.
    pub fn see(&mut self, context: &mut Context<'_>, before: &View, configuration: bool) {
        let after = context.view;
        for change in before.facts.changes(&after.facts) {
            match change.after {
                Some(facts) => self.see_facts(change.key, facts),
                None => self.forget(change.key),
            }
        }
        let known = (&before.parsed.snapshot, &after.parsed.snapshot);
        let edited = known.0.services.changes(&known.1.services);
        let resliced = known.0.endpoint_slices.changes(&known.1.endpoint_slices);
        let keys = edited.into_iter().map(|change| change.key.clone());
        let keys = keys.chain(resliced.into_iter().map(|change| change.key.service.clone()));
        let reported = before.reports.announced.changes(&after.reports.announced);
        let keys = keys.chain(self.see_reports(reported, context.now.at));
        self.dirty.extend(keys.filter(|key| self.entries.contains_key(key)));
        if configuration {
            self.reconfigure(context);
        }
    }

    pub fn see_facts(&mut self, key: &ServiceKey, facts: &Arc<ServiceFacts>) {
        let another = self.entries.get(key).is_some_and(|entry| entry.facts.uid != facts.uid);
        if another {
            self.forget(key);
        }
        let fresh = !self.entries.contains_key(key);
        let entry = self.entries.entry(key.clone()).or_default();
        if fresh {
            entry.facts = facts.clone();
        } else if !entry.see(facts) {
            return;
        }
        self.dirty.insert(key.clone());
    }

    /// A Service is gone, and its addresses with it.
    fn forget(&mut self, key: &ServiceKey) {
        let Some(entry) = self.entries.remove(key) else { return };
        if let Some(flight) = &entry.flight {
            self.targets.remove(&flight.id);
        }
        self.recount(key, &entry.tally, &Tally::default());
        self.dirty.remove(key);
        self.contested.remove(key);
        self.touching.remove(key);
        self.vanished.remove(key);
        self.freed |= self.ledger.release(key);
        self.freed |= self.ledger.release(&super::reserve::aside_of(key));
    }

    /// The pools, or what else decides, are others now.
    fn reconfigure(&mut self, context: &Context<'_>) {
        self.ledger.set_pools(&context.world.model.pools);
        self.set_aside_again();
        self.dirty.extend(self.entries.keys().cloned());
    }

    /// Does what is due, in this order, until nothing is left to do.
    pub fn settle(&mut self, context: &mut Context<'_>) {
        self.wake(context.now.at);
        if self.touch(context) {
            self.serve_all(context);
            while self.next_round(context.now.at) {
                self.serve_all(context);
            }
        }
        self.tell_pools(context);
        self.tell_configuration(context);
        self.clean_nodes(context);
        self.show(context);
    }

    fn wake(&mut self, at: Millis) {
        while let Some((due, _)) = self.wakes.first() {
            if *due > at {
                return;
            }
            if let Some((_, Wake::Service(key))) = self.wakes.pop_first()
                && let Some(entry) = self.entries.get_mut(&key)
            {
                entry.stale = None;
                self.dirty.insert(key);
            }
        }
    }

    pub fn wake_at(&mut self, at: Millis, what: Wake) {
        self.wakes.insert((at, what));
    }

    /// Whether those that wait get another chance now.
    fn next_round(&mut self, at: Millis) -> bool {
        if !self.freed || self.waiting.is_empty() {
            self.freed = false;
            return false;
        }
        let more = Millis::try_from(self.waiting.len() / WAITING_PER_MILLISECOND).unwrap_or(Millis::MAX);
        let pause = BETWEEN_ROUNDS.saturating_add(more);
        let earliest = self.round.map(|last| last.saturating_add(pause));
        if let Some(earliest) = earliest.filter(|earliest| at < *earliest) {
            self.wake_at(earliest, Wake::Rest);
            return false;
        }
        self.freed = false;
        self.round = Some(at);
        self.dirty.extend(self.waiting.iter().cloned());
        true
    }

    /// Replaces what a Service is counted as.
    pub fn count(&mut self, key: &ServiceKey, tally: &Tally) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if entry.tally != *tally {
            let before = std::mem::replace(&mut entry.tally, tally.clone());
            self.recount(key, &before, tally);
        }
    }

    fn recount(&mut self, key: &ServiceKey, before: &Tally, after: &Tally) {
        for (tally, more) in [(before, false), (after, true)] {
            let one = |number: &mut u64, yes: bool| {
                if yes {
                    *number = if more { *number + 1 } else { number.saturating_sub(1) };
                }
            };
            one(&mut self.facts.services, tally.ours);
            one(&mut self.facts.allocated, tally.pool.is_some());
            if let Some(reason) = tally.pending {
                count(&mut self.facts.pending, &reason, more);
            }
            if let Some(reason) = tally.silent {
                count(&mut self.facts.unannounced, &reason, more);
            }
            if let Some(pool) = &tally.pool {
                count(&mut self.pools.services, pool, more);
            }
        }
        if after.waiting {
            self.waiting.insert(key.clone());
        } else {
            self.waiting.remove(key);
        }
    }

    /// Brings what metrics show up to date.
    fn show(&mut self, context: &Context<'_>) {
        self.facts.leading = true;
        self.facts.configuration_loaded = true;
        self.facts.configuration_stale = !context.world.problems.is_empty();
        let pools = context.world.model.pools.keys();
        self.facts.pools = pools.map(|name| (name.clone(), self.pools.facts(name, &self.ledger))).collect();
    }
}

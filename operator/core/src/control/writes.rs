//! Writes to Services, and what became of them.

use super::condition;
use super::effect::{Effect, Event, ServicePatch, ServiceWrite};
use super::entry::{Answered, Flight, Open};
use super::input::{Millis, WriteFailure, WriteId, Written};
use super::leader::{Context, Leader, Target, Wake};
use super::serve::{Wanted, events_of, object_of};
use super::shown::Shown;
use crate::input::objects::{ADVERTISED, ALLOCATED};
use crate::ledger;
use crate::snapshot::ServiceKey;

/// A view should show what made a write fail by then, in milliseconds; else it is tried as it is.
const VIEW_OVERDUE: Millis = 5_000;
/// The first and the longest wait after a write that failed, in milliseconds.
const RETRY: (Millis, Millis) = (500, 30_000);
/// The prefix of annotations of MetalLB before 0.15.
const LEGACY: &str = "metallb.universe.tf";

impl Leader {
    /// Writes what is not as it should be, if anything is not.
    pub fn write(
        &mut self,
        context: &mut Context<'_>,
        key: &ServiceKey,
        wanted: &Wanted,
        shown: &Shown,
        events: &[ledger::Event],
    ) {
        let moves = shown.moves_to(&wanted.ips);
        if moves && !shown.is_about_to_move() {
            let events = self.events(context, key, events);
            self.say_that_it_moves(context, key, wanted, shown, events);
            return;
        }
        let mut patch = ServicePatch::default();
        let mut then = shown.clone();
        if shown.foreign || shown.ips != wanted.ips {
            patch.ips = Some(wanted.ips.clone());
            (then.ips, then.foreign) = (wanted.ips.clone(), false);
        }
        if shown.pool != wanted.pool {
            patch.pool = Some(wanted.pool.clone());
            then.pool.clone_from(&wanted.pool);
        }
        if !wanted.allocated.is_said(shown.allocated.as_ref()) {
            let condition = wanted.allocated.condition(shown.allocated.as_ref(), &context.now);
            patch.conditions.push((ALLOCATED, Some(condition.clone())));
            then.allocated = Some(condition.into());
        }
        // Who only begins or ceases to be announced hears nothing of allocation.
        let told = patch != ServicePatch::default();
        if !wanted.advertised.is_said_but_for_counts(shown.advertised.as_ref()) {
            let condition = wanted.advertised.condition(shown.advertised.as_ref(), &context.now);
            patch.conditions.push((ADVERTISED, Some(condition.clone())));
            then.advertised = Some(condition.into());
        }
        if patch == ServicePatch::default() {
            self.is_as_wanted(context, key);
            return;
        }
        let mut events = if told { self.events(context, key, events) } else { Vec::new() };
        if shown.is_about_to_move()
            && let Some(entry) = self.entries.get_mut(key)
        {
            // What the move was to say; nothing of it is true if it stays after all.
            let unsaid = std::mem::take(&mut entry.unsaid);
            let more = |event: &Event| moves && !events.contains(event);
            events = unsaid.into_iter().filter(more).chain(events.clone()).collect();
        }
        self.send(context, key, patch, then, events);
    }

    /// Writes that a Service is about to get other addresses; they follow with the answer. A write that gives them and
    /// is late names the resourceVersion of this one: a new leader that finds the condition writes to the Service, and
    /// one that does not find it knows that there is no such write.
    fn say_that_it_moves(
        &mut self,
        context: &mut Context<'_>,
        key: &ServiceKey,
        wanted: &Wanted,
        shown: &Shown,
        events: Vec<Event>,
    ) {
        let status = shown.allocated.as_ref().is_none_or(|said| said.status);
        let verdict = condition::about_to_move(status, &wanted.ips);
        let condition = verdict.condition(shown.allocated.as_ref(), &context.now);
        let then = Shown { allocated: Some(condition.clone().into()), ..shown.clone() };
        let patch =
            ServicePatch { conditions: vec![(ALLOCATED, Some(condition))], ..ServicePatch::default() };
        self.send(context, key, patch, then, events);
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.again = true;
        if let Some(flight) = &mut entry.flight {
            entry.unsaid = std::mem::take(&mut flight.events);
        }
    }

    /// Takes everything of ours out of a status.
    pub fn clean(&mut self, context: &mut Context<'_>, key: &ServiceKey, shown: &Shown) {
        let mut patch = ServicePatch::default();
        if shown.pool.is_some() {
            patch.pool = Some(None);
            patch.ips = (!shown.ips.is_empty()).then(Vec::new);
        }
        let conditions = [(ALLOCATED, &shown.allocated), (ADVERTISED, &shown.advertised)];
        patch.conditions =
            conditions.iter().filter(|(_, it)| it.is_some()).map(|(kind, _)| (*kind, None)).collect();
        let ips = if patch.ips.is_some() { Vec::new() } else { shown.ips.clone() };
        self.send(context, key, patch, Shown { ips, foreign: shown.foreign, ..Shown::default() }, Vec::new());
    }

    /// Sends a write. Its Service is left alone until the answer is there.
    pub fn send(
        &mut self,
        context: &mut Context<'_>,
        key: &ServiceKey,
        patch: ServicePatch,
        then: Shown,
        mut events: Vec<Event>,
    ) {
        let id = context.next_write();
        let Some(entry) = self.entries.get_mut(key) else { return };
        // What an earlier write was to say is said with this one, unless this one says something else.
        let unsaid = std::mem::take(&mut entry.unsaid);
        if events.is_empty() {
            events = unsaid;
        }
        let (resource_version, _) = entry.now();
        let uid = entry.facts.uid.clone();
        entry.flight = Some(Flight { id, resource_version: resource_version.clone(), then, events });
        entry.again = false;
        self.targets.insert(id, Target::Service(key.clone()));
        let write = ServiceWrite { id, key: key.clone(), uid, resource_version, patch };
        context.effects.push(Effect::PatchService(write));
    }

    /// Nothing has to be written. If that is so because of a write without answer, it has happened.
    fn is_as_wanted(&mut self, context: &mut Context<'_>, key: &ServiceKey) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.failures = 0;
        context.effects.extend(std::mem::take(&mut entry.unsaid).into_iter().map(Effect::Event));
    }

    fn events(&self, context: &Context<'_>, key: &ServiceKey, events: &[ledger::Event]) -> Vec<Event> {
        let Some(entry) = self.entries.get(key) else { return Vec::new() };
        let uid = &entry.facts.uid;
        let mut events = events_of(key, uid, events);
        let service = context.view.parsed.snapshot.services.get(key);
        let legacy =
            service.and_then(|it| it.meta.annotations.iter().find(|(name, _)| name.starts_with(LEGACY)));
        if let Some((name, _)) = legacy {
            let message = format!("annotation {name} is deprecated: use the prefix metallb.io");
            let (about, uid) = (object_of(key), uid.clone());
            events.push(Event { about, uid, warning: true, reason: "deprecatedAnnotation", message });
        }
        events
    }

    /// Takes in what became of a write.
    pub fn answer(&mut self, context: &mut Context<'_>, id: WriteId, result: Result<Written, WriteFailure>) {
        match self.targets.remove(&id) {
            Some(Target::Service(key)) => self.answer_service(context, &key, result),
            Some(Target::Pool(pool)) => self.answer_pool(context, &pool, result),
            Some(Target::Configuration) => self.answer_configuration(context, result),
            Some(Target::NodeState) => self.answer_orphan(context.now.at, id, &result),
            None => {}
        }
    }

    fn answer_service(
        &mut self,
        context: &mut Context<'_>,
        key: &ServiceKey,
        result: Result<Written, WriteFailure>,
    ) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let Some(flight) = entry.flight.take() else { return };
        match result {
            Ok(Written { resource_version }) => {
                entry.failures = 0;
                if super::entry::newer(&resource_version, &entry.facts.resource_version) {
                    entry.answered = Some(Answered { resource_version, shown: flight.then });
                }
                entry.settle_open();
                context.effects.extend(flight.events.into_iter().map(Effect::Event));
                let again = std::mem::take(&mut entry.again);
                self.reserve(key, None, None);
                if again {
                    self.dirty.insert(key.clone());
                }
            }
            Err(WriteFailure::Conflict | WriteFailure::NotFound) => {
                entry.unsaid.extend(flight.events);
                if *entry.resource_version() == flight.resource_version {
                    entry.stale = Some(flight.resource_version);
                    self.wake_at(context.now.at + VIEW_OVERDUE, Wake::Service(key.clone()));
                } else {
                    self.dirty.insert(key.clone());
                }
            }
            Err(failure) => {
                entry.unsaid.extend(flight.events);
                if failure == WriteFailure::Unknown {
                    let Flight { resource_version, then, .. } = Flight { events: Vec::new(), ..flight };
                    entry.open.push(Open { resource_version, ips: then.ips });
                    entry.settle_open();
                } else if !matches!(failure, WriteFailure::Refused(_)) {
                    // Whoever may not be written to by this one was not written to by the last one either.
                    self.touching.remove(key);
                }
                self.facts.update_errors += 1;
                let wait = (RETRY.0 << entry.failures.min(16)).min(RETRY.1);
                entry.failures += 1;
                entry.not_before = context.now.at + wait;
                self.wake_at(context.now.at + wait, Wake::Service(key.clone()));
            }
        }
    }
}

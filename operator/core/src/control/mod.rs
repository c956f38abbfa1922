//! The controller's decisions as a machine.
//!
//! [`Controller::step`] takes in what happened and says what to do. A follower only looks. A leader gives out
//! addresses; its memory of who has which is the Services' status, so another leader goes on where it stopped:
//!
//! - One write per Service at a time, each with the `resourceVersion` that was decided upon. What the watch shows in
//!   the meantime counts after the answer; after it the answer counts until the watch shows it.
//! - An address is free only when no status can show it any more: not now, and not through a write that is on its way
//!   or of which no answer came.
//! - A new leader first writes to every Service that an old one may still be writing to (`lead`).
//! - Of two Services that show one address and may not share it, the older grant keeps it.

mod advertised;
mod condition;
mod configuration;
mod effect;
mod entry;
mod facts;
mod input;
mod lead;
mod leader;
mod orphans;
mod pools;
mod reserve;
mod serve;
mod shown;
mod world;
mod writes;

#[cfg(test)]
mod tests;

pub use effect::{
    Condition, ConfigurationWrite, Effect, Event, NodeStateDelete, PoolWrite, ServicePatch, ServiceWrite,
};
pub use facts::{Facts, PoolFacts};
pub use input::{Input, LateWrites, Millis, Now, WriteFailure, WriteId, Written};

use crate::input::objects::View;
use crate::model;
use leader::{Context, Leader};
use std::sync::Arc;
use world::World;

/// How decisions are made.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How objects are judged.
    pub model: model::Options,
    /// Nodes labelled exclude-from-external-load-balancers announce, too.
    pub ignore_exclude_lb: bool,
    /// The namespace of Herald's own objects.
    pub namespace: Arc<str>,
    /// Nodes report in objects `ServiceBGPStatus` what they announce; else only what is planned is known.
    pub reports: bool,
}

/// The machine; see the module.
#[derive(Debug)]
pub struct Controller {
    options: Options,
    view: View,
    world: Option<World>,
    leader: Option<Box<Leader>>,
    /// Writes so far.
    writes: u64,
    /// What is shown while another one leads.
    idle: Facts,
}

impl Controller {
    /// A follower that has seen nothing.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, view: View::default(), world: None, leader: None, writes: 0, idle: Facts::default() }
    }

    /// Takes in what happened; what is to be done, in order.
    pub fn step(&mut self, now: Now, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::View(view) => self.look(view, now, &mut effects),
            Input::Lead { view, late } => {
                self.leader = None;
                self.look(view, now, &mut effects);
                self.leader = Some(Box::default());
                self.lead(now, &mut effects, |leader, context| leader.take_over(context, late));
            }
            Input::Unlead => self.leader = None,
            Input::Written { id, result } => {
                self.lead(now, &mut effects, |leader, context| leader.answer(context, id, result));
            }
            Input::Tick => self.lead(now, &mut effects, |_, _| ()),
        }
        effects
    }

    /// When to call `step` with `Tick` if nothing else happens before.
    #[must_use]
    pub fn next(&self) -> Option<Millis> {
        self.leader.as_ref().and_then(|leader| leader.next())
    }

    /// What metrics show.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        self.leader.as_ref().map_or(&self.idle, |leader| &leader.facts)
    }

    /// Takes in a view. A follower keeps the last valid form of every object, like a leader.
    fn look(&mut self, view: View, now: Now, effects: &mut Vec<Effect>) {
        let before = std::mem::replace(&mut self.view, view);
        let kept = self.world.as_ref().is_some_and(|world| world.fits(&self.view));
        if !kept {
            let in_force = self.world.take().map(|world| world.in_force).unwrap_or_default();
            let world = World::new(&self.view, &in_force, &self.options);
            self.idle.configuration_loaded = true;
            self.idle.configuration_stale = !world.problems.is_empty();
            self.world = Some(world);
        }
        self.lead(now, effects, |leader, context| leader.see(context, &before, !kept));
    }

    /// Lets the leader do something, if there is one, and whatever follows from it.
    fn lead(
        &mut self,
        now: Now,
        effects: &mut Vec<Effect>,
        what: impl FnOnce(&mut Leader, &mut Context<'_>),
    ) {
        let Self { options, view, world, leader, writes, .. } = self;
        let (Some(world), Some(leader)) = (world, leader) else { return };
        let mut context = Context { options, view, world, now, effects, writes };
        what(leader, &mut context);
        leader.settle(&mut context);
    }
}

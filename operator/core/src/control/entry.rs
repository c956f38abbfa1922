//! What is known of one Service, and of the writes to it.

use super::effect::Event;
use super::input::{Millis, WriteId};
use super::shown::Shown;
use crate::input::objects::ServiceFacts;
pub(super) use crate::input::objects::newer;
use crate::ledger::Holding;
use crate::model::PoolName;
use crate::snapshot::ServiceKey;
use std::net::IpAddr;
use std::sync::Arc;

/// One Service.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// As the watch shows it.
    pub facts: Arc<ServiceFacts>,
    /// The write that has no answer yet.
    pub flight: Option<Flight>,
    /// What the last write made of it, until the watch shows that.
    pub answered: Option<Answered>,
    /// Writes that may have happened or may still happen.
    pub open: Vec<Open>,
    /// The `resourceVersion` that a write has shown to be old.
    pub stale: Option<Arc<str>>,
    /// Addresses that its status may still show and that it does not hold.
    pub aside: Option<Holding>,
    /// Events of a write of which it is not known whether it happened.
    pub unsaid: Vec<Event>,
    /// Writes that failed one after the other.
    pub failures: u32,
    /// When the next write may be tried.
    pub not_before: Millis,
    /// It changed while a write was on its way.
    pub again: bool,
    pub tally: Tally,
}

/// What metrics count a Service as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// It is one of ours.
    pub ours: bool,
    /// The pool of its addresses.
    pub pool: Option<PoolName>,
    /// Why it has none.
    pub pending: Option<&'static str>,
    /// Why nothing announces it.
    pub silent: Option<&'static str>,
    /// It would take more than it has.
    pub waiting: bool,
}

/// A write on its way.
#[derive(Debug)]
pub(super) struct Flight {
    pub id: WriteId,
    pub resource_version: Arc<str>,
    /// What the status shows once it has happened.
    pub then: Shown,
    /// What to say once it has happened.
    pub events: Vec<Event>,
}

/// What a write made of the status.
#[derive(Debug)]
pub(super) struct Answered {
    pub resource_version: Arc<str>,
    pub shown: Shown,
}

/// A write that may have happened or may still happen, as long as the object is at this `resourceVersion`.
#[derive(Debug)]
pub(super) struct Open {
    pub resource_version: Arc<str>,
    pub ips: Vec<IpAddr>,
}

/// Which of two grants of one address is the older one: the smaller.
pub(super) type Age = (Arc<str>, Arc<str>, ServiceKey);

impl Entry {
    /// The `resourceVersion` that the next write must name, and what the status shows there.
    pub fn now(&self) -> (Arc<str>, Shown) {
        match &self.answered {
            Some(answered) => (answered.resource_version.clone(), answered.shown.clone()),
            None => (self.facts.resource_version.clone(), Shown::of(&self.facts)),
        }
    }

    /// The `resourceVersion` that is known.
    pub fn resource_version(&self) -> &Arc<str> {
        self.answered.as_ref().map_or(&self.facts.resource_version, |answered| &answered.resource_version)
    }

    /// Takes in what the watch shows; says whether anything is new.
    pub fn see(&mut self, facts: &Arc<ServiceFacts>) -> bool {
        if newer(&self.facts.resource_version, &facts.resource_version) {
            return false;
        }
        self.facts = facts.clone();
        self.settle_open();
        if self.answered.as_ref().is_some_and(|it| !newer(&it.resource_version, &facts.resource_version)) {
            self.answered = None;
        }
        if self.stale.as_ref().is_some_and(|stale| *stale != facts.resource_version) {
            self.stale = None;
        }
        if self.stale.is_none() {
            self.not_before = 0;
        }
        true
    }

    /// A write names the `resourceVersion` that it found. Once the object is past it, what happened is in the status.
    pub fn settle_open(&mut self) {
        let known = self.resource_version().clone();
        self.open.retain(|open| !newer(&known, &open.resource_version));
    }

    /// When its addresses were granted, then when it was created, then its name.
    pub fn age(&self, key: &ServiceKey) -> Age {
        let (_, shown) = self.now();
        let granted = shown.allocated.filter(|said| said.status).map(|said| said.since);
        (granted.unwrap_or_default(), self.facts.created.clone(), key.clone())
    }

    /// Addresses that its status may show now or once a write that is on its way has happened.
    pub fn may_show(&self) -> Vec<IpAddr> {
        let mut ips = self.now().1.ips;
        let flying = self.flight.iter().flat_map(|flight| &flight.then.ips);
        for ip in flying.chain(self.open.iter().flat_map(|open| &open.ips)) {
            if !ips.contains(ip) {
                ips.push(*ip);
            }
        }
        ips
    }
}

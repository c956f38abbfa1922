//! All Services of a Model at once.

use super::Ledger;
use super::choose::requested_pool;
use super::converge::Kept;
use super::error::AllocationError;
use super::outcome::{Event, Outcome};
use crate::model::{Model, Service, ServiceKey};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Gives every Service of a Model its addresses.
///
/// First every address in a status is re-adopted, Services with more addresses first, then by
/// namespace and name: of two that claim one address, the first keeps it. Only then is anything new
/// given out, to those that ask for certain addresses, then to those that ask for a pool, then to
/// the rest. The result depends on the Model alone, so a new Service never moves another.
#[must_use]
pub fn allocate(model: &Model) -> (Ledger, BTreeMap<ServiceKey, Outcome>) {
    let mut ledger = Ledger::new(&model.pools);
    let mut waiting = keep_all(&mut ledger, &model.services);
    waiting.sort_by_key(|w| (turn(w), w.key));
    let outcomes = waiting.into_iter().map(|w| {
        let outcome = ledger.complete(w.key, w.service, w.kept, w.events);
        (w.key.clone(), outcome)
    });
    let outcomes = outcomes.collect();
    (ledger, outcomes)
}

/// What the Services' statuses say, as far as it is allowed; nothing new is given out.
///
/// This is how a node reads the ledger: an address that is not recorded is not announced.
#[must_use]
pub fn recorded(model: &Model) -> (Ledger, BTreeMap<ServiceKey, Outcome>) {
    let mut ledger = Ledger::new(&model.pools);
    let outcomes = read_back(&mut ledger, &model.services);
    (ledger, outcomes)
}

/// The same for some of the Services, those that share an address with one of them among them. The ledger knows
/// the pools, and nobody holds anything in it before and after.
pub(crate) fn recorded_among(
    ledger: &mut Ledger,
    services: &BTreeMap<ServiceKey, Service>,
) -> BTreeMap<ServiceKey, Outcome> {
    let outcomes = read_back(ledger, services);
    for key in services.keys() {
        ledger.release(key);
    }
    outcomes
}

fn read_back(ledger: &mut Ledger, services: &BTreeMap<ServiceKey, Service>) -> BTreeMap<ServiceKey, Outcome> {
    let outcomes = keep_all(ledger, services).into_iter().map(|w| {
        let result = match w.kept {
            Kept::Final(result) => result,
            Kept::Has(_, allocation) => Ok(allocation),
            Kept::Needs(_) => Err(lost_by(&w.events).unwrap_or(AllocationError::NotRecorded)),
        };
        (w.key.clone(), Outcome { result, changed: false, events: w.events })
    });
    outcomes.collect()
}

/// A Service between the two halves of its way.
struct Waiting<'a> {
    key: &'a ServiceKey,
    service: &'a Service,
    kept: Kept,
    events: Vec<Event>,
}

fn keep_all<'a>(ledger: &mut Ledger, services: &'a BTreeMap<ServiceKey, Service>) -> Vec<Waiting<'a>> {
    let mut order: Vec<_> = services.iter().collect();
    order.sort_by_key(|(key, service)| (Reverse(service.status_ips.len()), *key));
    let each = order.into_iter().map(|(key, service)| {
        let mut events = Vec::new();
        let kept = ledger.keep(key, service, &mut events);
        Waiting { key, service, kept, events }
    });
    each.collect()
}

/// Whose turn it is when new addresses are given out: the choosier, the sooner.
fn turn(waiting: &Waiting<'_>) -> u8 {
    match waiting.kept {
        Kept::Final(_) => 0,
        // Whoever has an address gets its second one before a newcomer can take it.
        Kept::Has(..) => 1,
        Kept::Needs(_) if !waiting.service.requested_ips.as_deref().unwrap_or_default().is_empty() => 2,
        Kept::Needs(_) if requested_pool(waiting.service).is_some() => 3,
        Kept::Needs(_) => 4,
    }
}

fn lost_by(events: &[Event]) -> Option<AllocationError> {
    events.iter().find_map(|event| match event {
        Event::ClearAssignment(why) => Some(why.clone()),
        _ => None,
    })
}

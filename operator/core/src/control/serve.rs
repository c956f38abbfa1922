//! Works out single Services.

use super::effect::Event;
use super::entry::Tally;
use super::leader::{Context, Leader};
use super::reserve::aside_of;
use super::shown::{Shown, Verdict};
use super::{advertised, condition};
use crate::ledger::{self, Outcome};
use crate::model::{self, parse_service, serving_of};
use crate::problem::{ObjectRef, Reason};
use crate::snapshot::{self, ServiceKey, ServiceType};
use std::net::IpAddr;
use std::sync::Arc;

/// What a status is to show.
#[derive(Debug)]
pub(super) struct Wanted {
    pub ips: Vec<IpAddr>,
    pub pool: Option<Arc<str>>,
    pub allocated: Verdict,
    pub advertised: Verdict,
}

/// Whose turn it is: the smaller, the sooner.
type Turn = (u8, Arc<str>, ServiceKey);

pub(super) fn object_of(key: &ServiceKey) -> ObjectRef {
    ObjectRef { kind: "Service", namespace: key.namespace.clone(), name: key.name.clone() }
}

impl Leader {
    /// Works out all that changed. Who shows an address that it does not hold comes first, so that nobody else takes
    /// it; then who has addresses, who may get a second one; then who asks for certain addresses, who asks for a pool, the rest; within each the older first.
    pub fn serve_all(&mut self, context: &mut Context<'_>) {
        while !self.dirty.is_empty() {
            let mut all: Vec<(Turn, Option<model::Service>)> = std::mem::take(&mut self.dirty)
                .into_iter()
                .filter_map(|key| self.turn(context, key))
                .collect();
            all.sort_by(|(one, _), (other, _)| one.cmp(other));
            for ((_, _, key), service) in all {
                self.serve(context, &key, service);
            }
        }
    }

    fn turn(&self, context: &Context<'_>, key: ServiceKey) -> Option<(Turn, Option<model::Service>)> {
        let entry = self.entries.get(&key)?;
        let service = parsed(context, &key);
        let held = self.ledger.allocation(&key).map(|held| &held.ips);
        let shown = entry.may_show();
        let turn = match &service {
            None => 0,
            Some(_) if shown.iter().any(|ip| held.is_none_or(|held| !held.contains(ip))) => 1,
            Some(_) if held.is_some() => 2,
            Some(service) if !service.requested_ips.as_deref().unwrap_or_default().is_empty() => 3,
            Some(service) if service.requested_pool.as_ref().is_some_and(|pool| !pool.is_empty()) => 4,
            Some(_) => 5,
        };
        Some(((turn, entry.facts.created.clone(), key), service))
    }

    /// Works out one Service, and writes its status if that is to be another.
    fn serve(&mut self, context: &mut Context<'_>, key: &ServiceKey, service: Option<model::Service>) {
        // What was let go just now may be shown by others still.
        self.retry_contested();
        let Some(entry) = self.entries.get_mut(key) else { return };
        if entry.flight.is_some() || entry.stale.is_some() || context.now.at < entry.not_before {
            entry.again = true;
            self.reserve(key, None, None);
            return;
        }
        self.facts.updates += 1;
        let shown = entry.now().1;
        match service {
            Some(service) => self.serve_ours(context, key, service, &shown),
            None => self.leave(context, key, &shown),
        }
    }

    fn serve_ours(
        &mut self,
        context: &mut Context<'_>,
        key: &ServiceKey,
        mut service: model::Service,
        shown: &Shown,
    ) {
        service.status_ips.clone_from(&shown.ips);
        if let Some(pool) = self.frozen(context, shown) {
            self.keep(context, key, &service, shown, &pool);
            return;
        }
        let before = self.ledger.holding(key).cloned();
        // What it left is in nobody's way but others'.
        self.ledger.release(&aside_of(key));
        if before.is_none() && !shown.ips.is_empty() {
            self.claim(context, key, &service);
        }
        let outcome = self.ledger.assign(key, &service);
        self.freed |= before.is_some() && before.as_ref() != self.ledger.holding(key);
        self.reserve(key, before.as_ref(), Some(&service));
        let planned = outcome.allocation().map(|held| {
            let serving = serving_of(&context.view.parsed.snapshot.endpoint_slices, key);
            let world = &mut *context.world;
            let ignore = context.options.ignore_exclude_lb;
            world.reach.judge(&world.model, ignore, (&held.pool, &held.ips), &service, serving.as_ref())
        });
        let advertised = self.advertised(context, key, planned);
        self.count(key, &tally(&outcome, &advertised));
        let wanted = Wanted {
            ips: outcome.allocation().map(|held| held.ips.clone()).unwrap_or_default(),
            pool: outcome.allocation().map(|held| held.pool.clone()),
            allocated: condition::allocated(&outcome.result, &outcome.events),
            advertised,
        };
        self.write(context, key, &wanted, shown, &outcome.events);
    }

    /// The pool that a Service's addresses are of, if that exists and is not in force.
    fn frozen(&self, context: &Context<'_>, shown: &Shown) -> Option<Arc<str>> {
        let pool = shown.pool.as_ref().filter(|pool| context.world.frozen.contains(*pool))?;
        let lost = !shown.ips.is_empty() && self.ledger.pool_of(&shown.ips).is_err();
        lost.then(|| pool.clone())
    }

    /// Leaves a Service what it has.
    fn keep(
        &mut self,
        context: &mut Context<'_>,
        key: &ServiceKey,
        service: &model::Service,
        shown: &Shown,
        pool: &Arc<str>,
    ) {
        let before = self.ledger.holding(key).cloned();
        self.ledger.release(key);
        self.reserve(key, before.as_ref(), Some(service));
        self.count(key, &Tally { ours: true, pool: Some(pool.clone()), ..Tally::default() });
        let advertised = match &shown.advertised {
            Some(said) if said.status => {
                let known = [advertised::ADVERTISED, advertised::PARTLY].into_iter();
                let reason = known.into_iter().find(|reason| **reason == *said.reason);
                Verdict::new(true, reason.unwrap_or(condition::PLANNED), said.message.clone())
            }
            _ => condition::advertised(None),
        };
        let wanted = Wanted {
            ips: shown.ips.clone(),
            pool: shown.pool.clone(),
            allocated: condition::kept(pool),
            advertised,
        };
        self.write(context, key, &wanted, shown, &[]);
    }

    /// A Service that is none of ours, or no longer.
    fn leave(&mut self, context: &mut Context<'_>, key: &ServiceKey, shown: &Shown) {
        let before = self.ledger.holding(key).cloned();
        self.freed |= self.ledger.release(key);
        self.count(key, &Tally::default());
        let is_balancer =
            context.view.parsed.snapshot.services.get(key).is_none_or(|it| is_load_balancer(it));
        let ours = shown.pool.is_some() || shown.allocated.is_some() || shown.advertised.is_some();
        let known = before.is_some() || self.entries.get(key).is_some_and(|entry| entry.aside.is_some());
        if known || (ours && !is_balancer) {
            self.reserve(key, before.as_ref(), None);
        }
        // One of another class is left to the controller of that class, status and all.
        if ours && !is_balancer {
            self.clean(context, key, shown);
        }
    }
}

fn is_load_balancer(service: &snapshot::Service) -> bool {
    service.service_type == ServiceType::LoadBalancer
}

/// A Service that is ours to serve.
pub(super) fn parsed(context: &Context<'_>, key: &ServiceKey) -> Option<model::Service> {
    let service = context.view.parsed.snapshot.services.get(key)?;
    let class = context.options.model.lb_class.as_deref();
    parse_service(service, class, context.world.model.pool_families(), &mut Vec::new())
}

fn tally(outcome: &Outcome, advertised: &Verdict) -> Tally {
    let more = |event: &ledger::Event| matches!(event, ledger::Event::AdditionalAssignFailed(_));
    match &outcome.result {
        Ok(held) => Tally {
            ours: true,
            pool: Some(held.pool.clone()),
            pending: None,
            silent: (!advertised.status).then_some(advertised.reason),
            waiting: outcome.events.iter().any(more),
        },
        Err(why) => Tally { ours: true, pending: Some(why.reason()), waiting: true, ..Tally::default() },
    }
}

/// Events of what became of a Service.
pub(super) fn events_of(key: &ServiceKey, uid: &Arc<str>, events: &[ledger::Event]) -> Vec<Event> {
    let event = |event: &ledger::Event| Event {
        about: object_of(key),
        uid: uid.clone(),
        warning: event.is_warning(),
        reason: event.reason(),
        message: event.to_string(),
    };
    events.iter().map(event).collect()
}

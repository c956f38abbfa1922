//! What a Service goes through, step by step: keep what it has if that is still right, else choose.

use super::Ledger;
use super::choose::{families_of, families_wanted, other, requested_pool};
use super::error::AllocationError;
use super::outcome::{Allocation, Event, Outcome};
use crate::model::{Families, FamilyError, FamilyPolicy, Service, ServiceKey};
use herald_frr::value::Family;
use std::net::IpAddr;

/// How far a Service got with what it has.
#[derive(Debug)]
pub(super) enum Kept {
    /// That is all: nothing more is tried.
    Final(Result<Allocation, AllocationError>),
    /// It has these addresses and may get one more.
    Has(Families, Allocation),
    /// It needs addresses.
    Needs(Families),
}

impl Ledger {
    /// Gives a Service the addresses it should have, by the rules of MetalLB's controller.
    ///
    /// What it holds, or else what its status says, is kept as long as every rule allows it. Only
    /// this Service's addresses change.
    pub fn assign(&mut self, key: &ServiceKey, service: &Service) -> Outcome {
        let mut events = Vec::new();
        let kept = self.keep(key, service, &mut events);
        self.complete(key, service, kept, events)
    }

    /// Takes over what a Service's status says, as far as it is allowed. Says whether that is all that the Service
    /// could get: nothing new would be given to it.
    pub(crate) fn adopt(&mut self, key: &ServiceKey, service: &Service) -> bool {
        match self.keep(key, service, &mut Vec::new()) {
            Kept::Final(result) => result.is_ok(),
            Kept::Has(families, allocation) => !wants_second(service, families, &allocation),
            Kept::Needs(_) => false,
        }
    }

    /// Who is in the way of a Service that has these addresses in its status and holds none.
    pub(crate) fn in_the_way(
        &self,
        key: &ServiceKey,
        service: &Service,
        ips: &[IpAddr],
    ) -> Option<(ServiceKey, IpAddr)> {
        match self.grant(key, service, ips) {
            Err(AllocationError::InUse { holder, address, .. }) => Some((holder, address)),
            _ => None,
        }
    }

    /// The first half of `assign`: what the Service has and may keep.
    pub(super) fn keep(&mut self, key: &ServiceKey, service: &Service, events: &mut Vec<Event>) -> Kept {
        let families = match self.families(service) {
            Ok(families) => families,
            Err(why) => {
                self.release(key);
                return Kept::Final(Err(why));
            }
        };
        let current = self.allocation(key).map_or_else(|| service.status_ips.clone(), |a| a.ips.clone());
        if current.is_empty() {
            return Kept::Needs(families);
        }
        match self.still_allowed(key, service, families, &current, events) {
            Ok(allocation) => {
                self.hold(key, service, allocation.clone());
                match &service.requested_ips {
                    Ok(_) => Kept::Has(families, allocation),
                    Err(why) => {
                        events.push(Event::LoadBalancerFailed(why.clone()));
                        Kept::Final(Ok(allocation))
                    }
                }
            }
            Err(why) => {
                self.release(key);
                events.push(Event::ClearAssignment(why));
                Kept::Needs(families)
            }
        }
    }

    /// The second half: one more address for one that prefers both families, or new ones.
    pub(super) fn complete(
        &mut self,
        key: &ServiceKey,
        service: &Service,
        kept: Kept,
        mut events: Vec<Event>,
    ) -> Outcome {
        let result = match kept {
            Kept::Final(result) => result,
            Kept::Has(families, allocation) => {
                Ok(self.with_second_family(key, service, families, allocation, &mut events))
            }
            Kept::Needs(families) => self.choose(key, service, families).inspect(|allocation| {
                self.hold(key, service, allocation.clone());
                events.push(Event::IpAllocated(allocation.ips.clone()));
            }),
        };
        if let Err(why) = &result {
            events.push(Event::of_failure(why));
        }
        let ips = result.as_ref().map_or(&[][..], |a| &a.ips);
        Outcome { changed: ips != service.status_ips, result, events }
    }

    fn families(&self, service: &Service) -> Result<Families, AllocationError> {
        if self.stocks.is_empty() {
            return Err(AllocationError::NoPools);
        }
        match service.families.clone()? {
            Families::Single(_) if service.policy == FamilyPolicy::RequireDualStack => {
                Err(FamilyError::NotDual.into())
            }
            families => Ok(families),
        }
    }

    fn still_allowed(
        &self,
        key: &ServiceKey,
        service: &Service,
        families: Families,
        current: &[IpAddr],
        events: &mut Vec<Event>,
    ) -> Result<Allocation, AllocationError> {
        let has = families_of(current);
        if has.is_none() {
            events.push(Event::NoLoadBalancerFamily(current.to_vec()));
        }
        let one_is_enough =
            matches!(families, Families::Dual { .. }) && service.policy == FamilyPolicy::PreferDualStack;
        if has.is_none_or(|has| has != families_wanted(families) && !one_is_enough) {
            return Err(AllocationError::StatusFamily(current.to_vec()));
        }
        let allocation = self.grant(key, service, current)?;
        if let Some(wanted) = requested_pool(service).filter(|wanted| **wanted != allocation.pool) {
            let (wanted, actual) = (wanted.clone(), allocation.pool);
            return Err(AllocationError::OtherPoolRequested { actual, wanted });
        }
        let requested = service.requested_ips.as_deref().unwrap_or_default();
        if !requested.is_empty() && !same_set(requested, current) {
            let (actual, wanted) = (current.to_vec(), requested.to_vec());
            return Err(AllocationError::OtherAddressRequested { actual, wanted });
        }
        Ok(allocation)
    }

    /// Adds the missing family from the same pool, where the Service has both families and prefers
    /// to be reached by both. (MetalLB forgets the first condition and adds and clears for ever; one that
    /// asks for a certain address would go the same way.)
    fn with_second_family(
        &mut self,
        key: &ServiceKey,
        service: &Service,
        families: Families,
        mut allocation: Allocation,
        events: &mut Vec<Event>,
    ) -> Allocation {
        let [only] = allocation.ips[..] else { return allocation };
        if !wants_second(service, families, &allocation) {
            return allocation;
        }
        match self.second_address(service, &allocation.pool, other(Family::of(only))) {
            Ok(second) => {
                allocation.ips.push(second);
                self.hold(key, service, allocation.clone());
                events.push(Event::AdditionalIpAllocated(second));
            }
            Err(why) => events.push(Event::AdditionalAssignFailed(why)),
        }
        allocation
    }
}

/// Whether a Service has one address of the two that it would like to have.
fn wants_second(service: &Service, families: Families, has: &Allocation) -> bool {
    let asks = service.requested_ips.as_deref().unwrap_or_default();
    has.ips.len() == 1 && matches!(families, Families::Dual { .. }) && asks.is_empty()
}

fn same_set(one: &[IpAddr], two: &[IpAddr]) -> bool {
    let within = |a: &[IpAddr], b: &[IpAddr]| a.iter().all(|ip| b.contains(ip));
    one.len() == two.len() && within(one, two) && within(two, one)
}

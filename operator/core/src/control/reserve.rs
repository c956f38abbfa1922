//! Addresses that are nobody's any more and that a status may still show: no one else gets them.

use super::entry::Entry;
use super::leader::{Context, Leader};
use crate::ledger::{Allocation, Holding};
use crate::model::{Service, SharingKey};
use crate::snapshot::ServiceKey;
use std::collections::BTreeSet;
use std::sync::Arc;

/// In whose name a Service's former addresses are set aside. No object can have this name, and people understand it.
pub(super) fn aside_of(key: &ServiceKey) -> ServiceKey {
    let name: Arc<str> = format!("{} (until its status is written)", key.name).into();
    ServiceKey { namespace: key.namespace.clone(), name }
}

impl Leader {
    /// Sets aside what a Service's status may show and the Service does not hold. `before` is what it held when that
    /// was decided: those who could share with it then can do so still.
    pub fn reserve(&mut self, key: &ServiceKey, before: Option<&Holding>, service: Option<&Service>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let held = self.ledger.allocation(key).map(|allocation| allocation.ips.clone()).unwrap_or_default();
        let lost: Vec<_> = entry.may_show().into_iter().filter(|ip| !held.contains(ip)).collect();
        if lost.is_empty() {
            self.contested.remove(key);
            if entry.aside.take().is_some() {
                self.ledger.release(&aside_of(key));
                self.freed = true;
            }
            return;
        }
        let (sharing, ports) = terms(entry, before, service);
        let holding = Holding { allocation: Allocation { pool: "".into(), ips: lost }, sharing, ports };
        if self.ledger.set_aside(&aside_of(key), holding.clone()) {
            self.contested.remove(key);
        } else {
            self.contested.insert(key.clone());
        }
        entry.aside = Some(holding);
    }

    /// After the pools changed: before anybody gets anything, all that was set aside is so again.
    pub fn set_aside_again(&mut self) {
        let flying =
            |entry: &&Entry| entry.aside.is_some() || entry.flight.is_some() || !entry.open.is_empty();
        let keys: Vec<ServiceKey> =
            self.entries.iter().filter(|(_, entry)| flying(entry)).map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.reserve(&key, None, None);
        }
    }

    /// Those who share their former address with a holder set it aside as soon as that one lets go.
    pub fn retry_contested(&mut self) {
        for key in std::mem::take(&mut self.contested) {
            self.reserve(&key, None, None);
        }
    }

    /// Where a status shows addresses that others hold: the older grant keeps them, and the others lose what they
    /// have. (Only a late write, or one by hand, makes two of them.)
    pub fn claim(&mut self, context: &mut Context<'_>, key: &ServiceKey, service: &Service) {
        let Some(mine) = self.entries.get(key).map(|entry| entry.age(key)) else { return };
        while let Some((holder, address)) = self.ledger.in_the_way(key, service, &service.status_ips) {
            let Some(other) = self.entries.get(&holder) else { return };
            let (older, younger, uid) = if other.age(&holder) < mine {
                (&holder, key, self.entries.get(key).map(|entry| entry.facts.uid.clone()))
            } else {
                (key, &holder, Some(other.facts.uid.clone()))
            };
            let message =
                format!("{address} is Service {older}'s, which had it first: this one gets another");
            if let Some(uid) = uid {
                context.say(super::serve::object_of(younger), &uid, true, "AddressHeldTwice", message);
            }
            if older == &holder {
                return;
            }
            self.ledger.release(&holder);
            self.dirty.insert(holder);
        }
    }
}

/// What those addresses can be shared by: as they could be when the Service held them, and by nobody where that is
/// not the same for all of them.
fn terms(
    entry: &Entry,
    before: Option<&Holding>,
    service: Option<&Service>,
) -> (SharingKey, BTreeSet<crate::ledger::Port>) {
    let service = service.map(|service| (&service.sharing, &service.ports));
    let known = [entry.aside.as_ref(), before].into_iter().flatten();
    let mut all = known.map(|holding| (&holding.sharing, &holding.ports)).peekable();
    let first = all.peek().copied().or(service);
    let Some((sharing, ports)) = first else { return Default::default() };
    all.fold((sharing.clone(), ports.clone()), |(sharing, mut ports), (other, more)| {
        ports.extend(more.iter().cloned());
        (if sharing == *other { sharing } else { SharingKey::default() }, ports)
    })
}

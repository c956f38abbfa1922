//! Begins to lead: takes over who has what, and makes sure that no write of a former leader can change it.
//!
//! Such a write names the resourceVersion that the former leader saw. Once the object is past that, it fails. So
//! every Service that the former leader may have been writing to, which is every one that has not got all it could
//! get, is written to before the first address is given out. What a Service holds already is safe: before a leader gives
//! it other addresses it writes that it is about to, so that whoever does not say so stays where it is.

use super::condition;
use super::effect::ServicePatch;
use super::entry::newer;
use super::input::LateWrites;
use super::leader::{Context, Leader};
use super::serve::parsed;
use crate::input::objects::ALLOCATED;
use crate::ledger::Ledger;
use crate::snapshot::ServiceKey;

impl Leader {
    /// Takes over what the Services' status says, the older grants first.
    pub fn take_over(&mut self, context: &mut Context<'_>, late: LateWrites) {
        self.ledger = Ledger::new(&context.world.model.pools);
        for (key, facts) in &context.view.facts {
            self.see_facts(key, facts);
        }
        let mut order: Vec<_> = self.entries.iter().map(|(key, entry)| entry.age(key)).collect();
        order.sort_unstable();
        for (_, _, key) in order {
            let Some(mut service) = parsed(context, &key) else { continue };
            let Some(entry) = self.entries.get(&key) else { continue };
            let (resource_version, shown) = entry.now();
            service.status_ips.clone_from(&shown.ips);
            let adopted = !shown.ips.is_empty() && self.ledger.adopt(&key, &service);
            let settled = adopted && !shown.is_about_to_move();
            self.reserve(&key, None, Some(&service));
            if !settled && late == LateWrites::Possible {
                self.touching.insert(key, resource_version);
            }
        }
    }

    /// Writes to those that have to be written to first; says whether all of that is done.
    pub fn touch(&mut self, context: &mut Context<'_>) -> bool {
        let Self { touching, entries, .. } = self;
        let behind = |(key, listed): (&ServiceKey, &std::sync::Arc<str>)| {
            entries.get(key).is_some_and(|entry| !newer(entry.resource_version(), listed))
        };
        let rest: Vec<ServiceKey> = touching
            .iter()
            .filter(|(key, listed)| behind((key, listed)))
            .map(|(key, _)| key.clone())
            .collect();
        touching.retain(|key, _| rest.binary_search(key).is_ok());
        for key in rest {
            let Some(entry) = self.entries.get(&key) else { continue };
            if entry.flight.is_some() || entry.stale.is_some() || context.now.at < entry.not_before {
                continue;
            }
            let (resource_version, shown) = entry.now();
            let status = shown.allocated.as_ref().is_some_and(|said| said.status);
            let verdict = condition::leader_changed(status, &resource_version);
            let written = verdict.condition(shown.allocated.as_ref(), &context.now);
            let mut then = shown;
            then.allocated = Some(written.clone().into());
            let patch =
                ServicePatch { conditions: vec![(ALLOCATED, Some(written))], ..ServicePatch::default() };
            self.send(context, &key, patch, then, Vec::new());
        }
        self.touching.is_empty()
    }
}

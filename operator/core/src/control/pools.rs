//! The status of pools: how much is in use, at most one write per pool and second.

use super::effect::{Effect, PoolWrite};
use super::entry::newer;
use super::facts::PoolFacts;
use super::input::{Millis, Now, WriteFailure, WriteId, Written};
use super::leader::{Context, Leader, Target, Wake};
use crate::input::objects::ObjectFacts;
use crate::ledger::{Ledger, PoolUsage};
use crate::model::PoolName;
use crate::problem::ObjectRef;
use herald_crds::metallb::IPAddressPoolStatus;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The condition of a pool that says that it is about to have nothing left.
pub(super) const NEARLY_EXHAUSTED: &str = "NearlyExhausted";
/// At most one write per pool in so many milliseconds.
const BETWEEN_WRITES: Millis = 1_000;
/// A level is left when this much less is in use than when it is reached, in percent: use that goes up and down by
/// one address says nothing new.
const SLACK: i128 = 5;

/// How much of a pool is in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    #[default]
    Plenty,
    Use80,
    Use95,
    Exhausted,
}

/// All pools.
#[derive(Debug, Default)]
pub(super) struct Pools {
    known: BTreeMap<ObjectRef, Writes>,
    /// Services by pool.
    pub services: BTreeMap<PoolName, u64>,
}

/// The writes to one pool.
#[derive(Debug, Default)]
struct Writes {
    flight: Option<(WriteId, IPAddressPoolStatus)>,
    answered: Option<(Arc<str>, IPAddressPoolStatus)>,
    last: Option<Millis>,
    /// The API server drops conditions: its definition of the kind is MetalLB's.
    without_conditions: bool,
    /// What was told last.
    level: Option<Level>,
}

impl Pools {
    pub fn facts(&self, pool: &PoolName, ledger: &Ledger) -> PoolFacts {
        let usage = ledger.usage(pool).unwrap_or_default();
        PoolFacts { usage, services: self.services.get(pool).copied().unwrap_or_default() }
    }
}

impl Leader {
    /// Writes the status of every pool that shows something else.
    pub fn tell_pools(&mut self, context: &mut Context<'_>) {
        let objects: Vec<ObjectRef> =
            context.world.model.pools.values().map(|pool| pool.object.clone()).collect();
        self.pools.known.retain(|object, _| context.view.objects.contains_key(object));
        for object in objects {
            if let Some(facts) = context.view.objects.get(&object) {
                self.tell_pool(context, &object, facts);
            }
        }
    }

    fn tell_pool(&mut self, context: &mut Context<'_>, object: &ObjectRef, facts: &Arc<ObjectFacts>) {
        let Some(usage) = self.ledger.usage(&object.name) else { return };
        let writes = self.pools.known.entry(object.clone()).or_default();
        if writes.flight.is_some() || facts.deleting {
            return;
        }
        let read = || IPAddressPoolStatus::deserialize(&facts.status).ok();
        if writes.answered.as_ref().is_some_and(|(version, _)| !newer(version, &facts.resource_version)) {
            let before = writes.answered.take().map(|(_, status)| status.conditions);
            let dropped = read().is_some_and(|status| status.conditions.is_empty());
            writes.without_conditions = dropped && before.is_some_and(|conditions| !conditions.is_empty());
        }
        let shown = writes.answered.as_ref().map(|(_, status)| status.clone()).or_else(read);
        let before = told(shown.as_ref(), writes.level);
        let level = Level::now(usage, before);
        let mut wanted = wanted(usage, level, shown.as_ref(), &context.now);
        if writes.without_conditions {
            wanted.conditions.clear();
        }
        if shown.as_ref() == Some(&wanted) {
            return;
        }
        let at = context.now.at;
        if let Some(earliest) =
            writes.last.map(|last| last + BETWEEN_WRITES).filter(|earliest| at < *earliest)
        {
            self.wake_at(earliest, Wake::Rest);
            return;
        }
        let id = context.next_write();
        (writes.flight, writes.last, writes.level) = (Some((id, wanted.clone())), Some(at), Some(level));
        self.targets.insert(id, Target::Pool(object.clone()));
        let (pool, uid) = (object.clone(), facts.uid.clone());
        if level != before {
            let (warning, reason, message) = level.event(before);
            context.say(pool.clone(), &uid, warning, reason, message);
        }
        context.effects.push(Effect::PoolStatus(PoolWrite { id, pool, uid, status: wanted }));
    }

    pub fn answer_pool(
        &mut self,
        context: &Context<'_>,
        pool: &ObjectRef,
        result: Result<Written, WriteFailure>,
    ) {
        let Some(writes) = self.pools.known.get_mut(pool) else { return };
        let Some((_, status)) = writes.flight.take() else { return };
        if let Ok(Written { resource_version }) = result {
            writes.answered = Some((resource_version, status));
        } else {
            writes.answered = None;
            self.facts.update_errors += 1;
            self.wake_at(context.now.at + BETWEEN_WRITES, Wake::Rest);
        }
    }
}

/// The level that users know of: what the condition says, else what was told, else what the counters show.
fn told(shown: Option<&IPAddressPoolStatus>, last: Option<Level>) -> Level {
    let Some(shown) = shown else { return last.unwrap_or_default() };
    let counted = || {
        let usage = PoolUsage {
            assigned_v4: shown.assigned_ipv4,
            assigned_v6: shown.assigned_ipv6,
            available_v4: shown.available_ipv4,
            available_v6: shown.available_ipv6,
        };
        Level::now(usage, Level::Plenty)
    };
    let condition = shown.conditions.iter().find(|condition| condition.type_ == NEARLY_EXHAUSTED);
    condition.map(Level::of).or(last).unwrap_or_else(counted)
}

/// The status that a pool should have.
fn wanted(
    usage: PoolUsage,
    level: Level,
    shown: Option<&IPAddressPoolStatus>,
    now: &Now,
) -> IPAddressPoolStatus {
    let conditions = shown.map(|status| status.conditions.clone()).unwrap_or_default();
    let known = conditions.iter().find(|condition| condition.type_ == NEARLY_EXHAUSTED);
    let (status, reason, message) = level.condition();
    let transition =
        known.filter(|known| known.status == status).map(|known| known.last_transition_time.clone());
    let condition = Condition {
        type_: NEARLY_EXHAUSTED.into(),
        status: status.into(),
        reason: reason.into(),
        message: message.into(),
        observed_generation: None,
        // The API keeps seconds; anything finer would never be read back.
        last_transition_time: transition.unwrap_or_else(|| whole_seconds(now)),
    };
    let others = conditions.iter().filter(|condition| condition.type_ != NEARLY_EXHAUSTED).cloned();
    IPAddressPoolStatus {
        assigned_ipv4: usage.assigned_v4,
        assigned_ipv6: usage.assigned_v6,
        available_ipv4: usage.available_v4,
        available_ipv6: usage.available_v6,
        conditions: others.chain([condition]).collect(),
    }
}

fn whole_seconds(now: &Now) -> Time {
    let wall = k8s_openapi::jiff::Timestamp::from_second(now.wall.as_second());
    Time(wall.unwrap_or(now.wall))
}

impl Level {
    fn of(condition: &Condition) -> Self {
        match &*condition.reason {
            "Use80Percent" => Self::Use80,
            "Use95Percent" => Self::Use95,
            "Exhausted" => Self::Exhausted,
            _ => Self::Plenty,
        }
    }

    /// The level of the family of which there is least.
    fn now(usage: PoolUsage, before: Self) -> Self {
        let v4 = Self::of_family(usage.assigned_v4, usage.available_v4, before);
        let v6 = Self::of_family(usage.assigned_v6, usage.available_v6, before);
        v4.max(v6)
    }

    fn of_family(assigned: i64, available: i64, before: Self) -> Self {
        let (assigned, all) = (i128::from(assigned), i128::from(assigned) + i128::from(available));
        let reaches = |level: Self, percent: i128| {
            let percent = if before >= level { percent - SLACK } else { percent };
            all > 0 && assigned * 100 >= all * percent
        };
        if all > 0 && available == 0 {
            Self::Exhausted
        } else if reaches(Self::Use95, 95) {
            Self::Use95
        } else if reaches(Self::Use80, 80) {
            Self::Use80
        } else {
            Self::Plenty
        }
    }

    /// Status, reason and message of the condition; the counters beside it say how much it is.
    fn condition(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Plenty => ("False", "Available", "less than 80 % of the addresses are in use"),
            Self::Use80 => (
                "True",
                "Use80Percent",
                "80 % of the addresses of a family are in use: extend spec.addresses soon",
            ),
            Self::Use95 => (
                "True",
                "Use95Percent",
                "95 % of the addresses of a family are in use: extend spec.addresses now",
            ),
            Self::Exhausted => (
                "True",
                "Exhausted",
                "all addresses of a family are in use: extend spec.addresses, or Services stay pending",
            ),
        }
    }

    fn event(self, before: Self) -> (bool, &'static str, String) {
        let (_, _, message) = self.condition();
        let reason = match self {
            Self::Plenty => "PoolAvailable",
            Self::Use80 => "PoolUse80Percent",
            Self::Use95 => "PoolUse95Percent",
            Self::Exhausted => "PoolExhausted",
        };
        (self > before, reason, message.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(assigned: i64, available: i64) -> PoolUsage {
        PoolUsage { assigned_v4: assigned, available_v4: available, ..PoolUsage::default() }
    }

    #[test]
    fn a_level_is_reached_exactly_and_left_with_slack() {
        let mut level = Level::Plenty;
        let mut seen = Vec::new();
        for assigned in (0..=100).chain((70..100).rev()) {
            let now = Level::now(usage(assigned, 100 - assigned), level);
            if now != level {
                seen.push((assigned, now));
            }
            level = now;
        }
        let expected = [
            (80, Level::Use80),
            (95, Level::Use95),
            (100, Level::Exhausted),
            (99, Level::Use95),
            (89, Level::Use80),
            (74, Level::Plenty),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_family_of_which_there_is_least_decides_and_one_that_is_not_there_does_not() {
        let both = PoolUsage { assigned_v6: 1, available_v6: i64::MAX - 1, ..usage(4, 0) };
        assert_eq!(Level::now(both, Level::Plenty), Level::Exhausted);
        assert_eq!(Level::now(usage(0, 0), Level::Plenty), Level::Plenty);
    }
}

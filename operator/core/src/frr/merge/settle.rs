//! The order in which FRRConfigurations are merged, and what becomes of those that conflict.
//!
//! What is in force and unchanged comes first, then edits, then new objects. An edit that loses a conflict
//! keeps its last valid form, which then counts as in force: so it is merged again from the start.

use super::{Merged, ServicePreference};
use crate::frr::contribution::Contribution;
use crate::model::Standing;
use crate::problem::{ObjectRef, Problem};
use std::collections::BTreeMap;

/// What became of an object that does not count as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its last valid form counts.
    Reverted,
    /// Nothing of it counts.
    Dropped,
}

type Fates<'a> = BTreeMap<&'a ObjectRef, Fate>;

/// Merges contributions one after the other into what is there already.
pub(super) fn settle(
    base: &Merged,
    contributions: &[&Contribution],
    services: &dyn ServicePreference,
    problems: &mut Vec<Problem>,
) -> Merged {
    let mut ordered = contributions.to_vec();
    ordered.sort_by(|a, b| a.rank.cmp(&b.rank));
    let mut fates = Fates::new();
    loop {
        if let Some(merged) = attempt(base, &ordered, services, &mut fates, problems) {
            return merged;
        }
    }
}

/// One pass over all objects; `None` where an object met its fate and all has to be merged again.
fn attempt<'a>(
    base: &Merged,
    ordered: &[&'a Contribution],
    services: &dyn ServicePreference,
    fates: &mut Fates<'a>,
    problems: &mut Vec<Problem>,
) -> Option<Merged> {
    let fate = |c: &Contribution| fates.get(&c.object).copied();
    let is_settled = |c: &Contribution| c.rank.standing == Standing::Unchanged || fate(c).is_some();
    let (settled, others): (Vec<&'a Contribution>, Vec<_>) = ordered.iter().partition(|c| is_settled(c));
    let mut merged = base.clone();
    let mut refusals = Vec::new();
    for contribution in settled.into_iter().chain(others) {
        let form = match fates.get(&contribution.object) {
            None => Some(contribution),
            Some(Fate::Reverted) => contribution.previous.as_deref(),
            Some(Fate::Dropped) => None,
        };
        let Some(form) = form else { continue };
        let mut trial = merged.clone();
        match trial.add(form, services) {
            Ok(()) => merged = trial,
            Err(conflict) if fates.contains_key(&contribution.object) => drop(conflict),
            Err(conflict) if contribution.previous.is_some() => {
                problems.push(conflict.problem(&contribution.object));
                fates.insert(&contribution.object, Fate::Reverted);
                return None;
            }
            Err(conflict) => refusals.push(conflict.problem(&contribution.object)),
        }
    }
    if leave_out_lonely(&merged, ordered, fates, problems) {
        return None;
    }
    problems.append(&mut refusals);
    Some(merged)
}

/// EVPN that nobody is there to exchange routes with shows only when everything is merged.
fn leave_out_lonely<'a>(
    merged: &Merged,
    ordered: &[&'a Contribution],
    fates: &mut Fates<'a>,
    problems: &mut Vec<Problem>,
) -> bool {
    let mut found = false;
    for (object, conflict) in merged.lonely_evpn() {
        let Some(owner) = ordered.iter().find(|c| c.object == object) else { continue };
        let next = match fates.get(&owner.object) {
            None => {
                problems.push(conflict.problem(&owner.object));
                if owner.previous.is_some() { Fate::Reverted } else { Fate::Dropped }
            }
            Some(_) => Fate::Dropped,
        };
        fates.insert(&owner.object, next);
        found = true;
    }
    found
}

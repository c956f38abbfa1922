//! What was admitted and is not yet seen: two objects that follow each other within milliseconds are judged together.

use super::set;
use crate::problem::ObjectRef;
use crate::snapshot::Configuration;
use std::collections::BTreeMap;

/// Milliseconds of a clock that never goes back.
pub type Millis = u64;

/// How long an admitted object counts without being seen: it may never have been stored, refused by somebody else.
const KEEP: Millis = 2_000;
/// More than this many are not kept: each costs every review.
const MOST: usize = 1_000;

/// Objects that were admitted a moment ago.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    admitted: BTreeMap<ObjectRef, Admitted>,
}

#[derive(Debug, Clone)]
struct Admitted {
    /// The object alone.
    object: Configuration,
    /// The same as it was seen when it was admitted; empty if it was not there.
    seen: Configuration,
    until: Millis,
}

impl Recent {
    /// Notes an admission.
    pub(super) fn admit(&mut self, id: ObjectRef, object: Configuration, seen: &Configuration, now: Millis) {
        self.admitted.retain(|_, admitted| admitted.until > now);
        if self.admitted.len() < MOST || self.admitted.contains_key(&id) {
            let seen = set::only(seen, &id);
            self.admitted.insert(id, Admitted { object, seen, until: now.saturating_add(KEEP) });
        }
    }

    /// Whether nothing is kept.
    pub(super) fn is_empty(&self, now: Millis) -> bool {
        self.admitted.values().all(|admitted| admitted.until <= now)
    }

    /// Puts what is not yet seen into the configuration; true if there was anything.
    pub(super) fn add_to(&self, configuration: &mut Configuration, now: Millis) -> bool {
        let mut added = false;
        for (id, admitted) in &self.admitted {
            if admitted.until > now && set::only(configuration, id) == admitted.seen {
                set::put(configuration, &admitted.object);
                added = true;
            }
        }
        added
    }
}

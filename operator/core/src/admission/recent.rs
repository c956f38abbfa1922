//! What was admitted and is not yet seen: two objects that follow each other within milliseconds are judged together.

use super::set;
use crate::problem::ObjectRef;
use crate::snapshot::Configuration;
use std::collections::BTreeMap;

/// Milliseconds of a clock that never goes back.
pub type Millis = u64;

/// How long an admitted object counts without being seen: it may never have been stored, refused by somebody else.
const KEEP: Millis = 1_000;
/// More than this many are not kept: each costs every review.
const MOST: usize = 1_000;

/// Objects that were admitted a moment ago.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent {
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
    pub fn admit(&mut self, id: ObjectRef, object: Configuration, seen: &Configuration, now: Millis) {
        if self.admitted.len() < MOST || self.admitted.contains_key(&id) {
            let seen = set::only(seen, &id);
            self.admitted.insert(id, Admitted { object, seen, until: now.saturating_add(KEEP) });
        }
    }

    /// Forgets what is too old, and what is seen otherwise than before it was admitted; true if there was any.
    pub fn forget(&mut self, seen: &Configuration, now: Millis) -> bool {
        let before = self.admitted.len();
        self.admitted.retain(|id, admitted| admitted.until > now && set::only(seen, id) == admitted.seen);
        self.admitted.len() < before
    }

    /// When the last of it will have been seen, or forgotten.
    pub fn settles(&self) -> Option<Millis> {
        self.admitted.values().map(|admitted| admitted.until).max()
    }

    /// Puts what is not yet seen into the configuration.
    pub fn add_to(&self, configuration: &mut Configuration) {
        for admitted in self.admitted.values() {
            set::put(configuration, &admitted.object);
        }
    }
}

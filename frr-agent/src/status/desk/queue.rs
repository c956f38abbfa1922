//! What waits to be written, found at the cost of what is taken: thousands of Services may wait for hours.

use super::super::object::Id;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// An object that is not as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// Since when.
    pub since: Instant,
    /// It is not written before.
    pub not_before: Instant,
    /// Writes of it that failed.
    pub failures: u32,
    /// What is written first has the lowest.
    pub urgency: u8,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Queue {
    pending: BTreeMap<Id, Pending>,
    /// Those that may be written, the most urgent first, and of these what waits longest.
    due: BTreeSet<(u8, Instant, Id)>,
    /// Those that may not yet, by when they may. Each is in one of the two.
    later: BTreeSet<(Instant, Id)>,
}

impl Queue {
    /// How an object waits.
    pub fn get(&self, id: &Id) -> Option<&Pending> {
        self.pending.get(id)
    }

    /// Lets an object wait like this.
    pub fn set(&mut self, id: &Id, new: Pending) {
        if self.pending.get(id) == Some(&new) {
            return;
        }
        self.remove(id);
        self.later.insert((new.not_before, id.clone()));
        self.pending.insert(id.clone(), new);
    }

    /// It waits no more.
    pub fn remove(&mut self, id: &Id) {
        if let Some(known) = self.pending.remove(id)
            && !self.later.remove(&(known.not_before, id.clone()))
        {
            self.due.remove(&(known.urgency, known.since, id.clone()));
        }
    }

    /// What is to be written first of what may be written now.
    pub fn first(&mut self, now: Instant) -> Option<&Id> {
        while self.next_at().is_some_and(|at| at <= now) {
            let Some((_, id)) = self.later.pop_first() else { break };
            if let Some(pending) = self.pending.get(&id) {
                self.due.insert((pending.urgency, pending.since, id));
            }
        }
        self.due.first().map(|(_, _, id)| id)
    }

    /// When the next of those that may not be written yet may be.
    pub fn next_at(&self) -> Option<Instant> {
        self.later.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use herald_core::snapshot::ServiceKey;
    use std::time::Duration;

    fn id(name: &str) -> Id {
        Id::Service(ServiceKey { namespace: "default".into(), name: name.into() })
    }

    #[test]
    fn the_most_urgent_comes_first_and_then_what_waits_longest() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let pending = |since, not_before, urgency| Pending {
            since: at(since),
            not_before: at(not_before),
            failures: 0,
            urgency,
        };
        let mut queue = Queue::default();
        queue.set(&id("b"), pending(0, 0, 2));
        queue.set(&id("a"), pending(1, 1, 2));
        queue.set(&id("urgent"), pending(2, 4, 1));
        let first = |queue: &mut Queue, now| queue.first(at(now)).cloned();
        assert_eq!(first(&mut queue, 2), Some(id("b")));
        assert_eq!(queue.next_at(), Some(at(4)));
        assert_eq!(first(&mut queue, 4), Some(id("urgent")));
        // Less urgent now, and b waits again.
        queue.set(&id("urgent"), pending(2, 4, 3));
        queue.set(&id("b"), pending(0, 9, 2));
        assert_eq!(first(&mut queue, 4), Some(id("a")));
        queue.remove(&id("a"));
        assert_eq!(first(&mut queue, 4), Some(id("urgent")));
        queue.remove(&id("urgent"));
        assert_eq!((first(&mut queue, 4), queue.next_at()), (None, Some(at(9))));
        queue.remove(&id("b"));
        assert_eq!((first(&mut queue, 9), queue.next_at(), queue.get(&id("b"))), (None, None, None));
    }
}

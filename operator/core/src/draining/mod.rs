//! For how long a node has been draining: the plan knows no time, so it is told when one of the times that
//! advertisements ask for is over.
//!
//! `now` is the time since some moment that stays the same, by a clock that never goes back.

#[cfg(test)]
mod tests;

use crate::model::drain_times;
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::time::Duration;

/// The longest time that an advertisement can ask for, which may be one that is no longer in the input.
const LONGEST: Duration = Duration::from_hours(1);

/// Counts for how long a node has been draining.
#[derive(Debug, Clone, Default)]
pub struct Draining {
    counted: Option<Counted>,
    times: BTreeSet<Duration>,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    /// When it was first seen by this count.
    from: Duration,
    /// What was counted before that.
    before: Duration,
}

impl Counted {
    fn at(self, now: Duration) -> Duration {
        self.before.saturating_add(now.saturating_sub(self.from))
    }
}

impl Draining {
    /// Goes on with what somebody has counted before, at `now`.
    #[must_use]
    pub fn restore(now: Duration, before: Option<Duration>) -> Self {
        Self { counted: before.map(|before| Counted { from: now, before }), times: BTreeSet::new() }
    }

    /// What the plan of `node` is to know now ([`crate::snapshot::Here`]): the longest time that is over.
    pub fn step(&mut self, now: Duration, node: &str, snapshot: &Snapshot) -> Option<Duration> {
        let drains = snapshot.nodes.iter().any(|known| &*known.name == node && known.draining);
        if !drains {
            *self = Self::default();
            return None;
        }
        let counted = *self.counted.get_or_insert(Counted { from: now, before: Duration::ZERO });
        self.times = drain_times(snapshot);
        self.times.insert(LONGEST);
        Some(self.times.range(..=counted.at(now)).next_back().copied().unwrap_or_default())
    }

    /// When the next time is over: to be asked again then.
    #[must_use]
    pub fn wake_at(&self, now: Duration) -> Option<Duration> {
        let counted = self.counted?;
        let passed = counted.at(now);
        let next = self.times.iter().find(|time| **time > passed)?;
        Some(now.saturating_add(next.saturating_sub(passed)))
    }

    /// For how long it has been draining; to be kept over a restart.
    #[must_use]
    pub fn passed(&self, now: Duration) -> Option<Duration> {
        Some(self.counted?.at(now))
    }
}

//! Whether to lead, decided purely.
//!
//! Two rules keep two replicas from writing at a time. A leader begins no write later than one write deadline before its
//! Lease can expire, counted from before it sent the renewal that succeeded. Another one takes the Lease only after it
//! has seen no change of it for its whole duration, counted from when it saw the last one, and leads one write deadline
//! after that. Both count by their own monotonic clocks: one that jumps matters to neither.

use super::record::{Record, Wanted};
use herald_core::control::LateWrites;
use std::time::Duration;

/// Time on this process' monotonic clock.
pub type Time = Duration;

/// The times of an election.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// How long a Lease holds.
    pub lease: Duration,
    /// How often it is renewed.
    pub renew: Duration,
    /// How long a write may take.
    pub write: Duration,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask for the Lease.
    Look,
    /// Store it so.
    Store(Wanted),
    /// Nothing, until then.
    Wait(Time),
}

/// Where one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Another one leads, or nobody.
    Follows,
    /// It leads: no write may begin at `until` or later.
    Leads {
        /// The end, unless the Lease is renewed.
        until: Time,
        /// Whether writes of a former leader, or of this one's former time, may still arrive.
        late: LateWrites,
    },
}

/// Why a Lease was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotStored {
    /// Somebody else changed, made or deleted it.
    Changed,
    /// No answer, or a failure: it may have been stored.
    Unknown,
}

/// One who wants to lead.
#[derive(Debug)]
pub struct Elector {
    identity: String,
    timings: Timings,
    /// The Lease as it was seen last, if there is one, and since when it is like that.
    seen: Option<(Option<Record>, Time)>,
    /// When to ask or to renew.
    next: Time,
    /// Nothing is asked before: the last attempt failed.
    quiet: Time,
    /// What was asked for and may have been granted without an answer.
    claim: Option<Claim>,
    held: Option<Held>,
}

/// On which terms a Lease is taken.
#[derive(Debug, Clone, Copy)]
struct Claim {
    /// From the grant to the first write.
    wait: Duration,
    late: LateWrites,
}

/// A Lease of one's own.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// From before the renewal that succeeded last was sent.
    renewed: Time,
    /// It leads from then on.
    from: Time,
    late: LateWrites,
}

impl Elector {
    /// One who has seen nothing. Identities are never used twice.
    pub const fn new(identity: String, timings: Timings) -> Self {
        Self { identity, timings, seen: None, next: Time::ZERO, quiet: Time::ZERO, claim: None, held: None }
    }

    /// Where it stands.
    pub fn standing(&self, now: Time) -> Standing {
        match self.held {
            Some(held) if held.from <= now && now < self.end(held) => {
                Standing::Leads { until: self.end(held), late: held.late }
            }
            _ => Standing::Follows,
        }
    }

    /// When the standing changes if nothing happens.
    pub fn changes(&self, now: Time) -> Option<Time> {
        let held = self.held?;
        [held.from, self.end(held)].into_iter().filter(|at| *at > now).min()
    }

    fn end(&self, held: Held) -> Time {
        held.renewed + self.timings.lease.saturating_sub(self.timings.write)
    }

    /// What to do now.
    pub fn step(&mut self, now: Time) -> Step {
        if now < self.quiet {
            return Step::Wait(self.quiet);
        }
        let Some((record, since)) = &self.seen else {
            return if self.next <= now { Step::Look } else { Step::Wait(self.next) };
        };
        if self.held.is_some() {
            return if self.next <= now { self.store(record.as_ref()) } else { Step::Wait(self.next) };
        }
        let Some((free, claim)) = self.terms(record.as_ref(), *since) else {
            // Ours without an answer to say so.
            return self.store(record.as_ref());
        };
        if free <= now {
            let step = self.store(record.as_ref());
            self.claim = Some(claim);
            return step;
        }
        if self.next <= now { Step::Look } else { Step::Wait(self.next.min(free)) }
    }

    /// When and on which terms a Lease can be taken; `None` if it is ours.
    fn terms(&self, record: Option<&Record>, since: Time) -> Option<(Time, Claim)> {
        let Timings { lease, write, .. } = self.timings;
        let (free, wait, late) = match record {
            Some(record) if record.holder == self.identity && self.claim.is_some() => return None,
            Some(Record { holder, answered: Some(answered), .. }) if holder.is_empty() => {
                let late = if *answered { LateWrites::Impossible } else { LateWrites::Possible };
                (since, Duration::ZERO, late)
            }
            // Somebody deleted it, or emptied it: a leader may not know that yet.
            None => (since, lease + write, LateWrites::Possible),
            Some(Record { holder, .. }) if holder.is_empty() => (since, lease + write, LateWrites::Possible),
            Some(record) => (since + record.duration.max(lease), write, LateWrites::Possible),
        };
        Some((free, Claim { wait, late }))
    }

    fn store(&self, record: Option<&Record>) -> Step {
        let ours = record.is_some_and(|record| record.holder == self.identity);
        Step::Store(Wanted {
            version: record.map(|record| record.version.clone()),
            holder: self.identity.clone(),
            duration: self.timings.lease,
            answered: None,
            transitions: record.map_or(0, |record| record.transitions + i64::from(!ours)),
            acquired: record.filter(|_| ours).and_then(|record| record.acquired.clone()),
        })
    }

    /// The Lease is like that now.
    pub fn saw(&mut self, now: Time, record: Option<Record>) {
        let ours = record.as_ref().is_some_and(|record| record.holder == self.identity);
        if !ours {
            self.held = None;
            self.claim = None;
        }
        if self.seen.as_ref().is_none_or(|(seen, _)| *seen != record) {
            self.seen = Some((record, now));
        }
        self.next = if ours { now } else { now + self.timings.renew / 2 };
    }

    /// Asking failed.
    pub fn saw_nothing(&mut self, now: Time) {
        self.quiet = now + self.timings.renew / 2;
    }

    /// What became of a [`Step::Store`] that was sent at `sent`.
    pub fn stored(&mut self, sent: Time, now: Time, result: Result<Record, NotStored>) {
        match result {
            Ok(record) => {
                let Claim { wait, late } =
                    self.claim.unwrap_or(Claim { wait: self.timings.write, late: LateWrites::Possible });
                let fresh = Held { renewed: sent, from: now + wait, late };
                self.held = Some(match self.held {
                    // Nobody else held it in between, but writes from before may still be on their way.
                    Some(held) if self.end(held) <= now && held.from <= now => {
                        Held { renewed: sent, from: now, late: LateWrites::Possible }
                    }
                    Some(held) => Held { renewed: sent, ..held },
                    None => fresh,
                });
                self.seen = Some((Some(record), now));
                self.next = sent + self.timings.renew;
            }
            Err(NotStored::Changed) => {
                self.seen = None;
                self.next = now;
            }
            Err(NotStored::Unknown) => self.quiet = now + self.timings.renew / 4,
        }
    }

    /// What the Lease is to become when one goes; `None` for one who does not hold it.
    pub fn let_go(&self, answered: bool) -> Option<Wanted> {
        self.held?;
        let (record, _) = self.seen.as_ref()?;
        let record = record.as_ref()?;
        Some(Wanted {
            version: Some(record.version.clone()),
            holder: String::new(),
            duration: Duration::from_secs(1),
            answered: Some(answered),
            transitions: record.transitions,
            acquired: record.acquired.clone(),
        })
    }
}

#[cfg(test)]
mod tests;

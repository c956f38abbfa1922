//! One session and unicast family: what is wanted, what FRR sent, and when to look again.

use super::facts::Announced;
use super::observer::Moment;
use super::sent::SentOf;
use herald_frr::config::{Announcement, Outbound};
use herald_frr::value::Family;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Every adj-RIB-out is looked at once in this time.
pub const ROUND: Duration = Duration::from_mins(10);
/// A difference is told when it is seen twice, this far apart: FRR may be about to mend it.
const AGAIN: Duration = Duration::from_secs(1);
/// While a difference stays, looks are at most this far apart.
const SLOWEST: Duration = Duration::from_mins(1);
/// Prefixes that the facts list.
const LISTED: usize = 100;

/// What was sent and what is wanted, where they differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Wanted and not sent.
    pub missing: BTreeSet<IpNet>,
    /// Sent and not wanted.
    pub unwanted: BTreeSet<IpNet>,
}

impl Difference {
    fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unwanted.is_empty()
    }
}

/// What a look changes of what was told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// To be told.
    pub came: Difference,
    /// To be taken back.
    pub went: Difference,
}

/// One session and family.
#[derive(Debug, Clone)]
pub struct Account {
    /// Own prefixes that are to be sent.
    pub wanted: usize,
    /// Prefixes beyond those at the last look: learnt, imported or made by hand.
    surplus: usize,
    /// What the last look saw.
    last: Arc<Difference>,
    /// Own prefixes among those beyond, where hand-written text decides.
    beside: Arc<BTreeSet<IpNet>>,
    /// When FRR last said what was sent, all of it or its number; `None` since the session came up.
    seen: Option<Instant>,
    /// What people were told.
    told: Difference,
    /// When the last look was, seconds since 1970.
    checked: Option<u64>,
    /// When to look again.
    pub due: Instant,
    /// The wait after the next look that still sees a difference.
    wait: Duration,
}

impl Account {
    /// Not looked at before `due`.
    pub fn new(wanted: usize, due: Instant) -> Self {
        Self {
            wanted,
            surplus: 0,
            last: Arc::default(),
            beside: Arc::default(),
            seen: None,
            told: Difference::default(),
            checked: None,
            due,
            wait: AGAIN,
        }
    }

    /// How many prefixes FRR counts if nothing has changed since the last look.
    pub fn expected(&self) -> u64 {
        let sent = self.wanted.saturating_sub(self.last.missing.len());
        (sent + self.surplus + self.last.unwanted.len()) as u64
    }

    /// The last look saw a difference that is not told yet: the next one settles it.
    pub fn is_doubtful(&self) -> bool {
        *self.last != self.told
    }

    /// Looks soon, but not sooner than the wait of a difference that stays.
    pub fn hurry(&mut self, now: Instant) {
        self.due = self.due.min(now + if self.last.is_empty() { Duration::ZERO } else { AGAIN });
    }

    /// The session is down, or another one: nothing is known of it.
    pub fn forget(&mut self, due: Instant) {
        *self = Self::new(self.wanted, due);
    }

    /// FRR counts as many as are expected.
    pub fn counted(&mut self, now: Instant) {
        self.seen = Some(now);
    }

    /// When FRR last said what was sent.
    pub const fn seen(&self) -> Option<Instant> {
        self.seen
    }

    /// What was sent, if that is known since the session came up.
    pub fn sent(&self) -> Option<SentOf> {
        self.seen.map(|_| SentOf { last: self.last.clone(), beside: self.beside.clone() })
    }

    /// FRR's adj-RIB-out; `own` says which prefixes are the router's own.
    pub fn look(
        &mut self,
        now: Moment,
        outbound: &Outbound<'_>,
        (family, own): (Family, impl Fn(&IpNet) -> bool),
        sent: &BTreeSet<IpNet>,
    ) -> News {
        let wanted: BTreeSet<IpNet> = outbound.wanted(family).copied().collect();
        let other = sent.difference(&wanted);
        let (unwanted, possible): (BTreeSet<IpNet>, BTreeSet<IpNet>) =
            other.partition(|prefix| outbound.judge(prefix) == Announcement::Unwanted);
        self.beside = Arc::new(possible.iter().filter(|prefix| own(prefix)).copied().collect());
        self.seen = Some(now.at);
        let seen = Difference { missing: wanted.difference(sent).copied().collect(), unwanted };
        (self.wanted, self.surplus, self.checked) = (wanted.len(), possible.len(), Some(now.seconds));
        let twice = Difference {
            missing: seen.missing.intersection(&self.last.missing).copied().collect(),
            unwanted: seen.unwanted.intersection(&self.last.unwanted).copied().collect(),
        };
        let news = News {
            came: Difference {
                missing: twice.missing.difference(&self.told.missing).copied().collect(),
                unwanted: twice.unwanted.difference(&self.told.unwanted).copied().collect(),
            },
            went: Difference {
                missing: self.told.missing.difference(&seen.missing).copied().collect(),
                unwanted: self.told.unwanted.difference(&seen.unwanted).copied().collect(),
            },
        };
        let changed = seen != *self.last;
        self.wait = if changed { AGAIN } else { (self.wait * 2).min(SLOWEST) };
        self.due = now.at + if seen.is_empty() { ROUND } else { self.wait };
        (self.told, self.last) = (twice, Arc::new(seen));
        news
    }

    /// For people.
    pub fn facts(&self) -> Announced {
        let first = |set: &BTreeSet<IpNet>| set.iter().take(LISTED).copied().collect();
        Announced {
            wanted: self.wanted,
            missing: self.told.missing.len(),
            unwanted: self.told.unwanted.len(),
            missing_prefixes: first(&self.told.missing),
            unwanted_prefixes: first(&self.told.unwanted),
            checked: self.checked,
        }
    }
}

/// How many own prefixes are to be sent after a change; of each changed one whether it was and whether it is.
pub fn recount(before: usize, changes: impl Iterator<Item = (bool, bool)>) -> usize {
    changes.fold(before, |count, change| match change {
        (false, true) => count + 1,
        (true, false) => count.saturating_sub(1),
        _ => count,
    })
}

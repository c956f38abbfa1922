//! When the BIRD router was told of prefixes.

use anyhow::{Result, bail};
use herald_e2e::updates::{Heard, Prefix, Updates};
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often BIRD's file is read: the granularity of times.
const POLL: Duration = Duration::from_millis(1);
const LIMIT: Duration = Duration::from_mins(10);
/// Sessions of IPv4 that all announce the same.
const SESSIONS: usize = 3;

pub fn prefix(address: Ipv4Addr) -> Prefix {
    Prefix(IpAddr::V4(address), 32)
}

/// BIRD's record, and what its sessions have by it.
pub struct Watch {
    updates: Updates,
    /// By how many sessions each prefix is announced.
    announced: HashMap<Prefix, usize>,
    by_session: HashSet<(IpAddr, Prefix)>,
}

impl Watch {
    pub fn new(updates: Updates) -> Self {
        Self { updates, announced: HashMap::new(), by_session: HashSet::new() }
    }

    fn take(&mut self) -> Result<bool> {
        let messages = self.updates.read()?;
        for message in &messages {
            let session = message.peer;
            match &message.heard {
                Heard::Update { withdrawn, announced } => {
                    for prefix in withdrawn {
                        if self.by_session.remove(&(session, *prefix)) {
                            *self.announced.entry(*prefix).or_default() -= 1;
                        }
                    }
                    for prefix in announced {
                        if self.by_session.insert((session, *prefix)) {
                            *self.announced.entry(*prefix).or_default() += 1;
                        }
                    }
                }
                Heard::Down => {
                    for (_, prefix) in self.by_session.extract_if(|(own, _)| *own == session) {
                        *self.announced.entry(prefix).or_default() -= 1;
                    }
                }
                Heard::Up | Heard::EndOfRib(_) => {}
            }
        }
        Ok(!messages.is_empty())
    }

    fn count(&self, prefix: &Prefix) -> usize {
        self.announced.get(prefix).copied().unwrap_or_default()
    }

    /// Waits until so many sessions announce each prefix; returns when the first of them did, and when the last.
    pub fn until(&mut self, prefixes: &[Prefix], sessions: usize) -> Result<(Instant, Instant)> {
        let deadline = Instant::now() + LIMIT;
        let (mut first, mut look) = (None, true);
        loop {
            look |= self.take()?;
            let now = Instant::now();
            if look {
                let changed = |prefix: &Prefix| match sessions {
                    0 => self.count(prefix) < SESSIONS,
                    _ => self.count(prefix) > 0,
                };
                if first.is_none() && prefixes.iter().any(changed) {
                    first = Some(now);
                }
                if prefixes.iter().all(|prefix| self.count(prefix) == sessions) {
                    return Ok((first.unwrap_or(now), now));
                }
            }
            if now >= deadline {
                let done = prefixes.iter().filter(|prefix| self.count(prefix) == sessions).count();
                bail!("{done} of {} prefixes are announced by {sessions} sessions", prefixes.len());
            }
            look = false;
            sleep(POLL);
        }
    }
}

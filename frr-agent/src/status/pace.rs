//! How often the API server may be written to.

use std::time::{Duration, Instant};

/// Writes that may be made at once: a neighbor that is lost concerns many Services, and has to be told soon.
const BURST: u32 = 300;
/// One more every so often: what a node writes in the long run.
const EVERY: Duration = Duration::from_secs(1);

/// A bucket of writes.
#[derive(Debug)]
pub struct Pace {
    left: u32,
    since: Instant,
}

impl Pace {
    /// A full one.
    pub const fn new(now: Instant) -> Self {
        Self { left: BURST, since: now }
    }

    /// Whether so many writes may be made now; if so they are counted.
    pub fn take(&mut self, now: Instant, writes: u32) -> bool {
        self.fill(now);
        let may = self.left >= writes;
        if may {
            self.left -= writes;
        }
        may
    }

    /// When so many writes may be made.
    pub fn ready(&mut self, now: Instant, writes: u32) -> Instant {
        self.fill(now);
        match writes.saturating_sub(self.left) {
            0 => now,
            missing => self.since + EVERY * missing,
        }
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        let more = u32::try_from(passed.as_millis() / EVERY.as_millis()).unwrap_or(u32::MAX);
        if self.left.saturating_add(more) >= BURST {
            (self.left, self.since) = (BURST, now);
        } else {
            self.left += more;
            self.since += EVERY * more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_long_run_there_is_one_write_a_second() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let mut made = 0;
        for tenth in 0..36_000 {
            while pace.take(start + Duration::from_millis(100) * tenth, 1) {
                made += 1;
            }
        }
        assert!((3_600..=3_600 + BURST).contains(&made), "{made} writes in an hour");
    }

    #[test]
    fn who_waits_is_told_when() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert!(pace.take(start, BURST));
        assert!(!pace.take(start, 1));
        assert_eq!(pace.ready(start, 2), start + 2 * EVERY);
        assert!(pace.take(start + 2 * EVERY, 2) && !pace.take(start + 2 * EVERY, 1));
    }
}

//! A change on its way: seen by the agent, taken by FRR, seen there. Pure: time comes in as an argument.

use herald_frr::config::FrrConfig;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So many changes are followed at a time: an FRR that is away for long must not fill the memory.
const MOST: usize = 256;

/// A configuration that was decided, and when what led to it was seen.
#[derive(Debug)]
struct Change {
    config: Arc<FrrConfig>,
    event: Instant,
}

/// All changes that are on their way.
#[derive(Debug, Default)]
pub struct Stages {
    /// What was decided last; that of the start is not a change.
    last: Option<Arc<FrrConfig>>,
    /// FRR has not taken them yet, the newest last.
    decided: VecDeque<Change>,
    /// FRR took them and was not asked for them since.
    taken: VecDeque<Change>,
}

impl Stages {
    /// What was seen at `event` asks for this configuration.
    pub fn decided(&mut self, config: &Arc<FrrConfig>, event: Instant) {
        let before = self.last.replace(config.clone());
        let changed = before.is_some_and(|before| !Arc::ptr_eq(&before, config));
        if changed && self.decided.len() < MOST {
            self.decided.push_back(Change { config: config.clone(), event });
        }
    }

    /// FRR took this configuration, and with it what it gathers; how long each of them took.
    pub fn taken(&mut self, config: &Arc<FrrConfig>, now: Instant) -> Vec<Duration> {
        let done = up_to(&mut self.decided, config);
        let times = times(&done, now);
        self.taken.extend(done);
        while self.taken.len() > MOST {
            self.taken.pop_front();
        }
        times
    }

    /// FRR refused this configuration: it never takes it.
    pub fn refused(&mut self, config: &Arc<FrrConfig>) {
        self.decided.retain(|change| !Arc::ptr_eq(&change.config, config));
    }

    /// FRR was asked and has this configuration; how long what it gathers took.
    pub fn seen(&mut self, config: &Arc<FrrConfig>, now: Instant) -> Vec<Duration> {
        times(&up_to(&mut self.taken, config), now)
    }
}

/// Takes the changes away that end with this configuration.
fn up_to(changes: &mut VecDeque<Change>, config: &Arc<FrrConfig>) -> Vec<Change> {
    let last = changes.iter().rposition(|change| Arc::ptr_eq(&change.config, config));
    last.map(|last| changes.drain(..=last).collect()).unwrap_or_default()
}

fn times(changes: &[Change], now: Instant) -> Vec<Duration> {
    changes.iter().map(|change| now.saturating_duration_since(change.event)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(times: &[Duration]) -> Vec<u128> {
        times.iter().map(Duration::as_millis).collect()
    }

    #[test]
    fn a_change_is_timed_from_its_event_and_what_is_gathered_counts_too() {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let (first, second, third) = (Arc::default(), Arc::default(), Arc::default());
        let mut stages = Stages::default();
        stages.decided(&first, start);
        assert!(stages.taken(&first, start + ms(5)).is_empty(), "the first is no change");
        stages.decided(&second, start + ms(100));
        stages.decided(&second, start + ms(150));
        stages.decided(&third, start + ms(200));
        assert_eq!(milliseconds(&stages.taken(&third, start + ms(210))), [110, 10]);
        assert!(stages.taken(&third, start + ms(300)).is_empty(), "once");
        assert_eq!(milliseconds(&stages.seen(&third, start + ms(400))), [300, 200]);
        assert!(stages.seen(&third, start + ms(500)).is_empty());
    }

    #[test]
    fn what_is_refused_is_not_timed_and_nothing_piles_up() {
        let start = Instant::now();
        let (first, second) = (Arc::default(), Arc::default());
        let mut stages = Stages::default();
        stages.decided(&first, start);
        stages.decided(&second, start);
        stages.refused(&second);
        stages.decided(&first, start);
        assert_eq!(stages.taken(&first, start).len(), 1);
        for at in 0..2 * MOST {
            stages.decided(if at % 2 == 0 { &second } else { &first }, start);
        }
        assert!(stages.decided.len() <= MOST);
    }
}

//! Which logs stay: the last 20 applied configurations, within a number of bytes.

/// So many applied configurations are kept, where they fit.
pub const APPLIED: usize = 20;

/// What a log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Entries whose configuration was in force.
    pub applied: usize,
    /// Bytes on the disk.
    pub bytes: u64,
    /// Bytes of them up to the end of the first record, which says everything; 0 where that is not known.
    pub first: u64,
}

/// How many of the logs, oldest first, are to be removed. The last one, which is being written, stays.
#[must_use]
pub fn surplus(logs: &[Size], limit: u64) -> usize {
    let enough = |later: &[Size]| later.iter().map(|log| log.applied).sum::<usize>() >= APPLIED;
    let fits = |logs: &[Size]| logs.iter().map(|log| log.bytes).sum::<u64>() <= limit;
    let removable = logs.len().saturating_sub(1);
    (0..removable)
        .find(|&gone| {
            let needed = logs.get(gone + 1..).is_none_or(|later| !enough(later));
            needed && logs.get(gone..).is_none_or(fits)
        })
        .unwrap_or(removable)
}

/// Whether the log is to be followed by a new one: enough is in it, or with the one before it there is no more room.
///
/// The first record of a log says everything, and making it costs as much: what follows must be worth a new one.
#[must_use]
pub fn is_full(log: Size, limit: u64) -> bool {
    log.applied >= APPLIED && log.bytes >= log.first.saturating_mul(2) || log.bytes > limit / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn log(applied: usize, bytes: u64) -> Size {
        Size { applied, bytes, first: 0 }
    }

    #[test]
    fn twenty_applied_configurations_stay() {
        assert_eq!(surplus(&[log(20, 1), log(19, 1)], 100), 0, "the later one is not enough");
        assert_eq!(surplus(&[log(20, 1), log(20, 1)], 100), 1);
        assert_eq!(surplus(&[log(5, 1), log(12, 1), log(8, 1), log(1, 1)], 100), 1);
        assert_eq!(surplus(&[log(30, 1)], 100), 0, "the one that is being written stays");
    }

    #[test]
    fn bytes_come_before_numbers() {
        assert_eq!(surplus(&[log(3, 60), log(3, 50), log(3, 20)], 100), 1);
        assert_eq!(surplus(&[log(3, 60), log(3, 200)], 100), 1);
        assert!(is_full(log(1, 51), 100) && is_full(log(20, 1), 100) && !is_full(log(19, 50), 100));
    }

    #[test]
    fn a_log_that_begins_with_much_is_not_begun_anew_for_little() {
        let of = |applied, bytes| Size { applied, bytes, first: 1000 };
        assert!(!is_full(of(30, 1900), 10_000), "little follows");
        assert!(is_full(of(30, 2000), 10_000) && !is_full(of(19, 2000), 10_000));
        assert!(is_full(of(2, 5001), 10_000), "there is no more room");
    }
}

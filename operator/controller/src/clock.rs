//! The one clock for waiting: monotonic, since the program's start. Nothing is ever waited for by the time of day.

use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::Instant;

fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// Time since the start.
pub fn now() -> Duration {
    start().elapsed()
}

/// A time as tokio counts; far away for one that will never be.
pub fn instant(at: Duration) -> Instant {
    const FAR: Duration = Duration::from_hours(24);
    start() + at.min(now() + FAR)
}

/// Milliseconds, as `herald_core::control` counts.
pub fn millis() -> u64 {
    u64::try_from(now().as_millis()).unwrap_or(u64::MAX)
}

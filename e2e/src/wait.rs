//! Waiting for a state with a deadline: never a bare sleep.

use anyhow::{Context, Result};
use std::thread::sleep;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(25);

/// Asks `probe` until it succeeds and returns what it gave. After `limit` fails with the last error of the probe, so the
/// message says what was seen instead.
pub fn wait_for<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        match probe() {
            Ok(value) => return Ok(value),
            Err(last) if Instant::now() >= deadline => {
                return Err(last).with_context(|| format!("{what}: not within {limit:?}; last seen"));
            }
            Err(_) => sleep(POLL),
        }
    }
}

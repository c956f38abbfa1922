//! What a failure shows: first what failed, then what the programs logged.

use anyhow::{Result, anyhow};

/// Adds logs to an error.
pub trait Logged<T> {
    /// The whole cause in the first lines, where a person (and the end of a CI run) looks, then `logs`. A context would print
    /// the logs first.
    fn logged(self, logs: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Logged<T> for Result<T> {
    fn logged(self, logs: impl FnOnce() -> String) -> Self {
        self.map_err(|error| anyhow!("{error:#}\n{}", logs()))
    }
}

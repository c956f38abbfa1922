//! What FRR was given, when and why, kept on the disk.
//!
//! [`History::record`] hands an attempt to a thread of its own, which works out what changed, masks and writes it: an
//! apply neither waits for it nor fails by it.

mod keep;
mod recorder;
mod store;
#[cfg(test)]
mod tests;

use herald_core::history::{self, Cause, ConfigChange, Entry, Outcome, Record};
use herald_frr::config::FrrConfig;
use herald_frr::diff::ChangePlan;
pub use recorder::Recorder;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};
use store::Store;
use tracing::error;

/// What was written is brought to the disk this often at most.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// One attempt, as the loop knows it: nothing in it is copied or masked yet.
#[derive(Debug)]
pub struct Attempt {
    /// When it ended.
    pub time: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// What FRR or `vtysh` said, masked, where it did not end well.
    pub message: String,
    /// Why it was made.
    pub cause: Cause,
    /// What was sent.
    pub plan: Arc<ChangePlan>,
    /// What FRR was to run.
    pub config: Arc<FrrConfig>,
}

/// The history of this node.
#[derive(Debug)]
pub struct History {
    sender: Option<Sender<Attempt>>,
    writer: Option<JoinHandle<()>>,
}

impl History {
    /// Opens the history in `folder`, at most `limit` bytes of it. Trouble with the folder is told, and never stops an
    /// apply.
    #[must_use]
    pub fn open(folder: &Path, node: &str, limit: u64) -> Self {
        let (sender, receiver) = channel();
        let (path, node) = (folder.to_owned(), node.to_owned());
        let writer = thread::Builder::new().name("history".to_owned()).spawn(move || {
            let (store, records) = Store::open(&path, &node, limit);
            Writer::new(store, &records).run(&receiver);
        });
        let writer =
            writer.inspect_err(|why| error!(event = "HistoryFailed", error = %why, "no thread for it")).ok();
        Self { sender: Some(sender), writer }
    }

    /// Records an attempt.
    pub fn record(&self, attempt: Attempt) {
        if let Some(sender) = &self.sender {
            // Nobody listens if the thread could not be started, which was told.
            _ = sender.send(attempt);
        }
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            // A panic there was printed there.
            _ = writer.join();
        }
    }
}

/// All records in the folder, oldest first.
#[must_use]
pub fn read(folder: &Path) -> Vec<Record> {
    store::read(folder)
}

struct Writer {
    store: Store,
    last_revision: u64,
    /// The configuration of the last record; `None` if the next one must say everything.
    before: Option<Arc<FrrConfig>>,
    /// The last attempt, if it did not end well: the same again is no news.
    unwell: Option<(Outcome, String, Arc<FrrConfig>)>,
}

impl Writer {
    fn new(store: Store, records: &[Record]) -> Self {
        let last_revision = records.iter().map(|record| record.entry.revision).max().unwrap_or(0);
        let before = history::rebuild(records, last_revision).ok().map(Arc::new);
        Self { store, last_revision, before, unwell: None }
    }

    fn run(&mut self, attempts: &Receiver<Attempt>) {
        let mut unsynced = false;
        loop {
            let attempt = if unsynced {
                attempts.recv_timeout(SYNC_INTERVAL)
            } else {
                attempts.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match attempt {
                Ok(attempt) => {
                    self.take(attempt);
                    unsynced = true;
                }
                Err(end) => {
                    if std::mem::take(&mut unsynced) {
                        self.store.sync();
                    }
                    if end == RecvTimeoutError::Disconnected {
                        return;
                    }
                }
            }
        }
    }

    fn take(&mut self, attempt: Attempt) {
        if self.is_repeated(&attempt) {
            return;
        }
        let revision = self.last_revision + 1;
        let config = match &self.before {
            Some(before) if !self.store.begins() => {
                ConfigChange::between(self.last_revision, before, &attempt.config)
            }
            _ => ConfigChange::full(&attempt.config),
        };
        let entry = Entry {
            revision,
            time: rfc3339(attempt.time),
            outcome: attempt.outcome,
            message: attempt.message,
            cause: attempt.cause,
            plan: history::Plan::of(&attempt.plan),
            duration_ms: u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX),
        };
        let written = self.store.add(&Record { entry, config });
        self.last_revision = revision;
        self.before = written.then_some(attempt.config);
    }

    /// An attempt that fails again as before, every second, would push out what is worth knowing.
    fn is_repeated(&mut self, attempt: &Attempt) -> bool {
        let Attempt { outcome, message, cause, config, .. } = attempt;
        if outcome.is_in_force() || !cause.changes.is_empty() {
            self.unwell = None;
        }
        if outcome.is_in_force() {
            return false;
        }
        let again = Some((*outcome, message.clone(), config.clone()));
        let same = self.unwell == again;
        self.unwell = again;
        same
    }
}

/// RFC 3339 in UTC, to the second.
fn rfc3339(time: SystemTime) -> String {
    let timestamp = jiff::Timestamp::try_from(time).unwrap_or_default();
    timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

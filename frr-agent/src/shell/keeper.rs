//! Writes the state folder beside the loop: at once, but no more than once a second while prefixes churn, and again
//! until the disk takes it.

use crate::machine::{Kept, Run};
use crate::report;
use crate::state::{State, StateError};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The configuration is written at most this often while only prefixes change, and what failed is tried again after
/// this time.
const PAUSE: Duration = Duration::from_secs(1);

/// What is to be written.
#[derive(Debug)]
pub enum Save {
    /// The last good configuration, and the file that FRR boots from.
    Config(Kept),
    /// Records of applies up to this run are done with.
    Forget(Run),
    /// A file of JSON.
    Json(&'static str, String),
    /// A file is of no use any more, once all that was queued before is written.
    Remove(&'static str),
}

/// The thread that writes.
#[derive(Debug)]
pub struct Keeper {
    sender: Option<mpsc::Sender<Save>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Waiting {
    config: Option<Kept>,
    forget: Option<Run>,
    files: BTreeMap<&'static str, String>,
    remove: BTreeSet<&'static str>,
    due: Option<Instant>,
    last_failure: Option<String>,
}

impl Keeper {
    /// Starts it.
    pub fn start(state: State) -> Self {
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || write_all(state, &receiver));
        Self { sender: Some(sender), thread: Some(thread) }
    }

    /// Queues a file of JSON.
    pub fn save_json(&self, name: &'static str, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(json) => self.save(Save::Json(name, json)),
            Err(why) => report::state_failed(&why),
        }
    }

    /// Queues something to be written; a later one takes the place of an earlier one.
    pub fn save(&self, save: Save) {
        if let Some(sender) = &self.sender {
            // The thread ends only with this.
            let _ = sender.send(save);
        }
    }
}

impl Drop for Keeper {
    /// Waits until everything was tried once more.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_all(mut state: State, receiver: &mpsc::Receiver<Save>) {
    let mut waiting = Waiting::default();
    loop {
        let wait = waiting.due.map(|due| due.saturating_duration_since(Instant::now()));
        let save = match wait {
            Some(wait) => receiver.recv_timeout(wait),
            None => receiver.recv().map_err(RecvTimeoutError::from),
        };
        match save {
            Ok(save) => waiting.add(save, Instant::now()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                waiting.write(&mut state);
                return;
            }
        }
        if waiting.due.is_some_and(|due| Instant::now() >= due) {
            waiting.write(&mut state);
        }
    }
}

impl Waiting {
    fn add(&mut self, save: Save, now: Instant) {
        let due = match save {
            Save::Config(mut kept) => {
                let due = if kept.settled.is_some() || kept.whole { now } else { now + PAUSE };
                let before = self.config.take();
                kept.settled = kept.settled.max(before.and_then(|kept| kept.settled));
                self.config = Some(kept);
                due
            }
            Save::Forget(run) => {
                self.forget = self.forget.max(Some(run));
                now
            }
            Save::Json(name, text) => {
                self.files.insert(name, text);
                now
            }
            Save::Remove(name) => {
                self.remove.insert(name);
                now
            }
        };
        self.due = Some(self.due.map_or(due, |at| at.min(due)));
    }

    /// Writes what waits (I/O); what fails stays for the next time.
    fn write(&mut self, state: &mut State) {
        let mut failure: Option<StateError> = None;
        self.files.retain(|name, text| keep_if_failed(state.write(name, text), &mut failure));
        self.config =
            self.config.take().filter(|kept| keep_if_failed(state.keep_last_good(kept), &mut failure));
        self.forget =
            self.forget.take().filter(|run| keep_if_failed(state.forget_intents(*run), &mut failure));
        if failure.is_none() {
            self.remove.retain(|name| keep_if_failed(state.remove(name), &mut failure));
        }
        self.due = failure.is_some().then(|| Instant::now() + PAUSE);
        let words = failure.as_ref().map(ToString::to_string);
        if let Some(why) = failure.filter(|_| words != self.last_failure) {
            report::state_failed(&why);
        }
        self.last_failure = words;
    }
}

fn keep_if_failed(result: Result<(), StateError>, failure: &mut Option<StateError>) -> bool {
    match result {
        Ok(()) => false,
        Err(why) => {
            failure.get_or_insert(why);
            true
        }
    }
}

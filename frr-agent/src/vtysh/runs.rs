//! The runs of `vtysh` that are under way in all threads, to be ended together when FRR goes away: what it is told then
//! is of no use, and a daemon that still lives must not be given the rest later.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::io;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Runs that were asked for before the same end have the same number.
pub type Round = u64;

/// What runs; a copy is of the same runs.
#[derive(Debug, Clone, Default)]
pub struct Runs(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    round: Round,
    /// Process groups whose leader was not waited for yet, so that no other has their number.
    groups: BTreeSet<i32>,
}

impl Runs {
    /// The round that runs asked for now belong to.
    pub fn round(&self) -> Round {
        self.state().round
    }

    /// Starts a run, if its round is not over; `None` is of every round.
    pub fn start(
        &self,
        round: Option<Round>,
        spawn: impl FnOnce() -> io::Result<Child>,
    ) -> Option<io::Result<Child>> {
        let mut state = self.state();
        if round.is_some_and(|round| round != state.round) {
            return None;
        }
        let child = spawn();
        state.groups.extend(child.iter().filter_map(group));
        Some(child)
    }

    /// A run is over, and is about to be waited for.
    pub fn over(&self, child: &Child) {
        if let Some(group) = group(child) {
            self.state().groups.remove(&group);
        }
    }

    /// Ends all of them with what they started, and the round.
    pub fn end(&self) {
        let mut state = self.state();
        state.round += 1;
        for group in &state.groups {
            // Gone already is what is wanted.
            let _ = killpg(Pid::from_raw(*group), Signal::SIGKILL);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run leads a process group of its own.
fn group(child: &Child) -> Option<i32> {
    child.id().try_into().ok()
}

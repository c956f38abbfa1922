//! What the machine may ask for, each in a line.

use super::Shell;
use super::keeper::Save;
use super::runner::Job;
use crate::machine::{Attempt, Outcome, Output, RefusedLine};
use crate::report;
use crate::state::IN_FORCE;
use herald_frr::config::FrrConfig;
use std::sync::Arc;

impl Shell {
    /// All of the agent's effects (I/O), in threads of their own but for the log.
    pub(super) fn perform(&mut self, output: Output) {
        match output {
            Output::Read(run) => self.runner.run(Job::Read(run)),
            Output::Intend(run, names) => self.runner.run(Job::Intend(run, names)),
            Output::Apply(run, plan) => self.runner.run(Job::Apply(run, plan)),
            Output::Check(run, questions) => self.runner.run(Job::Check(run, questions)),
            Output::Keep(kept) => self.keeper.save(Save::Config(kept)),
            Output::Taken(config) => self.taken(&config),
            Output::Attempted(attempt) => self.attempted(&attempt),
            Output::Report(what) => {
                self.recorder.reported(&what);
                report::report(&what);
            }
        }
    }

    fn attempted(&mut self, attempt: &Attempt) {
        report::attempted(attempt);
        self.recorder.attempted(attempt);
        if let Outcome::Refused(lines) = &attempt.outcome
            && !attempt.back
        {
            self.hold_back(lines);
        }
    }

    /// The objects behind refused lines go back to the form that FRR took last; all else goes on.
    fn hold_back(&mut self, lines: &[RefusedLine]) {
        if self.quarantine.add(lines, &self.considered) {
            self.in_force = self.taken.clone();
            self.read_again.notify_one();
        }
    }

    /// What was in force when this configuration was decided is what FRR has taken.
    fn taken(&mut self, config: &Arc<FrrConfig>) {
        self.recorder.taken(config);
        self.given.send_replace(config.clone());
        let Some(at) = self.decided.iter().position(|decided| Arc::ptr_eq(&decided.wanted, config)) else {
            return;
        };
        self.decided.drain(..at);
        let in_force = self.decided[0].in_force.clone();
        if Arc::ptr_eq(&in_force, &self.taken) || in_force == self.taken {
            return;
        }
        self.taken = in_force;
        match serde_json::to_string(&self.taken) {
            Ok(json) => self.keeper.save(Save::Json(IN_FORCE, json)),
            Err(why) => report::state_failed(&why),
        }
    }
}

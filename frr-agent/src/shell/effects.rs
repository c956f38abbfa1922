//! What the machine may ask for, each in a line.

use super::Shell;
use super::keeper::Save;
use super::runner::Job;
use crate::machine::{Attempt, Outcome, Output, RefusedLine, Report};
use crate::report;
use crate::state::{IN_FORCE, QUARANTINE};
use herald_frr::config::FrrConfig;
use std::sync::Arc;
use std::time::Instant;

impl Shell {
    /// All of the agent's effects (I/O), in threads of their own but for the log.
    pub(super) fn perform(&mut self, output: Output) {
        match output {
            Output::Read(run) => self.runner.run(Job::Read(run)),
            Output::Intend(run, names) => self.runner.run(Job::Intend(run, names)),
            Output::Apply(run, plan) => {
                let job = self.apply(run, plan);
                self.runner.run(job);
            }
            Output::Check(run, questions) => self.runner.run(Job::Check(run, questions)),
            Output::Keep(kept) => {
                self.metrics.seen(&kept.config, Instant::now());
                self.keeper.save(Save::Config(kept));
            }
            Output::Forget(run) => self.keeper.save(Save::Forget(run)),
            Output::Taken(config) => self.taken(&config),
            Output::Attempted(attempt) => self.attempted(&attempt),
            Output::Report(what) => {
                self.recorder.reported(&what);
                self.teller.reported(&what);
                report::report(&what);
                self.drift(&what);
            }
        }
    }

    fn attempted(&mut self, attempt: &Attempt) {
        report::attempted(attempt);
        self.recorder.attempted(attempt);
        self.teller.attempted(attempt);
        self.tried(attempt);
        if attempt.back {
            return;
        }
        if let Outcome::Refused(_) | Outcome::NotKept(_) = &attempt.outcome {
            self.metrics.refused(&attempt.config);
        }
        if let Outcome::Refused(lines) = &attempt.outcome {
            self.hold_back(lines);
        }
    }

    /// The objects behind refused lines go back to the form that FRR took last; all else goes on.
    fn hold_back(&mut self, lines: &[RefusedLine]) {
        if self.quarantine.add(lines, &self.considered) {
            self.save_quarantine();
            self.in_force = self.taken.clone();
            self.read_again.notify_one();
        }
        self.conditions.refused(lines, |object| self.quarantine.holds(object), &report::now());
        self.save_conditions();
    }

    /// Keeps what became of objects, and tells it.
    pub(super) fn save_conditions(&self) {
        self.conditions.save(&self.keeper);
        self.tell_conditions();
    }

    pub(super) fn tell_conditions(&self) {
        let conditions = self.conditions.standing(|object| self.quarantine.holds(object));
        self.teller.tell(|told| told.conditions = conditions);
    }

    pub(super) fn save_quarantine(&self) {
        self.keeper.save_json(QUARANTINE, &self.quarantine);
    }

    pub(super) fn save_in_force(&self) {
        self.keeper.save_json(IN_FORCE, &self.taken);
    }

    /// Drift that is left is a condition of the node.
    fn drift(&mut self, report: &Report) {
        let lines = match report {
            Report::Drift { lines, repaired: false } => Some(report::masked(lines)),
            Report::DriftGone => None,
            _ => return,
        };
        self.conditions.drift(&self.node, lines.as_deref(), &report::now());
        self.save_conditions();
    }

    /// What was in force when this configuration was decided is what FRR has taken.
    fn taken(&mut self, config: &Arc<FrrConfig>) {
        self.recorder.taken(config);
        self.metrics.taken(config, !self.quarantine.is_empty(), Instant::now());
        self.given.send_replace(config.clone());
        let Some(at) = self.decided.iter().position(|decided| Arc::ptr_eq(&decided.wanted, config)) else {
            return;
        };
        self.decided.drain(..at);
        let in_force = self.decided[0].in_force.clone();
        self.leftovers.applied(&self.considered);
        self.commit(config, &in_force);
        self.confirmed();
        if self.conditions.applied(|object| self.quarantine.holds(object), &report::now()) {
            self.save_conditions();
        }
    }
}

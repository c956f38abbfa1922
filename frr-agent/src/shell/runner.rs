//! Asks and changes FRR beside the loop: one thread for what changes it or reads it whole, one for single prefixes.

use super::Event;
use super::commits::Look;
use crate::machine::{Failure, Input, Question, Run};
use crate::report;
use crate::state::State;
use crate::vty::Vty;
use crate::vtysh::{Round, Runs, Vtysh};
use herald_frr::config::FrrConfig;
use herald_frr::diff::ChangePlan;
use herald_frr::running;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;

/// What is to be run; the answer is an [`Event`].
#[derive(Debug)]
pub enum Job {
    /// Read the running configuration.
    Read(Run),
    /// Record what the next apply names.
    Intend(Run, Arc<FrrConfig>),
    /// Apply a plan.
    Apply(Run, Arc<ChangePlan>),
    /// Ask for prefixes.
    Check(Run, Vec<Question>),
    /// Look at the sessions.
    Sessions(Look),
}

/// Both threads; they end when this is dropped and their work is done.
#[derive(Debug)]
pub struct Runner {
    changes: mpsc::Sender<(Round, Job)>,
    questions: mpsc::Sender<(Round, Job)>,
    runs: Runs,
}

impl Runner {
    /// Starts them. Answers go to `answers`.
    pub fn start(vtysh: &Vtysh, vty: &Vty, state: &State, answers: &UnboundedSender<Event>) -> Self {
        let spawn = || {
            let (sender, jobs) = mpsc::channel::<(Round, Job)>();
            let (vtysh, vty, state, answers) = (vtysh.clone(), vty.clone(), state.clone(), answers.clone());
            thread::spawn(move || {
                // Ends with the loop, whose end of the channel is then gone.
                let mut events = jobs.iter().filter_map(|(round, job)| {
                    perform(&Vtysh { round: Some(round), ..vtysh.clone() }, &vty, &state, job)
                });
                while events.next().is_some_and(|event| answers.send(event).is_ok()) {}
            });
            sender
        };
        Self { changes: spawn(), questions: spawn(), runs: vtysh.runs.clone() }
    }

    /// Queues a job behind those of its thread.
    pub fn run(&self, job: Job) {
        let thread = if matches!(job, Job::Check(..)) { &self.questions } else { &self.changes };
        // Fails only if the thread is gone, which it is not while this lives.
        let _ = thread.send((self.runs.round(), job));
    }

    /// FRR went away: ends what runs, and what was queued before is not run any more.
    pub fn end(&self) {
        self.runs.end();
    }
}

/// All that is done to FRR, and the record of it that must come first (I/O).
fn perform(vtysh: &Vtysh, vty: &Vty, state: &State, job: Job) -> Option<Event> {
    let input = match job {
        Job::Read(run) => {
            let text = vtysh.running_config().map_err(Failure::from);
            Input::Running(run, text.map(|text| Box::new(running::parse(&text))))
        }
        Job::Apply(run, plan) => Input::Applied(run, vtysh.apply(&plan).map_err(Failure::from)),
        Job::Check(run, questions) => Input::Checked(run, vty.routes(&questions).map_err(Failure::from)),
        Job::Intend(run, names) => {
            // A full disk stops no apply: what is not recorded counts only if the agent is killed now.
            if let Err(why) = state.intend(run, &names) {
                report::state_failed(&why);
            }
            return None;
        }
        Job::Sessions(look) => {
            let seen = Instant::now();
            return Some(Event::Sessions(look, seen, vty.established().map_err(Failure::from)));
        }
    };
    Some(Event::Happened(input))
}

//! Asks and changes FRR beside the loop: one thread for what changes it or reads it whole, one for single prefixes.

use super::Event;
use super::commits::BEFORE_EDIT;
use crate::machine::{Failure, Input, Question, Run};
use crate::report;
use crate::state::State;
use crate::vty::Vty;
use crate::vtysh::{Round, Runs, Vtysh};
use herald_frr::config::FrrConfig;
use herald_frr::diff::{ChangePlan, Session};
use std::collections::BTreeSet;
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
    /// Look at the sessions and keep what was seen, beside those that were seen before, and then apply a plan with an edit
    /// on trial. Where they cannot be looked at nothing is applied.
    Try(Run, Arc<ChangePlan>, BTreeSet<Session>),
    /// Ask for prefixes.
    Check(Run, Vec<Question>),
    /// Look at the sessions.
    Sessions,
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
                let tell = |event| answers.send(event).is_ok();
                let mut done = jobs.iter().map(|(round, job)| {
                    perform(&Vtysh { round: Some(round), ..vtysh.clone() }, &vty, &state, job, tell)
                });
                while done.next() == Some(true) {}
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

/// All that is done to FRR, and the record of it that must come first (I/O). Returns whether there is still somebody to `tell`.
fn perform(vtysh: &Vtysh, vty: &Vty, state: &State, job: Job, tell: impl Fn(Event) -> bool) -> bool {
    let input = match job {
        Job::Read(run) => {
            let running = vtysh.running().map_err(Failure::from);
            Input::Running(run, running.map(Box::new))
        }
        Job::Apply(run, plan) => Input::Applied(run, vtysh.apply(&plan).map_err(Failure::from)),
        Job::Try(run, plan, seen) => {
            let answer = look(vty, state, seen).and_then(|seen| {
                // Where nobody listens any more, nobody does so to the answer either.
                tell(Event::Before(seen));
                vtysh.apply(&plan).map_err(Failure::from)
            });
            Input::Applied(run, answer)
        }
        Job::Check(run, questions) => Input::Checked(run, vty.routes(&questions).map_err(Failure::from)),
        Job::Intend(run, names) => {
            // A full disk stops no apply: what is not recorded counts only if the agent is killed now.
            state.intend(run, &names).unwrap_or_else(|why| report::state_failed(&why));
            return true;
        }
        Job::Sessions => {
            let seen = Instant::now();
            return tell(Event::Sessions(seen, vty.established().map_err(Failure::from)));
        }
    };
    tell(Event::Happened(input))
}

/// The sessions that are Established now or were `seen` so before, as the state folder has them from now on.
fn look(vty: &Vty, state: &State, mut seen: BTreeSet<Session>) -> Result<BTreeSet<Session>, Failure> {
    let failed =
        |why: Failure| Failure { why: format!("nothing to judge an edit on trial by: {}", why.why), ..why };
    seen.extend(vty.established().map_err(|why| failed(why.into()))?);
    let written = serde_json::to_string(&seen).map(|json| state.write(BEFORE_EDIT, &json));
    match written {
        Ok(Ok(())) => {}
        Ok(Err(why)) => report::state_failed(&why),
        Err(why) => report::state_failed(&why),
    }
    Ok(seen)
}

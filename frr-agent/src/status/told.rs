//! What the loop tells those who write about the node: its plan, and what came of it.

use crate::confirm::Condition;
use crate::machine::{Attempt, Outcome, RefusedLine, Report};
use herald_core::plan::{OfferedServices, PeerSessions};
use herald_core::problem::Problem;
use herald_core::snapshot::Configuration;
use herald_frr::render::mask_passwords;
use std::sync::Arc;
use tokio::sync::watch;

/// How the last change of FRR went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Reload {
    /// Nothing was tried since the agent started.
    #[default]
    Unknown,
    /// FRR runs what it was given.
    Taken,
    /// It does not; why, for people, without passwords.
    Failed(Arc<str>),
}

/// Everything that the loop knows and FRR cannot tell. A clone shares nearly all of it.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Whether anything was planned since the agent started.
    pub planned: bool,
    /// What each Service offers from this node.
    pub offered: OfferedServices,
    /// To whom, by the names in it.
    pub sessions: Arc<PeerSessions>,
    /// What is wrong with the objects, as far as it concerns this node or all.
    pub problems: Arc<[Problem]>,
    /// The objects that the plan was made from.
    pub configuration: Arc<Configuration>,
    /// How the last change of FRR went.
    pub reload: Reload,
    /// How many changes FRR took: another number, another running configuration.
    pub changes: u64,
    /// What became of single objects and of the node.
    pub conditions: Arc<[Condition]>,
}

/// The loop's side of it.
#[derive(Debug)]
pub struct Teller(watch::Sender<Arc<Told>>);

impl Teller {
    /// Nothing is told yet but what the last run of the agent left.
    pub fn new(conditions: Arc<[Condition]>) -> (Self, watch::Receiver<Arc<Told>>) {
        let (sender, receiver) = watch::channel(Arc::new(Told { conditions, ..Told::default() }));
        (Self(sender), receiver)
    }

    /// Tells something more; who listens wakes up.
    pub fn tell(&self, change: impl FnOnce(&mut Told)) {
        self.0.send_modify(|told| change(Arc::make_mut(told)));
    }

    /// What came of an attempt. The way back says nothing new: what is wanted still failed.
    pub fn attempted(&self, attempt: &Attempt) {
        let reload = match &attempt.outcome {
            Outcome::Taken if attempt.back => None,
            Outcome::Taken => Some(Reload::Taken),
            Outcome::Refused(lines) => Some(failed(lines.iter().map(refused))),
            Outcome::NotKept(lines) => {
                let runs = lines.iter().map(|line| mask_passwords(line.trim()).into_owned());
                Some(failed(
                    runs.map(|line| format!("FRR took the change and yet runs something else: {line}")),
                ))
            }
            Outcome::Failed(failure) => Some(failed([mask_passwords(&failure.why).into_owned()].into_iter())),
        };
        self.tell(|told| {
            told.changes += 1;
            told.reload = reload.unwrap_or_else(|| told.reload.clone());
        });
    }

    /// What the machine reports of FRR.
    pub fn reported(&self, report: &Report) {
        match report {
            Report::InSync => self.tell(|told| told.reload = Reload::Taken),
            Report::NotKept(_) | Report::Drift { .. } | Report::DriftGone | Report::Restored => {
                self.tell(|told| told.changes += 1);
            }
            Report::Unknown(_) | Report::Failed(_) | Report::FrrDown | Report::NotInTable(_) => {}
        }
    }
}

/// As frr-reload says it: users and tests look for the word ERROR.
fn failed(lines: impl Iterator<Item = String>) -> Reload {
    let lines: Vec<String> = lines.map(|line| format!("ERROR: {line}")).collect();
    Reload::Failed(lines.join("\n").into())
}

fn refused(line: &RefusedLine) -> String {
    let origins: Vec<String> = line.origins.iter().map(ToString::to_string).collect();
    let text = mask_passwords(line.refused.text.trim()).into_owned();
    let from = if origins.is_empty() { String::new() } else { format!(" ({})", origins.join(", ")) };
    format!("FRR refused {text:?}: {}{from}", line.refused.reason)
}

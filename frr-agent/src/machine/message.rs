//! What the machine is told, what it asks for, and what people are told.

use super::check::{Fact, Question};
use herald_frr::config::{FrrConfig, Origins};
use herald_frr::diff::ChangePlan;
use herald_frr::running::Running;
use herald_frr::vtysh::Refused;
use std::sync::Arc;
use std::time::Instant;

/// The number of one run of `vtysh`, by which its answer is known.
pub type Run = u64;

/// What becomes of lines of ours that somebody changed by hand in FRR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drift {
    /// They are put right.
    Repair,
    /// They are reported, and left until the manifests change what they say.
    Report,
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The manifests ask for this configuration.
    Wanted(Arc<FrrConfig>),
    /// FRR's daemons answer on their sockets.
    FrrUp,
    /// A daemon of FRR went away.
    FrrDown,
    /// Answer to [`Output::Read`].
    Running(Run, Result<Box<Running>, Failure>),
    /// Answer to [`Output::Apply`]: the lines that FRR refused.
    Applied(Run, Result<Vec<RefusedLine>, Failure>),
    /// Answer to [`Output::Check`]: one fact per question, in order.
    Checked(Run, Result<Vec<Fact>, Failure>),
    /// The time that [`super::Machine::wake_at`] named has come.
    Due,
}

/// A run of `vtysh` that gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why, in words.
    pub why: String,
    /// Daemons that do not answer.
    pub hung: Vec<String>,
    /// True if FRR was certainly given nothing.
    pub untouched: bool,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Read the running configuration.
    Read(Run),
    /// Record that the next apply may give FRR what this names; it must be on disk before that apply.
    Intend(Run, Arc<FrrConfig>),
    /// Run these lines, then the clears; one apply.
    Apply(Run, Arc<ChangePlan>),
    /// Ask for single prefixes; nothing waits for it.
    Check(Run, Vec<Question>),
    /// Save as the last configuration that FRR took whole; intents up to this run are done with.
    Keep(Kept),
    /// Intents up to this run are done with, and there is nothing to save: FRR runs what it ran before the first apply.
    Forget(Run),
    /// FRR took all of this configuration, which is what was wanted.
    Taken(Arc<FrrConfig>),
    /// An attempt is over.
    Attempted(Attempt),
    /// Tell people.
    Report(Report),
}

/// What is to be saved.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// What FRR runs.
    pub config: Arc<FrrConfig>,
    /// FRR was read whole; if not, only prefixes changed since the last time.
    pub whole: bool,
    /// Intents up to this run are done with, if there are any.
    pub settled: Option<Run>,
}

/// One change of FRR, tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// To what FRR was to be brought.
    pub config: Arc<FrrConfig>,
    /// Whether that is the way back from a configuration that FRR refused.
    pub back: bool,
    /// What was sent.
    pub plan: Arc<ChangePlan>,
    /// When.
    pub started: Instant,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// FRR took every line.
    Taken,
    /// FRR refused these lines.
    Refused(Vec<RefusedLine>),
    /// FRR took every line and yet runs something else: these lines are missing or too many.
    NotKept(Vec<String>),
    /// `vtysh` failed.
    Failed(Failure),
}

/// A line that FRR refused, with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    /// What FRR said of which line.
    pub refused: Refused,
    /// The objects and fields behind the line; empty where the line is not of the plan.
    pub origins: Origins,
}

/// What people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// FRR runs what is wanted; nothing had to be sent.
    InSync,
    /// FRR took a change of prefixes and yet runs something else; these lines put it right and are sent now.
    NotKept(Vec<String>),
    /// FRR's configuration holds these changes of prefixes, but its table does not.
    NotInTable(Vec<String>),
    /// Somebody changed what is ours in FRR: these lines put it right.
    Drift {
        /// The lines.
        lines: Vec<String>,
        /// Whether they are sent now.
        repaired: bool,
    },
    /// What was reported as drift and left is right again.
    DriftGone,
    /// The last good configuration is back.
    Restored,
    /// The last good configuration could not be put back; FRR is read again later.
    Unknown(Vec<String>),
    /// `vtysh` failed; tried again later.
    Failed(Failure),
    /// FRR went away.
    FrrDown,
}

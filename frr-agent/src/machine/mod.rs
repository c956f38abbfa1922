//! What the agent does next: a state machine without I/O and without a clock.
//!
//! ```text
//!   manifests ──Wanted──▶ ┌─────────┐ ──Read──▶ vtysh: show running-config ──Running──┐
//!   sockets ──Up/Down──▶  │ Machine │ ──Apply─▶ vtysh -f FILE ──────────────Applied──┤
//!   timer ────CheckDue──▶ └─────────┘ ──Keep──▶ state folder                          │
//!                              ▲ ───────Report▶ log                                   │
//!                              └──────────────────────────────────────────────────────┘
//! ```
//!
//! One apply at a time. What arrives meanwhile is gathered: when the apply is over, the newest
//! wanted configuration is compared again. A configuration of which FRR refused a line is taken back to the last
//! good one and not tried again until what is wanted changes.

use herald_frr::config::{FrrConfig, Origins};
use herald_frr::diff::{self, ChangePlan, Ownership, Scope};
use herald_frr::running::Running;
use herald_frr::vtysh::Refused;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// FRR is read back in full this often, to find what somebody typed in by hand.
pub const CHECK_INTERVAL: Duration = Duration::from_mins(1);
/// After a `vtysh` that failed or hung, the next attempt comes after this time.
pub const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// For this long after its daemons answer, FRR refuses lines that it takes later (bgpd has not met zebra yet): a
/// refusal then is tried again and blames no object.
pub const STARTING: Duration = Duration::from_secs(5);

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The manifests ask for this configuration.
    Wanted(Arc<FrrConfig>),
    /// FRR's daemons answer on their sockets.
    FrrUp,
    /// A daemon of FRR went away.
    FrrDown,
    /// Answer to [`Output::Read`]. `Err` says in words why there is none.
    Running(Result<Running, String>),
    /// Answer to [`Output::Apply`]: the lines that FRR refused. `Err`: `vtysh` did not end well, so
    /// what FRR has is unknown.
    Applied(Result<Vec<RefusedLine>, String>),
    /// The time that [`Machine::wake_at`] named has come.
    Due,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Read the running configuration.
    Read,
    /// Run these lines, then the clears; one apply.
    Apply(Arc<ChangePlan>),
    /// Save as the last configuration that FRR took whole.
    Keep(Arc<FrrConfig>),
    /// Tell people.
    Report(Report),
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
    /// FRR took a change whole, and it was read back.
    Applied {
        /// Lines sent.
        lines: usize,
        /// Neighbors whose announcements were sent again without a reset.
        soft_clears: usize,
    },
    /// FRR refused lines; the last good configuration is put back next.
    Refused(Vec<RefusedLine>),
    /// FRR took all lines and yet runs something else; these lines are missing or too many.
    NotKept(Vec<String>),
    /// The last good configuration is back.
    Restored,
    /// The last good configuration could not be put back; FRR is read again later.
    Unknown(Vec<String>),
    /// `vtysh` failed; tried again later.
    Failed(String),
    /// FRR went away.
    FrrDown,
}

/// To what FRR is being brought.
#[derive(Debug, Clone, PartialEq)]
enum Goal {
    Wanted(Arc<FrrConfig>),
    Back(Arc<FrrConfig>),
}

#[derive(Debug)]
enum Phase {
    /// Nothing under way.
    Idle,
    /// Waiting for the running configuration, to compare it with the goal.
    Comparing(Goal),
    /// Waiting for `vtysh -f`.
    Applying(Goal, Arc<ChangePlan>, Arc<FrrConfig>),
    /// Waiting for the running configuration, to see that the goal was reached.
    Verifying(Goal, Arc<ChangePlan>, Arc<FrrConfig>),
}

/// The agent's mind.
#[derive(Debug)]
pub struct Machine {
    scope: Scope,
    wanted: Option<Arc<FrrConfig>>,
    /// What FRR refused; not tried again while it is still what is wanted.
    refused: Option<Arc<FrrConfig>>,
    last_good: Option<Arc<FrrConfig>>,
    /// Since when FRR's daemons answer; `None` while they do not.
    up_since: Option<Instant>,
    /// Something changed since the running comparison began.
    dirty: bool,
    phase: Phase,
    wake_at: Option<Instant>,
}

impl Machine {
    /// A machine that knows nothing yet. `last_good` is what the state folder kept from the last
    /// run; `ownership` says how much of FRR's configuration is the agent's.
    #[must_use]
    pub fn new(scope: Scope, last_good: Option<FrrConfig>) -> Self {
        Self {
            scope,
            wanted: None,
            refused: None,
            last_good: last_good.map(Arc::new),
            up_since: None,
            dirty: false,
            phase: Phase::Idle,
            wake_at: None,
        }
    }

    /// When [`Input::Due`] is to be given, at the earliest.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }

    /// Takes what happened and answers with what is to be done, in order.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Output> {
        match input {
            Input::Wanted(config) => self.want(config),
            Input::FrrUp => self.up(now),
            Input::FrrDown => self.down(),
            Input::Due => self.due(),
            Input::Running(Err(why)) | Input::Applied(Err(why)) => self.failed(now, why),
            Input::Running(Ok(running)) => self.read(now, &running),
            Input::Applied(Ok(refused)) => self.applied(now, refused),
        }
    }

    fn want(&mut self, config: Arc<FrrConfig>) -> Vec<Output> {
        self.wanted = Some(config);
        self.dirty = true;
        self.begin()
    }

    fn up(&mut self, now: Instant) -> Vec<Output> {
        self.up_since = Some(now);
        // A daemon that died during an apply looks like one that refused it: what is wanted gets another try.
        self.refused = None;
        self.dirty = true;
        self.begin()
    }

    fn down(&mut self) -> Vec<Output> {
        let was_up = self.up_since.take().is_some();
        self.phase = Phase::Idle;
        self.wake_at = None;
        if was_up { vec![Output::Report(Report::FrrDown)] } else { Vec::new() }
    }

    fn due(&mut self) -> Vec<Output> {
        self.wake_at = None;
        self.dirty = true;
        self.begin()
    }

    /// Starts a comparison if there is something to compare and nothing is under way.
    fn begin(&mut self) -> Vec<Output> {
        let Phase::Idle = self.phase else { return Vec::new() };
        let Some(goal) = self.goal().filter(|_| self.up_since.is_some() && self.dirty) else {
            return Vec::new();
        };
        self.dirty = false;
        self.phase = Phase::Comparing(goal);
        vec![Output::Read]
    }

    /// What is wanted, or the last good configuration while what is wanted was refused.
    fn goal(&self) -> Option<Goal> {
        let wanted = self.wanted.clone()?;
        if self.refused.as_ref() == Some(&wanted) {
            return self.last_good.clone().map(Goal::Back);
        }
        Some(Goal::Wanted(wanted))
    }

    fn failed(&mut self, now: Instant, why: String) -> Vec<Output> {
        self.phase = Phase::Idle;
        self.wake_at = Some(now + RETRY_INTERVAL);
        vec![Output::Report(Report::Failed(why))]
    }

    fn read(&mut self, now: Instant, running: &Running) -> Vec<Output> {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Comparing(goal) => self.compare(now, goal, running),
            Phase::Verifying(goal, plan, before) => self.verify(now, goal, &plan, before, running),
            other => {
                self.phase = other;
                Vec::new()
            }
        }
    }

    fn compare(&mut self, now: Instant, goal: Goal, running: &Running) -> Vec<Output> {
        let plan = self.plan(running, &goal);
        if plan.is_empty() {
            return self.settle(now, goal, Report::InSync);
        }
        let plan = Arc::new(plan);
        let before = self.last_good.clone().unwrap_or_else(|| Arc::new(running.config.clone()));
        self.phase = Phase::Applying(goal, plan.clone(), before);
        vec![Output::Apply(plan)]
    }

    fn applied(&mut self, now: Instant, refused: Vec<RefusedLine>) -> Vec<Output> {
        let Phase::Applying(goal, plan, before) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return Vec::new();
        };
        if refused.is_empty() {
            self.phase = Phase::Verifying(goal, plan, before);
            return vec![Output::Read];
        }
        if self.up_since.is_some_and(|since| now < since + STARTING) {
            let lines: Vec<_> = refused.iter().map(|line| line.refused.text.trim()).collect();
            return self.failed(now, format!("FRR is starting and refused: {}", lines.join("; ")));
        }
        let texts = refused.iter().map(|line| line.refused.text.clone()).collect();
        let mut outputs = vec![Output::Report(Report::Refused(refused))];
        outputs.extend(self.go_back(now, goal, before, texts));
        outputs
    }

    fn verify(
        &mut self,
        now: Instant,
        goal: Goal,
        plan: &ChangePlan,
        before: Arc<FrrConfig>,
        running: &Running,
    ) -> Vec<Output> {
        let left = self.plan(running, &goal);
        if left.is_empty() {
            let report = match &goal {
                Goal::Wanted(_) => {
                    Report::Applied { lines: plan.lines.len(), soft_clears: plan.soft_clears.len() }
                }
                Goal::Back(_) => Report::Restored,
            };
            return self.settle(now, goal, report);
        }
        let lines: Vec<String> = left.lines.iter().map(|line| line.text.trim().to_owned()).collect();
        let mut outputs = vec![Output::Report(Report::NotKept(lines.clone()))];
        outputs.extend(self.go_back(now, goal, before, lines));
        outputs
    }

    /// After a refusal: towards the last good configuration, but only once.
    fn go_back(
        &mut self,
        now: Instant,
        goal: Goal,
        before: Arc<FrrConfig>,
        left: Vec<String>,
    ) -> Vec<Output> {
        match goal {
            Goal::Wanted(wanted) => {
                self.refused = Some(wanted);
                self.last_good.get_or_insert(before);
                self.dirty = true;
                self.begin()
            }
            Goal::Back(_) => {
                self.wake_at = Some(now + CHECK_INTERVAL);
                vec![Output::Report(Report::Unknown(left))]
            }
        }
    }

    /// What lies between what runs and the goal. On a host's own FRR, what was sent last is ours beside what the
    /// goal names: on the way back that is the refused configuration, which FRR may have in part.
    fn plan(&self, running: &Running, goal: &Goal) -> ChangePlan {
        let (config, sent) = match goal {
            Goal::Wanted(config) => (config, &self.last_good),
            Goal::Back(config) => (config, &self.refused),
        };
        let applied = sent.as_deref();
        diff::plan(running, config, &Ownership { scope: self.scope, applied, ..Ownership::host(None) })
    }

    fn settle(&mut self, now: Instant, goal: Goal, report: Report) -> Vec<Output> {
        self.wake_at = Some(now + CHECK_INTERVAL);
        let mut outputs = vec![Output::Report(report)];
        if let Goal::Wanted(config) = goal {
            self.refused = None;
            if self.last_good.as_ref() != Some(&config) {
                self.last_good = Some(config.clone());
                outputs.insert(0, Output::Keep(config));
            }
        }
        outputs.extend(self.begin());
        outputs
    }
}

#[cfg(test)]
mod tests;

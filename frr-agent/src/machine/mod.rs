//! What the agent does next: a state machine without I/O and without a clock.
//!
//! ```text
//!   manifests ──Wanted──▶ ┌─────────┐ ──Read───▶ vtysh: show running-config ──Running──┐
//!   sockets ──Up/Down──▶  │ Machine │ ──Apply──▶ vtysh -f ────────────────────Applied──┤
//!   timer ────Due──────▶  └─────────┘ ──Check──▶ vtysh: show bgp PREFIX ──────Checked──┤
//!                              ▲  │ ───Keep───▶ state folder                           │
//!                              │  └────Report─▶ log, history                           │
//!                              └───────────────────────────────────────────────────────┘
//! ```
//!
//! It *believes*: once FRR was read, it knows what FRR runs of ours, and a change is the difference between that and
//! what is wanted, sent without asking again. A change of prefixes alone is proved by asking for those prefixes a
//! moment later, while the next changes go on; any other change by reading FRR's configuration once. What is in doubt
//! (a vtysh that died, a daemon that went away) is no longer believed, and FRR is read before the next step.
//!
//! One apply at a time; what arrives meanwhile, and for a moment after it, is gathered. A configuration of which FRR
//! refused a line is taken back to the last good one and not tried again until what is wanted changes.

mod check;
mod message;
mod names;
mod steps;

use check::Checks;
use herald_frr::config::{FrrConfig, RawSnippet};
use herald_frr::diff::{self, ChangePlan, Ownership, Scope};
use herald_frr::running::{Foreign, Running};
use names::Names;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use check::{Fact, Question};
pub use message::{Attempt, Drift, Failure, Input, Kept, Outcome, Output, RefusedLine, Report, Run};

/// FRR is read back in full this often, to find what somebody typed in by hand.
pub const CHECK_INTERVAL: Duration = Duration::from_mins(1);
/// After a `vtysh` that failed or hung, the next attempt comes after this time, then after twice as long each time.
pub const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The longest time between two attempts.
pub const RETRY_LIMIT: Duration = Duration::from_secs(16);
/// For this long after its daemons answer, FRR refuses lines that it takes later (bgpd has not met zebra yet): a
/// refusal then is tried again and blames no object.
pub const STARTING: Duration = Duration::from_secs(5);
/// Attempts follow each other this fast while FRR starts.
pub const STARTING_RETRY: Duration = Duration::from_millis(100);
/// After an apply the next one waits for this many times as long as that one took, so that changes that keep coming are
/// gathered: most of an apply of one line is the start of `vtysh`, and what is saved is FRR's and everybody's.
const REST: u32 = 2;
/// It waits no longer than this.
pub const REST_LIMIT: Duration = Duration::from_millis(200);
/// What FRR took and does not run is looked at again, and sent again, after these times, before it is taken back: FRR 10.0
/// to 10.3 lose lines of zebra's that `mgmtd` passes on when any other `vtysh` ends meanwhile (FRR pull request 18601).
pub const NOT_KEPT_RETRIES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];
/// A doubt waits this long for changes that keep coming, and no longer.
pub const DOUBT_LIMIT: Duration = Duration::from_secs(1);

/// To what FRR is being brought.
#[derive(Debug, Clone, PartialEq)]
enum Goal {
    /// What the manifests ask for.
    Wanted(Arc<FrrConfig>),
    /// Back to what FRR took last, after it refused what is wanted.
    Back(Arc<FrrConfig>),
}

impl Goal {
    fn config(&self) -> &Arc<FrrConfig> {
        match self {
            Self::Wanted(config) | Self::Back(config) => config,
        }
    }
}

/// An apply that is under way or waits for its proof.
#[derive(Debug)]
struct Change {
    goal: Goal,
    plan: Arc<ChangePlan>,
    /// It changes prefixes of a believed configuration and nothing else.
    only_prefixes: bool,
    started: Instant,
}

#[derive(Debug)]
enum Phase {
    /// Nothing under way.
    Idle,
    /// Reading FRR, to bring it from there to the goal.
    Comparing(Run),
    /// Reading FRR, to see that it runs what is believed.
    Checking(Run),
    /// Waiting for `vtysh -f`.
    Applying(Run, Change),
    /// Reading FRR, to see that the goal was reached.
    Proving(Run, Change),
}

/// What a machine knows when it starts.
#[derive(Debug)]
pub struct Start {
    /// How much of FRR's configuration is the agent's.
    pub scope: Scope,
    /// Lines of FRR's base file, without indentation; they are never touched.
    pub base: BTreeSet<String>,
    /// What becomes of changes by hand.
    pub drift: Drift,
    /// What the state folder kept from the last run.
    pub last_good: Option<Arc<FrrConfig>>,
    /// What that run may have given FRR since, see [`Output::Intend`].
    pub given: Vec<FrrConfig>,
    /// The last run of which that run left a record.
    pub last_run: Run,
}

/// The agent's mind.
#[derive(Debug)]
pub struct Machine {
    scope: Scope,
    /// Lines of FRR's base file.
    base: BTreeSet<String>,
    drift: Drift,
    wanted: Option<Arc<FrrConfig>>,
    /// What FRR refused; not tried again while it is still what is wanted.
    refused: Option<Arc<FrrConfig>>,
    /// What FRR took whole last.
    last_good: Option<Arc<FrrConfig>>,
    /// What ran before our first apply: the way back where there is no last good configuration.
    found: Option<Arc<FrrConfig>>,
    /// What FRR runs of ours; `None` where only FRR can tell.
    believed: Option<Arc<FrrConfig>>,
    /// What FRR's [`Running::map_delay`] was when it was read last.
    map_delay: Option<u16>,
    /// Hand-written lines that FRR showed as they are written, when it was last found to run what it should.
    seen: BTreeSet<Foreign>,
    /// What FRR may have been given in part since it was last read whole.
    given: Names,
    /// Since when the belief is in doubt; FRR is read soon.
    doubt: Option<Instant>,
    /// Since when FRR's daemons answer; `None` while they do not.
    up_since: Option<Instant>,
    phase: Phase,
    last_run: Run,
    checks: Checks,
    /// When FRR is read back next.
    check_at: Option<Instant>,
    /// Nothing is begun before this time.
    retry_at: Option<Instant>,
    /// No change is begun before this time: the last one was a moment ago.
    rest_until: Option<Instant>,
    retry_delay: Duration,
    last_failure: Option<String>,
    /// How often in a row FRR took what is wanted and did not run it.
    not_kept: usize,
    /// Lines by which FRR differs from what is wanted, reported and left alone.
    tolerated: BTreeSet<String>,
    /// Prefixes that FRR's table lacks, although it was given them, or has, although they were taken away.
    missing: Vec<String>,
    /// What was saved last.
    kept: Option<Arc<FrrConfig>>,
    /// FRR was not read whole since it was in doubt.
    unsettled: bool,
    /// FRR was not found to run what is wanted since its daemons answer.
    fresh: bool,
}

impl Machine {
    /// A machine that knows nothing yet.
    #[must_use]
    pub fn new(start: Start) -> Self {
        let Start { scope, base, drift, last_good, given, last_run } = start;
        Self {
            scope,
            base,
            drift,
            wanted: None,
            refused: None,
            last_good,
            found: None,
            believed: None,
            map_delay: None,
            seen: BTreeSet::new(),
            given: Names::new(given),
            doubt: None,
            up_since: None,
            phase: Phase::Idle,
            last_run,
            checks: Checks::default(),
            check_at: None,
            retry_at: None,
            rest_until: None,
            retry_delay: RETRY_INTERVAL,
            last_failure: None,
            not_kept: 0,
            tolerated: BTreeSet::new(),
            missing: Vec::new(),
            kept: None,
            unsettled: true,
            fresh: true,
        }
    }

    /// When [`Input::Due`] is to be given, at the earliest.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        self.up_since.and(self.wanted.as_ref())?;
        let begin = match self.phase {
            Phase::Idle => {
                self.retry_at.or_else(|| self.rests_until().into_iter().chain(self.check_at).min())
            }
            _ => None,
        };
        begin.into_iter().chain(self.checks.due_at()).min()
    }

    /// Until when a change that is there waits for more.
    fn rests_until(&self) -> Option<Instant> {
        let (believed, wanted) = (self.believed.as_ref()?, self.wanted.as_ref()?);
        self.rest_until.filter(|_| !Arc::ptr_eq(believed, wanted))
    }

    /// Takes what happened and answers with what is to be done, in order.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Output> {
        match input {
            Input::Wanted(config) => self.want(now, config),
            Input::FrrUp => self.up(now),
            Input::FrrDown => self.down(),
            Input::Due => self.due(now),
            Input::Running(run, answer) if self.awaits(run) => match answer {
                Ok(running) => self.read_back(now, *running),
                Err(why) => self.failed(now, why),
            },
            Input::Applied(run, answer) if self.awaits(run) => match answer {
                Ok(refused) => self.applied(now, refused),
                Err(why) => self.failed(now, why),
            },
            Input::Checked(run, answer) => self.checked(now, run, &answer),
            // The answer to a question from before FRR went away.
            Input::Running(..) | Input::Applied(..) => Vec::new(),
        }
    }

    fn awaits(&self, run: Run) -> bool {
        match &self.phase {
            Phase::Idle => false,
            Phase::Comparing(of) | Phase::Checking(of) | Phase::Applying(of, _) | Phase::Proving(of, _) => {
                *of == run
            }
        }
    }

    fn want(&mut self, now: Instant, config: Arc<FrrConfig>) -> Vec<Output> {
        self.wanted = Some(config);
        // A change may be what ends a failure: it does not wait for the whole delay.
        self.retry_at = self.retry_at.map(|at| at.min(now + STARTING_RETRY));
        self.begin(now)
    }

    fn up(&mut self, now: Instant) -> Vec<Output> {
        self.up_since = Some(now);
        // A daemon that died during an apply looks like one that refused it: what is wanted gets another try.
        self.refused = None;
        self.retry_delay = RETRY_INTERVAL;
        self.begin(now)
    }

    fn down(&mut self) -> Vec<Output> {
        let was_up = self.up_since.take().is_some();
        self.phase = Phase::Idle;
        self.forget();
        self.retry_at = None;
        self.fresh = true;
        self.seen.clear();
        self.tolerated.clear();
        if was_up { vec![Output::Report(Report::FrrDown)] } else { Vec::new() }
    }

    /// What FRR runs is unknown until it is read.
    fn forget(&mut self) {
        self.believed = None;
        self.doubt = None;
        self.unsettled = true;
        self.checks = Checks::default();
    }

    fn due(&mut self, now: Instant) -> Vec<Output> {
        let mut outputs = self.begin(now);
        if let Some(prefixes) = self.checks.ask(now, self.last_run + 1, self.believed.as_ref()) {
            outputs.push(Output::Check(self.next_run(), prefixes));
        }
        outputs
    }

    fn next_run(&mut self) -> Run {
        self.last_run += 1;
        self.last_run
    }

    /// What is wanted, or the way back while what is wanted was refused.
    fn goal(&self) -> Option<Goal> {
        let wanted = self.wanted.clone()?;
        if self.refused.as_ref() == Some(&wanted) {
            let found = || self.found.as_ref().map(|found| Arc::new(self.given.part_of(found, &wanted)));
            return self.last_good.clone().or_else(found).map(Goal::Back);
        }
        Some(Goal::Wanted(wanted))
    }

    /// What lies between what runs and `config`. On a host's own FRR, what was given to it before is ours beside
    /// what is wanted. `raw` is the hand-written part that FRR took: it may show it in other words. Lines of it that were
    /// `seen` must still be there.
    fn plan(
        &self,
        running: &Running,
        config: &FrrConfig,
        raw: &[RawSnippet],
        seen: Option<&BTreeSet<Foreign>>,
    ) -> ChangePlan {
        let applied =
            FrrConfig { raw: raw.to_vec(), ..self.last_good.as_deref().cloned().unwrap_or_default() };
        let mut given = self.given.configs().to_vec();
        given.extend(self.last_good.clone());
        let (scope, base) = (self.scope, self.base.clone());
        diff::plan(running, config, &Ownership { scope, applied: Some(&applied), given: &given, seen, base })
    }

    /// Remembers which hand-written lines FRR shows as they are written. What was reported and left by hand is not
    /// forgotten for that.
    fn see(&mut self, running: &Running, config: &FrrConfig) {
        let before = std::mem::take(&mut self.seen);
        let left = |line: &Foreign| self.drift == Drift::Report && before.contains(line);
        self.seen = diff::hand_written(config);
        self.seen.retain(|line| running.foreign.contains(line) || left(line));
    }

    /// The hand-written part that FRR took last; nothing of it is certain after FRR was started.
    fn taken_raw(&self) -> &[RawSnippet] {
        let good = self.last_good.as_ref().filter(|_| !self.fresh);
        good.map(|good| good.raw.as_slice()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;

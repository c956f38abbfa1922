//! What the loop sees, put together to attempts with their causes.

use super::{Attempt, History};
use crate::machine::{self, Report};
use herald_core::history::{Cause, Causes, Outcome, Trigger, causes, causes_since};
use herald_core::model::InForce;
use herald_core::snapshot::Snapshot;
use herald_frr::config::FrrConfig;
use herald_frr::diff::ChangePlan;
use herald_frr::render::mask_passwords;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Follows the loop.
#[derive(Debug)]
pub struct Recorder {
    history: History,
    node: String,
    /// What was in force when the agent started.
    in_force: Arc<InForce>,
    /// The manifests, as they were last.
    seen: Option<Snapshot>,
    /// What changed in them since the last decision.
    pending: Causes,
    /// What changed and made no difference to FRR, since the last attempt.
    carried: Causes,
    /// What changed for each decision of which nothing was sent yet, the newest last.
    decided: VecDeque<(Arc<FrrConfig>, Causes)>,
    /// What FRR took last.
    taken: Option<Arc<FrrConfig>>,
    agent_started: bool,
    frr_started: bool,
    /// Why the next attempt is made, where no object changes.
    next: Option<Trigger>,
}

impl Recorder {
    /// Records into a history. `in_force` is what was in force before the agent started.
    pub fn new(history: History, node: &str, in_force: Arc<InForce>) -> Self {
        Self {
            history,
            node: node.to_owned(),
            in_force,
            seen: None,
            pending: Causes::default(),
            carried: Causes::default(),
            decided: VecDeque::new(),
            taken: None,
            agent_started: true,
            frr_started: false,
            next: None,
        }
    }

    /// The manifests, as they stand: whatever else holds a refused object back, it changed.
    pub fn saw(&mut self, now: &Snapshot) {
        let changes = match &self.seen {
            Some(before) => causes(before, now, &self.node),
            None if *self.in_force == InForce::default() => causes(&Snapshot::default(), now, &self.node),
            None => causes_since(&self.in_force, now, &self.node),
        };
        self.pending.then(changes);
        self.seen = Some(now.clone());
    }

    /// What was decided of what was seen.
    pub fn decided(&mut self, wanted: &Arc<FrrConfig>) {
        if let Some(taken) = self.taken.take() {
            // It made no difference by itself, as a Service that has no address yet; undoing needs it all the same.
            self.carried = self.causes_of(&taken);
        }
        self.decided.push_back((wanted.clone(), std::mem::take(&mut self.pending)));
    }

    /// FRR took all of what was decided.
    pub fn taken(&mut self, config: &Arc<FrrConfig>) {
        self.taken = Some(config.clone());
    }

    /// What the machine reports.
    pub fn reported(&mut self, report: &Report) {
        match report {
            Report::FrrDown => self.frr_started = true,
            Report::InSync => (self.agent_started, self.frr_started, self.next) = (false, false, None),
            _ => {}
        }
    }

    /// Sessions stay away after an edit: the next attempt takes it back.
    pub fn reverting(&mut self) {
        self.next = Some(Trigger::CommitReverted);
    }

    /// An attempt is over.
    pub fn attempted(&mut self, attempt: &machine::Attempt) {
        let machine::Attempt { config, back, plan, started, outcome } = attempt;
        let mut changes = self.causes_of(config);
        put_named_first(&mut changes, plan);
        let trigger = match () {
            () if *back => Trigger::LineRefused,
            () if self.next == Some(Trigger::CommitReverted) => Trigger::CommitReverted,
            () if self.agent_started => Trigger::AgentStarted,
            () if self.frr_started => Trigger::FrrStarted,
            () if !changes.is_empty() => Trigger::Manifests,
            () if self.next == Some(Trigger::Retry) => Trigger::Retry,
            () => Trigger::Drift,
        };
        let (mut outcome, message) = what_came(outcome, *back);
        if trigger == Trigger::CommitReverted && outcome == Outcome::Applied {
            outcome = Outcome::Reverted;
        }
        if outcome.is_in_force() {
            (self.agent_started, self.frr_started, self.next) = (false, false, None);
        } else if self.next.is_none() {
            self.next = Some(Trigger::Retry);
        }
        self.history.record(Attempt {
            time: SystemTime::now(),
            duration: Instant::now().saturating_duration_since(*started),
            outcome,
            message,
            cause: Cause { trigger, changes },
            plan: plan.clone(),
            config: config.clone(),
        });
    }

    /// What changed up to the decision for this configuration, and is not told yet.
    fn causes_of(&mut self, config: &Arc<FrrConfig>) -> Causes {
        let Some(at) = self.decided.iter().position(|(wanted, _)| Arc::ptr_eq(wanted, config)) else {
            return std::mem::take(&mut self.carried);
        };
        let mut all = std::mem::take(&mut self.carried);
        for (_, changes) in self.decided.drain(..=at) {
            all.then(changes);
        }
        all
    }
}

/// The objects that the lines come from are what people look for.
fn put_named_first(changes: &mut Causes, plan: &ChangePlan) {
    if changes.objects.len() < 2 {
        return;
    }
    let origins = plan.lines.iter().take(herald_core::history::LINES).flat_map(|line| &line.origins);
    let named: BTreeSet<&str> = origins.map(|origin| &*origin.0).collect();
    changes.objects.sort_by_cached_key(|change| {
        let object = change.object();
        // An origin is the object, a blank and the field.
        let is_named = named.iter().any(|origin| {
            origin.strip_prefix(&object).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        !is_named
    });
}

/// How it ended, and what FRR or `vtysh` said.
fn what_came(outcome: &machine::Outcome, back: bool) -> (Outcome, String) {
    let join = |lines: Vec<String>| mask_passwords(&lines.join("\n")).replace('\n', "; ");
    let (ended, message) = match outcome {
        machine::Outcome::Taken => (Outcome::Applied, String::new()),
        machine::Outcome::Refused(lines) => {
            let said = |line: &machine::RefusedLine| {
                format!("{}: {}", line.refused.text.trim(), line.refused.reason)
            };
            (Outcome::Refused, join(lines.iter().map(said).collect()))
        }
        machine::Outcome::NotKept(lines) => (Outcome::NotKept, join(lines.clone())),
        machine::Outcome::Failed(failure) => (Outcome::Failed, failure.why.clone()),
    };
    let ended = match ended {
        Outcome::Applied if back => Outcome::Restored,
        Outcome::Refused | Outcome::NotKept if back => Outcome::StateUnknown,
        other => other,
    };
    (ended, message)
}

//! Commit-confirmed: looks at the sessions before an edit and when its time is over, and takes the edit back where
//! they stay away.
//!
//! While an edit waits, FRR runs it, but what counts as in force of its object is the form before: should the agent
//! be restarted, or FRR refuse something, that is what is gone back to.

use super::keeper::Save;
use super::runner::Job;
use super::{Shell, saved};
use crate::confirm::edits::{Kept, edits};
use crate::confirm::{Confirm, Verdict, Watch};
use crate::machine::{Attempt, Failure, Outcome, Run};
use crate::quarantine::{NamesSecrets, Passwords};
use crate::report;
use crate::state::State;
use anyhow::Result;
use herald_core::model::{Form, Forms, InForce};
use herald_core::snapshot::{Custom, Snapshot};
use herald_frr::config::FrrConfig;
use herald_frr::diff::{ChangePlan, Session};
use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The file of edits that wait.
pub const COMMITS: &str = "commits.json";
/// The file of sessions that were Established before an edit on trial that FRR may have been given, and has not yet taken.
pub const BEFORE_EDIT: &str = "before-edit.json";
/// Sessions that could not be read are asked for again after this time.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Edits that wait for their sessions.
#[derive(Debug)]
pub struct Commits {
    confirm: Confirm,
    /// Sessions that were Established before an edit that FRR may have been given, and has not yet taken.
    established: BTreeSet<Session>,
    /// What FRR took last, confirmed or not.
    pub whole: Arc<InForce>,
    /// Whether FRR's daemons answer: only then can sessions be looked at.
    up: bool,
    /// Whether the answer to a look is awaited.
    asked: bool,
    ask_at: Option<Instant>,
}

impl Commits {
    /// What the last run of the agent left waiting begins anew.
    pub fn open(state: &State, in_force: &Arc<InForce>) -> Result<Self> {
        Ok(Self {
            confirm: Confirm::restore(Instant::now(), saved(state, COMMITS)?),
            established: saved(state, BEFORE_EDIT)?,
            whole: in_force.clone(),
            up: false,
            asked: false,
            ask_at: None,
        })
    }

    /// When the sessions are to be looked at.
    pub fn wake_at(&self) -> Option<Instant> {
        let due = self.confirm.wake_at().filter(|_| self.up && !self.asked)?;
        Some(self.ask_at.map_or(due, |at| due.max(at)))
    }

    /// FRR's daemons came or went: sessions that ended with them get their whole time again.
    pub fn frr(&mut self, up: bool) {
        self.up = up;
        if up {
            self.confirm = Confirm::restore(Instant::now(), self.confirm.saved().cloned().collect());
        }
    }

    /// What is confirmed of what FRR took.
    fn confirmed(&self) -> Arc<InForce> {
        if self.confirm.saved().next().is_none() {
            return self.whole.clone();
        }
        let mut confirmed = InForce::clone(&self.whole);
        self.confirm.saved().for_each(|watch| put_back(&mut confirmed, watch));
        Arc::new(confirmed)
    }
}

impl Shell {
    /// How a plan is applied: with an edit on trial in it, the sessions are looked at first.
    pub(super) fn apply(&self, run: Run, plan: Arc<ChangePlan>) -> Job {
        let whole = &self.commits.whole;
        let on_trial = !Arc::ptr_eq(whole, &self.in_force)
            && edits(whole, &self.in_force, &self.considered).iter().any(|edit| edit.within.is_some());
        if on_trial { Job::Try(run, plan, self.commits.established.clone()) } else { Job::Apply(run, plan) }
    }

    /// The sessions were looked at before an apply.
    pub(super) fn before(&mut self, established: BTreeSet<Session>) {
        self.commits.established = established;
    }

    /// An attempt is over. Where it failed, or left FRR with less than the edit, the next one must bring back what was there
    /// before this one.
    pub(super) fn tried(&mut self, attempt: &Attempt) {
        if matches!(attempt.outcome, Outcome::Taken | Outcome::Refused(_)) {
            self.forget_before();
        }
    }

    fn forget_before(&mut self) {
        if !mem::take(&mut self.commits.established).is_empty() {
            self.keeper.save(Save::Remove(BEFORE_EDIT));
        }
    }

    /// FRR took what `in_force` stands for.
    pub(super) fn commit(&mut self, config: &FrrConfig, in_force: &Arc<InForce>) {
        if Arc::ptr_eq(&self.commits.whole, in_force) {
            self.forget_before();
            return;
        }
        let edits = edits(&self.commits.whole, in_force, &self.considered);
        self.commits.whole = in_force.clone();
        let wanted = |session: &Session| {
            let router = config.routers.get(&session.vrf);
            router.is_some_and(|router| router.neighbors.contains_key(&session.neighbor))
        };
        let established = mem::take(&mut self.commits.established);
        self.commits.confirm.edited(Instant::now(), edits, &established, wanted);
        self.tell_of_commits();
        if !established.is_empty() {
            // After what became of the edit: killed in between, the next agent still knows what it must bring back.
            self.keeper.save(Save::Remove(BEFORE_EDIT));
        }
    }

    /// The time of an edit is over.
    pub(super) fn look_at_sessions(&mut self) {
        self.commits.asked = true;
        self.runner.run(Job::Sessions);
    }

    /// The sessions were looked at, at `seen`.
    pub(super) fn looked(&mut self, seen: Instant, answer: Result<BTreeSet<Session>, Failure>) {
        self.commits.asked = false;
        self.commits.ask_at = answer.is_err().then(|| Instant::now() + ASK_AGAIN);
        let Ok(established) = answer else { return };
        let verdicts = self.commits.confirm.look(seen, &established);
        for verdict in &verdicts {
            // Then the user has taken it back already.
            let same = is_as_before(verdict.watch(), &self.considered);
            let condition = verdict.condition(same, report::now());
            report::commit(&condition);
            self.conditions.set(condition);
            if let Verdict::Failed { watch, .. } = verdict
                && !same
            {
                self.take_back(watch);
            }
        }
        if !verdicts.is_empty() {
            self.tell_of_commits();
            self.confirmed();
        }
    }

    /// The form before comes back into force, and the edit is not tried again until it changes.
    fn take_back(&mut self, watch: &Watch) {
        let mut whole = InForce::clone(&self.commits.whole);
        put_back(&mut whole, watch);
        self.recorder.reverting();
        self.commits.whole = Arc::new(whole);
        self.quarantine.add_object(&watch.object, &self.considered);
        self.save_quarantine();
        self.in_force = self.commits.confirmed();
        self.read_again.notify_one();
    }

    /// What is confirmed of what FRR took is what counts as in force after a restart.
    pub(super) fn confirmed(&mut self) {
        let confirmed = self.commits.confirmed();
        if Arc::ptr_eq(&confirmed, &self.taken) || confirmed == self.taken {
            return;
        }
        self.taken = confirmed;
        self.save_in_force();
    }

    fn tell_of_commits(&mut self) {
        let watched: Vec<&Watch> = self.commits.confirm.saved().collect();
        for watch in &watched {
            self.conditions.set(watch.condition(report::now()));
        }
        self.keeper.save_json(COMMITS, &watched);
        self.save_conditions();
    }
}

/// Whether the object says what it said before the edit, and its Secrets hold what they held.
fn is_as_before(watch: &Watch, snapshot: &Snapshot) -> bool {
    match &watch.previous {
        Some(Kept::Peer(form)) => is_form(&watch.object, form, &snapshot.peers, snapshot),
        Some(Kept::Configuration(form)) => {
            is_form(&watch.object, form, &snapshot.frr_configurations, snapshot)
        }
        None => false,
    }
}

fn is_form<S: PartialEq + NamesSecrets>(
    name: &str,
    form: &Form<S>,
    objects: &[Custom<S>],
    snapshot: &Snapshot,
) -> bool {
    let object = objects.iter().find(|object| object.meta.object.to_string() == name);
    object.is_some_and(|Custom { meta, spec }| {
        let passwords = Passwords::now(&meta.object, spec, snapshot);
        *spec == form.spec && passwords == Passwords::from(form.resolved.clone())
    })
}

/// Puts the form before the edit in the place of the edited one.
fn put_back(in_force: &mut InForce, watch: &Watch) {
    let Some((kind, key)) = watch.object.split_once(' ') else { return };
    match (&watch.previous, kind) {
        (Some(Kept::Peer(form)), _) => put(&mut in_force.peers, key, form),
        (Some(Kept::Configuration(form)), _) => put(&mut in_force.frr_configurations, key, form),
        (None, "BGPPeer") => drop(in_force.peers.remove(key)),
        (None, _) => drop(in_force.frr_configurations.remove(key)),
    }
}

fn put<S: Clone>(forms: &mut Forms<S>, key: &str, form: &Form<S>) {
    forms.insert(key.to_owned(), form.clone());
}

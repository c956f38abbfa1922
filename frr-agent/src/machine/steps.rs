//! From one step to the next.

use super::check::{self, CHECK_LIMIT, Checks, Verdict};
use super::message::{Attempt, Drift, Failure, Kept, Outcome, Output, RefusedLine, Report, Run};
use super::{CHECK_INTERVAL, Change, DOUBT_LIMIT, Goal, Machine, NOT_KEPT_RETRIES, Phase, REST};
use super::{REST_LIMIT, RETRY_INTERVAL, RETRY_LIMIT, STARTING, STARTING_RETRY};
use herald_frr::config::FrrConfig;
use herald_frr::diff::{self, ChangePlan};
use herald_frr::running::Running;
use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::time::Instant;

impl Machine {
    /// Starts what is to be done next, if nothing is under way.
    pub(super) fn begin(&mut self, now: Instant) -> Vec<Output> {
        self.rest_until = self.rest_until.filter(|at| now < *at);
        let waits = self.up_since.is_none() || self.retry_at.is_some_and(|at| now < at);
        if waits || !matches!(self.phase, Phase::Idle) {
            return Vec::new();
        }
        self.retry_at = None;
        let Some(goal) = self.goal() else { return Vec::new() };
        let Some(believed) = self.believed.clone() else { return self.read(Phase::Comparing) };
        let overdue = self.doubt.is_some_and(|since| now >= since + DOUBT_LIMIT);
        if !overdue && !Arc::ptr_eq(&believed, goal.config()) {
            // The way back waits for nothing.
            let rests = self.rest_until.is_some() && matches!(goal, Goal::Wanted(_));
            return if rests { Vec::new() } else { self.change(now, &believed, goal) };
        }
        if self.doubt.is_some() || self.check_at.is_none_or(|at| now >= at) {
            return self.read(Phase::Checking);
        }
        Vec::new()
    }

    fn read(&mut self, phase: impl FnOnce(Run) -> Phase) -> Vec<Output> {
        let run = self.next_run();
        self.phase = phase(run);
        vec![Output::Read(run)]
    }

    /// From what is believed to the goal, without asking FRR.
    fn change(&mut self, now: Instant, believed: &FrrConfig, goal: Goal) -> Vec<Output> {
        match diff::edit(believed, goal.config(), self.map_delay) {
            None => self.read(Phase::Comparing),
            Some(plan) if plan.is_empty() => {
                let mut outputs = self.believe(&goal);
                outputs.extend(self.begin(now));
                outputs
            }
            Some(plan) => self.apply(now, goal, plan),
        }
    }

    /// Sends a plan. Names that are new to us are recorded first: should we be killed, the next start knows them.
    fn apply(&mut self, now: Instant, goal: Goal, plan: ChangePlan) -> Vec<Output> {
        let run = self.next_run();
        let plan = Arc::new(plan);
        let mut outputs = Vec::new();
        // A change of prefixes brings no names, if FRR runs what is believed.
        let prefixes = plan.prefixes().filter(|_| self.believed.is_some());
        if let Some(changes) = prefixes {
            self.checks.supersede(changes);
        } else if let Goal::Wanted(config) = &goal {
            // The way back brings none: it may hold what others configured.
            let names = self.given.add(config, &plan, self.last_good.as_deref());
            outputs.extend(names.map(|names| Output::Intend(run, names)));
        }
        let only_prefixes = prefixes.is_some();
        outputs.push(Output::Apply(run, plan.clone()));
        self.phase = Phase::Applying(run, Change { goal, plan, only_prefixes, started: now });
        outputs
    }

    pub(super) fn applied(&mut self, now: Instant, refused: Vec<RefusedLine>) -> Vec<Output> {
        let Phase::Applying(_, change) = mem::replace(&mut self.phase, Phase::Idle) else {
            return Vec::new();
        };
        self.rest_until = Some(now + ((now - change.started) * REST).min(REST_LIMIT));
        if refused.is_empty() && change.only_prefixes {
            return self.took_prefixes(now, &change);
        }
        self.forget();
        if refused.is_empty() {
            return self.read(|run| Phase::Proving(run, change));
        }
        if self.up_since.is_some_and(|since| now < since + STARTING) {
            let lines: Vec<_> = refused.iter().map(|line| line.refused.text.trim()).collect();
            let why = format!("FRR is starting and refused: {}", lines.join("; "));
            return self.try_again(now, Failure { why, hung: Vec::new(), untouched: false });
        }
        let lines = refused.iter().map(|line| line.refused.text.clone()).collect();
        let mut outputs = vec![attempted(&change, Outcome::Refused(refused))];
        outputs.extend(self.go_back(now, change.goal, lines));
        outputs
    }

    /// FRR took every line of a change of prefixes: it is believed at once, and proved while the next ones go on.
    fn took_prefixes(&mut self, now: Instant, change: &Change) -> Vec<Output> {
        let changes = change.plan.prefixes().unwrap_or_default();
        if changes.len() > CHECK_LIMIT {
            self.doubt.get_or_insert(now);
        } else {
            self.checks.expect(now, changes);
        }
        self.succeeded();
        let mut outputs = self.believe(&change.goal);
        outputs.push(attempted(change, Outcome::Taken));
        outputs.extend(self.begin(now));
        outputs
    }

    pub(super) fn read_back(&mut self, now: Instant, running: Running) -> Vec<Output> {
        self.map_delay = running.map_delay();
        match mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Comparing(_) => self.compare(now, running),
            Phase::Checking(_) => self.check(now, running),
            Phase::Proving(_, change) => self.prove(now, &running, change),
            phase @ (Phase::Idle | Phase::Applying(..)) => {
                self.phase = phase;
                Vec::new()
            }
        }
    }

    /// From what runs to the goal, which may have changed since the question.
    fn compare(&mut self, now: Instant, running: Running) -> Vec<Output> {
        let Some(goal) = self.goal() else { return Vec::new() };
        let plan = self.plan(&running, goal.config(), self.taken_raw(), Some(&self.seen));
        if plan.is_empty() {
            return self.settle(now, &goal, &running, None);
        }
        if self.last_good.is_none() {
            self.found.get_or_insert_with(|| Arc::new(running.config));
        }
        self.forget();
        self.apply(now, goal, plan)
    }

    /// Whether FRR runs what is believed.
    fn check(&mut self, now: Instant, running: Running) -> Vec<Output> {
        let Some(believed) = self.believed.clone() else { return self.compare(now, running) };
        let left = lines(&self.plan(&running, &believed, &believed.raw, Some(&self.seen)));
        self.check_at = Some(now + CHECK_INTERVAL);
        let doubted = self.doubt.take().is_some();
        if left.is_empty() || self.drift == Drift::Report {
            let mut outputs = self.tolerate(left);
            let missing = mem::take(&mut self.missing);
            if !missing.is_empty() {
                outputs.push(Output::Report(Report::NotInTable(missing)));
            }
            outputs.extend(self.keep(&believed, true));
            outputs.extend(self.begin(now));
            return outputs;
        }
        self.missing.clear();
        let report =
            if doubted { Report::NotKept(left) } else { Report::Drift { lines: left, repaired: true } };
        let mut outputs = vec![Output::Report(report)];
        outputs.extend(self.compare(now, running));
        outputs
    }

    /// With `--drift=report`: told once, then left alone.
    fn tolerate(&mut self, left: Vec<String>) -> Vec<Output> {
        let lines: BTreeSet<String> = left.iter().cloned().collect();
        if lines == self.tolerated {
            return Vec::new();
        }
        self.tolerated = lines;
        let report =
            if left.is_empty() { Report::DriftGone } else { Report::Drift { lines: left, repaired: false } };
        vec![Output::Report(report)]
    }

    fn prove(&mut self, now: Instant, running: &Running, change: Change) -> Vec<Output> {
        let config = change.goal.config();
        let mut left = lines(&self.plan(running, config, &config.raw, None));
        left.retain(|line| !self.tolerated.contains(line));
        if left.is_empty() {
            let done = Some(attempted(&change, Outcome::Taken));
            return self.settle(now, &change.goal, running, done);
        }
        let mut outputs = vec![attempted(&change, Outcome::NotKept(left.clone()))];
        match (&change.goal, NOT_KEPT_RETRIES.get(self.not_kept)) {
            (Goal::Wanted(_), Some(pause)) => {
                self.not_kept += 1;
                self.forget();
                self.retry_at = Some(now + *pause);
            }
            _ => outputs.extend(self.go_back(now, change.goal, left)),
        }
        outputs
    }

    /// After a refusal: towards the last good configuration, but only once.
    fn go_back(&mut self, now: Instant, goal: Goal, left: Vec<String>) -> Vec<Output> {
        self.forget();
        self.not_kept = 0;
        match goal {
            Goal::Wanted(wanted) => {
                self.refused = Some(wanted);
                self.begin(now)
            }
            Goal::Back(_) => {
                self.retry_at = Some(now + CHECK_INTERVAL);
                vec![Output::Report(Report::Unknown(left))]
            }
        }
    }

    /// FRR was read whole and runs the goal; `done` is the attempt that brought it there, if there was one.
    fn settle(&mut self, now: Instant, goal: &Goal, running: &Running, done: Option<Output>) -> Vec<Output> {
        self.succeeded();
        self.see(running, goal.config());
        self.fresh = false;
        self.doubt = None;
        self.checks = Checks::default();
        self.check_at = Some(now + CHECK_INTERVAL);
        let silent = !mem::take(&mut self.unsettled);
        let mut outputs = self.believe(goal);
        match goal {
            Goal::Back(_) if self.last_good.is_none() => {
                // What others configured is in it: nothing to compare with later, and nothing of ours is left.
                if !self.given.configs().is_empty() {
                    outputs.push(Output::Forget(self.last_run));
                }
                self.given.clear();
                self.retry_at = Some(now + CHECK_INTERVAL);
            }
            goal => outputs.extend(self.keep(goal.config(), true)),
        }
        if done.is_none() && !silent {
            let report = match goal {
                Goal::Wanted(_) => Report::InSync,
                Goal::Back(_) => Report::Restored,
            };
            outputs.push(Output::Report(report));
        }
        outputs.extend(done);
        outputs.extend(self.begin(now));
        outputs
    }

    /// FRR took all of the goal.
    fn believe(&mut self, goal: &Goal) -> Vec<Output> {
        match goal {
            Goal::Wanted(config) => {
                self.believed = Some(config.clone());
                self.last_good = Some(config.clone());
                self.refused = None;
                vec![Output::Taken(config.clone())]
            }
            Goal::Back(config) => {
                self.believed = self.last_good.is_some().then(|| config.clone());
                Vec::new()
            }
        }
    }

    /// Saves what was proved; once `whole` was read, what was given in part before is done with.
    fn keep(&mut self, config: &Arc<FrrConfig>, whole: bool) -> Option<Output> {
        let settled = (whole && !self.given.configs().is_empty()).then_some(self.last_run);
        if settled.is_some() {
            self.given.clear();
        }
        let known = self.kept.replace(config.clone()).is_some_and(|kept| Arc::ptr_eq(&kept, config));
        (!known || settled.is_some()).then(|| Output::Keep(Kept { config: config.clone(), whole, settled }))
    }

    fn succeeded(&mut self) {
        self.retry_delay = RETRY_INTERVAL;
        self.last_failure = None;
        self.not_kept = 0;
    }

    /// `vtysh` gave no usable answer.
    pub(super) fn failed(&mut self, now: Instant, why: Failure) -> Vec<Output> {
        let mut outputs = Vec::new();
        match mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Applying(_, change) | Phase::Proving(_, change) => {
                if !why.untouched {
                    self.forget();
                }
                outputs.push(attempted(&change, Outcome::Failed(why.clone())));
            }
            Phase::Idle | Phase::Comparing(_) | Phase::Checking(_) => {}
        }
        // What was to be proved still is.
        self.doubt = self.believed.as_ref().map(|_| now);
        outputs.extend(self.try_again(now, why));
        outputs
    }

    /// After a while; people are told once, not each time.
    fn try_again(&mut self, now: Instant, why: Failure) -> Vec<Output> {
        if self.up_since.is_some_and(|since| now < since + STARTING) {
            self.retry_at = Some(now + STARTING_RETRY);
        } else {
            self.retry_at = Some(now + self.retry_delay);
            self.retry_delay = RETRY_LIMIT.min(self.retry_delay * 2);
        }
        if self.last_failure.as_ref() == Some(&why.why) {
            return Vec::new();
        }
        self.last_failure = Some(why.why.clone());
        vec![Output::Report(Report::Failed(why))]
    }

    /// Answers about single prefixes.
    pub(super) fn checked(
        &mut self,
        now: Instant,
        run: Run,
        answer: &Result<Vec<check::Fact>, Failure>,
    ) -> Vec<Output> {
        let verdict = match answer {
            Ok(facts) => self.checks.judge(now, run, facts),
            Err(_) => self.checks.unanswered(run),
        };
        match verdict {
            Verdict::Stale | Verdict::Again => Vec::new(),
            Verdict::Proved(config) => self.keep(&config, false).into_iter().collect(),
            Verdict::Wrong(questions) => {
                self.missing = questions.iter().map(check::name).collect();
                self.doubt.get_or_insert(now);
                self.begin(now)
            }
        }
    }
}

/// What a plan says, without the lines that open and close blocks.
fn lines(plan: &ChangePlan) -> Vec<String> {
    plan.lines.iter().filter(|line| !line.frame).map(|line| line.text.trim().to_owned()).collect()
}

fn attempted(change: &Change, outcome: Outcome) -> Output {
    let Change { goal, plan, started, .. } = change;
    let (config, plan) = (goal.config().clone(), plan.clone());
    Output::Attempted(Attempt {
        config,
        back: matches!(goal, Goal::Back(_)),
        plan,
        started: *started,
        outcome,
    })
}

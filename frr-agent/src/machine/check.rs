//! The proof of a change of prefixes: a moment after it, FRR is asked for exactly those.

use super::message::Run;
use herald_frr::config::FrrConfig;
use herald_frr::diff::{Expected, PrefixChange};
use herald_frr::show::Route;
use herald_frr::value::InterfaceName;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// bgpd holds changes for 50 ms (FRR 10.3, `bgp_route.c`, `spec.hold`); this long after the apply they are in its table.
pub const CHECK_DELAY: Duration = Duration::from_millis(100);
/// What is not as expected is asked for once more after this time: bgpd may be busy.
pub const CHECK_AGAIN: Duration = Duration::from_millis(500);
/// With more changed prefixes than this, reading the configuration costs less than asking for each.
pub const CHECK_LIMIT: usize = 1_000;

/// A prefix of a VRF.
pub type Question = (Option<InterfaceName>, IpNet);
/// What FRR's table says of it; `None` if it is not there.
pub type Fact = Option<Route>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pending {
    expected: Expected,
    again: bool,
}

type Prefixes = BTreeMap<Question, Pending>;

#[derive(Debug)]
struct Asked {
    run: Run,
    questions: Vec<Question>,
    pending: Prefixes,
    believed: Arc<FrrConfig>,
}

/// Prefixes that are still to be proved.
#[derive(Debug, Default)]
pub struct Checks {
    pending: Prefixes,
    due: Option<Instant>,
    asked: Option<Asked>,
}

/// What the answers mean.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not an answer that is waited for.
    Stale,
    /// All is as expected: FRR ran this when it was asked.
    Proved(Arc<FrrConfig>),
    /// Something is to be asked once more.
    Again,
    /// These are not as expected, also when asked again.
    Wrong(Vec<Question>),
}

impl Checks {
    /// When [`Checks::ask`] has something to ask.
    pub fn due_at(&self) -> Option<Instant> {
        self.due.filter(|_| self.asked.is_none())
    }

    /// These prefixes were changed; what was expected of them before no longer counts.
    pub fn expect(&mut self, now: Instant, changes: &[PrefixChange]) {
        for change in changes {
            let question = (change.vrf.clone(), change.prefix);
            let pending = Pending { expected: change.expected.clone(), again: false };
            self.pending.insert(question, pending);
        }
        self.due.get_or_insert(now + CHECK_DELAY);
    }

    /// These prefixes are about to be changed: an answer that is under way says nothing of them.
    pub fn supersede(&mut self, changes: &[PrefixChange]) {
        for change in changes {
            let question = (change.vrf.clone(), change.prefix);
            self.pending.remove(&question);
            if let Some(asked) = &mut self.asked {
                asked.pending.remove(&question);
            }
        }
    }

    /// What is to be asked now, by this run.
    pub fn ask(
        &mut self,
        now: Instant,
        run: Run,
        believed: Option<&Arc<FrrConfig>>,
    ) -> Option<Vec<Question>> {
        self.due_at().filter(|due| *due <= now)?;
        self.due = None;
        let pending = std::mem::take(&mut self.pending);
        let believed = believed.filter(|_| !pending.is_empty())?.clone();
        let questions: Vec<Question> = pending.keys().cloned().collect();
        self.asked = Some(Asked { run, questions: questions.clone(), pending, believed });
        Some(questions)
    }

    /// Judges the answers.
    pub fn judge(&mut self, now: Instant, run: Run, facts: &[Fact]) -> Verdict {
        let Some(asked) = self.asked.take_if(|asked| asked.run == run) else { return Verdict::Stale };
        let (mut wrong, mut again) = (Vec::new(), false);
        for (question, fact) in asked.questions.into_iter().zip(facts) {
            match asked.pending.get(&question) {
                Some(pending) if !holds(&pending.expected, fact.as_ref()) => {
                    if pending.again {
                        wrong.push(question);
                    } else {
                        again = true;
                        let pending = Pending { again: true, ..pending.clone() };
                        self.pending.entry(question).or_insert(pending);
                    }
                }
                _ => {}
            }
        }
        if again {
            self.due.get_or_insert(now + CHECK_AGAIN);
        }
        match wrong.is_empty() {
            true if again => Verdict::Again,
            true => Verdict::Proved(asked.believed),
            false => Verdict::Wrong(wrong),
        }
    }

    /// There was no answer.
    pub fn unanswered(&mut self, run: Run) -> Verdict {
        match self.asked.take_if(|asked| asked.run == run) {
            Some(_) => Verdict::Wrong(Vec::new()),
            None => Verdict::Stale,
        }
    }
}

fn holds(expected: &Expected, route: Option<&Route>) -> bool {
    let own = route.and_then(|route| route.own);
    match expected {
        Expected::Gone => own.is_none(),
        Expected::Present { tag, .. } => own.is_some_and(|own| own.tag == *tag),
    }
}

/// A prefix for people.
pub fn name((vrf, prefix): &Question) -> String {
    vrf.as_ref().map_or_else(|| prefix.to_string(), |vrf| format!("{prefix} vrf {vrf}"))
}

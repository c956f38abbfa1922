//! The order in which objects that conflict are judged, so that the answer never depends on chance
//! and what is in force is never lost to something new.
//!
//! 1. What is in force and unchanged stays.
//! 2. An edit of something in force comes next; one that is refused keeps its last valid form.
//! 3. New objects come last.
//!
//! Within each step the older creationTimestamp wins, then the name (docs/architecture.md).

use crate::problem::Problem;
use crate::snapshot::Meta;
use std::sync::Arc;

/// Where an object stands in the order. Smaller is judged first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Its step.
    pub standing: Standing,
    /// `metadata.creationTimestamp` (RFC 3339 sorts as text); empty in a folder.
    pub created: Arc<str>,
    /// Name, then namespace.
    pub name: (Arc<str>, Arc<str>),
}

/// How an object stands to what is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// In force as it is.
    Unchanged,
    /// In force in another form.
    Edited,
    /// Not in force.
    New,
}

impl Rank {
    /// The place of an object with this metadata.
    #[must_use]
    pub fn new(standing: Standing, meta: &Meta) -> Self {
        let name = (meta.object.name.clone(), meta.object.namespace.clone());
        Self { standing, created: meta.created.clone(), name }
    }
}

/// One object to be judged.
#[derive(Debug, Clone)]
pub(crate) struct Candidate<T> {
    /// Its place in the order.
    pub rank: Rank,
    /// What it says now, if that is valid alone.
    pub current: Option<T>,
    /// Its last valid form, if it had one.
    pub last: Option<T>,
}

/// What counts of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict<T> {
    /// What it says now.
    Current(T),
    /// Its last valid form.
    Last(T),
    /// Nothing.
    Refused,
}

/// Judges all candidates; verdicts are in the order of the candidates. `conflict(winner, loser)`
/// is why the second may not stand beside the first, said of the second.
pub(crate) fn judge<T: Clone>(
    candidates: &[&Candidate<T>],
    conflict: impl Fn(&T, &T) -> Option<Problem>,
) -> (Vec<Verdict<T>>, Vec<Problem>) {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|a, b| candidates[*a].rank.cmp(&candidates[*b].rank));
    // Why an edit lost. Its last form is put back, which may make further edits lose: so again.
    let mut reverted: Vec<Option<Problem>> = vec![None; candidates.len()];
    loop {
        match judge_once(candidates, &order, &reverted, &conflict) {
            Round::Revert(index, problem) => reverted[index] = Some(*problem),
            Round::Done(verdicts, refusals) => {
                let problems = reverted.into_iter().flatten().chain(refusals).collect();
                return (verdicts, problems);
            }
        }
    }
}

enum Round<T> {
    /// An edit lost: its last form has to be there from the start.
    Revert(usize, Box<Problem>),
    Done(Vec<Verdict<T>>, Vec<Problem>),
}

fn judge_once<T: Clone>(
    candidates: &[&Candidate<T>],
    order: &[usize],
    reverted: &[Option<Problem>],
    conflict: &impl Fn(&T, &T) -> Option<Problem>,
) -> Round<T> {
    let is_back = |i: usize| reverted[i].is_some() || candidates[i].current.is_none();
    let is_settled = |i: usize| candidates[i].rank.standing == Standing::Unchanged || is_back(i);
    let settled = order.iter().copied().filter(|i| is_settled(*i));
    let others = order.iter().copied().filter(|i| !is_settled(*i));

    let mut verdicts: Vec<Verdict<T>> = vec![Verdict::Refused; candidates.len()];
    let mut accepted: Vec<&T> = Vec::new();
    let mut refusals = Vec::new();
    for index in settled.chain(others) {
        let Candidate { current, last, .. } = candidates[index];
        let form = if is_back(index) { last } else { current };
        let Some(form) = form else { continue };
        match accepted.iter().find_map(|winner| conflict(winner, form)) {
            None => {
                accepted.push(form);
                let form = form.clone();
                verdicts[index] = if is_back(index) { Verdict::Last(form) } else { Verdict::Current(form) };
            }
            Some(problem) if !is_settled(index) && last.is_some() => {
                return Round::Revert(index, Box::new(problem));
            }
            Some(problem) if !is_back(index) => refusals.push(problem),
            // Why its current form is refused has been said.
            Some(_) => {}
        }
    }
    Round::Done(verdicts, refusals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{FieldPath, ObjectRef, Severity};

    type Span = (u32, u32);

    fn candidate(name: &str, created: &str, last: Option<Span>, current: Option<Span>) -> Candidate<Span> {
        let standing = match (last, current) {
            (Some(last), Some(current)) if last == current => Standing::Unchanged,
            (Some(_), _) => Standing::Edited,
            (None, _) => Standing::New,
        };
        Candidate {
            rank: Rank { standing, created: created.into(), name: (name.into(), "".into()) },
            current,
            last,
        }
    }

    fn outcome(candidates: &[Candidate<Span>]) -> (Vec<Option<Span>>, usize) {
        let conflict = |winner: &Span, loser: &Span| {
            (winner.0 <= loser.1 && loser.0 <= winner.1).then(|| Problem {
                severity: Severity::Error,
                object: None::<ObjectRef>,
                field: FieldPath::default(),
                reason: "Overlap",
                message: String::new(),
                nodes: Vec::new(),
                location: None,
            })
        };
        let candidates: Vec<_> = candidates.iter().collect();
        let (verdicts, problems) = judge(&candidates, conflict);
        let taken = |v| match v {
            Verdict::Current(span) | Verdict::Last(span) => Some(span),
            Verdict::Refused => None,
        };
        (verdicts.into_iter().map(taken).collect(), problems.len())
    }

    #[test]
    fn the_older_of_two_new_objects_wins_then_the_name() {
        let by_age =
            [candidate("a", "2026-02", None, Some((1, 5))), candidate("b", "2026-01", None, Some((5, 9)))];
        assert_eq!(outcome(&by_age), (vec![None, Some((5, 9))], 1));
        let by_name = [candidate("b", "", None, Some((1, 5))), candidate("a", "", None, Some((5, 9)))];
        assert_eq!(outcome(&by_name), (vec![None, Some((5, 9))], 1));
    }

    #[test]
    fn what_is_in_force_stays_against_anything_new() {
        let c =
            [candidate("a", "2020", None, Some((1, 5))), candidate("z", "2026", Some((5, 9)), Some((5, 9)))];
        assert_eq!(outcome(&c), (vec![None, Some((5, 9))], 1));
    }

    #[test]
    fn an_edit_that_conflicts_keeps_its_last_form() {
        let c =
            [candidate("a", "", Some((1, 2)), Some((1, 5))), candidate("z", "", Some((5, 9)), Some((5, 9)))];
        assert_eq!(outcome(&c), (vec![Some((1, 2)), Some((5, 9))], 1));
    }

    #[test]
    fn the_last_form_of_a_broken_object_keeps_its_place() {
        let c = [candidate("a", "", None, Some((4, 6))), candidate("z", "", Some((5, 9)), None)];
        assert_eq!(outcome(&c), (vec![None, Some((5, 9))], 1));
    }

    #[test]
    fn two_edits_may_swap_places() {
        let c =
            [candidate("a", "", Some((1, 2)), Some((3, 4))), candidate("b", "", Some((3, 4)), Some((1, 2)))];
        assert_eq!(outcome(&c), (vec![Some((3, 4)), Some((1, 2))], 0));
    }

    #[test]
    fn an_edit_into_the_place_of_a_reverted_one_reverts_too() {
        let c = [
            candidate("a", "", Some((1, 2)), Some((3, 4))),
            candidate("b", "", Some((3, 4)), Some((9, 9))),
            candidate("c", "", Some((9, 9)), Some((9, 9))),
        ];
        assert_eq!(outcome(&c), (vec![Some((1, 2)), Some((3, 4)), Some((9, 9))], 2));
    }
}

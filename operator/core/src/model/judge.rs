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

impl<T> Verdict<T> {
    fn form(&self) -> Option<&T> {
        match self {
            Self::Current(form) | Self::Last(form) => Some(form),
            Self::Refused => None,
        }
    }
}

/// Judges all candidates; verdicts are in the order of the candidates. `conflict(winner, loser)`
/// is why the second may not stand beside the first, said of the second.
pub(crate) fn judge<T: Clone>(
    candidates: &[&Candidate<T>],
    conflict: impl Fn(&T, &T) -> Option<Problem>,
) -> (Vec<Verdict<T>>, Vec<Problem>) {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|a, b| candidates[*a].rank.cmp(&candidates[*b].rank));
    let round = Round { candidates, order, conflict: &conflict };
    // Edits that lost. Their last forms are put back, which may make further edits lose: so again.
    let mut reverted: Vec<Option<Problem>> = vec![None; candidates.len()];
    loop {
        match round.judge(&reverted) {
            Ok(verdicts) => {
                let problems = round.problems(&verdicts, &reverted);
                return (verdicts, problems);
            }
            Err((edit, why)) => reverted[edit] = Some(*why),
        }
    }
}

struct Round<'a, T, C> {
    candidates: &'a [&'a Candidate<T>],
    order: Vec<usize>,
    conflict: &'a C,
}

impl<T: Clone, C: Fn(&T, &T) -> Option<Problem>> Round<'_, T, C> {
    /// All verdicts, or an edit that loses: its last form has to be there from the start.
    fn judge(&self, reverted: &[Option<Problem>]) -> Result<Vec<Verdict<T>>, (usize, Box<Problem>)> {
        let is_back = |i: usize| reverted[i].is_some() || self.candidates[i].current.is_none();
        let is_settled = |i: usize| self.candidates[i].rank.standing == Standing::Unchanged || is_back(i);
        let settled = self.order.iter().copied().filter(|i| is_settled(*i));
        let others = self.order.iter().copied().filter(|i| !is_settled(*i));

        let mut verdicts: Vec<Verdict<T>> = vec![Verdict::Refused; self.candidates.len()];
        let mut accepted: Vec<&T> = Vec::new();
        for index in settled.chain(others) {
            let Candidate { current, last, .. } = self.candidates[index];
            let Some(form) = (if is_back(index) { last } else { current }) else { continue };
            match accepted.iter().find_map(|winner| (self.conflict)(winner, form)) {
                None => {
                    accepted.push(form);
                    let form = form.clone();
                    verdicts[index] =
                        if is_back(index) { Verdict::Last(form) } else { Verdict::Current(form) };
                }
                Some(why) if !is_settled(index) && last.is_some() => return Err((index, Box::new(why))),
                Some(_) => {}
            }
        }
        Ok(verdicts)
    }

    /// Why each current form that is valid alone does not count. Of several that it conflicts with the
    /// oldest is named.
    fn problems(&self, verdicts: &[Verdict<T>], reverted: &[Option<Problem>]) -> Vec<Problem> {
        let mut oldest: Vec<usize> = (0..self.candidates.len()).collect();
        let age = |i: &usize| (&self.candidates[*i].rank.created, &self.candidates[*i].rank.name);
        oldest.sort_by(|a, b| age(a).cmp(&age(b)));
        let lost = |i: &usize| !matches!(verdicts[*i], Verdict::Current(_));
        let why = |loser: usize| {
            let form = self.candidates[loser].current.as_ref()?;
            let others = oldest.iter().filter(|i| **i != loser).filter_map(|i| verdicts[*i].form());
            let why = others.into_iter().find_map(|winner| (self.conflict)(winner, form));
            // What it lost to may have lost itself since.
            why.or_else(|| reverted[loser].clone())
        };
        self.order.iter().copied().filter(lost).filter_map(why).collect()
    }
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

    #[test]
    fn nothing_is_refused_without_a_word() {
        let c =
            [candidate("a", "", Some((1, 2)), Some((3, 4))), candidate("b", "", Some((4, 5)), Some((3, 3)))];
        assert_eq!(outcome(&c), (vec![Some((1, 2)), Some((4, 5))], 2));
    }
}

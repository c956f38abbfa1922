//! Who wins, and who keeps what.

use super::*;
use crate::problem::{FieldPath, ObjectRef, Severity};
use proptest::prelude::*;

type Span = (u32, u32);

fn overlap(one: Span, other: Span) -> bool {
    one.0 <= other.1 && other.0 <= one.1
}

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
        overlap(*winner, *loser).then(|| Problem {
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
    let c = [candidate("a", "2020", None, Some((1, 5))), candidate("z", "2026", Some((5, 9)), Some((5, 9)))];
    assert_eq!(outcome(&c), (vec![None, Some((5, 9))], 1));
}

#[test]
fn an_edit_that_conflicts_keeps_its_last_form() {
    let c = [candidate("a", "", Some((1, 2)), Some((1, 5))), candidate("z", "", Some((5, 9)), Some((5, 9)))];
    assert_eq!(outcome(&c), (vec![Some((1, 2)), Some((5, 9))], 1));
}

#[test]
fn the_last_form_of_a_broken_object_keeps_its_place() {
    let c = [candidate("a", "", None, Some((4, 6))), candidate("z", "", Some((5, 9)), None)];
    assert_eq!(outcome(&c), (vec![None, Some((5, 9))], 1));
}

#[test]
fn two_edits_may_swap_places() {
    let c = [candidate("a", "", Some((1, 2)), Some((3, 4))), candidate("b", "", Some((3, 4)), Some((1, 2)))];
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
fn an_edit_that_is_refused_costs_no_other_its_place() {
    // `a` wants what `b` keeps only without its own edit, which loses to `a` alone.
    let c = [
        candidate("a", "", Some((1, 1)), Some((17, 35))),
        candidate("b", "", Some((19, 33)), Some((21, 33))),
        candidate("n", "", None, Some((34, 34))),
    ];
    assert_eq!(outcome(&c), (vec![Some((1, 1)), Some((21, 33)), Some((34, 34))], 1));
    let c = [candidate("a", "", Some((1, 2)), Some((3, 4))), candidate("b", "", Some((4, 5)), Some((3, 3)))];
    assert_eq!(outcome(&c), (vec![Some((1, 2)), Some((3, 3))], 1));
}

#[test]
fn the_older_of_two_edits_wins_a_free_place() {
    let c = [
        candidate("a", "2026", Some((1, 1)), Some((7, 8))),
        candidate("b", "2025", Some((2, 2)), Some((8, 9))),
    ];
    assert_eq!(outcome(&c), (vec![Some((1, 1)), Some((8, 9))], 1));
}

#[test]
fn three_edits_may_go_round() {
    let c = [
        candidate("a", "", Some((1, 1)), Some((2, 2))),
        candidate("b", "", Some((2, 2)), Some((3, 3))),
        candidate("c", "", Some((3, 3)), Some((1, 1))),
    ];
    assert_eq!(outcome(&c), (vec![Some((2, 2)), Some((3, 3)), Some((1, 1))], 0));
}

#[test]
fn what_is_in_force_beside_what_it_conflicts_with_takes_what_is_left() {
    let c = [candidate("a", "", Some((1, 5)), Some((9, 9))), candidate("b", "", Some((4, 7)), None)];
    assert_eq!(outcome(&c), (vec![Some((9, 9)), Some((4, 7))], 0));
    let c = [candidate("a", "", Some((1, 5)), None), candidate("b", "", Some((4, 7)), Some((9, 9)))];
    assert_eq!(outcome(&c), (vec![Some((1, 5)), Some((9, 9))], 0));
}

/// Last and current form of each candidate; the last forms do not conflict.
fn candidates() -> impl Strategy<Value = Vec<Candidate<Span>>> {
    let span = || (0..30_u32, 0..6_u32).prop_map(|(first, more)| (first, first + more));
    let pair = (prop::option::of(span()), prop::option::weighted(0.9, span()), any::<bool>());
    prop::collection::vec(pair, 0..9).prop_map(|pairs| {
        let mut in_force: Vec<Span> = Vec::new();
        let one = |(index, (last, current, keeps)): (usize, (Option<Span>, Option<Span>, bool))| {
            let last = last.filter(|last| !in_force.iter().any(|other| overlap(*other, *last)));
            in_force.extend(last);
            let current = if keeps { last.or(current) } else { current };
            candidate(&index.to_string(), "", last, current)
        };
        pairs.into_iter().enumerate().map(one).collect()
    })
}

proptest! {
    #[test]
    fn the_answer_is_sound_and_stable(candidates in candidates()) {
        let (forms, problems) = outcome(&candidates);
        let mut again = Vec::new();
        for (index, (before, form)) in candidates.iter().zip(&forms).enumerate() {
            let others = || forms.iter().enumerate().filter(|(i, _)| *i != index).filter_map(|(_, form)| *form);
            prop_assert!(!form.is_some_and(|form| others().any(|other| overlap(other, form))));
            // What is in force goes only where its edit takes it, and what is refused is in the way.
            prop_assert!(before.last.is_none() || *form == before.last || *form == before.current);
            let refused = before.current.filter(|current| Some(*current) != *form);
            prop_assert!(refused.is_none_or(|current| others().any(|other| overlap(other, current))));
            again.push(candidate(&index.to_string(), "", *form, before.current));
        }
        let refused = candidates.iter().zip(&forms).filter(|(c, form)| c.current.is_some() && c.current != **form);
        prop_assert_eq!(problems, refused.count());
        prop_assert_eq!(outcome(&again), (forms, problems));
    }
}

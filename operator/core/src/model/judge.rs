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

impl<'a, T: Clone> Verdict<&'a T> {
    fn form(&self) -> Option<&'a T> {
        match self {
            Self::Current(form) | Self::Last(form) => Some(form),
            Self::Refused => None,
        }
    }

    fn cloned(self) -> Verdict<T> {
        match self {
            Self::Current(form) => Verdict::Current(form.clone()),
            Self::Last(form) => Verdict::Last(form.clone()),
            Self::Refused => Verdict::Refused,
        }
    }
}

/// Judges all candidates; verdicts are in the order of the candidates. `conflict(winner, loser)`
/// is why the second may not stand beside the first, said of the second.
///
/// The answer is stable: with what it accepts in force, the same candidates get the same again.
pub(crate) fn judge<T: Clone>(
    candidates: &[&Candidate<T>],
    conflict: impl Fn(&T, &T) -> Option<Problem>,
) -> (Vec<Verdict<T>>, Vec<Problem>) {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|a, b| candidates[*a].rank.cmp(&candidates[*b].rank));
    let mut court =
        Court { candidates, conflict: &conflict, standing: vec![Verdict::Refused; candidates.len()] };
    court.keep_what_is_in_force(&order);
    court.accept_edits(&order);
    court.accept_others(&order);
    let problems = court.problems(&order);
    (court.standing.into_iter().map(Verdict::cloned).collect(), problems)
}

/// The candidates, and the form in which each counts so far.
struct Court<'a, T, C> {
    candidates: &'a [&'a Candidate<T>],
    conflict: &'a C,
    standing: Vec<Verdict<&'a T>>,
}

impl<'a, T: Clone, C: Fn(&T, &T) -> Option<Problem>> Court<'a, T, C> {
    /// What is in force has its place, in the form that is in force: an edit has still to be judged.
    fn keep_what_is_in_force(&mut self, order: &[usize]) {
        for index in order.iter().copied() {
            let Candidate { rank, current, last } = self.candidates[index];
            let unchanged = current.as_ref().filter(|_| rank.standing == Standing::Unchanged);
            let form = unchanged.map(Verdict::Current).or(last.as_ref().map(Verdict::Last));
            self.standing[index] = form.filter(|form| self.fits(form)).unwrap_or(Verdict::Refused);
        }
    }

    /// An edit is accepted together with the edits that have to make room for it, or not at all. One that
    /// is refused leaves no trace, so it can neither cost another edit its place nor help it to one.
    fn accept_edits(&mut self, order: &[usize]) {
        for index in order.iter().copied() {
            for (member, form) in self.together(index).unwrap_or_default() {
                self.standing[member] = Verdict::Current(form);
            }
        }
    }

    /// The edit and all that it needs; `None` where it is in the way of what stays.
    fn together(&self, index: usize) -> Option<Vec<(usize, &'a T)>> {
        let mut group = vec![(index, self.edit(index)?)];
        let mut judged = 0;
        while judged < group.len() {
            let (_, form) = group[judged];
            if group[..judged].iter().any(|(_, other)| (self.conflict)(other, form).is_some()) {
                return None;
            }
            for (other, standing) in self.standing.iter().enumerate() {
                let is_in_the_way = standing.form().is_some_and(|it| (self.conflict)(it, form).is_some());
                if is_in_the_way && group.iter().all(|(member, _)| *member != other) {
                    group.push((other, self.edit(other)?));
                }
            }
            judged += 1;
        }
        Some(group)
    }

    /// What an object was edited to, where it still counts as it was.
    fn edit(&self, index: usize) -> Option<&'a T> {
        let Candidate { rank, current, .. } = self.candidates[index];
        let is_open = !matches!(self.standing[index], Verdict::Current(_));
        current.as_ref().filter(|_| is_open && rank.standing == Standing::Edited)
    }

    /// New objects, and what was in force beside something that it conflicts with, take what is left.
    fn accept_others(&mut self, order: &[usize]) {
        for index in order.iter().copied() {
            if self.standing[index].form().is_none() {
                let Candidate { current, last, .. } = self.candidates[index];
                let mut forms = current.iter().map(Verdict::Current).chain(last.iter().map(Verdict::Last));
                self.standing[index] = forms.find(|form| self.fits(form)).unwrap_or(Verdict::Refused);
            }
        }
    }

    fn fits(&self, form: &Verdict<&T>) -> bool {
        let mut counting = self.standing.iter().filter_map(Verdict::form);
        form.form().is_some_and(|form| counting.all(|winner| (self.conflict)(winner, form).is_none()))
    }

    /// Why each current form that is valid alone does not count. Of several that it conflicts with the
    /// oldest is named.
    fn problems(&self, order: &[usize]) -> Vec<Problem> {
        let mut oldest = order.to_vec();
        let age = |i: &usize| (&self.candidates[*i].rank.created, &self.candidates[*i].rank.name);
        oldest.sort_by(|a, b| age(a).cmp(&age(b)));
        let lost = |i: &usize| !matches!(self.standing[*i], Verdict::Current(_));
        let why = |loser: usize| {
            let form = self.candidates[loser].current.as_ref()?;
            let mut others = oldest.iter().filter(|i| **i != loser).filter_map(|i| self.standing[*i].form());
            others.find_map(|winner| (self.conflict)(winner, form))
        };
        order.iter().copied().filter(lost).filter_map(why).collect()
    }
}

#[cfg(test)]
mod tests;

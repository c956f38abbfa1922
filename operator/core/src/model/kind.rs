//! What all kinds have in common: parse each object alone, then judge those that conflict.

use super::in_force::{Form, Forms, key};
use super::judge::{Candidate, Rank, Standing, Verdict, judge};
use crate::problem::{FieldPath, ObjectRef, Problem, Reason};
use crate::selector::{Selector, SelectorError};
use crate::snapshot::{Custom, Meta, Snapshot};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Two objects of one kind and name in two namespaces: other objects refer to them by name alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("duplicate definition of {kind} {name:?}: {other} has that name too")]
pub struct DuplicateName {
    kind: &'static str,
    name: String,
    other: ObjectRef,
}

impl Reason for DuplicateName {
    fn reason(&self) -> &'static str {
        "DuplicateName"
    }
}

/// What an object's references stood for; see [`Form::resolved`].
pub(crate) type Resolved = BTreeMap<String, String>;

/// What is known of an object beside its text.
pub(crate) struct Context<'a> {
    /// What references stood for when the object was accepted; used where they lead nowhere now.
    pub resolved: &'a Resolved,
    /// How it stands to what is in force.
    pub standing: Standing,
    /// Whether it is the last form that is parsed, which may refer to what has gone since.
    pub last: bool,
}

/// An object that is valid alone.
#[derive(Debug, Clone)]
pub(crate) struct Parsed<T> {
    /// What it says.
    pub value: T,
    /// What its references stand for.
    pub resolved: Resolved,
    /// Warnings, and errors that cost only the part that they name.
    pub notes: Vec<Problem>,
}

/// A type of the model that knows which object it is.
pub(crate) trait Named {
    /// The object.
    fn object(&self) -> &ObjectRef;
}

/// Collects what is wrong with one object.
pub(crate) struct Sink<'a> {
    object: &'a ObjectRef,
    problems: Vec<Problem>,
    broken: bool,
}

impl<'a> Sink<'a> {
    /// An empty one.
    pub fn new(object: &'a ObjectRef) -> Self {
        Self { object, problems: Vec::new(), broken: false }
    }

    /// Something that makes the whole object unusable.
    pub fn error(&mut self, field: FieldPath, why: &impl Reason) {
        self.broken = true;
        self.problems.push(Problem::error(self.object, field, why));
    }

    /// Something that makes only the named part unusable.
    pub fn part(&mut self, field: FieldPath, why: &impl Reason) {
        self.problems.push(Problem::error(self.object, field, why));
    }

    /// Something that is applied, but probably not meant.
    pub fn warning(&mut self, field: FieldPath, why: &impl Reason) {
        self.problems.push(Problem::warning(self.object, field, why));
    }

    /// The value, or an error.
    pub fn take<T, E: Reason>(&mut self, field: &FieldPath, result: Result<T, E>) -> Option<T> {
        result.map_err(|why| self.error(field.clone(), &why)).ok()
    }

    /// A list of selectors in which nothing may stand twice.
    pub fn selectors(&mut self, parent: &str, field: &'static str, list: &[LabelSelector]) -> Vec<Selector> {
        let path = FieldPath::of(parent).key(field);
        let errors: Vec<(usize, SelectorError)> = match Selector::parse_list(field, list) {
            Ok(selectors) => return selectors,
            Err(errors) => errors,
        };
        for (index, why) in errors {
            self.error(path.index(index), &why);
        }
        Vec::new()
    }

    /// The value with all notes, or everything that is wrong.
    pub fn finish<T>(self, value: Option<T>, resolved: Resolved) -> Result<Parsed<T>, Vec<Problem>> {
        match value.filter(|_| !self.broken) {
            Some(value) => Ok(Parsed { value, resolved, notes: self.problems }),
            None => Err(self.problems),
        }
    }
}

/// Indices of items that equal an earlier one.
pub(crate) fn repeated<T: PartialEq>(items: &[T]) -> impl Iterator<Item = usize> + '_ {
    (0..items.len()).filter(|i| items[..*i].contains(&items[*i]))
}

/// The objects of a kind.
pub(crate) struct Objects<'a, S> {
    /// The kind.
    pub kind: &'static str,
    /// Those of the Snapshot.
    pub present: &'a [Custom<S>],
    /// What of them is in force.
    pub forms: &'a Forms<S>,
    /// Where objects are that cannot be read.
    pub snapshot: &'a Snapshot,
}

impl<'a, S: Clone> Objects<'a, S> {
    /// Those of the Snapshot, then what is in force of those that cannot be read.
    fn all(&self) -> impl Iterator<Item = Cow<'a, Custom<S>>> {
        let present: BTreeSet<String> = self.present.iter().map(key).collect();
        let snapshot = self.snapshot;
        let lost = self.forms.iter().filter(move |(key, _)| !present.contains(*key));
        let lost = lost.filter_map(|(key, form)| former(self.kind, key, form));
        let lost = lost
            .filter(move |former| snapshot.incomplete || snapshot.unreadable.contains(&former.meta.object));
        self.present.iter().map(Cow::Borrowed).chain(lost.map(Cow::Owned))
    }
}

/// An object as it was.
pub(crate) fn former<S: Clone>(kind: &'static str, key: &str, form: &Form<S>) -> Option<Custom<S>> {
    let (namespace, name) = key.split_once('/')?;
    let meta = Meta {
        object: ObjectRef { kind, namespace: namespace.into(), name: name.into() },
        labels: form.labels.clone(),
        annotations: form.annotations.clone(),
        created: Arc::from(""),
        generation: 0,
    };
    Some(Custom { meta, spec: form.spec.clone() })
}

/// One object, parsed alone.
pub(crate) struct Prepared<'a, S: Clone, T> {
    /// The object.
    pub object: Cow<'a, Custom<S>>,
    /// What it says.
    pub candidate: Candidate<Parsed<T>>,
}

/// All objects of a kind, each parsed alone. `parse` is also given the last forms, whose problems
/// nobody wants to hear.
pub(crate) fn prepare<'a, S: Clone + PartialEq, T: Clone>(
    objects: &Objects<'a, S>,
    parse: impl Fn(&Custom<S>, &Context<'_>) -> Result<Parsed<T>, Vec<Problem>>,
    problems: &mut Vec<Problem>,
) -> Vec<Prepared<'a, S, T>> {
    let nothing = Resolved::new();
    let prepare_one = |object: Cow<'a, Custom<S>>| {
        let form = objects.forms.get(&key(&object));
        let standing = match form {
            None => Standing::New,
            Some(form) if form.spec == object.spec && form.labels == object.meta.labels => {
                Standing::Unchanged
            }
            Some(_) => Standing::Edited,
        };
        let last = form.and_then(|form| {
            let context = Context { resolved: &form.resolved, standing: Standing::Unchanged, last: true };
            parse(&former(objects.kind, &key(&object), form)?, &context).ok()
        });
        let is_lost = matches!(object, Cow::Owned(_));
        let current =
            (!is_lost).then(|| parse(&object, &Context { resolved: &nothing, standing, last: false }));
        let current = match current {
            None => None,
            Some(Ok(parsed)) => {
                problems.extend(parsed.notes.iter().cloned());
                Some(parsed)
            }
            Some(Err(why)) => {
                problems.extend(why);
                None
            }
        };
        let rank = Rank::new(standing, &object.meta);
        Prepared { object, candidate: Candidate { rank, current, last } }
    };
    objects.all().map(prepare_one).collect()
}

/// All objects of a kind that count, and their forms for the next time.
pub(crate) fn settle<S: Clone + PartialEq, T: Clone + Named>(
    objects: &Objects<'_, S>,
    parse: impl Fn(&Custom<S>, &Context<'_>) -> Result<Parsed<T>, Vec<Problem>>,
    conflict: impl Fn(&T, &T) -> Option<Problem>,
    problems: &mut Vec<Problem>,
) -> (Vec<T>, Forms<S>) {
    let prepared = prepare(objects, parse, problems);
    let candidates: Vec<_> = prepared.iter().map(|prepared| &prepared.candidate).collect();
    let either = |winner: &Parsed<T>, loser: &Parsed<T>| {
        same_name(&winner.value, &loser.value).or_else(|| conflict(&winner.value, &loser.value))
    };
    let (verdicts, refusals) = judge(&candidates, either);
    problems.extend(refusals);
    let mut accepted = Vec::with_capacity(prepared.len());
    let mut kept = Forms::new();
    for (Prepared { object, .. }, verdict) in prepared.iter().zip(verdicts) {
        let (parsed, form) = match verdict {
            Verdict::Refused => continue,
            Verdict::Last(parsed) => (parsed, objects.forms.get(&key(object)).cloned()),
            Verdict::Current(parsed) => {
                let form = form_of(object, &parsed);
                (parsed, Some(form))
            }
        };
        kept.extend(form.map(|form| (key(object), form)));
        accepted.push(parsed.value);
    }
    (accepted, kept)
}

/// The form in which an object is kept for the next time.
pub(crate) fn form_of<S: Clone, T>(object: &Custom<S>, parsed: &Parsed<T>) -> Form<S> {
    Form {
        labels: object.meta.labels.clone(),
        annotations: object.meta.annotations.clone(),
        spec: object.spec.clone(),
        resolved: parsed.resolved.clone(),
    }
}

/// Two objects of one name.
pub(crate) fn same_name<T: Named>(winner: &T, loser: &T) -> Option<Problem> {
    let (winner, loser) = (winner.object(), loser.object());
    (winner.name == loser.name).then(|| {
        let why = DuplicateName { kind: loser.kind, name: loser.name.to_string(), other: winner.clone() };
        Problem::error(loser, FieldPath::of("metadata.name"), &why)
    })
}

/// By name, as other objects refer to them.
pub(crate) fn by_name<T: Named>(objects: Vec<T>) -> BTreeMap<Arc<str>, T> {
    objects.into_iter().map(|object| (object.object().name.clone(), object)).collect()
}

/// Nothing but the name conflicts.
pub(crate) fn never<T>(_winner: &T, _loser: &T) -> Option<Problem> {
    None
}

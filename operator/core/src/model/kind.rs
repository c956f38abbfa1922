//! What all kinds have in common: parse each object alone, then judge those that conflict.

use super::in_force::{Form, Forms, key};
use super::judge::{Candidate, Rank, Standing, Verdict, judge};
use crate::problem::{FieldPath, ObjectRef, Problem, Reason};
use crate::selector::{Selector, SelectorError};
use crate::snapshot::Custom;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::BTreeMap;
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

/// All objects of a kind, each parsed alone. `parse` is also given the last forms, whose problems
/// nobody wants to hear.
pub(crate) fn prepare<S: Clone + PartialEq, T: Clone>(
    objects: &[Custom<S>],
    forms: &Forms<S>,
    parse: impl Fn(&Custom<S>, &Context<'_>) -> Result<Parsed<T>, Vec<Problem>>,
    problems: &mut Vec<Problem>,
) -> Vec<Candidate<Parsed<T>>> {
    let nothing = Resolved::new();
    let prepare_one = |object: &Custom<S>| {
        let form = forms.get(&key(object));
        let standing = match form {
            None => Standing::New,
            Some(form) if form.spec == object.spec && form.labels == object.meta.labels => {
                Standing::Unchanged
            }
            Some(_) => Standing::Edited,
        };
        let current = parse(object, &Context { resolved: &nothing, standing, last: false });
        let last = form.and_then(|form| {
            let mut meta = object.meta.clone();
            meta.labels.clone_from(&form.labels);
            let context = Context { resolved: &form.resolved, standing: Standing::Unchanged, last: true };
            parse(&Custom { meta, spec: form.spec.clone() }, &context).ok()
        });
        let current = match current {
            Ok(parsed) => {
                problems.extend(parsed.notes.iter().cloned());
                Some(parsed)
            }
            Err(why) => {
                problems.extend(why);
                None
            }
        };
        Candidate { rank: Rank::new(standing, &object.meta), current, last }
    };
    objects.iter().map(prepare_one).collect()
}

/// All objects of a kind that count, and their forms for the next time.
pub(crate) fn settle<S: Clone + PartialEq, T: Clone + Named>(
    objects: &[Custom<S>],
    forms: &Forms<S>,
    parse: impl Fn(&Custom<S>, &Context<'_>) -> Result<Parsed<T>, Vec<Problem>>,
    conflict: impl Fn(&T, &T) -> Option<Problem>,
    problems: &mut Vec<Problem>,
) -> (Vec<T>, Forms<S>) {
    let candidates = prepare(objects, forms, parse, problems);
    let either = |winner: &Parsed<T>, loser: &Parsed<T>| {
        same_name(&winner.value, &loser.value).or_else(|| conflict(&winner.value, &loser.value))
    };
    let (verdicts, refusals) = judge(&candidates, either);
    problems.extend(refusals);
    let mut accepted = Vec::with_capacity(objects.len());
    let mut kept = Forms::new();
    for (object, verdict) in objects.iter().zip(verdicts) {
        let (parsed, form) = match verdict {
            Verdict::Refused => continue,
            Verdict::Last(parsed) => (parsed, forms.get(&key(object)).cloned()),
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
    Form { labels: object.meta.labels.clone(), spec: object.spec.clone(), resolved: parsed.resolved.clone() }
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

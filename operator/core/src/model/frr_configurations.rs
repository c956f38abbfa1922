//! FRRConfigurations: each is judged alone here. Which of them conflict is known node by node, by
//! `frr::build`, as they only meet where they select the same node.

use super::build::Built;
use super::commit_confirmed;
use super::in_force::{Forms, key};
use super::judge::{Candidate, Standing};
use super::kind::{Context, Objects, Parsed, Prepared, Resolved, form_of, prepare};
use crate::frr::{Contribution, PasswordSource, SecretError};
use crate::problem::{ObjectRef, Problem};
use crate::selector::Selector;
use crate::snapshot::Custom;
use herald_crds::frrk8s::FRRConfigurationSpec;
use herald_frr::value::Password;
use std::cell::RefCell;

/// Adds to the model's FRRConfigurations; returns what is in force of these.
pub(crate) fn build(
    objects: &Objects<'_, FRRConfigurationSpec>,
    secrets: &dyn PasswordSource,
    built: &mut Built,
) -> Forms<FRRConfigurationSpec> {
    let mut kept = Forms::new();
    let parse = |object: &Custom<_>, context: &Context<'_>| parse(object, context, secrets);
    let prepared = prepare(objects, parse, &mut built.problems);
    for Prepared { object, candidate: Candidate { mut rank, current, last } } in prepared {
        if current.is_none() {
            built.model.refused_configurations.extend(selector(&object));
        }
        let edited = rank.standing == Standing::Edited;
        let (value, form, previous) = match (current, last) {
            (Some(parsed), last) => {
                let form = form_of(&object, &parsed);
                (parsed.value, Some(form), last.filter(|_| edited).map(|last| Box::new(last.value)))
            }
            (None, Some(last)) => {
                rank.standing = Standing::Unchanged;
                (last.value, objects.forms.get(&key(&object)).cloned(), None)
            }
            (None, None) => continue,
        };
        kept.extend(form.map(|form| (key(&object), form)));
        built.model.frr_configurations.push(Contribution { rank, previous, ..value });
    }
    kept
}

/// Which nodes an object is for; `None` where that cannot be told.
fn selector(object: &Custom<FRRConfigurationSpec>) -> Option<(ObjectRef, Selector)> {
    let selector =
        object.spec.node_selector.as_ref().map_or_else(|| Ok(Selector::default()), Selector::parse);
    Some((object.meta.object.clone(), selector.ok()?))
}

fn parse(
    object: &Custom<FRRConfigurationSpec>,
    context: &Context<'_>,
    secrets: &dyn PasswordSource,
) -> Result<Parsed<Contribution>, Vec<Problem>> {
    let remembering = Remembering { secrets, before: context.resolved, found: RefCell::default() };
    let parsed = Contribution::parse(object, &remembering);
    let value = match (parsed, commit_confirmed::problem(&object.meta)) {
        (parsed, None) => parsed?,
        (parsed, Some(problem)) => {
            let others = parsed.err().unwrap_or_default();
            return Err(others.into_iter().chain([problem]).collect());
        }
    };
    let notes = value.warnings.clone();
    Ok(Parsed { value, resolved: remembering.found.into_inner(), notes })
}

/// Secrets, and what they held when the object was accepted: used where they hold nothing now.
pub(crate) struct Remembering<'a> {
    /// Secrets as they are.
    pub secrets: &'a dyn PasswordSource,
    /// Passwords as they were, by the Secret's name.
    pub before: &'a Resolved,
    /// Passwords that were used.
    pub found: RefCell<Resolved>,
}

impl PasswordSource for Remembering<'_> {
    fn password(&self, object: &ObjectRef, secret: &str) -> Result<Option<Password>, SecretError> {
        let before = || self.before.get(secret).and_then(|text| text.parse().ok());
        let password = match self.secrets.password(object, secret) {
            Ok(Some(password)) => Some(password),
            Ok(None) => before(),
            Err(why) => Some(before().ok_or(why)?),
        };
        if let Some(password) = &password {
            self.found.borrow_mut().insert(secret.to_owned(), password.expose().to_owned());
        }
        Ok(password)
    }
}

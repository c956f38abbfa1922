//! The ConfigurationState of the controller: MetalLB's words where there is one problem, all of them otherwise.

use super::effect::{ConfigurationWrite, Effect};
use super::entry::newer;
use super::input::{Millis, Now, WriteFailure, WriteId, Written};
use super::leader::{Context, Leader, Target, Wake};
use crate::problem::{ObjectRef, Problem, Step};
use crate::snapshot::Snapshot;
use herald_crds::metallb::{ConfigurationResult, ConfigurationStateStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde::Deserialize;
use std::sync::Arc;

/// The condition of the one who reads pools (MetalLB, `ConfigurationState`).
const READER: &str = "poolReconcilerValid";
/// What every message starts with.
const PREFIX: &str = "configuration error: ";
/// When a write that failed is tried again, in milliseconds.
const RETRY: Millis = 1_000;
/// By when the watch has shown what was written, in milliseconds.
const OVERDUE: Millis = 5_000;

/// The writes of it.
#[derive(Debug, Default)]
pub(super) struct Report {
    flight: Option<(WriteId, ConfigurationStateStatus)>,
    answered: Option<(Arc<str>, ConfigurationStateStatus)>,
    /// When the watch must have shown that answer: an object that it never shows was deleted at once.
    overdue: Millis,
    not_before: Millis,
}

impl Leader {
    /// Writes the ConfigurationState if it is not there or says something else.
    pub fn tell_configuration(&mut self, context: &mut Context<'_>) {
        let report = &mut self.report;
        if report.flight.is_some() || context.now.at < report.not_before {
            return;
        }
        let namespace = context.options.namespace.clone();
        let object = ObjectRef { kind: "ConfigurationState", namespace, name: "controller".into() };
        let facts = context.view.objects.get(&object);
        let (at, overdue) = (context.now.at, report.overdue);
        let caught_up = |version: &Arc<str>| {
            at >= overdue || facts.is_some_and(|facts| !newer(version, &facts.resource_version))
        };
        if report.answered.as_ref().is_some_and(|(version, _)| caught_up(version)) {
            report.answered = None;
        }
        let read = || ConfigurationStateStatus::deserialize(&facts?.status).ok();
        let shown = report.answered.as_ref().map(|(_, status)| status.clone()).or_else(read);
        let errors = texts(&context.world.problems, &context.view.parsed.snapshot);
        let wanted = wanted(&errors, shown.as_ref(), &context.now);
        if shown.as_ref() == Some(&wanted) {
            return;
        }
        let id = context.next_write();
        self.report.flight = Some((id, wanted.clone()));
        self.targets.insert(id, Target::Configuration);
        context.effects.push(Effect::ConfigurationState(ConfigurationWrite { id, object, status: wanted }));
    }

    pub fn answer_configuration(&mut self, context: &Context<'_>, result: Result<Written, WriteFailure>) {
        let Some((_, status)) = self.report.flight.take() else { return };
        if let Ok(Written { resource_version }) = result {
            self.report.answered = Some((resource_version, status));
            self.report.overdue = context.now.at + OVERDUE;
            self.wake_at(self.report.overdue, Wake::Rest);
        } else {
            self.facts.update_errors += 1;
            self.report.not_before = context.now.at + RETRY;
            self.wake_at(self.report.not_before, Wake::Rest);
        }
    }
}

fn wanted(
    errors: &[String],
    shown: Option<&ConfigurationStateStatus>,
    now: &Now,
) -> ConfigurationStateStatus {
    let (status, reason) =
        if errors.is_empty() { ("True", "Reconciled") } else { ("False", "ConfigurationError") };
    let mut conditions = shown.map(|shown| shown.conditions.clone()).unwrap_or_default();
    let known = conditions.iter().find(|condition| condition.type_ == READER && condition.status == status);
    let since = known.map(|condition| condition.last_transition_time.clone());
    let wall = k8s_openapi::jiff::Timestamp::from_second(now.wall.as_second()).unwrap_or(now.wall);
    let condition = Condition {
        type_: READER.into(),
        status: status.into(),
        reason: reason.into(),
        message: errors.join("\n"),
        observed_generation: None,
        last_transition_time: since.unwrap_or(Time(wall)),
    };
    match conditions.iter_mut().find(|condition| condition.type_ == READER) {
        Some(known) => *known = condition,
        None => conditions.push(condition),
    }
    let result = if errors.is_empty() { ConfigurationResult::Valid } else { ConfigurationResult::Invalid };
    ConfigurationStateStatus { result: Some(result), error_summary: Some(errors.join("\n")), conditions }
}

/// One line per problem: a single one as MetalLB says it, several each with object and field.
fn texts(problems: &[Problem], snapshot: &Snapshot) -> Vec<String> {
    match problems {
        [only] => vec![format!("{PREFIX}{}", as_metallb_says(only, snapshot))],
        several => several.iter().map(|problem| format!("{PREFIX}{}", in_full(problem))).collect(),
    }
}

fn in_full(problem: &Problem) -> String {
    let object = problem.object.as_ref().map(|object| format!("{object}: ")).unwrap_or_default();
    let field = if problem.field.0.is_empty() { String::new() } else { format!("{}: ", problem.field) };
    format!("{object}{field}{}", problem.message)
}

/// MetalLB names no second object, and puts what it was reading before the error.
fn as_metallb_says(problem: &Problem, snapshot: &Snapshot) -> String {
    let Some(object) = &problem.object else { return in_full(problem) };
    let message = &problem.message;
    match (object.kind, problem.reason) {
        (kind, "OverlappingAddresses" | "DuplicateCommunity") => {
            let whose = format!(" of {kind} ");
            message.rfind(&whose).map_or(&**message, |end| &message[..end]).to_owned()
        }
        ("IPAddressPool", _) => format!("parsing address pool {}: {message}", object.name),
        (_, "InvalidCommunity") => {
            let alias = alias(problem, object, snapshot).unwrap_or_default();
            format!("parsing community {alias:?}: {message}")
        }
        _ => in_full(problem),
    }
}

/// The name of the alias that a problem of a Community is about.
fn alias(problem: &Problem, object: &ObjectRef, snapshot: &Snapshot) -> Option<String> {
    let index = problem.field.0.iter().find_map(|step| match step {
        Step::Index(index) => Some(*index),
        Step::Key(_) => None,
    })?;
    let community = snapshot.communities.iter().find(|community| community.meta.object == *object)?;
    community.spec.communities.get(index)?.name.clone()
}

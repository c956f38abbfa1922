//! The ConfigurationState of the controller.

use super::effect::{ConfigurationWrite, Effect};
use super::entry::newer;
use super::input::{Millis, WriteFailure, WriteId, Written};
use super::leader::{Context, Leader, Target, Wake};
use crate::configuration_state::{POOLS, status, texts};
use crate::problem::{ObjectRef, Problem};
use herald_crds::metallb::ConfigurationStateStatus;
use serde::Deserialize;
use std::sync::Arc;

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
        let problems: Vec<&Problem> = context.world.problems.iter().collect();
        let errors = texts(&problems, &context.view.parsed.snapshot.configuration);
        let wanted = status(POOLS, &errors, shown.as_ref(), context.now.wall);
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

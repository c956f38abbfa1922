//! Warnings: what is valid and applied, and probably not what was meant.
//!
//! docs/reference/warnings.md says which mistakes of users each of them is after.

mod addresses;
mod chain;
mod rails;
mod selectors;
mod services;
mod warning;

pub use warning::LintWarning;

use super::Model;
use crate::problem::{ObjectRef, Problem};
use crate::selector::Selector;
use crate::snapshot::{Configuration, Service, Snapshot};

pub(crate) use services::{foreign_address, is_web_alone};

/// All warnings that only the whole input shows.
pub(crate) fn lint(snapshot: &Snapshot, model: &Model) -> Vec<Problem> {
    let mut warnings = of_configuration(snapshot, model);
    warnings.extend(model.services.values().filter_map(|service| foreign_address(service, model)));
    let web = || model.services.values().filter(|service| is_web_alone(service));
    let selected =
        |selector: &Selector| model.services.values().any(|service| selector.matches(&service.labels));
    let together = Together {
        any_service: !model.services.is_empty(),
        selected: &selected,
        with_cluster_address: snapshot.services.values().map(AsRef::as_ref).collect(),
        web: (web().count(), web().next().map(|service| &service.object)),
    };
    of_services(snapshot, model, &together, &mut warnings);
    warnings
}

/// Those that Services have no part in.
pub(crate) fn of_configuration(snapshot: &Configuration, model: &Model) -> Vec<Problem> {
    let mut warnings = Vec::new();
    chain::lint(snapshot, model, &mut warnings);
    selectors::lint(snapshot, model, &mut warnings);
    services::lint(snapshot, &mut warnings);
    rails::lint(model, &mut warnings);
    warnings
}

/// What warnings need to know of all Services together.
pub(crate) struct Together<'a> {
    /// Whether there is any Service of type `LoadBalancer`.
    pub any_service: bool,
    /// Whether a selector selects one.
    pub selected: &'a dyn Fn(&Selector) -> bool,
    /// Services of any type, those at least that have a cluster address in a pool.
    pub with_cluster_address: Vec<&'a Service>,
    /// How many take an address only to serve web ports, and the first of them.
    pub web: (usize, Option<&'a ObjectRef>),
}

/// Those that depend on all Services together, beside [`foreign_address`] of each.
pub(crate) fn of_services(
    snapshot: &Configuration,
    model: &Model,
    together: &Together<'_>,
    warnings: &mut Vec<Problem>,
) {
    if together.any_service {
        selectors::services(model, together.selected, warnings);
    }
    addresses::lint(snapshot, model, &together.with_cluster_address, warnings);
    services::http(together.web, warnings);
}

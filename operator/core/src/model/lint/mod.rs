//! Warnings: what is valid and applied, and probably not what was meant.
//!
//! docs/reference/warnings.md says which mistakes of users each of them is after.

mod addresses;
mod chain;
mod selectors;
mod services;
mod warning;

pub use warning::LintWarning;

use super::Model;
use crate::problem::Problem;
use crate::snapshot::Snapshot;

/// All warnings that only the whole input shows.
pub(crate) fn lint(snapshot: &Snapshot, model: &Model) -> Vec<Problem> {
    let mut warnings = Vec::new();
    chain::lint(snapshot, model, &mut warnings);
    selectors::lint(snapshot, model, &mut warnings);
    addresses::lint(snapshot, model, &mut warnings);
    services::lint(snapshot, model, &mut warnings);
    warnings
}

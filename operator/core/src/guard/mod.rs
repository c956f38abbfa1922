//! Guard rails: what is never announced, whatever the manifests say (docs/guard-rails.md).
//!
//! A Service's prefix that equals or contains a node, pod or Service network would attract the cluster's
//! own traffic; a default route would attract everybody's. What is refused is a problem that names the
//! object and field, and everything else goes on.

mod annotations;
mod default_route;
mod error;
mod networks;
#[cfg(test)]
mod tests;

pub use annotations::{ALLOW_DEFAULT_ROUTE, MAX_PREFIXES};
pub use error::GuardError;
pub use networks::{Guard, Networks};

pub(crate) use annotations::{allows_default_route, annotation, max_prefixes, read as read_annotation};
pub(crate) use default_route::{announced as default_routes_announced, take_out};

use crate::problem::Problem;

/// Prefixes that a neighbor is sent at most, for each address family, where nobody says otherwise.
pub const DEFAULT_MAX_PREFIXES: u32 = 20_000;

/// Whether an error costs only prefixes: the object that it names is in force, and nobody loses an address.
#[must_use]
pub fn costs_only_prefixes(problem: &Problem) -> bool {
    GuardError::REFUSALS.contains(&problem.reason)
}

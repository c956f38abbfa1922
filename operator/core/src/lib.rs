//! Decisions: Snapshot -> Model -> Ledger -> `NodePlan` -> `frr.conf`.
//!
//! Everything here is pure: no clock, no environment, no files, no async. Time and text come in as
//! arguments; problems come out as values.

pub mod admission;
pub mod configuration_state;
pub mod control;
pub mod draining;
pub mod duration;
pub mod external;
mod few;
pub mod frr;
pub mod guard;
pub mod health_port;
pub mod history;
pub mod input;
mod labels;
pub mod ledger;
pub mod model;
pub mod plan;
pub mod problem;
pub mod selector;
pub mod snapshot;

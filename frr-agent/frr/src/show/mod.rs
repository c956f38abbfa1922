//! What FRR answers to `show ... json`, as types.
//!
//! Tolerant over FRR 8.4 to 10.x: fields that are not known are passed over, and one that is missing
//! or of another type than in the recorded answers is `None`. Any input gives a value or an error.

mod advertised;
mod bfd;
mod lenient;
mod neighbors;
mod route;
mod session;
mod summary;
#[cfg(test)]
mod tests;
mod version;

pub use advertised::{advertised, advertised_command};
pub use bfd::{BFD, BFD_COUNTERS, BfdCounters, BfdKey, BfdSession, BfdState, BfdTimers, bfd, bfd_counters};
pub use neighbors::{
    GracefulRestart, LastReset, Messages, NEIGHBORS, Neighbor, NeighborPrefixes, neighbor_command, neighbors,
    neighbors_of,
};
pub use route::{OwnPath, Route, route, route_command};
pub use session::SessionState;
pub use summary::{Prefixes, SUMMARY, SessionSummary, summary};
pub use version::{Version, version};

/// Why an answer of FRR cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShowError {
    /// Not the JSON that the command gives.
    #[error("not the JSON that is expected: {why}; it starts with {start:?}")]
    Unreadable {
        /// What the JSON reader says.
        why: String,
        /// The first words of the answer.
        start: String,
    },
    /// FRR did not answer the question: the VRF or the neighbor is not there, or no BGP runs.
    #[error("FRR answers: {0}")]
    Warned(String),
}

impl ShowError {
    /// The stable name of the error.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "AnswerUnreadable",
            Self::Warned(_) => "AnswerWarned",
        }
    }
}

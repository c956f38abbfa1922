//! What a node announces, by which protocol, to whom, and why not.

mod evaluate;
mod incremental;
mod missing;
mod node;
mod planner;
mod rails;
mod reach;
mod recorded;
mod refusal;
mod stance;
mod stand_in;

pub use evaluate::{Allocate, Evaluation, Note, OnNode, Options, evaluate};
pub use incremental::{Incremental, Offered, OfferedServices, PeerSessions, Planned};
pub use missing::Missing;
pub use node::{Decision, EXCLUDE_LABEL, Names, NodePlan, Offer};
pub use planner::{Endpoints, Planner};
pub(crate) use reach::{Announcement, Reach};
pub use recorded::{ALLOCATIONS, Recorded, adopt, hold, of_services, read};
pub(crate) use recorded::{is_ledger, names_of};
pub use refusal::Refusal;
pub use stand_in::stand_ins;

#[cfg(test)]
mod tests;

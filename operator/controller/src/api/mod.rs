//! Everything that is written to the API server, but the Lease.

mod events;
mod membership;
mod request;
mod writer;

pub use membership::make_membership_secret;
pub use request::Api;
pub use writer::{Answer, Writer};

/// The field manager of what the controller writes, and the component of its Events (MetalLB's name).
pub const MANAGER: &str = "metallb-controller";

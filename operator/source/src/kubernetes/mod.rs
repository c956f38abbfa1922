//! Objects from an API server, and changes of them.

mod connect;
mod follow;
mod raw;
mod watches;

pub use connect::{ConnectError, connect};
pub use watches::{Health, Options, Watched, Watches};

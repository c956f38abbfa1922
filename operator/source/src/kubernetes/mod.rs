//! Objects from an API server, and changes of them.

mod connect;
mod follow;
mod raw;
mod watches;

pub use connect::{Clients, ConnectError, connect, connect_both};
pub use watches::{Health, Options, Watched, Watches};

//! Where objects come from: files, folders, standard input, an API server, and changes in them.
//!
//! Both shells use it: the `herald` command reads once ([`read`]), the agent on a folder reads again on each
//! change ([`Directory`]). What the manifests say is judged in `herald_core::input`, not here.

mod directory;
pub mod kubernetes;
mod read;
mod walk;
mod watch;

pub use directory::{Directory, DirectoryError};
pub use read::{Failure, ReadError, read};
pub use watch::{Touched, WatchError, Watcher};

use herald_core::input::Parsed;
use std::error::Error;

/// Where a shell takes its Snapshot from.
///
/// The loop of a shell is `snapshot`, work, `changed`, and again: every change after a `snapshot` makes
/// a later `changed` return.
pub trait Source {
    /// Why it could not be read or watched.
    type Error: Error + Send + Sync + 'static;

    /// All inputs as they are now.
    ///
    /// An error says that the inputs are unknown, not that they are empty: what was planned before stays.
    fn snapshot(&mut self) -> impl Future<Output = Result<Parsed, Self::Error>> + Send;

    /// Returns once something changed since the last `snapshot`, as soon as the change has settled.
    fn changed(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

//! One file per subcommand.

pub mod completions;
pub mod diff;
pub mod history;
pub mod plan;
pub mod render;
pub mod rollback;
pub mod show;
pub mod validate;

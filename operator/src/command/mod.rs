//! One file per subcommand.

pub mod completions;
pub mod diff;
pub mod plan;
pub mod render;
pub mod validate;

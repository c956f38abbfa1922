//! Text for people: tables, problems, colour.

mod paint;
mod problems;
mod table;

pub use paint::{Paint, Style};
pub use problems::{Report, Strictness};
pub use table::Table;

use clap::ValueEnum;
use std::io::Write;

/// The format of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Says something on standard error. Nobody may be listening, which is no reason to stop.
pub fn say(text: &str) {
    _ = std::io::stderr().write_all(text.as_bytes());
}

//! `herald show`: the configuration that a node had at a revision.

use crate::exit::{Exit, Result};
use crate::node_history::{Source, entry, not_in_force};
use crate::output::{Table, say};
use herald_core::history::{Entry, LINES};
use std::fmt::Write as _;
use std::io::Write as _;

/// Arguments of `herald show`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// The revision, as `herald history` lists it; by default the last one that was in force
    #[arg(long, value_name = "N")]
    rev: Option<u64>,
    /// Print the lines that were sent, with what each did to sessions and where it came from
    #[arg(long)]
    plan: bool,
}

impl Args {
    /// Prints the configuration, passwords masked; or the plan.
    pub fn run(self) -> Result {
        let Self { source, rev, plan } = self;
        let history = source.open()?;
        let entries = history.entries()?;
        let entry = entry(&entries, rev)?;
        let text = if plan { sent(entry) } else { history.config(entry.revision)? };
        std::io::stdout().write_all(text.as_bytes())?;
        say(&not_in_force(entry).unwrap_or_default());
        Ok(Exit::Well)
    }
}

fn sent(entry: &Entry) -> String {
    let plan = &entry.plan;
    let mut table = Table::new(&["EFFECT", "LINE", "FROM"]);
    for line in &plan.lines {
        table.row([line.effect.to_string(), line.text.clone(), line.origins.join(", ")]);
    }
    let mut text = table.render();
    // Lines that only open a block are among those that are kept, and not counted.
    if plan.lines.len() == LINES && plan.line_count > LINES {
        _ = writeln!(text, "the first {LINES} lines of about {}", plan.line_count);
    }
    for (what, list) in [("soft clear", &plan.soft_clears), ("reset", &plan.resets)] {
        for item in list {
            _ = writeln!(text, "{what}: {item}");
        }
    }
    text
}

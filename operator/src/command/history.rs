//! `herald history`: what a node's FRR was given, when and why.

use crate::exit::{Exit, Result};
use crate::node_history::Source;
use crate::output::{Format, Table};
use herald_core::history::{Cause, Entry, ObjectChange, Trigger};
use std::io::Write;

/// So many objects are named; of more, how many.
const NAMES: usize = 2;

/// Arguments of `herald history`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// The format of the list
    #[arg(short, long, value_enum, default_value_t, visible_alias = "format")]
    output: Format,
}

impl Args {
    /// Prints the entries, oldest first.
    pub fn run(self) -> Result {
        let Self { source, output } = self;
        let entries = source.open()?.entries()?;
        let text = match output {
            Format::Text => table(&entries).render(),
            Format::Json => serde_json::to_string_pretty(&entries).map_err(std::io::Error::from)? + "\n",
        };
        std::io::stdout().write_all(text.as_bytes())?;
        Ok(Exit::Well)
    }
}

fn table(entries: &[Entry]) -> Table {
    let mut table = Table::new(&["REV", "WHEN", "OUTCOME", "LINES", "RESETS", "TOOK", "CAUSE"]);
    for entry in entries {
        table.row([
            entry.revision.to_string(),
            entry.time.clone(),
            entry.outcome.to_string(),
            entry.plan.line_count.to_string(),
            entry.plan.resets.len().to_string(),
            format!("{} ms", entry.duration_ms),
            cause(&entry.cause),
        ]);
    }
    table
}

/// `BGPPeer ns/tor generation 4 changed, Service ns/web added and 3 more`.
fn cause(cause: &Cause) -> String {
    let changes = &cause.changes;
    let named = changes.objects.iter().take(NAMES).map(object);
    let others = changes.objects.len().saturating_sub(NAMES) + changes.more.values().sum::<usize>();
    let more = if others > 0 { format!(" and {others} more") } else { String::new() };
    let objects = named.collect::<Vec<_>>().join(", ") + &more;
    match cause.trigger {
        Trigger::Manifests if !objects.is_empty() => objects,
        trigger if objects.is_empty() => trigger.to_string(),
        trigger => format!("{trigger}: {objects}"),
    }
}

fn object(change: &ObjectChange) -> String {
    let generation =
        if change.generation > 0 { format!(" generation {}", change.generation) } else { String::new() };
    let what = match (&change.before, &change.after) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    format!("{}{generation} {what}", change.object())
}

//! The text of a log of entries: one JSON object per line, the first of which says what it is.
//!
//! Lines are only ever added, so that a reader beside the writer, or after one that was killed, sees whole lines
//! and at most one that is not.

use super::{ConfigChange, Entry};
use serde::{Deserialize, Serialize};

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The version of the format, [`Head::VERSION`].
    pub herald_history: u32,
    /// The node.
    pub node: String,
}

impl Head {
    /// The version that is written, and the only one that is read.
    pub const VERSION: u32 = 1;
}

/// Any other line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What happened.
    pub entry: Entry,
    /// The configuration that FRR was to run.
    pub config: ConfigChange,
}

/// Why a text is no log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// It does not begin as one.
    #[error("does not begin as a history of Herald does")]
    Foreign,
    /// It was written by another version of Herald.
    #[error("has format {0}, this Herald reads format {version}", version = Head::VERSION)]
    Version(u32),
}

/// A log that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// Its first line.
    pub head: Head,
    /// Its entries.
    pub records: Vec<Record>,
    /// Bytes up to the end of the last whole line.
    pub whole: usize,
    /// How many lines could not be read; the last one may be cut off.
    pub unreadable: usize,
}

/// The first line of a log, with its end.
#[must_use]
pub fn head_line(node: &str) -> String {
    line(&Head { herald_history: Head::VERSION, node: node.to_owned() })
}

/// The line of a record, with its end.
#[must_use]
pub fn record_line(record: &Record) -> String {
    line(record)
}

fn line(value: &impl Serialize) -> String {
    // These are structs of texts and numbers: writing them as JSON cannot fail.
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}

/// Reads a log. Lines that cannot be read are counted and left out.
pub fn read_log(text: &str) -> Result<Log, LogError> {
    let (first, _) = text.split_once('\n').ok_or(LogError::Foreign)?;
    let head: Head = serde_json::from_str(first).map_err(|_| LogError::Foreign)?;
    if head.herald_history != Head::VERSION {
        return Err(LogError::Version(head.herald_history));
    }
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let lines = text.get(first.len() + 1..whole).unwrap_or_default();
    let read: Vec<Option<Record>> = lines.lines().map(|line| serde_json::from_str(line).ok()).collect();
    let cut_off = usize::from(whole < text.len());
    let unreadable = read.iter().filter(|record| record.is_none()).count() + cut_off;
    Ok(Log { head, records: read.into_iter().flatten().collect(), whole, unreadable })
}

//! The annotation that asks for commit-confirmed, read once for every kind that knows it.

use crate::duration;
use crate::problem::{FieldPath, Problem, Reason};
use crate::snapshot::Meta;
use std::time::Duration;

/// On a BGPPeer or an FRRConfiguration: `30s`, `1m30s`, or `30` for seconds. Sessions that were
/// Established before an edit of the object and are not that long after it bring the edit back.
pub const COMMIT_CONFIRMED: &str = "herald.metallb.io/commit-confirmed";

/// The longest time: an edit that hangs in the air for longer is no edit.
const LIMIT: u64 = 3600;

/// Why the annotation cannot be followed. The object keeps its last form: whoever asked for a way
/// back does not want the edit without one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitConfirmedError {
    /// Neither a duration of whole seconds nor a number.
    #[error("{0:?} is neither a duration of whole seconds such as 30s or 1m30s nor a number of seconds")]
    Form(String),
    /// Not a time to wait.
    #[error("{0:?} is outside 1s to 1h")]
    Range(String),
}

impl Reason for CommitConfirmedError {
    fn reason(&self) -> &'static str {
        "InvalidCommitConfirmed"
    }
}

/// How long the sessions have after an edit of the object; `None` without the annotation.
pub fn commit_confirmed(meta: &Meta) -> Result<Option<Duration>, CommitConfirmedError> {
    let Some(text) = meta.annotations.get(COMMIT_CONFIRMED) else { return Ok(None) };
    let form = || CommitConfirmedError::Form(text.to_owned());
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let seconds = if is_number {
        text.parse().map_err(|_| CommitConfirmedError::Range(text.to_owned()))?
    } else {
        duration::parse_seconds(text).map_err(|_| form())?
    };
    match seconds {
        1..=LIMIT => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(CommitConfirmedError::Range(text.to_owned())),
    }
}

/// The same as a problem of the object.
pub(crate) fn problem(meta: &Meta) -> Option<Problem> {
    let why = commit_confirmed(meta).err()?;
    Some(Problem::error(&meta.object, FieldPath::of("metadata.annotations").key(COMMIT_CONFIRMED), &why))
}

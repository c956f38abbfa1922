//! What would undo changes: the objects as they were.

use super::{Counts, Entry, ObjectChange, cause::merge};

/// What would undo the changes after a revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Undo {
    /// The revision to go back to.
    pub to: u64,
    /// The objects to change: `before` is how they are, `after` how they were.
    pub objects: Vec<ObjectChange>,
    /// Objects that changed, too, but are not kept, by kind.
    pub more: Counts,
    /// Revisions in between are no longer in the history.
    pub incomplete: bool,
}

/// What would undo the changes after revision `to`; by default, after the last configuration that was in force
/// before objects changed for the last time.
///
/// `None` if there is no such revision. `entries` are in the order of their revisions.
#[must_use]
pub fn undo(entries: &[Entry], to: Option<u64>) -> Option<Undo> {
    let to = to.or_else(|| before_last_change(entries))?;
    let at = entries.iter().position(|entry| entry.revision == to)?;
    let (mut objects, mut more) = (Vec::new(), Counts::new());
    let mut incomplete = false;
    let mut last = to;
    for entry in entries.iter().skip(at + 1) {
        incomplete |= entry.revision != last + 1;
        last = entry.revision;
        let changes = &entry.cause.changes;
        merge(&mut objects, changes.objects.clone());
        for (kind, count) in &changes.more {
            *more.entry(kind.clone()).or_default() += count;
        }
    }
    for change in &mut objects {
        std::mem::swap(&mut change.before, &mut change.after);
    }
    Some(Undo { to, objects, more, incomplete })
}

fn before_last_change(entries: &[Entry]) -> Option<u64> {
    let last = entries.iter().rposition(|entry| !entry.cause.changes.is_empty())?;
    let before = entries.get(..last)?;
    before.iter().rfind(|entry| entry.outcome.is_in_force()).map(|entry| entry.revision)
}

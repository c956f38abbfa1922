//! What the machine is told.

use crate::input::objects::View;
use k8s_openapi::jiff::Timestamp;
use std::sync::Arc;

/// Milliseconds on a clock that only runs forward; where it starts means nothing.
pub type Millis = u64;

/// The time of a step.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For waiting: never jumps.
    pub at: Millis,
    /// For people, `lastTransitionTime`: may jump.
    pub wall: Timestamp,
}

impl Now {
    /// As Kubernetes writes it (RFC 3339, seconds, UTC).
    pub(super) fn text(&self) -> Arc<str> {
        self.wall.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
    }
}

/// Names one write among those of this machine; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// The watched objects as they are now. Views may be left out, never reordered.
    View(View),
    /// What became of a write.
    Written {
        /// Which one.
        id: WriteId,
        /// Its answer.
        result: Result<Written, WriteFailure>,
    },
    /// This one leads from now on. No other may write any more: its Lease and its write deadline are over.
    Lead {
        /// Listed by quorum read after that.
        view: View,
        /// Whether a write of a predecessor may still arrive at the API server.
        late: LateWrites,
    },
    /// It no longer leads. Writes without answer may have happened or not; nothing is written any more.
    Unlead,
    /// Time went by, see `Controller::next`.
    Tick,
}

/// Whether writes of a former leader may still arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LateWrites {
    /// Every Service that is pending or about to move is written to before the first address is given out, so
    /// that a late write fails on its resourceVersion.
    Possible,
    /// Nobody led before, or it released the Lease after all of its writes had been answered.
    Impossible,
}

/// A write that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The object's `metadata.resourceVersion` after it.
    pub resource_version: Arc<str>,
}

/// A write that did not happen, or of which that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteFailure {
    /// The object has changed (409): the next view shows how.
    Conflict,
    /// The object is gone (404).
    NotFound,
    /// Not permitted (401, 403); the API server's words.
    Forbidden(String),
    /// Refused (400, 422, an admission webhook); the API server's words.
    Invalid(String),
    /// Too many requests (429) or an error that leaves the object as it was; the API server's words.
    Refused(String),
    /// No answer: it may have happened, may still happen, or not.
    Unknown,
}

//! What one node's FRR was given, when and why: the entries that the agent keeps and the `herald` command reads.
//!
//! Both know these types and neither knows the other. An entry is masked when it is made: no password is in one.

mod cause;
mod config;
mod log;
mod manifest;
mod pairs;
#[cfg(test)]
mod tests;
mod undo;

pub use cause::{Causes, causes, causes_since};
pub use config::{ConfigChange, ConfigError, Frame, Networks, rebuild};
pub use log::{Head, Log, LogError, Record, head_line, read_log, record_line};
pub use manifest::api_version;
pub use undo::{Undo, undo};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// What stands in place of a password.
pub const MASK: &str = "<masked>";

/// The folder of logs in an agent's state folder.
pub const FOLDER: &str = "history";

/// How the names of logs end; before it stands, in 12 digits, the number of the first revision in it.
pub const LOG: &str = ".jsonl";

/// One attempt to bring FRR to a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number, from 1; it goes on over restarts of the agent.
    pub revision: u64,
    /// When it ended: RFC 3339, UTC.
    pub time: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What FRR or `vtysh` said, where it did not end well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Why it was made.
    pub cause: Cause,
    /// What was sent.
    pub plan: Plan,
    /// How long it took, from the first line to the last answer, in milliseconds.
    pub duration_ms: u64,
}

/// How an attempt ended. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// FRR took it, and runs it.
    Applied,
    /// FRR refused a line.
    Refused,
    /// FRR took all lines and runs something else.
    NotKept,
    /// The last good configuration is back.
    Restored,
    /// The last good configuration could not be put back.
    StateUnknown,
    /// `vtysh` failed or hung.
    Failed,
    /// Sessions did not come back in time, so the configuration before is back (commit-confirmed).
    Reverted,
}

/// What an agent answers when it is asked for its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The agent's node.
    pub node: String,
    /// All entries, oldest first.
    pub entries: Vec<Entry>,
}

impl Outcome {
    /// Whether FRR ran the configuration of the entry when it ended.
    #[must_use]
    pub const fn is_in_force(self) -> bool {
        matches!(self, Self::Applied | Self::Restored | Self::Reverted)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What made the agent act. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trigger {
    /// Objects changed.
    Manifests,
    /// Somebody changed FRR's configuration by hand.
    Drift,
    /// FRR, or one of its daemons, started.
    #[serde(rename = "FRRStarted")]
    FrrStarted,
    /// The agent started and found something else than is wanted.
    AgentStarted,
    /// FRR refused a line of the attempt before, or did not keep one.
    LineRefused,
    /// The attempt before failed.
    Retry,
    /// Sessions did not come back in time (commit-confirmed).
    CommitReverted,
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrrStarted => f.write_str("FRRStarted"),
            other => fmt::Debug::fmt(other, f),
        }
    }
}

/// Why an attempt was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// What made the agent act.
    pub trigger: Trigger,
    /// What changed in the objects since the attempt before.
    #[serde(default, flatten)]
    pub changes: Causes,
}

/// How one object changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectChange {
    /// The kind as written in manifests.
    pub kind: String,
    /// The namespace; empty for objects of the cluster and where a manifest names none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The name.
    pub name: String,
    /// `metadata.generation` afterwards, or of the last form of an object that is gone; 0 in a folder.
    #[serde(default)]
    pub generation: i64,
    /// The manifest before, of what is read of it, passwords masked; `None` if the object is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The manifest afterwards; `None` if the object is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// A masked value differs, too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub secret: bool,
    /// The manifests are too large to be kept: only whether there was one is known.
    #[serde(default, skip_serializing_if = "is_false")]
    pub omitted: bool,
}

impl ObjectChange {
    /// Kind, namespace and name, as in problems and logs.
    #[must_use]
    pub fn object(&self) -> String {
        let Self { kind, namespace, name, .. } = self;
        if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
    }
}

/// What an attempt sent to FRR.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Lines that say something, without those that only open or close a block.
    pub line_count: usize,
    /// The lines, at most [`LINES`] of them.
    pub lines: Vec<Line>,
    /// Commands that made FRR evaluate routes again without a reset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub soft_clears: Vec<String>,
    /// Sessions that restarted or ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resets: Vec<String>,
}

/// So many lines of a plan are kept.
pub const LINES: usize = 200;

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The line as FRR was given it, passwords masked.
    pub text: String,
    /// What it does to sessions that are up: `none`, `soft` or `reset`.
    pub effect: Effect,
    /// The objects and fields that it comes from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
}

/// What a line does to sessions that are up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Nothing beyond what the line says.
    None,
    /// Routes are evaluated again.
    Soft,
    /// At least one session restarts or ends.
    Reset,
}

impl From<herald_frr::diff::Effect> for Effect {
    fn from(effect: herald_frr::diff::Effect) -> Self {
        match effect {
            herald_frr::diff::Effect::None => Self::None,
            herald_frr::diff::Effect::Soft => Self::Soft,
            herald_frr::diff::Effect::Reset => Self::Reset,
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Soft => "soft",
            Self::Reset => "reset",
        })
    }
}

impl Plan {
    /// What is kept of a plan.
    #[must_use]
    pub fn of(plan: &herald_frr::diff::ChangePlan) -> Self {
        let line = |line: &herald_frr::diff::PlannedLine| Line {
            text: line.masked().into_owned(),
            effect: line.effect.into(),
            origins: line.origins.iter().map(ToString::to_string).collect(),
        };
        let session = |session: &herald_frr::diff::Session| match &session.vrf {
            Some(vrf) => format!("{} vrf {vrf}", session.neighbor),
            None => session.neighbor.to_string(),
        };
        Self {
            line_count: plan.lines.iter().filter(|line| !line.frame).count(),
            lines: plan.lines.iter().take(LINES).map(line).collect(),
            soft_clears: plan.soft_clears.iter().map(herald_frr::diff::SoftClear::command).collect(),
            resets: plan.resets.iter().map(session).collect(),
        }
    }
}

/// How many objects of a kind.
pub type Counts = BTreeMap<String, usize>;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form of such a function")]
fn is_false(value: &bool) -> bool {
    !value
}

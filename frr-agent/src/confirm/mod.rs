//! Commit-confirmed: an edit after which sessions stay away is to be taken back.
//!
//! Asked for by the annotation `herald.metallb.io/commit-confirmed` of a BGPPeer or an FRRConfiguration.
//! Every session that was Established before the edit and is still wanted after it must be Established
//! when the time is over, whichever object it comes from: what an edit breaks is not known beforehand.

pub mod edits;

use edits::{Edit, Kept};

use herald_frr::diff::Session;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The type of the conditions made here.
pub const CONDITION: &str = "CommitConfirmed";
/// The reason where sessions are lost and no form of the object brings them back.
pub const NOT_TAKEN_BACK: &str = "NotTakenBack";

/// An edit whose time is not over. Kept on disk, so that a restart of the agent does not confirm it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// The object, as in origins: `BGPPeer ns/name`.
    pub object: String,
    /// How long the sessions have, seconds.
    pub within: u64,
    /// Sessions that must be Established then.
    pub sessions: BTreeSet<Session>,
    /// The object as it was when it was last confirmed; `None` if it was not there.
    pub previous: Option<Kept>,
}

/// How an edit ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Every session is back, or never left.
    Confirmed(Watch),
    /// These are not: `watch.previous` is to be in force again until the object changes.
    Failed {
        /// The edit.
        watch: Watch,
        /// The sessions that are not Established.
        lost: BTreeSet<Session>,
    },
}

/// What became of an edit, for people and for the API (`metav1.Condition`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// The object, as in origins.
    pub object: String,
    /// [`CONDITION`].
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// A PascalCase word.
    pub reason: String,
    /// One sentence.
    pub message: String,
    /// When, RFC 3339.
    pub last_transition_time: String,
}

/// All edits whose time is not over, at most one per object.
#[derive(Debug, Clone, Default)]
pub struct Confirm {
    watched: Vec<(Instant, Watch)>,
}

impl Confirm {
    /// After a restart of the agent: what was watched begins anew.
    #[must_use]
    pub fn restore(now: Instant, saved: Vec<Watch>) -> Self {
        let watched = saved.into_iter().map(|watch| (now + watch.time(), watch)).collect();
        Self { watched }
    }

    /// What is watched, to be kept on disk.
    pub fn saved(&self) -> impl Iterator<Item = &Watch> {
        self.watched.iter().map(|(_, watch)| watch)
    }

    /// FRR took an edit. `edits` are the objects that it changed, `established` the sessions that were up
    /// before it; `is_wanted` tells those that it still wants.
    ///
    /// An object that is edited again before its time is over starts again: it must bring back what the
    /// first edit lost, and goes back to where it was before that. One that is edited without the
    /// annotation is no longer watched.
    pub fn edited(
        &mut self,
        now: Instant,
        edits: Vec<Edit>,
        established: &BTreeSet<Session>,
        is_wanted: impl Fn(&Session) -> bool,
    ) {
        for edit in edits {
            let earlier = self.watched.iter().position(|(_, watch)| watch.object == edit.object);
            let earlier = earlier.map(|at| self.watched.remove(at).1);
            let Some(within) = edit.within else { continue };
            let (mut sessions, previous) = match earlier {
                Some(watch) => (watch.sessions, watch.previous),
                None => (BTreeSet::new(), edit.previous),
            };
            sessions.extend(established.iter().cloned());
            let watch = Watch { object: edit.object, within: within.as_secs(), sessions, previous };
            self.watched.push((now + within, watch));
        }
        for (_, watch) in &mut self.watched {
            watch.sessions.retain(&is_wanted);
        }
    }

    /// When the next edit's time is over.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        self.watched.iter().map(|(due, _)| *due).min()
    }

    /// Judges the edits whose time was over when the sessions were looked at, at `seen`. What FRR said
    /// before that does not count, so that a hung FRR neither confirms nor fails an edit.
    pub fn look(&mut self, seen: Instant, established: &BTreeSet<Session>) -> Vec<Verdict> {
        let (over, watched) =
            std::mem::take(&mut self.watched).into_iter().partition(|(due, _)| *due <= seen);
        self.watched = watched;
        let over: Vec<(Instant, Watch)> = over;
        over.into_iter().map(|(_, watch)| watch.judge(established)).collect()
    }
}

impl Watch {
    fn time(&self) -> Duration {
        Duration::from_secs(self.within)
    }

    fn judge(self, established: &BTreeSet<Session>) -> Verdict {
        let lost: BTreeSet<Session> = self.sessions.difference(established).cloned().collect();
        if lost.is_empty() { Verdict::Confirmed(self) } else { Verdict::Failed { watch: self, lost } }
    }

    /// The condition while the time runs.
    #[must_use]
    pub fn condition(&self, time: String) -> Condition {
        let (count, within) = (self.sessions.len(), self.within);
        let message = format!("{count} sessions must be Established {within} s after the edit");
        condition(&self.object, ["Unknown", "Waiting"], message, time)
    }
}

impl Verdict {
    /// The edit.
    #[must_use]
    pub const fn watch(&self) -> &Watch {
        match self {
            Self::Confirmed(watch) | Self::Failed { watch, .. } => watch,
        }
    }

    /// The condition that the object gets; `time` is RFC 3339. `same` tells whether the object says what it said
    /// before the edit, and so do its Secrets: then there is no other form of it to go back to.
    #[must_use]
    pub fn condition(&self, same: bool, time: String) -> Condition {
        let Watch { object, within, sessions, previous } = self.watch();
        let count = sessions.len();
        match self {
            Self::Confirmed(_) => {
                let message = format!("{within} s after the edit all {count} sessions are Established");
                condition(object, ["True", "SessionsBack"], message, time)
            }
            Self::Failed { lost, .. } => {
                let names: Vec<String> = lost.iter().map(name).collect();
                let now = match previous {
                    Some(_) if same => "nothing is taken back, as it says what it said before the edit",
                    Some(_) => "its previous form is in force until it changes",
                    None => "it is left out until it changes",
                };
                let message = format!(
                    "{within} s after the edit {} of {count} sessions are not Established: {}; {now}",
                    lost.len(),
                    names.join(", ")
                );
                let reason = if same { NOT_TAKEN_BACK } else { "SessionsLost" };
                condition(object, ["False", reason], message, time)
            }
        }
    }
}

fn condition(object: &str, [status, reason]: [&str; 2], message: String, time: String) -> Condition {
    Condition {
        object: object.to_owned(),
        kind: CONDITION.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message,
        last_transition_time: time,
    }
}

fn name(session: &Session) -> String {
    match &session.vrf {
        Some(vrf) => format!("{} in VRF {vrf}", session.neighbor),
        None => session.neighbor.to_string(),
    }
}

#[cfg(test)]
mod tests;

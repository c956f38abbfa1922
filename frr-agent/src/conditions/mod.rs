//! What became of objects, for people and for the API: one condition per object and type.

use crate::confirm::Condition;
use crate::machine::RefusedLine;
use crate::shell::Keeper;
use crate::state::{State, StateError};
use herald_core::model::LEFTOVER;
use herald_core::problem::Problem;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The file of conditions.
pub const CONDITIONS: &str = "conditions.json";
/// Whether FRR took what an object asks for.
const APPLIED: &str = "Applied";
/// Whether FRR runs what is wanted; the object is the node.
const IN_SYNC: &str = "InSync";

/// The reason for which `bgpextras` is warned of.
pub const BGP_EXTRAS: &str = "DeprecatedBGPExtras";
/// What is said of objects by these reasons is a condition, too: its type, and the reason.
const SAID: [(&str, &str); 2] = [("Deprecated", BGP_EXTRAS), ("Ignored", LEFTOVER)];

/// Whether a condition of this type says something of an object that is there, and is not there otherwise.
pub fn is_said(kind: &str) -> bool {
    SAID.iter().any(|(known, _)| *known == kind)
}

/// All conditions of this node.
#[derive(Debug, Default)]
pub struct Conditions {
    by_object: BTreeMap<(String, String), Condition>,
}

impl Conditions {
    /// As the last run of the agent left them. What cannot be read is forgotten: it decides nothing.
    pub fn open(state: &State) -> Result<Self, StateError> {
        let json = state.read(CONDITIONS)?.unwrap_or_default();
        let mut conditions = Self::default();
        for condition in serde_json::from_str::<Vec<Condition>>(&json).unwrap_or_default() {
            conditions.set(condition);
        }
        Ok(conditions)
    }

    /// Sets one. Its time stays as it was where its status does.
    pub fn set(&mut self, mut condition: Condition) {
        let key = (condition.object.clone(), condition.kind.clone());
        if let Some(before) = self.by_object.get(&key).filter(|before| before.status == condition.status) {
            condition.last_transition_time.clone_from(&before.last_transition_time);
        }
        self.by_object.insert(key, condition);
    }

    /// FRR refused lines: their objects are held at the form before.
    pub fn refused(&mut self, lines: &[RefusedLine], is_held: impl Fn(&str) -> bool, time: &str) {
        for line in lines {
            // An origin is the kind, the object and the field.
            let objects = line.origins.iter().filter_map(|origin| {
                let mut words = origin.0.splitn(3, ' ');
                Some(format!("{} {}", words.next()?, words.next()?))
            });
            let (text, reason) = (line.refused.text.trim(), &line.refused.reason);
            let message =
                format!("FRR refused {text:?}: {reason}; the form before it stays until it changes");
            for object in objects.filter(|object| is_held(object)) {
                let words = [&object, APPLIED, "False", "LineRefused", &message, time];
                self.set(condition(words));
            }
        }
    }

    /// FRR took what is wanted: objects that are no longer held are applied.
    pub fn applied(&mut self, is_held: impl Fn(&str) -> bool, time: &str) -> bool {
        let applied: Vec<Condition> = self
            .by_object
            .values()
            .filter(|c| c.kind == APPLIED && c.status == "False" && !is_held(&c.object))
            .map(|c| condition([&c.object, APPLIED, "True", "Applied", "FRR took every line", time]))
            .collect();
        let changed = !applied.is_empty();
        for condition in applied {
            self.set(condition);
        }
        changed
    }

    /// What is deprecated, and what is ignored, as long as it is there. Returns whether anything changed.
    pub fn said(&mut self, problems: &[Problem], time: &str) -> bool {
        let mut said = BTreeMap::new();
        for problem in problems {
            let found = SAID.iter().find(|(_, reason)| *reason == problem.reason);
            if let (Some((kind, reason)), Some(object)) = (found, &problem.object) {
                let object = object.to_string();
                let words = [&object, *kind, "True", *reason, &problem.message, time];
                said.insert((object.clone(), (*kind).to_owned()), condition(words));
            }
        }
        let before = self.by_object.len();
        self.by_object.retain(|key, _| !is_said(&key.1) || said.contains_key(key));
        let mut changed = self.by_object.len() < before;
        for (key, condition) in said {
            changed |= !self.by_object.contains_key(&key);
            self.set(condition);
        }
        changed
    }

    /// Somebody changed what is ours in FRR and it is left so; `None`: it is right again.
    pub fn drift(&mut self, node: &str, lines: Option<&str>, time: &str) {
        let node = format!("Node {node}");
        self.set(condition(match lines {
            Some(lines) => [&node, IN_SYNC, "False", "Drift", lines, time],
            None => [&node, IN_SYNC, "True", "InSync", "FRR runs what is wanted", time],
        }));
    }

    /// Those that hold still, sorted by object: an object that FRR refused and that is not held any more is gone, or another
    /// one now.
    pub fn standing(&self, is_held: impl Fn(&str) -> bool) -> Arc<[Condition]> {
        let over = |of: &Condition| of.kind == APPLIED && of.status == "False" && !is_held(&of.object);
        self.by_object.values().filter(|condition| !over(condition)).cloned().collect()
    }

    /// Writes them, sorted by object.
    pub fn save(&self, keeper: &Keeper) {
        keeper.save_json(CONDITIONS, &self.by_object.values().collect::<Vec<_>>());
    }
}

fn condition([object, kind, status, reason, message, time]: [&str; 6]) -> Condition {
    Condition {
        object: object.to_owned(),
        kind: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_transition_time: time.to_owned(),
    }
}

#[cfg(test)]
mod tests;

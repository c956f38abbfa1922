//! Each `FRRNodeState` of a node on which no pod of FRR runs any more (frr-k8s, status cleaner).

use super::effect::{Effect, NodeStateDelete};
use super::input::{Millis, WriteFailure, WriteId, Written};
use super::leader::{Context, Leader, Target, Wake};
use crate::input::objects::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A pod that is replaced comes back within this time, in milliseconds.
const GRACE: Millis = 10_000;
/// A deletion that failed is tried again after this time, in milliseconds.
const RETRY: Millis = 5_000;

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    /// Whether FRR ever ran in pods here: where it does not, nothing is deleted.
    in_pods: bool,
    /// When each may be deleted.
    due: BTreeMap<Arc<str>, Millis>,
    flying: BTreeMap<WriteId, Arc<str>>,
}

impl Leader {
    /// Deletes those that are due.
    pub fn clean_nodes(&mut self, context: &mut Context<'_>) {
        let (reports, synced) = (&context.view.reports, &context.view.synced);
        if !synced.contains(&Kind::Pod) || !synced.contains(&Kind::FrrNodeState) {
            return;
        }
        self.orphans.in_pods |= !reports.frr_pods.is_empty();
        if !self.orphans.in_pods || reports.node_states.is_empty() {
            return;
        }
        let nodes: BTreeSet<&Arc<str>> = reports.frr_pods.values().collect();
        let orphans: BTreeSet<Arc<str>> =
            reports.node_states.keys().filter(|name| !nodes.contains(name)).cloned().collect();
        let at = context.now.at;
        self.orphans.due.retain(|name, _| orphans.contains(name));
        for name in orphans {
            let due = self.orphans.due.get(&name).copied();
            let flies = self.orphans.flying.values().any(|flying| *flying == name);
            match due {
                None => {
                    self.orphans.due.insert(name, at + GRACE);
                    self.wake_at(at + GRACE, Wake::Rest);
                }
                Some(due) if at >= due && !flies => {
                    let id = context.next_write();
                    self.targets.insert(id, Target::NodeState);
                    self.orphans.flying.insert(id, name.clone());
                    context.effects.push(Effect::DeleteNodeState(NodeStateDelete { id, name }));
                }
                Some(_) => {}
            }
        }
    }

    pub fn answer_orphan(&mut self, at: Millis, id: WriteId, result: &Result<Written, WriteFailure>) {
        let Some(name) = self.orphans.flying.remove(&id) else { return };
        let gone = matches!(result, Ok(_) | Err(WriteFailure::NotFound));
        self.facts.update_errors += u64::from(!gone);
        // The watch shows soon that it is gone; if it does not, it is tried again.
        self.orphans.due.insert(name, at + RETRY);
        self.wake_at(at + RETRY, Wake::Rest);
    }
}

//! The sessions of one node: peers that its labels select, and do not get in each other's way.
//!
//! One FRR has one router ID, and one AS number per VRF, and names a session by its other side. So
//! peers that are fine each alone may be impossible together, on the nodes that they share.

use super::Model;
use super::judge::{Candidate, Rank, Standing, Verdict, judge};
use super::peer::Peer;
use super::peer_error::PeerError;
use crate::problem::{FieldPath, Problem};
use crate::selector::any_matches;
use crate::snapshot::{Labels, Node};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a peer was, for the order in which those that conflict are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerHistory {
    /// Its place in the order.
    pub rank: Rank,
    /// Its last valid form, where it was edited since.
    pub previous: Option<Peer>,
}

impl Model {
    /// The sessions of a node by name, and why others that select it have none there.
    ///
    /// The problems of all nodes of the model stand in [`super::Built::problems`] already.
    #[must_use]
    pub fn peers_on(&self, node: &Node) -> (Vec<&Peer>, Vec<Problem>) {
        let (peers, problems) = self.sessions(&node.labels);
        (peers, problems.into_iter().map(|problem| problem.on_node(&node.name)).collect())
    }

    fn sessions(&self, labels: &Labels) -> (Vec<&Peer>, Vec<Problem>) {
        let candidates: Vec<Candidate<&Peer>> =
            self.peers.values().filter_map(|peer| self.candidate(peer, labels)).collect();
        let candidates: Vec<_> = candidates.iter().collect();
        let (verdicts, problems) = judge(&candidates, |winner, loser| conflict(winner, loser));
        let accepted = |verdict| match verdict {
            Verdict::Current(peer) | Verdict::Last(peer) => Some(peer),
            Verdict::Refused => None,
        };
        (verdicts.into_iter().filter_map(accepted).collect(), problems)
    }

    /// `None` where the peer has no session on nodes with these labels.
    fn candidate<'a>(&'a self, peer: &'a Peer, labels: &Labels) -> Option<Candidate<&'a Peer>> {
        let history = self.peer_history.get(&peer.object.name);
        let here = |peer: &&Peer| any_matches(&peer.node_selectors, labels);
        let name = (peer.object.name.clone(), peer.object.namespace.clone());
        let unknown = || Rank { standing: Standing::New, created: Arc::from(""), name };
        here(&peer).then(|| Candidate {
            rank: history.map_or_else(unknown, |history| history.rank.clone()),
            current: Some(peer),
            last: history.and_then(|history| history.previous.as_ref()).filter(here),
        })
    }

    /// The conflicts on all nodes, each said once with the nodes on which it holds.
    pub(crate) fn conflicts_on_nodes(&self) -> Vec<Problem> {
        let mut merged: Vec<Problem> = Vec::new();
        // Nodes with equal labels but for their names are many; the selectors tell few apart.
        let mut known: BTreeMap<Vec<bool>, Vec<usize>> = BTreeMap::new();
        for node in self.nodes.values() {
            let selected = self.selection(&node.labels);
            let indices = known.entry(selected).or_insert_with(|| {
                let (_, problems) = self.sessions(&node.labels);
                let first = merged.len();
                merged.extend(problems);
                (first..merged.len()).collect()
            });
            for index in indices {
                merged[*index].nodes.push(node.name.clone());
            }
        }
        merged
    }

    /// Which forms of which peers a node with these labels is selected by.
    fn selection(&self, labels: &Labels) -> Vec<bool> {
        let here = |peer: &Peer| any_matches(&peer.node_selectors, labels);
        let previous = |peer: &Peer| {
            self.peer_history.get(&peer.object.name).and_then(|h| h.previous.as_ref()).is_some_and(here)
        };
        self.peers.values().flat_map(|peer| [here(peer), previous(peer)]).collect()
    }
}

/// Why two peers cannot both have a session on one node.
pub(crate) fn conflict(winner: &Peer, loser: &Peer) -> Option<Problem> {
    let other = || winner.object.clone();
    let (theirs, mine) = (winner.identifier(), loser.identifier());
    let same_vrf = winner.vrf == loser.vrf;
    let (field, why) = if same_vrf && winner.id == loser.id {
        ("spec", PeerError::SameSession { identifier: mine, other: other() })
    } else if winner.router_id != loser.router_id {
        ("spec.routerID", PeerError::RouterIdConflict { mine, theirs, other: other() })
    } else if same_vrf && winner.my_asn != loser.my_asn {
        ("spec.myASN", PeerError::MyAsnConflict { mine, theirs, other: other() })
    } else {
        return None;
    };
    Some(Problem::error(&loser.object, FieldPath::of(field), &why))
}

//! Which write is to be made of what differs.

use super::super::object::{Body, Id};
use super::queue::Pending;
use super::{Desk, EMPTY, PEACE, RETRY, Write};
use std::time::{Duration, Instant};

impl Desk {
    /// What should stand of an object; `None` is nothing.
    pub(super) fn target(&self, id: &Id) -> Option<Body> {
        match id {
            Id::Service(_) if !self.with_services => None,
            Id::Service(key) => self.services.peers(key).cloned().map(Body::Service),
            Id::Other(..) => None,
            _ => self.wanted.get(id).cloned(),
        }
    }

    /// The write that makes an object what it should be; `None` if it is that.
    fn write_of(&self, id: &Id) -> Option<Write> {
        let standing = self.standing.get(id);
        match (self.target(id), standing) {
            (None, None) => None,
            (None, Some(_)) => Some(Write::Delete(id.clone())),
            (Some(Body::Service(peers)), None) if peers.is_empty() => None,
            // Of a node whose FRR is not there nothing is made: the operator deletes what was left of it.
            (Some(_), None) if *id == Id::NodeState && self.facts.failure.is_some() => None,
            (Some(_), _) if *id == Id::NodeState && self.running.is_empty() => None,
            (Some(body), None) => {
                Some(Write::Put { id: id.clone(), create: true, mend: false, owner: self.owner(), body })
            }
            (Some(body), Some(standing)) => {
                let as_taken = self.taken.get(id).is_some_and(|(wanted, stored)| {
                    *wanted == body && Some(stored) == standing.body.as_ref()
                });
                let same = standing.body.as_ref() == Some(&body) || as_taken;
                let owner = self.owner();
                // What is in a namespace cannot own what is the cluster's.
                let belongs = *id == Id::NodeState || owner.is_none() || owner == standing.owner;
                let mend = !(standing.sound && belongs);
                match body {
                    Body::Service(ref peers) if same && peers.is_empty() => Some(Write::Delete(id.clone())),
                    _ if same && !mend => None,
                    body => Some(Write::Put { id: id.clone(), create: false, mend, owner, body }),
                }
            }
        }
    }

    /// Notes whether an object is to be written.
    pub(super) fn check(&mut self, now: Instant, id: &Id) {
        let knows = self.knows() && self.listed.contains(&id.kind());
        let Some(write) = self.write_of(id).filter(|_| knows) else {
            self.queue.remove(id);
            return;
        };
        let wait = match (&write, self.target(id)) {
            (Write::Delete(_), Some(_)) => EMPTY,
            (Write::Put { create: true, .. }, _) => self.peace(now, id),
            _ => Duration::ZERO,
        };
        let urgency = self.urgency(id);
        let new = Pending { since: now, not_before: now, failures: 0, urgency };
        let mut pending = self.queue.get(id).cloned().unwrap_or(new);
        if pending.failures == 0 {
            pending.not_before = pending.since + wait;
        }
        self.queue.set(id, Pending { urgency, ..pending });
    }

    /// The most urgent write: the node and its sessions, then Services that lost peers, then those that won some, then
    /// what is to be deleted, then Events; within each what waits longest.
    pub(super) fn first(&mut self, now: Instant) -> Option<Write> {
        match self.queue.first(now).cloned() {
            Some(id) => self.write_of(&id),
            None => self.events.front().cloned().map(Write::Event),
        }
    }

    fn urgency(&self, id: &Id) -> u8 {
        let Id::Service(key) = id else { return if matches!(id, Id::Other(..)) { 3 } else { 0 } };
        let shown = self.standing.get(id).and_then(|standing| standing.body.as_ref());
        match (shown, self.services.peers(key)) {
            (_, None) => 3,
            (Some(Body::Service(shown)), Some(now)) if shown.iter().any(|name| !now.contains(name)) => 1,
            (Some(_), Some(now)) if now.is_empty() => 3,
            _ => 2,
        }
    }

    pub(super) fn fought(&mut self, now: Instant, id: &Id) {
        let ours = matches!(&self.flight, Some(Write::Delete(of)) if of == id);
        if ours || self.target(id).is_none() {
            return;
        }
        self.fights.retain(|_, (_, last)| now < *last + PEACE);
        let fight = self.fights.entry(id.clone()).or_insert((0, now));
        *fight = (fight.0 + 1, now);
    }

    /// How long an object that others delete waits until it is made again: not at all the first time.
    fn peace(&self, now: Instant, id: &Id) -> Duration {
        let times =
            self.fights.get(id).filter(|(_, last)| now < *last + PEACE).map_or(0, |(times, _)| *times);
        if times < 2 { Duration::ZERO } else { (RETRY.0 * (1 << times.min(6))).min(RETRY.1) }
    }
}

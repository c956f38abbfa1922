//! What is to be written next: what should stand against what stands. Pure: time comes in as an argument.

mod choose;
mod queue;
#[cfg(test)]
mod tests;

use super::object::{Body, Id, Kind, NodeState, Peers};
use super::pace::Pace;
use super::services::Services;
use super::told::Told;
use super::wanted;
use crate::live::{Facts, Sent};
use herald_core::snapshot::ServiceKey;
use k8s_openapi::jiff::Timestamp;
use queue::{Pending, Queue};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An FRR that says nothing for so long has lost its sessions, as far as anybody knows.
const SILENCE: Duration = Duration::from_secs(10);
/// A ServiceBGPStatus without peers is deleted after this time: a session that comes back at once makes it again.
const EMPTY: Duration = Duration::from_secs(5);
/// After a write that failed the next try comes after this time, then after twice as long each time.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// Events that wait; further ones are lost, as Events may be: sessions may flap for hours while the API server is away.
const EVENTS: usize = 10_000;
/// An object that is deleted again and again comes back after longer and longer times; so long after the last time all
/// is forgotten.
const PEACE: Duration = Duration::from_mins(2);

/// Now, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For waiting.
    pub at: Instant,
    /// For people.
    pub wall: Timestamp,
}

/// An object as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its status; `None` where it cannot be read.
    pub body: Option<Body>,
    /// Its labels are as they should be.
    pub sound: bool,
    /// Its uid, where that is of interest: an FRRNodeState's.
    pub uid: Option<Arc<str>>,
    /// The uid of its owner, if it has just one.
    pub owner: Option<Arc<str>>,
    /// Its `resourceVersion`, a number.
    pub version: u64,
}

/// A write to be made.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Make the object, if it is not there, and write its status.
    Put {
        /// Which.
        id: Id,
        /// It is not there.
        create: bool,
        /// Its labels or owner are to be written, too.
        mend: bool,
        /// The uid of the node's FRRNodeState, to which all other objects belong.
        owner: Option<Arc<str>>,
        /// Its status.
        body: Body,
    },
    /// Delete the object.
    Delete(Id),
    /// Tell that a Service is announced from here.
    Event(ServiceKey),
}

impl Write {
    /// Requests that it takes.
    const fn cost(&self) -> u32 {
        match self {
            Self::Put { create: true, .. } | Self::Put { mend: true, .. } => 2,
            Self::Put { .. } | Self::Delete(_) | Self::Event(_) => 1,
        }
    }
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It happened, and the object stands like this; `None` after a deletion or an Event.
    Done(Option<Standing>),
    /// The object is not there.
    Gone,
    /// It failed, and is tried again.
    Failed,
}

/// Everything that decides.
pub struct Desk {
    node: Arc<str>,
    /// What may stand of the node.
    pub kinds: &'static [Kind],
    with_services: bool,
    told: Arc<Told>,
    facts: Arc<Facts>,
    /// When FRR was heard of last.
    heard: Option<Instant>,
    running: Arc<str>,
    running_digest: [u8; 32],
    services: Services,
    wanted: BTreeMap<Id, Body>,
    standing: BTreeMap<Id, Standing>,
    listed: BTreeSet<Kind>,
    queue: Queue,
    /// What a server made of a body that it does not know all fields of.
    taken: BTreeMap<Id, (Body, Body)>,
    /// Objects that were deleted by others, how often, and when last.
    fights: BTreeMap<Id, (u32, Instant)>,
    events: VecDeque<ServiceKey>,
    flight: Option<Write>,
    pace: Pace,
    /// What should stand has been worked out once.
    ready: bool,
}

impl Desk {
    /// Knows nothing yet, and writes nothing before it does.
    pub fn new(node: &str, with_services: bool, now: Instant) -> Self {
        Self::of(&Kind::ALL, node, with_services, now)
    }

    /// The same where FRR is somebody else's: what there is to tell is what the configuration is like.
    pub fn without_frr(node: &str, now: Instant) -> Self {
        Self::of(&[Kind::Configuration], node, false, now)
    }

    fn of(kinds: &'static [Kind], node: &str, with_services: bool, now: Instant) -> Self {
        Self {
            node: node.into(),
            kinds,
            with_services,
            told: Arc::default(),
            facts: Arc::default(),
            heard: None,
            running: "".into(),
            running_digest: NodeState::digest(""),
            services: Services::default(),
            wanted: BTreeMap::new(),
            standing: BTreeMap::new(),
            listed: BTreeSet::new(),
            queue: Queue::default(),
            taken: BTreeMap::new(),
            fights: BTreeMap::new(),
            events: VecDeque::new(),
            flight: None,
            pace: Pace::new(now),
            ready: false,
        }
    }

    /// Whether enough is known to say what should stand.
    fn knows(&self) -> bool {
        self.told.planned && (self.heard.is_some() || !self.kinds.contains(&Kind::Session))
    }

    /// The loop tells something.
    pub fn told(&mut self, now: Now, told: Arc<Told>) {
        self.told = told;
        self.follow(now);
    }

    /// FRR tells something, or does not answer.
    pub fn facts(&mut self, now: Now, facts: Arc<Facts>) {
        if facts.failure.is_none() && facts.seen.is_some() {
            self.heard = Some(now.at);
        }
        self.facts = facts;
        self.follow(now);
    }

    /// FRR's running configuration, without passwords.
    pub fn running(&mut self, now: Now, text: Arc<str>) {
        self.running_digest = NodeState::digest(&text);
        self.running = text;
        self.follow(now);
    }

    /// What the FRRNodeState's `runningConfig` says.
    pub fn running_config(&self) -> &Arc<str> {
        &self.running
    }

    /// One list for all Services that have the same peers.
    pub fn intern(&mut self, names: &[String]) -> Peers {
        self.services.intern(names)
    }

    /// An object stands in the API like this, or (`None`) no longer does.
    pub fn stands(&mut self, now: Now, id: &Id, standing: Option<Standing>) {
        let owner = self.owner();
        match standing {
            // What was written is newer than what the watch tells now.
            Some(new) if self.standing.get(id).is_some_and(|known| known.version > new.version) => return,
            Some(new) => self.keep(id, new),
            None => {
                if self.standing.remove(id).is_some() {
                    self.fought(now.at, id);
                }
            }
        }
        self.check(now.at, id);
        self.follow_owner(now, owner.as_ref());
    }

    /// The uid of the FRRNodeState as it stands.
    fn owner(&self) -> Option<Arc<str>> {
        self.standing.get(&Id::NodeState)?.uid.clone()
    }

    /// Thousands of objects share the text that names their owner.
    fn keep(&mut self, id: &Id, mut standing: Standing) {
        let owner = self.owner();
        if standing.owner == owner {
            standing.owner = owner;
        }
        self.standing.insert(id.clone(), standing);
    }

    /// An FRRNodeState that is new takes over what belonged to another or to nobody.
    fn follow_owner(&mut self, now: Now, before: Option<&Arc<str>>) {
        if self.owner().as_ref() != before {
            let all: Vec<Id> = self.standing.keys().cloned().collect();
            for id in &all {
                self.check(now.at, id);
            }
        }
    }

    /// Everything of a kind that stands is known: what was known before and is not among these is gone.
    pub fn listed(&mut self, now: Now, kind: Kind, ids: &BTreeSet<Id>) {
        let gone: Vec<Id> =
            self.standing.keys().filter(|id| id.kind() == kind && !ids.contains(*id)).cloned().collect();
        for id in gone {
            self.stands(now, &id, None);
        }
        self.listed.insert(kind);
        self.follow(now);
        let all: BTreeSet<Id> = self.standing.keys().chain(self.wanted.keys()).cloned().collect();
        all.iter().filter(|id| id.kind() == kind).for_each(|id| self.check(now.at, id));
    }

    /// The next write, if there is one to be made now. It has to be answered before there is another.
    pub fn next(&mut self, now: Instant) -> Option<Write> {
        if self.flight.is_some() {
            return None;
        }
        let write = self.first(now)?;
        if !self.pace.take(now, write.cost()) {
            return None;
        }
        if let Write::Event(_) = &write {
            self.events.pop_front();
        }
        self.flight = Some(write.clone());
        Some(write)
    }

    /// The kind of the object of the write under way.
    pub fn kind_under_way(&self) -> Option<Kind> {
        match self.flight.as_ref()? {
            Write::Put { id, .. } | Write::Delete(id) => Some(id.kind()),
            Write::Event(_) => None,
        }
    }

    /// When to ask for the next write if nothing else happens.
    pub fn wake_at(&mut self, now: Instant) -> Option<Instant> {
        if self.flight.is_some() {
            return None;
        }
        if let Some(write) = self.first(now) {
            return Some(self.pace.ready(now, write.cost()));
        }
        self.queue.next_at()
    }

    /// What became of the write under way.
    pub fn answered(&mut self, now: Now, answer: Answer) {
        let Some(write) = self.flight.take() else { return };
        let owner = self.owner();
        let (id, body, create) = match write {
            Write::Event(_) => return,
            Write::Put { id, body, create, .. } => (id, Some(body), create),
            Write::Delete(id) => (id, None, false),
        };
        match answer {
            Answer::Done(Some(standing)) => {
                if let (Some(body), Some(stored)) = (body, &standing.body)
                    && body != *stored
                {
                    self.taken.insert(id.clone(), (body, stored.clone()));
                }
                self.keep(&id, standing);
                if let (Id::Service(key), true) = (&id, create) {
                    self.tell(key.clone());
                }
            }
            Answer::Done(None) | Answer::Gone => drop(self.standing.remove(&id)),
            Answer::Failed => {
                self.check(now.at, &id);
                if let Some(pending) = self.queue.get(&id).cloned() {
                    let not_before = now.at + (RETRY.0 * (1 << pending.failures.min(6))).min(RETRY.1);
                    self.queue.set(&id, Pending { not_before, failures: pending.failures + 1, ..pending });
                }
                return;
            }
        }
        self.queue.remove(&id);
        self.check(now.at, &id);
        self.follow_owner(now, owner.as_ref());
    }

    fn tell(&mut self, service: ServiceKey) {
        if self.events.len() < EVENTS {
            self.events.push_back(service);
        }
    }

    /// Works out what should stand.
    fn follow(&mut self, now: Now) {
        if !self.knows() {
            return;
        }
        let silent = self.heard.is_none_or(|heard| now.at >= heard + SILENCE);
        let shown = |id| self.standing.get(id).and_then(|standing| standing.body.as_ref());
        let (node, told, facts) = (&*self.node, &*self.told, &*self.facts);
        // Of a daemon that does not answer nobody knows a session.
        let mut wanted = if silent { BTreeMap::new() } else { wanted::sessions(node, facts) };
        let known = shown(&Id::Configuration).and_then(|body| match body {
            Body::Configuration(status) => Some(&**status),
            _ => None,
        });
        wanted.insert(Id::Configuration, wanted::configuration(node, told, known, now.wall));
        let known = shown(&Id::NodeState).and_then(|body| match body {
            Body::NodeState(state) => Some(&**state),
            _ => None,
        });
        if self.kinds.contains(&Kind::NodeState) {
            let state = wanted::node_state(node, (told, facts), self.running_digest, known, now.wall);
            wanted.insert(Id::NodeState, state);
        }
        let before = std::mem::replace(&mut self.wanted, wanted);
        let all: BTreeSet<&Id> = before.keys().chain(self.wanted.keys()).collect();
        let changed = all.into_iter().filter(|id| before.get(*id) != self.wanted.get(*id));
        for id in changed.cloned().collect::<Vec<Id>>() {
            self.check(now.at, &id);
        }
        self.follow_services(now, silent);
        if !std::mem::replace(&mut self.ready, true) {
            let all: Vec<Id> = self.standing.keys().cloned().collect();
            for id in &all {
                self.check(now.at, id);
            }
        }
    }

    fn follow_services(&mut self, now: Now, silent: bool) {
        if !self.listed.contains(&Kind::Service) {
            return;
        }
        let mut sent = self.facts.sent.clone();
        if silent {
            sent = Arc::new(Sent { sessions: BTreeMap::new(), known: true, ..Sent::clone(&sent) });
        }
        let stood = |key: &ServiceKey| match self.standing.get(&Id::Service(key.clone()))?.body.as_ref()? {
            Body::Service(peers) => Some(peers.clone()),
            _ => None,
        };
        let touched = self.services.follow(&self.told.offered, &self.told.sessions, &sent, stood);
        for (key, began) in touched {
            // With an object for each Service its making is what is told.
            if began && !self.with_services {
                self.tell(key.clone());
            }
            self.check(now.at, &Id::Service(key));
        }
    }
}

//! What this node knows and no object says, put into each Snapshot before it is planned.

use crate::health_port::Asker;
use crate::report;
use crate::shell::Keeper;
use crate::state::State;
use anyhow::{Context, Result};
use herald_core::draining::Draining;
use herald_core::health_port::{Answer, HealthPorts, Output, Question};
use herald_core::snapshot::{self, Snapshot};
use herald_frr::config::FrrConfig;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// The file of the time since when the node drains.
pub const DRAINING: &str = "draining.json";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Saved {
    /// Seconds since 1970.
    since: Option<u64>,
}

/// What this node knows.
#[derive(Debug)]
pub struct Here {
    node: String,
    started: Instant,
    draining: Draining,
    saved: Saved,
    ports: HealthPorts,
    asker: Asker,
    answers: mpsc::UnboundedReceiver<(Question, Answer)>,
    addresses: Vec<IpAddr>,
    announced: Announced,
    counts: Counts,
}

/// What the node announces.
#[derive(Debug)]
pub enum Announced {
    /// Nobody knows: all may be.
    Unknown,
    /// The prefixes of a configuration.
    Config(Arc<FrrConfig>),
    /// These prefixes.
    Prefixes(BTreeSet<IpNet>),
}

impl Announced {
    /// Whether a prefix with that address is.
    fn has(&self, address: IpAddr) -> bool {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let mut prefixes = (0..=longest).filter_map(|length| Some(IpNet::new(address, length).ok()?.trunc()));
        match self {
            Self::Unknown => true,
            Self::Prefixes(known) => prefixes.any(|net| known.contains(&net)),
            Self::Config(config) => {
                prefixes.any(|net| config.routers.values().any(|router| router.networks.contains_key(&net)))
            }
        }
    }
}

/// How often a first endpoint was announced after which last answer of kube-proxy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// It said 200.
    pub served: u64,
    /// It said something else until the time was over.
    pub not_yet: u64,
    /// Nobody listened.
    pub refused: u64,
    /// Nothing came back until the time was over.
    pub silent: u64,
}

impl Here {
    /// Goes on where the last run of the agent stopped; `announced` is what that announced last.
    pub fn open(node: &str, state: &State, announced: Announced) -> Result<Self> {
        let saved: Saved = match state.read(DRAINING)? {
            Some(json) => serde_json::from_str(&json).with_context(|| format!("state folder: {DRAINING}"))?,
            None => Saved::default(),
        };
        let passed = saved.since.map(|since| Duration::from_secs(unix_seconds().saturating_sub(since)));
        let (sender, answers) = mpsc::unbounded_channel();
        Ok(Self {
            node: node.to_owned(),
            started: Instant::now(),
            draining: Draining::restore(Duration::ZERO, passed),
            saved,
            ports: HealthPorts::new(node),
            asker: Asker::new(sender),
            answers,
            addresses: Vec::new(),
            announced,
            counts: Counts::default(),
        })
    }

    /// Puts what is known into a Snapshot (asks kube-proxy, in tasks).
    pub fn look(&mut self, snapshot: &mut Snapshot, keeper: &Keeper) {
        let now = self.started.elapsed();
        let draining_for = self.draining.step(now, &self.node, snapshot);
        self.save(now, keeper);
        let addresses = snapshot.node_addresses.get(self.node.as_str());
        self.addresses = addresses.cloned().unwrap_or_default();
        let Self { ports, announced, .. } = self;
        let outputs = ports.follow(now, snapshot, |address| announced.has(address));
        self.perform(outputs);
        snapshot.here = snapshot::Here { draining_for, waiting: self.ports.waiting() };
    }

    /// This is announced now.
    pub fn decided(&mut self, announced: Announced) {
        self.announced = announced;
    }

    /// Waits until [`Self::look`] has something new to say.
    pub async fn changed(&mut self) {
        loop {
            let now = self.started.elapsed();
            let drained = self.draining.wake_at(now);
            let due = [drained, self.ports.wake_at()].into_iter().flatten().min();
            let outputs = tokio::select! {
                biased;
                Some((question, answer)) = self.answers.recv() => {
                    self.ports.answered(self.started.elapsed(), &question, answer)
                }
                () = sleep_until(due.map(|due| self.started + due)) => self.ports.due(self.started.elapsed()),
            };
            let is_over = drained.is_some_and(|at| at <= self.started.elapsed());
            if self.perform(outputs) || is_over {
                return;
            }
        }
    }

    /// Asks what is to be asked (I/O); whether somebody waits no longer.
    fn perform(&mut self, outputs: Vec<Output>) -> bool {
        let mut released = false;
        for output in outputs {
            match output {
                Output::Ask(question) => self.asker.ask(question, &self.addresses),
                Output::Announce(service, answer) => {
                    let count = self.counts.of(answer);
                    *count += 1;
                    report::first_endpoint(&service, answer, *count);
                    released = true;
                }
            }
        }
        released
    }

    /// How often a first endpoint was announced after which answer, since the start.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    fn save(&mut self, now: Duration, keeper: &Keeper) {
        let passed = self.draining.passed(now);
        if passed.is_some() != self.saved.since.is_some() {
            let since = passed.map(|passed| unix_seconds().saturating_sub(passed.as_secs()));
            self.saved = Saved { since };
            keeper.save_json(DRAINING, &self.saved);
            report::draining(since.is_some());
        }
    }
}

impl Counts {
    fn of(&mut self, answer: Answer) -> &mut u64 {
        match answer {
            Answer::Serves => &mut self.served,
            Answer::NotYet => &mut self.not_yet,
            Answer::Refused => &mut self.refused,
            Answer::Silent => &mut self.silent,
        }
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|passed| passed.as_secs()).unwrap_or_default()
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

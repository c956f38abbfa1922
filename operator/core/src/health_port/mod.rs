//! kube-proxy's health port: a node that gains its first ready endpoint of a Service with `externalTrafficPolicy: Local`
//! waits until kube-proxy there serves it, at most [`PATIENCE`]. Without that the first packets are dropped (MetalLB does
//! not wait).
//!
//! Only what is not announced yet ever waits: nothing is withdrawn for it, and after a restart nobody is asked about what
//! is announced. `now` is the time since some moment that stays the same, by a clock that never goes back.

#[cfg(test)]
mod tests;

use crate::model::serving_of;
use crate::snapshot::{EndpointSlice, Service, ServiceKey, ServiceType, SliceKey, Snapshot};
use herald_frr::shared::SharedMap;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// For so long a Service waits at most.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// A port that refuses for so long has nobody who will open it: kube-proxy opens it with the Service's rules, which takes
/// it no longer after an idle second.
pub const REFUSED: Duration = Duration::from_millis(500);
/// Time between an answer and the next question.
const PAUSE: Duration = Duration::from_millis(50);

/// A question: does kube-proxy on this node say 200 on this port?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The Service.
    pub service: ServiceKey,
    /// Its `healthCheckNodePort`.
    pub port: u16,
    /// To be given back with the answer.
    pub id: u64,
}

/// What kube-proxy answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 200: it serves the endpoints of this node.
    Serves,
    /// Another status: not yet.
    NotYet,
    /// Nobody listens there.
    Refused,
    /// Nothing came back.
    Silent,
}

/// What the machine wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// To have this asked.
    Ask(Question),
    /// This Service waits no longer, and the last answer was this.
    Announce(ServiceKey, Answer),
}

/// Which Services of a node wait for kube-proxy.
#[derive(Debug)]
pub struct HealthPorts {
    node: Arc<str>,
    /// What was looked at last.
    services: SharedMap<ServiceKey, Arc<Service>>,
    slices: SharedMap<SliceKey, Arc<EndpointSlice>>,
    /// Services with ready endpoints here.
    here: BTreeSet<ServiceKey>,
    waiting: BTreeMap<ServiceKey, Waiting>,
    last_id: u64,
}

#[derive(Debug)]
struct Waiting {
    port: u16,
    since: Duration,
    /// When it refused first, of the answers since the last that was none.
    refused_since: Option<Duration>,
    last: Answer,
    next: Next,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The answer to this question is awaited.
    Answer(u64),
    /// It is to be asked at that time.
    Ask(Duration),
}

impl HealthPorts {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(node: &str) -> Self {
        Self {
            node: node.into(),
            services: SharedMap::new(),
            slices: SharedMap::new(),
            here: BTreeSet::new(),
            waiting: BTreeMap::new(),
            last_id: 0,
        }
    }

    /// Takes in what the objects say now. `is_announced` tells whether the node announces an address already.
    pub fn follow(
        &mut self,
        now: Duration,
        snapshot: &Snapshot,
        is_announced: impl Fn(IpAddr) -> bool,
    ) -> Vec<Output> {
        let services = self.services.changes(&snapshot.services);
        let mut changed: BTreeSet<ServiceKey> =
            services.into_iter().map(|change| change.key.clone()).collect();
        let slices = self.slices.changes(&snapshot.endpoint_slices);
        changed.extend(slices.into_iter().map(|change| change.key.service.clone()));
        self.services = snapshot.services.clone();
        self.slices = snapshot.endpoint_slices.clone();
        for key in changed {
            self.look_at(now, &key, &is_announced);
        }
        self.due(now)
    }

    fn look_at(&mut self, now: Duration, key: &ServiceKey, is_announced: &impl Fn(IpAddr) -> bool) {
        let service =
            self.services.get(key).filter(|service| service.service_type == ServiceType::LoadBalancer);
        let found = service.and_then(|service| Some((service, service.health_port?)));
        let is_ready =
            || serving_of(&self.slices, key).is_some_and(|serving| serving.ready.contains(&self.node));
        let Some((service, port)) =
            found.filter(|(service, _)| !service.ingress.is_empty()).filter(|_| is_ready())
        else {
            self.here.remove(key);
            self.waiting.remove(key);
            return;
        };
        if let Some(waiting) = self.waiting.get_mut(key) {
            waiting.port = port;
        }
        if self.here.insert(key.clone()) && !service.ingress.iter().flatten().any(|ip| is_announced(*ip)) {
            let (last, next) = (Answer::Silent, Next::Ask(now));
            self.waiting.insert(key.clone(), Waiting { port, since: now, refused_since: None, last, next });
        }
    }

    /// Takes in an answer.
    pub fn answered(&mut self, now: Duration, question: &Question, answer: Answer) -> Vec<Output> {
        let asked = Next::Answer(question.id);
        if let Some(waiting) = self.waiting.get_mut(&question.service).filter(|it| it.next == asked) {
            waiting.last = answer;
            waiting.refused_since = match answer {
                Answer::Refused => waiting.refused_since.or(Some(now)),
                _ => None,
            };
            waiting.next = Next::Ask(now.saturating_add(PAUSE));
        }
        self.due(now)
    }

    /// What is due: questions, and Services that have waited for long enough.
    pub fn due(&mut self, now: Duration) -> Vec<Output> {
        let mut outputs = Vec::new();
        let last_id = &mut self.last_id;
        self.waiting.retain(|service, waiting| {
            if waiting.last == Answer::Serves || waiting.until() <= now {
                outputs.push(Output::Announce(service.clone(), waiting.last));
                return false;
            }
            if let Next::Ask(at) = waiting.next
                && at <= now
            {
                *last_id += 1;
                waiting.next = Next::Answer(*last_id);
                let question = Question { service: service.clone(), port: waiting.port, id: *last_id };
                outputs.push(Output::Ask(question));
            }
            true
        });
        outputs
    }

    /// When [`Self::due`] has something to say.
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        let next = |waiting: &Waiting| match waiting.next {
            Next::Ask(at) => at.min(waiting.until()),
            Next::Answer(_) => waiting.until(),
        };
        self.waiting.values().map(next).min()
    }

    /// The Services that wait ([`crate::snapshot::Here`]).
    #[must_use]
    pub fn waiting(&self) -> BTreeSet<ServiceKey> {
        self.waiting.keys().cloned().collect()
    }
}

impl Waiting {
    /// Until when it waits if nothing else comes.
    fn until(&self) -> Duration {
        let end = self.since.saturating_add(PATIENCE);
        self.refused_since.map_or(end, |since| end.min(since.saturating_add(REFUSED)))
    }
}

//! How many writes at a time, in which order, and when no more.

use super::events::Events;
use super::request::Api;
use crate::clock;
use crate::lease::Standing;
use herald_core::control::{
    ConfigurationWrite, Effect, Event, NodeStateDelete, PoolWrite, ServiceWrite, WriteFailure, WriteId,
    Written,
};
use herald_core::problem::ObjectRef;
use herald_core::snapshot::ServiceKey;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::sleep_until;

/// Events that wait; further ones are lost, as Events may be.
const EVENTS: usize = 20_000;
/// A write without answer is over after this time: the API server gives up on requests after a minute (its
/// `--request-timeout`).
const LATEST: Duration = Duration::from_secs(70);

/// While statuses are written, no more than one Event is begun in this time: addresses come first, and each Event costs the API
/// server as much as an address.
const PACE: Duration = Duration::from_millis(50);
/// Without a write for this time, Events go as fast as they can.
const CALM: Duration = Duration::from_millis(200);

/// What became of a write.
pub type Answer = (WriteId, Result<Written, WriteFailure>);

/// A write and the object that it is to.
type Write = (ObjectRef, ToStatus);

/// An effect that is answered.
enum ToStatus {
    Service(ServiceWrite),
    Pool(PoolWrite),
    Configuration(ConfigurationWrite),
    NodeState(NodeStateDelete),
}

/// Sends effects to the API server.
pub struct Writer {
    effects: mpsc::UnboundedSender<Vec<Effect>>,
    end: mpsc::Sender<oneshot::Sender<bool>>,
}

impl Writer {
    /// Starts it. Every effect but an Event is answered, those that are not sent because this replica does not lead any
    /// more as refused.
    pub fn start(
        api: Arc<Api>,
        most: usize,
        standing: watch::Receiver<Standing>,
    ) -> (Self, mpsc::UnboundedReceiver<Answer>) {
        let (effects, received) = mpsc::unbounded_channel();
        let (answers, answered) = mpsc::unbounded_channel();
        let (end, ended) = mpsc::channel(1);
        let work = Work {
            events: Arc::new(Events::new(Arc::clone(&api))),
            api,
            most,
            standing,
            answers,
            ready: VecDeque::new(),
            behind: HashMap::new(),
            busy: HashSet::new(),
            told: VecDeque::new(),
            writing: JoinSet::new(),
            telling: JoinSet::new(),
            wrote: Duration::ZERO,
            tells: Duration::ZERO,
            unknown: None,
        };
        tokio::spawn(work.run(received, ended));
        (Self { effects, end }, answered)
    }

    /// Does these, in order for each object.
    pub fn send(&self, effects: Vec<Effect>) {
        if !effects.is_empty() {
            // The task ends only with the sender.
            let _ = self.effects.send(effects);
        }
    }

    /// Begins no further write and waits for the answers of those under way; whether all of this replica's writes are
    /// known to be over.
    pub async fn finish(&self) -> bool {
        let (tell, told) = oneshot::channel();
        self.end.send(tell).await.is_ok() && told.await.unwrap_or(false)
    }
}

/// What the task has to do.
struct Work {
    api: Arc<Api>,
    events: Arc<Events>,
    most: usize,
    standing: watch::Receiver<Standing>,
    answers: mpsc::UnboundedSender<Answer>,
    ready: VecDeque<Write>,
    /// Writes to objects that one is under way to.
    behind: HashMap<ObjectRef, VecDeque<ToStatus>>,
    busy: HashSet<ObjectRef>,
    told: VecDeque<Event>,
    writing: JoinSet<(ObjectRef, Answer)>,
    telling: JoinSet<()>,
    /// When the last write began.
    wrote: Duration,
    /// When the next Event may begin although writes do.
    tells: Duration,
    /// When the last write ended without an answer.
    unknown: Option<Duration>,
}

impl Work {
    async fn run(
        mut self,
        mut effects: mpsc::UnboundedReceiver<Vec<Effect>>,
        mut end: mpsc::Receiver<oneshot::Sender<bool>>,
    ) {
        loop {
            let now = clock::now();
            self.begin(now);
            let next = self.next_event(now);
            tokio::select! {
                () = sleep_until(clock::instant(next.unwrap_or_default())), if next.is_some() => {}
                Some(tell) = end.recv() => {
                    let _ = tell.send(self.finish().await);
                    return;
                }
                Some(Ok((object, answer))) = self.writing.join_next() => self.ended(&object, answer),
                Some(_) = self.telling.join_next() => {}
                effects = effects.recv() => match effects {
                    Some(effects) => effects.into_iter().for_each(|effect| self.take(effect)),
                    None => return,
                },
            }
        }
    }

    fn take(&mut self, effect: Effect) {
        let (object, write) = match effect {
            Effect::Event(event) => {
                if self.told.len() < EVENTS {
                    self.told.push_back(event);
                }
                return;
            }
            Effect::PatchService(write) => {
                let ServiceKey { namespace, name } = write.key.clone();
                (ObjectRef { kind: "Service", namespace, name }, ToStatus::Service(write))
            }
            Effect::PoolStatus(write) => (write.pool.clone(), ToStatus::Pool(write)),
            Effect::ConfigurationState(write) => (write.object.clone(), ToStatus::Configuration(write)),
            Effect::DeleteNodeState(write) => {
                let (kind, name) = ("FRRNodeState", write.name.clone());
                (ObjectRef { kind, namespace: "".into(), name }, ToStatus::NodeState(write))
            }
        };
        if self.busy.insert(object.clone()) {
            self.ready.push_back((object, write));
        } else {
            self.behind.entry(object).or_default().push_back(write);
        }
    }

    /// Begins what may be begun.
    fn begin(&mut self, now: Duration) {
        while self.writing.len() < self.most
            && let Some((object, to_status)) = self.ready.pop_front()
        {
            self.wrote = now;
            let (api, standing) = (Arc::clone(&self.api), self.standing.clone());
            self.writing.spawn(async move { (object, write(&api, &standing, &to_status).await) });
        }
        while self.may_tell(now)
            && let Some(event) = self.told.pop_front()
        {
            self.tells = now + PACE;
            let events = Arc::clone(&self.events);
            self.telling.spawn(async move { events.tell(&event).await });
        }
    }

    fn may_tell(&self, now: Duration) -> bool {
        if self.writing.is_empty() && self.wrote + CALM <= now {
            self.telling.len() < self.most.div_ceil(4)
        } else {
            self.telling.is_empty() && self.tells <= now
        }
    }

    /// When an Event that waits may begin, if only time has to pass for it.
    fn next_event(&self, now: Duration) -> Option<Duration> {
        let times = [self.tells, self.wrote + CALM].into_iter().filter(|at| *at > now);
        times.min().filter(|_| !self.told.is_empty())
    }

    fn ended(&mut self, object: &ObjectRef, answer: Answer) {
        if answer.1 == Err(WriteFailure::Unknown) {
            self.unknown = Some(clock::now());
        }
        if let Err(why) = &answer.1 {
            log(object, why);
        }
        if let Some(next) = self.behind.get_mut(object).and_then(VecDeque::pop_front) {
            self.ready.push_back((object.clone(), next));
        } else {
            self.busy.remove(object);
            self.behind.remove(object);
        }
        // Nobody listens at the end.
        let _ = self.answers.send(answer);
    }

    async fn finish(&mut self) -> bool {
        self.ready.clear();
        self.behind.clear();
        while let Some(ended) = self.writing.join_next().await {
            if let Ok((object, answer)) = ended {
                self.ended(&object, answer);
            }
        }
        self.unknown.is_none_or(|at| at + LATEST < clock::now())
    }
}

/// Sends it, if this replica may.
async fn write(api: &Api, standing: &watch::Receiver<Standing>, to_status: &ToStatus) -> Answer {
    let may = match *standing.borrow() {
        Standing::Leads { until, .. } => clock::now() < until,
        Standing::Follows => false,
    };
    let id = match to_status {
        ToStatus::Service(write) => write.id,
        ToStatus::Pool(write) => write.id,
        ToStatus::Configuration(write) => write.id,
        ToStatus::NodeState(write) => write.id,
    };
    if !may {
        return (id, Err(WriteFailure::Refused("this replica does not lead any more".to_owned())));
    }
    let outcome = match to_status {
        ToStatus::Service(write) => api.service(write).await,
        ToStatus::Pool(write) => api.pool(write).await,
        ToStatus::Configuration(write) => api.configuration(write).await,
        ToStatus::NodeState(write) => api.delete_node_state(write).await,
    };
    (id, outcome)
}

fn log(object: &ObjectRef, why: &WriteFailure) {
    let words = match why {
        WriteFailure::Conflict | WriteFailure::NotFound => {
            tracing::debug!(op = "write", object = %object, ?why, "not written");
            return;
        }
        WriteFailure::Forbidden(words) | WriteFailure::Invalid(words) | WriteFailure::Refused(words) => words,
        WriteFailure::Unknown => "no answer",
    };
    tracing::warn!(op = "write", object = %object, error = words, "not written");
}

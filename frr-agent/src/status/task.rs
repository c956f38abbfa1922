//! The task that writes: what is told, seen and answered goes to the desk, its writes to the API server.

use super::OwnFrr;
use super::api::{Came, Outcome, Writer};
use super::desk::{Answer, Desk, Now};
use super::object::{Id, Kind};
use super::running::{Reads, shown};
use super::stands::{News, Whose, follow, id, standing};
use super::told::Told;
use crate::live::Facts;
use crate::vtysh::Vtysh;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep_until;

/// What watches have told and nobody has read yet.
const QUEUE: usize = 64;
/// A sleep that something else ends.
const LONG: Duration = Duration::from_hours(1);

/// What is to be written about, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The node.
    pub node: String,
    /// The namespace of Herald's own objects.
    pub namespace: String,
    /// Whether to write a ServiceBGPStatus for each Service.
    pub services: bool,
}

/// Writes about the node for as long as the program runs.
pub fn spawn(client: Client, options: Options, told: watch::Receiver<Arc<Told>>, frr: Option<OwnFrr>) {
    tokio::spawn(async move {
        let whose = Arc::new(Whose { node: options.node, namespace: options.namespace });
        let (sender, news) = mpsc::channel(QUEUE);
        let desk = match &frr {
            Some(_) => Desk::new(&whose.node, options.services, Instant::now()),
            None => Desk::without_frr(&whose.node, Instant::now()),
        };
        for kind in desk.kinds {
            tokio::spawn(follow(client.clone(), *kind, Whose::clone(&whose), sender.clone()));
        }
        // Nobody says anything there.
        let (_silent, nothing) = watch::channel(Arc::default());
        let (vtysh, facts) = frr.map_or((None, nothing), |frr| (Some(frr.vtysh), frr.facts));
        let task = Task {
            desk,
            writer: Writer::new(client, whose.clone()),
            whose,
            vtysh,
            listing: BTreeMap::new(),
            reads: Reads::default(),
            reading: None,
            writing: None,
        };
        task.run(told, facts, news).await;
    });
}

type Writing = Pin<Box<dyn Future<Output = Outcome> + Send>>;

struct Task {
    desk: Desk,
    writer: Writer,
    whose: Arc<Whose>,
    /// `None` where FRR is somebody else's.
    vtysh: Option<Vtysh>,
    /// What lists that are not at their end have named so far.
    listing: BTreeMap<Kind, BTreeSet<Id>>,
    reads: Reads,
    reading: Option<JoinHandle<Option<String>>>,
    writing: Option<Writing>,
}

impl Task {
    async fn run(
        mut self,
        mut told: watch::Receiver<Arc<Told>>,
        mut facts: watch::Receiver<Arc<Facts>>,
        mut news: mpsc::Receiver<News>,
    ) {
        loop {
            let now = Instant::now();
            let can_read = self.vtysh.is_some() && self.reading.is_none();
            let due = self.reads.due(now, &told.borrow()).filter(|_| can_read);
            if due.is_some_and(|due| due <= now) {
                self.read(now, &told.borrow());
            }
            if self.writing.is_none()
                && let Some(write) = self.desk.next(now)
            {
                let running = self.desk.running_config().clone();
                self.writing = Some(Box::pin(self.writer.clone().write(write, running)));
            }
            let wake = self.desk.wake_at(now).into_iter().chain(due.filter(|due| *due > now)).min();
            tokio::select! {
                biased;
                outcome = outcome(&mut self.writing) => self.wrote(outcome),
                changed = told.changed() => match changed {
                    Ok(()) => self.desk.told(now_is(), told.borrow_and_update().clone()),
                    Err(_) => return,
                },
                changed = facts.changed() => match changed {
                    Ok(()) => self.desk.facts(now_is(), facts.borrow_and_update().clone()),
                    Err(_) => return,
                },
                text = text(&mut self.reading) => self.has_read(text),
                Some(news) = news.recv() => self.heard(news),
                () = sleep_until(wake.unwrap_or(now + LONG).into()) => {}
            }
        }
    }

    fn read(&mut self, now: Instant, told: &Told) {
        let Some(vtysh) = self.vtysh.clone() else { return };
        self.reads.began(now, told);
        self.reading =
            Some(tokio::task::spawn_blocking(move || vtysh.running_config().ok().map(|text| shown(&text))));
    }

    fn has_read(&mut self, text: Option<String>) {
        self.reading = None;
        self.reads.ended(Instant::now(), text.is_some());
        if let Some(text) = text {
            self.desk.running(now_is(), text.into());
        }
    }

    fn wrote(&mut self, (answer, object): Outcome) {
        self.writing = None;
        let answer = match (answer, object) {
            (Came::Failed, _) => Answer::Failed,
            (Came::Gone, _) => Answer::Gone,
            (Came::Done, None) => Answer::Done(None),
            (Came::Done, Some(object)) => {
                let kind = self.desk.kind_under_way();
                let id = kind.map(|kind| id(kind, &object, &self.whose.node));
                Answer::Done(id.map(|id| {
                    let desk = &mut self.desk;
                    standing(&id, &object, &self.whose.node, &mut |names| desk.intern(names))
                }))
            }
        };
        self.desk.answered(now_is(), answer);
    }

    fn heard(&mut self, news: News) {
        match news {
            News::Listing(kind) => drop(self.listing.insert(kind, BTreeSet::new())),
            News::Object(kind, object) => {
                let id = id(kind, &object, &self.whose.node);
                if let Some(ids) = self.listing.get_mut(&kind) {
                    ids.insert(id.clone());
                }
                let desk = &mut self.desk;
                let standing = standing(&id, &object, &self.whose.node, &mut |names| desk.intern(names));
                self.desk.stands(now_is(), &id, Some(standing));
            }
            News::Gone(kind, object) => {
                let id = id(kind, &object, &self.whose.node);
                self.desk.stands(now_is(), &id, None);
            }
            News::Listed(kind) => {
                let ids = self.listing.remove(&kind).unwrap_or_default();
                self.desk.listed(now_is(), kind, &ids);
            }
        }
    }
}

fn now_is() -> Now {
    Now { at: Instant::now(), wall: Timestamp::now() }
}

async fn outcome(writing: &mut Option<Writing>) -> Outcome {
    match writing {
        Some(writing) => writing.await,
        None => std::future::pending().await,
    }
}

async fn text(reading: &mut Option<JoinHandle<Option<String>>>) -> Option<String> {
    match reading {
        Some(reading) => reading.await.ok().flatten(),
        None => std::future::pending().await,
    }
}

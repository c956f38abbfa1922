//! Many kinds together, as views of everything.

use super::follow::{News, Sender, follow};
use herald_core::input;
use herald_core::input::objects::{Keep, Kind, Objects, View};
use kube::Client;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// News that wait; then the watches wait too.
const QUEUE: usize = 512;

/// A kind to be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Which.
    pub kind: Kind,
    /// Only in this namespace.
    pub namespace: Option<String>,
    /// Only those that a field selector names.
    pub fields: Option<String>,
    /// Without all of its objects there is no view. Others are told as soon as they are known, see `View::synced`.
    pub required: bool,
}

/// What to watch.
#[derive(Debug, Clone)]
pub struct Options {
    /// The kinds, each once.
    pub watched: Vec<Watched>,
    /// How objects are read.
    pub input: input::Options,
    /// What to keep of them.
    pub keep: Keep,
    /// The longest wait before an API server that does not answer is asked again.
    pub longest_wait: Duration,
}

/// How the watch of a kind is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// All objects have been listed once.
    pub synced: bool,
    /// Why the last attempt failed; `None` once one succeeded.
    pub failure: Option<String>,
}

/// Watches of many kinds. Everything stops when it is dropped.
pub struct Watches {
    client: Client,
    longest_wait: Duration,
    objects: Objects,
    kinds: BTreeMap<Kind, Followed>,
    news: mpsc::Receiver<(Kind, u32, News)>,
    sender: mpsc::Sender<(Kind, u32, News)>,
    started: bool,
}

/// A kind and who follows it.
#[derive(Debug)]
struct Followed {
    watched: Watched,
    health: Health,
    /// News of an earlier attempt count no more.
    attempt: u32,
    task: JoinHandle<()>,
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watches").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watches {
    /// Begins to watch. Call it inside a tokio runtime.
    #[must_use]
    pub fn start(client: Client, options: Options) -> Self {
        let (sender, news) = mpsc::channel(QUEUE);
        let mut watches = Self {
            client,
            longest_wait: options.longest_wait,
            objects: Objects::new(&options.input, options.keep),
            kinds: BTreeMap::new(),
            news,
            sender,
            started: false,
        };
        for watched in options.watched {
            let task = watches.follow(&watched, 0);
            let followed = Followed { health: Health::default(), attempt: 0, task, watched };
            watches.kinds.insert(followed.watched.kind, followed);
        }
        watches
    }

    /// Waits until something is different from the last view, and returns all that is known then.
    ///
    /// The first view comes once all objects of the required kinds are known. Changes that come together are one view; none
    /// is lost when the future is dropped.
    pub async fn next(&mut self) -> View {
        loop {
            while let Ok((kind, attempt, news)) = self.news.try_recv() {
                self.take(kind, attempt, news);
            }
            if self.is_started() && self.objects.has_changed() {
                return self.objects.view();
            }
            // `self` holds a sender.
            if let Some((kind, attempt, news)) = self.news.recv().await {
                self.take(kind, attempt, news);
            }
        }
    }

    /// Lists kinds anew, by quorum read, however well their watches are doing. They count as known in full
    /// (`View::synced`) again once they have been listed; until then what was known of them stays.
    pub fn relist(&mut self, kinds: &[Kind]) {
        for kind in kinds {
            let Some(followed) = self.kinds.get(kind) else { continue };
            let (watched, attempt) = (followed.watched.clone(), followed.attempt.wrapping_add(1));
            self.objects.doubt(*kind);
            let task = self.follow(&watched, attempt);
            let health = Health::default();
            self.kinds.insert(*kind, Followed { watched, health, attempt, task });
        }
    }

    /// How each kind is doing.
    pub fn health(&self) -> impl Iterator<Item = (&Watched, &Health)> {
        self.kinds.values().map(|followed| (&followed.watched, &followed.health))
    }

    fn is_started(&mut self) -> bool {
        let mut required = self.kinds.values().filter(|followed| followed.watched.required);
        self.started = self.started || required.all(|followed| followed.health.synced);
        self.started
    }

    fn follow(&self, watched: &Watched, attempt: u32) -> JoinHandle<()> {
        let news = Sender { kind: watched.kind, attempt, all: self.sender.clone() };
        tokio::spawn(follow(self.client.clone(), watched.clone(), self.longest_wait, news))
    }

    fn take(&mut self, kind: Kind, attempt: u32, news: News) {
        let Some(followed) = self.kinds.get_mut(&kind).filter(|followed| followed.attempt == attempt) else {
            return;
        };
        let Health { synced, failure } = &mut followed.health;
        if let News::Failed(_) | News::Unknown = news {
            let why = match &news {
                News::Failed(why) => why.clone(),
                _ => format!("the API server has no {}", watched_name(kind)),
            };
            if failure.as_ref() != Some(&why) {
                tracing::warn!(op = "watch", kind = kind.name(), error = %why, "cannot watch; trying again");
            }
            *failure = Some(why);
        } else if !matches!(news, News::Begin) && failure.take().is_some() {
            tracing::info!(op = "watch", kind = kind.name(), "watching again");
        }
        match news {
            News::Begin => self.objects.begin(kind),
            News::Apply(object) => self.objects.apply(kind, &object),
            News::Remove(namespace, name) => self.objects.remove(kind, &namespace, &name),
            News::Finish => {
                *synced = true;
                self.objects.finish(kind);
            }
            // A kind that can be missing has no objects then. One that was there goes object by object.
            News::Unknown if !followed.watched.required && !*synced => {
                *synced = true;
                self.objects.replace(kind, []);
            }
            News::Unknown | News::Failed(_) => {}
        }
    }
}

fn watched_name(kind: Kind) -> String {
    format!("{} {}: is its CustomResourceDefinition installed?", kind.api_version(), kind.name())
}

//! Many kinds together, as views of everything.

use super::connect::Clients;
use super::follow::{News, Sender, follow};
use herald_core::input;
use herald_core::input::objects::{Keep, Kind, Objects, View, named_secrets};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// News that wait; then the watches wait too.
const QUEUE: usize = 32;

/// A kind to be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Which.
    pub kind: Kind,
    /// Only in this namespace.
    pub namespace: Option<String>,
    /// Only those that a field selector names.
    pub fields: Option<String>,
    /// Only those that a label selector names.
    pub labels: Option<String>,
    /// Without all of its objects there is no view. Others are told as soon as they are known, see `View::synced`.
    pub required: bool,
}

/// What to watch.
#[derive(Debug, Clone)]
pub struct Options {
    /// The kinds, each once.
    pub watched: Vec<Watched>,
    /// The first view waits for all of them, not only for those that are required; one that the API server does not know has
    /// no objects.
    pub wait_for_all: bool,
    /// Of this namespace also the Secrets that BGPPeers and FRRConfigurations name, each by its name, and no others. A view
    /// waits for them.
    pub named_secrets: Option<String>,
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

/// What is watched: all of a kind that was asked for, or the one object of this name.
pub(super) type Subject = (Kind, Option<Arc<str>>);

/// Watches of many kinds. Everything stops when it is dropped.
pub struct Watches {
    clients: Clients,
    longest_wait: Duration,
    objects: Objects,
    kinds: BTreeMap<Subject, Followed>,
    wait_for_all: bool,
    named_secrets: Option<String>,
    /// What names Secrets has changed since they were looked for.
    names_changed: bool,
    news: mpsc::Receiver<(Subject, u32, News)>,
    sender: mpsc::Sender<(Subject, u32, News)>,
    attempts: u32,
    started: bool,
}

/// A kind and who follows it.
#[derive(Debug)]
struct Followed {
    watched: Watched,
    health: Health,
    /// News of an earlier attempt count no more.
    attempt: u32,
    /// The one object that it is about was in the list that is being told.
    there: bool,
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
    pub fn start(clients: impl Into<Clients>, options: Options) -> Self {
        let (sender, news) = mpsc::channel(QUEUE);
        let mut watches = Self {
            clients: clients.into(),
            longest_wait: options.longest_wait,
            objects: Objects::new(&options.input, options.keep),
            kinds: BTreeMap::new(),
            wait_for_all: options.wait_for_all,
            named_secrets: options.named_secrets,
            names_changed: false,
            news,
            sender,
            attempts: 0,
            started: false,
        };
        for watched in options.watched {
            watches.follow((watched.kind, None), watched);
        }
        watches
    }

    /// Waits until something is different from the last view, and returns all that is known then.
    ///
    /// The first view comes once all objects of the required kinds are known. Changes that come together are one view; none
    /// is lost when the future is dropped.
    pub async fn next(&mut self) -> View {
        loop {
            while let Ok((subject, attempt, news)) = self.news.try_recv() {
                self.take(&subject, attempt, news);
            }
            if std::mem::take(&mut self.names_changed) {
                self.follow_named();
            }
            if self.is_started() && !self.awaits_named() && self.objects.has_changed() {
                return self.objects.view();
            }
            // `self` holds a sender.
            if let Some((subject, attempt, news)) = self.news.recv().await {
                self.take(&subject, attempt, news);
            }
        }
    }

    /// Lists kinds anew, by quorum read, however well their watches are doing. They count as known in full
    /// (`View::synced`) again once they have been listed; until then what was known of them stays.
    pub fn relist(&mut self, kinds: &[Kind]) {
        for kind in kinds {
            let subject = (*kind, None);
            let Some(followed) = self.kinds.get(&subject) else { continue };
            let watched = followed.watched.clone();
            self.objects.doubt(*kind);
            self.follow(subject, watched);
        }
    }

    /// How each kind is doing.
    pub fn health(&self) -> impl Iterator<Item = (&Watched, &Health)> {
        self.kinds.values().map(|followed| (&followed.watched, &followed.health))
    }

    fn is_started(&mut self) -> bool {
        let all = self.wait_for_all;
        let kinds = self.kinds.iter().filter(|((_, name), _)| name.is_none()).map(|(_, followed)| followed);
        let mut required = kinds.filter(|followed| all || followed.watched.required);
        self.started = self.started || required.all(|followed| followed.health.synced);
        self.started
    }

    /// Whether it will soon be known what is in a Secret. One that cannot be asked for holds nothing up.
    fn awaits_named(&self) -> bool {
        let mut named = self.kinds.iter().filter(|((_, name), _)| name.is_some());
        named.any(|(_, followed)| !followed.health.synced && followed.health.failure.is_none())
    }

    /// Follows the Secrets that are named now, and no others any more.
    fn follow_named(&mut self) {
        let Some(namespace) = self.named_secrets.clone() else { return };
        let named = named_secrets(self.objects.configuration(), &namespace);
        let known = self.kinds.keys().filter_map(|(_, name)| name.clone());
        let known: BTreeSet<Arc<str>> = known.collect();
        for name in known.difference(&named) {
            self.kinds.remove(&(Kind::Secret, Some(name.clone())));
            self.objects.remove(Kind::Secret, &namespace, name);
        }
        for name in named.difference(&known) {
            let watched = Watched {
                kind: Kind::Secret,
                namespace: Some(namespace.clone()),
                fields: Some(format!("metadata.name={name}")),
                labels: None,
                required: false,
            };
            self.follow((Kind::Secret, Some(name.clone())), watched);
        }
    }

    fn follow(&mut self, subject: Subject, watched: Watched) {
        self.attempts = self.attempts.wrapping_add(1);
        let attempt = self.attempts;
        let news = Sender { subject: subject.clone(), attempt, all: self.sender.clone() };
        let Clients { each, shared } = &self.clients;
        // Kinds are few. There may be as many Secrets as there are neighbors, more than go by one connection.
        let client = if subject.1.is_none() { shared } else { each }.clone();
        let task = tokio::spawn(follow(client, watched.clone(), self.longest_wait, news));
        let followed = Followed { watched, health: Health::default(), attempt, there: false, task };
        self.kinds.insert(subject, followed);
    }

    fn take(&mut self, subject: &Subject, attempt: u32, news: News) {
        let Some(followed) = self.kinds.get_mut(subject).filter(|followed| followed.attempt == attempt)
        else {
            return;
        };
        followed.health.note(subject.0, &news);
        self.names_changed |= matches!(subject.0, Kind::BgpPeer | Kind::FrrConfiguration);
        match &subject.1 {
            None => take_of_kind(&mut self.objects, followed, news),
            Some(name) => take_of_one(&mut self.objects, followed, name, news),
        }
    }
}

fn take_of_kind(objects: &mut Objects, followed: &mut Followed, news: News) {
    let kind = followed.watched.kind;
    match news {
        News::Begin => objects.begin(kind),
        News::Apply(object) => objects.apply(kind, &object),
        News::Remove(namespace, name) => objects.remove(kind, &namespace, &name),
        News::Finish => {
            followed.health.synced = true;
            objects.finish(kind);
        }
        // A kind that can be missing has no objects then. One that was there goes object by object.
        News::Unknown if !followed.watched.required && !followed.health.synced => {
            followed.health.synced = true;
            objects.replace(kind, []);
        }
        News::Unknown | News::Failed(_) => {}
    }
}

/// Of the one object that a watch is about a list holds one or none.
fn take_of_one(objects: &mut Objects, followed: &mut Followed, name: &str, news: News) {
    let (kind, namespace) = (followed.watched.kind, followed.watched.namespace.as_deref());
    match news {
        News::Begin => followed.there = false,
        News::Apply(object) => {
            followed.there = true;
            objects.apply(kind, &object);
        }
        News::Remove(namespace, name) => objects.remove(kind, &namespace, &name),
        News::Finish => {
            followed.health.synced = true;
            if !followed.there {
                objects.remove(kind, namespace.unwrap_or_default(), name);
            }
        }
        News::Unknown | News::Failed(_) => {}
    }
}

impl Health {
    /// Notes and tells whether the last attempt failed.
    fn note(&mut self, kind: Kind, news: &News) {
        let why = match news {
            News::Failed(why) => why.clone(),
            News::Unknown => format!("the API server has no {}", watched_name(kind)),
            News::Begin => return,
            _ => {
                if self.failure.take().is_some() {
                    tracing::info!(op = "watch", kind = kind.name(), "watching again");
                }
                return;
            }
        };
        if self.failure.as_ref() != Some(&why) {
            tracing::warn!(op = "watch", kind = kind.name(), error = %why, "cannot watch; trying again");
        }
        self.failure = Some(why);
    }
}

fn watched_name(kind: Kind) -> String {
    format!("{} {}: is its CustomResourceDefinition installed?", kind.api_version(), kind.name())
}

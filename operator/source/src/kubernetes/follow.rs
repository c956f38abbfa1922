//! One kind: its list, its watch, and both again whenever they break.

use super::raw::{Raw, resource};
use super::watches::{Subject, Watched};
use futures::StreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client};
use serde_json::Value;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// The first wait after a failure.
const SOON: Duration = Duration::from_millis(100);
/// A page of a list that does not come within this time is asked for again.
const PAGE: Duration = Duration::from_secs(30);
/// Objects of a page: as text and as values, it is what a first list takes of memory.
const PAGE_SIZE: u32 = 100;

/// What became known of one kind.
#[derive(Debug)]
pub enum News {
    /// A list begins.
    Begin,
    /// An object that is new or has changed.
    Apply(Value),
    /// An object is gone: namespace and name.
    Remove(String, String),
    /// The list is at its end.
    Finish,
    /// The API server does not know the kind.
    Unknown,
    /// Something failed and is tried again; the words of the failure.
    Failed(String),
}

/// Sends the news of one attempt to follow a kind.
pub struct Sender {
    /// Of what.
    pub subject: Subject,
    /// Which attempt.
    pub attempt: u32,
    /// Where all news go.
    pub all: mpsc::Sender<(Subject, u32, News)>,
}

impl Sender {
    /// False once nobody listens.
    async fn send(&self, news: News) -> bool {
        self.all.send((self.subject.clone(), self.attempt, news)).await.is_ok()
    }
}

/// Tells all news of a kind until nobody listens. Waits longer after each failure, up to `longest`.
pub async fn follow(client: Client, watched: Watched, longest: Duration, news: Sender) {
    let mut wait = SOON;
    loop {
        // A watch that breaks is taken up where it ended: it does not end an attempt.
        let why = match attempt(&client, &watched, longest, &news, &mut wait).await {
            End::Unheard => return,
            End::Hangs => format!("no answer within {} s", PAGE.as_secs()),
            End::Behind => "the API server is behind what was seen of it; all is listed again".to_owned(),
        };
        if !news.send(News::Failed(why)).await {
            return;
        }
        pause(&mut wait, longest).await;
    }
}

/// Why an attempt ends, and another begins with a list.
enum End {
    /// Nobody listens.
    Unheard,
    /// A list does not come.
    Hangs,
    /// The API server never had what was seen of it: its store was put back to an earlier state.
    Behind,
}

async fn attempt(
    client: &Client,
    watched: &Watched,
    longest: Duration,
    news: &Sender,
    wait: &mut Duration,
) -> End {
    let mut config = watcher::Config::default().page_size(PAGE_SIZE);
    config.field_selector.clone_from(&watched.fields);
    config.label_selector.clone_from(&watched.labels);
    let resource = resource(watched.kind);
    let api: Api<Raw> = match &watched.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let mut events = std::pin::pin!(watcher::watcher(api, config));
    let mut listing = false;
    loop {
        let event = if listing {
            let Ok(event) = timeout(PAGE, events.next()).await else { return End::Hangs };
            event
        } else {
            events.next().await
        };
        let Some(event) = event else { return End::Hangs };
        listing = match &event {
            Ok(Event::Init | Event::InitApply(_)) => true,
            Ok(_) => false,
            Err(_) => listing,
        };
        let failed = event.is_err();
        let behind = event.as_ref().is_err_and(is_behind);
        // The beginning of a list says nothing yet.
        if matches!(event, Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_))) {
            *wait = SOON;
        }
        if !news.send(of(event)).await {
            return End::Unheard;
        }
        if behind {
            return End::Behind;
        }
        if failed {
            pause(wait, longest).await;
        }
    }
}

fn of(event: watcher::Result<Event<Raw>>) -> News {
    match event {
        Ok(Event::Init) => News::Begin,
        Ok(Event::InitApply(raw) | Event::Apply(raw)) => News::Apply(raw.value),
        Ok(Event::Delete(raw)) => News::Remove(raw.namespace().to_owned(), raw.name().to_owned()),
        Ok(Event::InitDone) => News::Finish,
        Err(watcher::Error::InitialListFailed(kube::Error::Api(status))) if status.code == 404 => {
            News::Unknown
        }
        Err(error) => News::Failed(error.to_string()),
    }
}

/// The resource version that a watch ended at is not there yet, and may never be (`storage.NewTooLargeResourceVersionError`).
fn is_behind(error: &watcher::Error) -> bool {
    let (watcher::Error::WatchStartFailed(kube::Error::Api(status)) | watcher::Error::WatchError(status)) =
        error
    else {
        return false;
    };
    status.message.contains("Too large resource version")
}

/// Waits, by up to a half less so that not everybody comes back at once, and makes the next wait longer.
async fn pause(wait: &mut Duration, longest: Duration) {
    let share = u32::try_from(RandomState::new().build_hasher().finish() % 512).unwrap_or_default();
    sleep(*wait * (1024 - share) / 1024).await;
    *wait = (*wait * 2).min(longest);
}

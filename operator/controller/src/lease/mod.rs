//! The Lease of the two replicas, at the API server.

mod elector;
mod record;

pub use elector::{Standing, Timings};

use crate::clock;
use elector::{Elector, NotStored, Step, Time};
use jiff::Timestamp;
use kube::Client;
use record::{Record, Wanted};
use serde_json::Value;
use std::hash::{BuildHasher, RandomState};
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};

/// Its name.
pub const NAME: &str = "metallb-controller";

/// Runs for the Lease and tells where this replica stands.
pub struct Election {
    client: Client,
    namespace: String,
    timings: Timings,
    elector: Elector,
    standing: watch::Sender<Standing>,
}

impl Election {
    /// One who has not run yet, and where it stands. Its identity is the replica's name and something that no other run has.
    pub fn new(
        client: Client,
        namespace: &str,
        name: &str,
        timings: Timings,
    ) -> (Self, watch::Receiver<Standing>) {
        let identity = format!("{name}_{:016x}", RandomState::new().hash_one(name));
        let (standing, stands) = watch::channel(Standing::Follows);
        let elector = Elector::new(identity, timings);
        (Self { client, namespace: namespace.to_owned(), timings, elector, standing }, stands)
    }

    /// Runs until dropped. Everything in it can be dropped at any time.
    pub async fn run(&mut self) {
        loop {
            self.tell();
            match self.elector.step(clock::now()) {
                Step::Look => self.look().await,
                Step::Store(wanted) => self.store(&wanted).await,
                Step::Wait(until) => {
                    let until = self.elector.changes(clock::now()).map_or(until, |change| change.min(until));
                    sleep_until(clock::instant(until)).await;
                }
            }
        }
    }

    fn tell(&self) {
        let now = self.elector.standing(clock::now());
        self.standing.send_if_modified(|standing| {
            let turned = matches!(standing, Standing::Leads { .. }) != matches!(now, Standing::Leads { .. });
            let changed = *standing != now;
            *standing = now;
            if turned {
                tracing::info!(
                    op = "lease",
                    leads = matches!(now, Standing::Leads { .. }),
                    "standing changed"
                );
            }
            changed
        });
    }

    /// Lets go of the Lease: another replica need not wait for its end. `answered`: no write is on its way any more.
    pub async fn let_go(&mut self, answered: bool) {
        let Some(wanted) = self.elector.let_go(answered) else { return };
        self.standing.send_replace(Standing::Follows);
        match self.put(&wanted).await {
            Ok(_) => tracing::info!(op = "lease", answered, "let go"),
            Err(why) => tracing::warn!(op = "lease", ?why, "could not let go; it ends by itself"),
        }
    }

    async fn look(&mut self) {
        let path = format!("{}/{NAME}", self.path());
        let seen = match http::Request::get(path).body(Vec::new()) {
            Ok(request) => self.ask(request).await,
            Err(_) => Err(None),
        };
        let now = clock::now();
        match seen {
            Ok(lease) => self.elector.saw(now, Some(Record::of(&lease))),
            Err(Some(404)) => self.elector.saw(now, None),
            Err(_) => self.elector.saw_nothing(now),
        }
    }

    async fn store(&mut self, wanted: &Wanted) {
        let sent = clock::now();
        let stored = self.until_change(wanted).await;
        self.elector.stored(sent, clock::now(), stored);
    }

    /// Stores, and tells in time when this replica's leadership ends before the answer is there.
    async fn until_change(&self, wanted: &Wanted) -> Result<Record, NotStored> {
        let mut stored = std::pin::pin!(self.put(wanted));
        loop {
            let change = self.elector.changes(clock::now()).unwrap_or(Time::MAX);
            tokio::select! {
                stored = &mut stored => return stored,
                () = sleep_until(clock::instant(change)) => self.tell(),
            }
        }
    }

    async fn put(&self, wanted: &Wanted) -> Result<Record, NotStored> {
        let object = wanted.object(&self.namespace, NAME, Timestamp::now()).to_string().into_bytes();
        let request = match wanted.version {
            Some(_) => http::Request::put(format!("{}/{NAME}", self.path())),
            None => http::Request::post(self.path()),
        };
        let request = request.header(http::header::CONTENT_TYPE, "application/json").body(object);
        let Ok(request) = request else { return Err(NotStored::Unknown) };
        match self.ask(request).await {
            Ok(lease) => Ok(Record::of(&lease)),
            Err(Some(404 | 409)) => Err(NotStored::Changed),
            Err(_) => Err(NotStored::Unknown),
        }
    }

    /// The answer, or the code of a refusal.
    async fn ask(&self, request: http::Request<Vec<u8>>) -> Result<Value, Option<u16>> {
        let asked = timeout(self.timings.write, self.client.request::<Value>(request)).await;
        let error = match asked {
            Ok(Ok(lease)) => return Ok(lease),
            Ok(Err(error)) => error,
            Err(_) => {
                tracing::warn!(op = "lease", "the API server does not answer");
                return Err(None);
            }
        };
        if let kube::Error::Api(status) = &error {
            if !matches!(status.code, 404 | 409) {
                tracing::warn!(op = "lease", error = %status.message, code = status.code, "refused");
            }
            return Err(Some(status.code));
        }
        tracing::warn!(op = "lease", error = %error, "the API server cannot be asked");
        Err(None)
    }

    fn path(&self) -> String {
        format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", self.namespace)
    }
}

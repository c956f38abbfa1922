//! Answers requests for admission from what is known, once that is all that was stored before they came.

use super::fresh::Fresh;
use herald_core::admission::{Millis, Options, Request, Reviewer, Verdict};
use herald_core::input::objects::{Kind, View};
use herald_core::snapshot::Snapshot;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// What must be known before an object of `metallb.io` is judged.
const OF_METALLB: [Kind; 7] = [
    Kind::IpAddressPool,
    Kind::L2Advertisement,
    Kind::BgpAdvertisement,
    Kind::BgpPeer,
    Kind::BfdProfile,
    Kind::Community,
    Kind::Node,
];
/// The same for frr-k8s, whose kinds may be all that is installed.
const OF_FRR_K8S: [Kind; 2] = [Kind::FrrConfiguration, Kind::Node];
/// A replica that has just started knows everything within this time, or refuses to answer. The API server waits for 10 s.
const START: Duration = Duration::from_secs(8);

/// What judges.
pub struct Judge {
    views: watch::Receiver<View>,
    fresh: Fresh,
    options: Options,
    reviewer: Mutex<Option<Reviewer>>,
    start: Instant,
}

impl Judge {
    /// From these views.
    pub fn new(views: watch::Receiver<View>, fresh: Fresh, options: Options) -> Self {
        Self { views, fresh, options, reviewer: Mutex::default(), start: Instant::now() }
    }

    /// Takes in every view, so that what was admitted and is seen is known to have been stored. Ends with the views, never.
    pub async fn follow(&self) {
        let mut views = self.views.clone();
        loop {
            let snapshot = views.borrow_and_update().parsed.snapshot.clone();
            self.with(&snapshot, |_, _| ());
            if views.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// The answer; `None` where it is not known what is there.
    pub async fn review(&self, request: &Request<'_>) -> Option<Verdict> {
        let mut views = self.views.clone();
        let needed: &[Kind] = if request.kind == "FRRConfiguration" { &OF_FRR_K8S } else { &OF_METALLB };
        let known = |view: &View| needed.iter().all(|kind| view.synced.contains(kind));
        let first = Instant::now();
        timeout_at(first + START, views.wait_for(known)).await.ok()?.ok()?;
        timeout_at(first + START, self.fresh.wait()).await.ok().filter(|fresh| *fresh)?;
        loop {
            let snapshot = views.borrow_and_update().parsed.snapshot.clone();
            let (verdict, settles) = self.with(&snapshot, |reviewer, now| {
                let verdict = reviewer.review(request, now);
                (verdict, reviewer.settles())
            });
            // What was admitted a moment ago may not be stored after all.
            let deadline = settles.map_or(first, |millis| self.start + Duration::from_millis(millis));
            if verdict.allowed() || !verdict.depends_on_others || Instant::now() >= deadline {
                return Some(verdict);
            }
            // Whether by a view or by the deadline: what is known then decides.
            let _ = timeout_at(deadline, views.changed()).await;
        }
    }

    fn with<R>(&self, snapshot: &Snapshot, then: impl FnOnce(&mut Reviewer, Millis) -> R) -> R {
        let now = Millis::try_from(self.start.elapsed().as_millis()).unwrap_or(Millis::MAX);
        let mut reviewer = self.reviewer.lock().unwrap_or_else(PoisonError::into_inner);
        let reviewer = reviewer.get_or_insert_with(|| Reviewer::new(snapshot, &self.options));
        reviewer.see(snapshot, now);
        then(reviewer, now)
    }
}

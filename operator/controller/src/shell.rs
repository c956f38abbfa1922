//! The loop: views, answers and leadership in, effects out.

use crate::api::{Answer, Writer};
use crate::clock;
use crate::lease::Standing;
use crate::metrics::Metrics;
use herald_core::control::{Controller, Input, LateWrites, Now};
use herald_core::input::objects::{Kind, View};
use herald_serving::health::Health;
use herald_serving::logs;
use herald_source::kubernetes::Watches;
use k8s_openapi::jiff::Timestamp;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{interval, sleep_until};
use tokio_util::sync::CancellationToken;

/// The check of readiness that all objects are known.
pub const CACHES: &str = "caches";

/// What a new leader lists again, by quorum read, before it gives out anything: who holds which address, and what there is
/// to give.
const LEDGER: [Kind; 3] = [Kind::Service, Kind::IpAddressPool, Kind::Namespace];

/// How often metrics and readiness are brought up to date.
const SHOW: Duration = Duration::from_millis(500);

/// Everything that the loop has at hand.
pub struct Shell {
    /// What the API server has.
    pub watches: Watches,
    /// Who else sees the views: the webhooks.
    pub views: watch::Sender<View>,
    /// What decides.
    pub controller: Controller,
    /// What writes.
    pub writer: Writer,
    /// What became of writes.
    pub answers: mpsc::UnboundedReceiver<Answer>,
    /// Whether this replica leads.
    pub standing: watch::Receiver<Standing>,
    /// Where decisions are shown.
    pub metrics: Metrics,
    /// Where [`CACHES`] is reported.
    pub health: Health,
    /// Cancelled once all objects are known.
    pub known: CancellationToken,
}

/// Whether this replica leads, as its decisions go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Follower,
    /// It holds the Lease and lists what it has to take over.
    Heir(LateWrites),
    Leader,
}

impl Shell {
    /// Runs until `end`.
    pub async fn run(mut self, end: CancellationToken) -> Writer {
        let mut role = Role::Follower;
        let mut show = interval(SHOW);
        loop {
            let tick = self.controller.next().map_or(Duration::MAX, Duration::from_millis);
            let input = tokio::select! {
                biased;
                () = end.cancelled() => return self.writer,
                Ok(()) = self.standing.changed() => self.stand(&mut role),
                answer = self.answers.recv() => match answer {
                    Some((id, result)) => Some(Input::Written { id, result }),
                    // Nothing can be written any more.
                    None => return self.writer,
                },
                view = self.watches.next() => Some(self.see(&mut role, view)),
                () = sleep_until(clock::instant(tick)) => Some(Input::Tick),
                _ = show.tick() => {
                    self.show();
                    None
                }
            };
            if let Some(input) = input {
                let now = Now { at: clock::millis(), wall: Timestamp::now() };
                self.writer.send(self.controller.step(now, input));
            }
        }
    }

    /// The Lease was won or lost.
    fn stand(&mut self, role: &mut Role) -> Option<Input> {
        let standing = *self.standing.borrow_and_update();
        match (standing, *role) {
            (Standing::Leads { late, .. }, Role::Follower) => {
                self.watches.relist(&LEDGER);
                *role = Role::Heir(late);
                None
            }
            (Standing::Follows, Role::Leader) => {
                *role = Role::Follower;
                Some(Input::Unlead)
            }
            (Standing::Follows, Role::Heir(_)) => {
                *role = Role::Follower;
                None
            }
            _ => None,
        }
    }

    fn see(&mut self, role: &mut Role, view: View) -> Input {
        if !self.known.is_cancelled() {
            self.known.cancel();
            self.health.ready(CACHES);
        }
        logs::follow(view.parsed.snapshot.log_level());
        self.views.send_replace(view.clone());
        match *role {
            Role::Heir(late) if LEDGER.iter().all(|kind| view.synced.contains(kind)) => {
                tracing::info!(
                    op = "lead",
                    services = view.facts.len(),
                    "all is listed; this replica decides from now on"
                );
                *role = Role::Leader;
                Input::Lead { view, late }
            }
            _ => Input::View(view),
        }
    }

    fn show(&mut self) {
        self.metrics.update(self.controller.facts());
        let mut missing =
            self.watches.health().filter(|(watched, health)| watched.required && !health.synced);
        if let Some((watched, health)) = missing.next().filter(|_| !self.known.is_cancelled()) {
            let why = health.failure.as_deref().unwrap_or("not listed yet");
            self.health.not_ready(CACHES, format!("{}: {why}", watched.kind));
        }
    }
}

//! What to ask FRR when, and what its answers mean. Pure: time comes in as an argument.

mod answers;
mod tell;
mod wanted;

use super::account::Account;
use super::event::Event;
use super::question::{Answer, Question};
use super::sent::ChangedPrefixes;
use herald_frr::config::FrrConfig;
use herald_frr::diff::Session;
use herald_frr::show::{BfdKey, BfdSession, SessionState, SessionSummary};
use herald_frr::value::Family;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two looks at the sessions.
pub const TICK: Duration = Duration::from_millis(1_500);
/// Between two runs of `vtysh` in any case.
const FLOOR: Duration = Duration::from_millis(500);
/// What bgpd and a neighbor's update take after a change; what is seen before that says nothing.
const SETTLED: Duration = Duration::from_secs(1);
/// Changed prefixes that one run asks for, and beyond which whole adj-RIB-outs are looked at.
const ROUTES: usize = 64;
const MANY: usize = 512;
/// Adj-RIB-outs that one run asks for: bgpd goes through its whole table for each.
const URGENT: usize = 4;

/// Now, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// For waiting.
    pub at: Instant,
    /// For people: seconds since 1970.
    pub seconds: u64,
}

/// All that is known of FRR and of what is wanted of it.
pub struct Observer {
    config: Arc<FrrConfig>,
    /// Whether FRR was given any session since the agent started, or found with one.
    given: bool,
    /// When networks or policies changed last.
    changed_at: Instant,
    sessions: Option<BTreeMap<Session, SessionSummary>>,
    resets: BTreeMap<Session, String>,
    bfd: Option<BTreeMap<BfdKey, BfdSession>>,
    accounts: BTreeMap<(Session, Family), Account>,
    changed: ChangedPrefixes,
    /// Sessions that went down; why is still to be asked.
    ended: BTreeSet<Session>,
    next: Instant,
    seen: Option<Moment>,
    failure: Option<String>,
}

impl Observer {
    /// Knows nothing yet and asks at once.
    pub fn new(now: Instant) -> Self {
        Self {
            config: Arc::default(),
            given: false,
            changed_at: now,
            sessions: None,
            resets: BTreeMap::new(),
            bfd: None,
            accounts: BTreeMap::new(),
            changed: ChangedPrefixes::new(),
            ended: BTreeSet::new(),
            next: now,
            seen: None,
            failure: None,
        }
    }

    /// When [`Self::ask`] is to be called next.
    pub const fn wake_at(&self) -> Instant {
        self.next
    }

    /// What to ask in one run of `vtysh`.
    pub fn ask(&mut self, now: Instant) -> Vec<Question> {
        self.next = now + TICK;
        let mut questions = vec![Question::Summary];
        if self
            .config
            .routers
            .values()
            .flat_map(|router| router.neighbors.values())
            .any(|n| n.bfd_profile.is_some())
        {
            questions.push(Question::Bfd);
        }
        questions.extend(self.ended.iter().take(URGENT).cloned().map(Question::Ended));
        let settled = self.changed.iter().filter(|(_, changed)| changed.alone && now >= changed.at + FLOOR);
        questions
            .extend(settled.take(ROUTES).map(|((vrf, prefix), _)| Question::Route(vrf.clone(), *prefix)));
        let mut due: Vec<_> = self
            .accounts
            .iter()
            .filter(|((session, _), account)| account.due <= now && self.is_up(session))
            .collect();
        due.sort_by_key(|(_, account)| account.due);
        questions.extend(
            due.into_iter()
                .take(URGENT)
                .map(|((session, family), _)| Question::Sent(session.clone(), *family)),
        );
        questions
    }

    /// `vtysh` failed; what was known stays, with its age.
    pub fn failed(&mut self, why: String) {
        self.failure = Some(why);
    }

    /// FRR's answers to the questions of one run.
    pub fn answered(&mut self, now: Moment, answers: Vec<Answer>) -> Vec<Event> {
        (self.seen, self.failure) = (Some(now), None);
        let mut events = Vec::new();
        for answer in answers {
            match answer {
                Answer::Summary(sessions) => self.summary(now.at, sessions, &mut events),
                Answer::Bfd(sessions) => self.bfd(sessions, &mut events),
                Answer::Ended(session, reset) => {
                    let reason =
                        reset.map_or_else(|| "FRR does not say why".to_owned(), |reset| reset.text());
                    self.ended(session, reason, &mut events);
                }
                Answer::Route(vrf, prefix, route) => self.route(now.at, vrf, prefix, route.as_ref()),
                Answer::Sent(session, family, sent) => self.sent(now, &session, family, &sent, &mut events),
                Answer::Nothing => {}
            }
        }
        self.schedule(now.at);
        events
    }

    /// The next run is sooner than the next look at the sessions where something waits for it.
    fn schedule(&mut self, now: Instant) {
        if !self.ended.is_empty() {
            self.next = now;
            return;
        }
        let waiting = |account: &Account| account.due <= now || account.is_doubtful();
        let up =
            self.accounts.iter().filter(|((session, _), account)| waiting(account) && self.is_up(session));
        let looks = up.map(|(_, account)| account.due);
        let routes = self.changed.values().filter(|changed| changed.alone).map(|changed| changed.at + FLOOR);
        if let Some(due) = looks.chain(routes).min() {
            self.next = self.next.min(due.max(now + FLOOR));
        }
    }

    fn is_up(&self, session: &Session) -> bool {
        let summary = self.sessions.as_ref().and_then(|sessions| sessions.get(session));
        summary.is_some_and(|summary| summary.state == SessionState::Established)
    }

    fn configures(&self, session: &Session) -> bool {
        let router = self.config.routers.get(&session.vrf);
        router.is_some_and(|router| router.neighbors.contains_key(&session.neighbor))
    }
}

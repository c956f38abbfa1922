//! What FRR's answers mean.

use super::{FLOOR, Moment, Observer, SETTLED, TICK};
use crate::live::account::Difference;
use crate::live::event::Event;
use crate::live::sent::Changed;
use herald_frr::config::{AddressFamily, Announcement, Outbound};
use herald_frr::diff::Session;
use herald_frr::show::{BfdKey, BfdSession, BfdState, Route, SessionState, SessionSummary};
use herald_frr::value::{Family, InterfaceName};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

/// What became of a session between two looks. Both if it went down and came up again.
struct Change {
    ended: bool,
    began: bool,
}

impl Change {
    fn between(old: Option<&SessionSummary>, new: Option<&SessionSummary>) -> Self {
        let up = |one: Option<&SessionSummary>| one.is_some_and(|one| one.state == SessionState::Established);
        let drops = |one: Option<&SessionSummary>| one.map_or(0, |one| one.dropped);
        let (was_up, is_up, flapped) = (up(old), up(new), drops(old) < drops(new));
        Self { ended: was_up && (!is_up || flapped), began: is_up && (!was_up || flapped) }
    }
}

type Vrf = Option<InterfaceName>;

impl Observer {
    pub(super) fn summary(
        &mut self,
        now: Instant,
        sessions: BTreeMap<Session, SessionSummary>,
        events: &mut Vec<Event>,
    ) {
        let Some(before) = self.sessions.replace(sessions) else { return };
        let known = before.keys().chain(self.sessions.iter().flatten().map(|(session, _)| session));
        let names: BTreeSet<Session> = known.filter(|session| self.configures(session)).cloned().collect();
        for session in names {
            let new = self.sessions.as_ref().and_then(|sessions| sessions.get(&session));
            let change = Change::between(before.get(&session), new);
            let is_known = new.is_some();
            if change.ended && is_known {
                self.ended.insert(session.clone());
            } else if change.ended {
                self.ended(session.clone(), "FRR has no such session any more".to_owned(), events);
            }
            if change.ended || change.began {
                let of = self.accounts.iter_mut().filter(|((of, _), _)| *of == session);
                of.for_each(|(_, account)| account.forget(now + FLOOR));
            }
            if change.began {
                events.push(Event::SessionUp(session));
            }
        }
        self.count(now);
    }

    /// FRR counts what it sent: another number than expected is a reason to look.
    fn count(&mut self, now: Instant) {
        if now < self.changed_at + SETTLED {
            return;
        }
        for ((session, family), account) in &mut self.accounts {
            let summary = self.sessions.as_ref().and_then(|sessions| sessions.get(session));
            let Some(summary) = summary.filter(|summary| summary.state == SessionState::Established) else {
                continue;
            };
            let Some(prefixes) = summary.prefixes.get(&AddressFamily::from(*family)) else { continue };
            let just_up = summary.since.is_some_and(|since| since < TICK);
            if prefixes.sent == account.expected() {
                account.counted(now);
            } else if !just_up {
                account.hurry(now);
            }
        }
        self.settle_many();
    }

    /// Of prefixes that changed with very many others FRR is not asked one by one: they are done with once every session
    /// that stands was looked at.
    fn settle_many(&mut self) {
        let waiting = self.changed.iter().filter(|(_, changed)| !changed.alone);
        let seen = |vrf: &Vrf, family: Family| {
            let of = self.accounts.iter().filter(|((session, of), _)| session.vrf == *vrf && *of == family);
            let up = of.filter(|((session, _), _)| self.is_up(session));
            up.map(|(_, account)| account.seen()).min().flatten()
        };
        let mut known: BTreeMap<(Vrf, Family), Option<Instant>> = BTreeMap::new();
        let mut done = Vec::new();
        for (key, changed) in waiting {
            let (vrf, family) = (key.0.clone(), Family::of(key.1.addr()));
            let at = *known.entry((vrf, family)).or_insert_with_key(|(vrf, family)| seen(vrf, *family));
            if at.is_some_and(|at| at >= changed.at + SETTLED) {
                done.push(key.clone());
            }
        }
        for key in done {
            self.changed.remove(&key);
        }
    }

    pub(super) fn bfd(&mut self, sessions: Vec<BfdSession>, events: &mut Vec<Event>) {
        let sessions: BTreeMap<BfdKey, BfdSession> =
            sessions.into_iter().map(|one| (one.key.clone(), one)).collect();
        for (key, new) in &sessions {
            let Some(old) = self.bfd.as_ref().and_then(|before| before.get(key)) else { continue };
            match (old.state == BfdState::Up, new.state == BfdState::Up) {
                (true, false) => {
                    let why = new.diagnostic.clone().or_else(|| new.remote_diagnostic.clone());
                    events.push(Event::BfdDown(
                        key.clone(),
                        why.unwrap_or_else(|| "no reason given".to_owned()),
                    ));
                }
                (false, true) => events.push(Event::BfdUp(key.clone())),
                _ => {}
            }
        }
        self.bfd = Some(sessions);
    }

    pub(super) fn ended(&mut self, session: Session, reason: String, events: &mut Vec<Event>) {
        self.ended.remove(&session);
        self.resets.insert(session.clone(), reason.clone());
        events.push(Event::SessionDown(session, reason));
    }

    /// A changed prefix: seen wrong once it is asked for again, seen wrong twice the sessions are looked into.
    pub(super) fn route(&mut self, now: Instant, vrf: Vrf, prefix: IpNet, route: Option<&Route>) {
        let key = (vrf, prefix);
        let Some(changed) = self.changed.get(&key).cloned() else { return };
        let wrong = self.wrongly_sent(&key, route);
        if wrong.is_empty() {
            self.changed.remove(&key);
            return;
        }
        let neighbors = Arc::new(wrong.iter().map(|session| session.neighbor.clone()).collect());
        // From the second time on it waits for the looks.
        let alone = !changed.seen_wrong;
        self.changed.insert(key, Changed { at: now, seen_wrong: true, alone, wrong: Some(neighbors) });
        if !alone {
            for session in wrong {
                if let Some(account) = self.accounts.get_mut(&(session, Family::of(prefix.addr()))) {
                    account.hurry(now);
                }
            }
        }
    }

    /// The sessions on which the prefix is not as it is to be.
    fn wrongly_sent(&self, (vrf, prefix): &(Vrf, IpNet), route: Option<&Route>) -> Vec<Session> {
        let family = Family::of(prefix.addr());
        let of_vrf = self.accounts.keys().filter(|(session, of)| session.vrf == *vrf && *of == family);
        let up = of_vrf.map(|(session, _)| session).filter(|session| self.is_up(session));
        let wrong = up.filter(|session| {
            let outbound = Outbound::of(&self.config, vrf, &session.neighbor);
            let is_sent = route.is_some_and(|route| route.advertised_to.contains(&session.neighbor));
            match outbound.map(|outbound| outbound.judge(prefix)) {
                Some(Announcement::Wanted) => !is_sent,
                Some(Announcement::Unwanted) => is_sent,
                _ => false,
            }
        });
        wrong.cloned().collect()
    }

    pub(super) fn sent(
        &mut self,
        now: Moment,
        session: &Session,
        family: Family,
        sent: &BTreeSet<IpNet>,
        events: &mut Vec<Event>,
    ) {
        let up = self.is_up(session);
        let outbound = Outbound::of(&self.config, &session.vrf, &session.neighbor);
        let account = self.accounts.get_mut(&(session.clone(), family));
        let (Some(account), Some(outbound), true) = (account, outbound, up) else { return };
        let own = |prefix: &IpNet| {
            let router = self.config.routers.get(&session.vrf);
            router.is_some_and(|router| router.networks.contains_key(prefix))
        };
        let news = account.look(now, &outbound, (family, own), sent);
        let told = |make: fn(Session, Vec<IpNet>) -> Event, prefixes: BTreeSet<IpNet>| {
            (!prefixes.is_empty()).then(|| make(session.clone(), prefixes.into_iter().collect()))
        };
        let Difference { missing, unwanted } = news.came;
        events.extend(told(Event::Unwanted, unwanted).into_iter().chain(told(Event::NotAnnounced, missing)));
        let Difference { missing, unwanted } = news.went;
        events.extend(
            told(Event::Announced, missing).into_iter().chain(told(Event::NoLongerUnwanted, unwanted)),
        );
        self.settle_many();
    }
}

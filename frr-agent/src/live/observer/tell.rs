//! What is known, as a value for people and programs.

use super::Observer;
use crate::live::facts::{BfdFacts, Facts, FamilyFacts, SessionFacts};
use crate::live::sent::{Sent, SentOf};
use herald_frr::config::AddressFamily;
use herald_frr::diff::Session;
use herald_frr::show::{BfdSession, BfdState, SessionSummary};
use herald_frr::value::Family;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Observer {
    /// What is known now.
    pub fn facts(&self) -> Facts {
        let known = self.sessions.iter().flat_map(|sessions| sessions.keys()).cloned();
        let configured = self.config.routers.iter().flat_map(|(vrf, router)| {
            router.neighbors.keys().map(|id| Session { vrf: vrf.clone(), neighbor: id.clone() })
        });
        let names: BTreeSet<Session> = known.chain(configured).collect();
        Facts {
            seen: self.seen.map(|seen| seen.seconds),
            failure: self.failure.clone(),
            sessions: names.into_iter().map(|session| self.session(session)).collect(),
            bfd: self.bfd.iter().flat_map(|sessions| sessions.values()).map(bfd).collect(),
            sent: Arc::new(self.sent_by_session()),
        }
    }

    /// What was sent on the sessions that stand.
    fn sent_by_session(&self) -> Sent {
        let mut sessions: BTreeMap<Session, BTreeMap<Family, Option<SentOf>>> = BTreeMap::new();
        for ((session, family), account) in self.accounts.iter().filter(|((of, _), _)| self.is_up(of)) {
            sessions.entry(session.clone()).or_default().insert(*family, account.sent());
        }
        Sent {
            config: self.config.clone(),
            sessions,
            changed: self.changed.clone(),
            // Before that nobody can say which of FRR's sessions are meant.
            known: self.given && self.sessions.is_some(),
        }
    }

    fn session(&self, session: Session) -> SessionFacts {
        let summary = self.sessions.as_ref().and_then(|sessions| sessions.get(&session));
        SessionFacts {
            configured: self.configures(&session),
            state: summary.map_or("Absent", |summary| summary.state.name()),
            since_seconds: summary.and_then(|summary| summary.since).map(|since| since.as_secs()),
            times_up: summary.map_or(0, |summary| summary.established),
            times_down: summary.map_or(0, |summary| summary.dropped),
            last_reset: self.resets.get(&session).cloned(),
            families: summary.map(|summary| self.families(&session, summary)).unwrap_or_default(),
            session,
        }
    }

    fn families(&self, session: &Session, summary: &SessionSummary) -> BTreeMap<&'static str, FamilyFacts> {
        let facts = summary.prefixes.iter().map(|(family, prefixes)| {
            let (name, unicast) = match family {
                AddressFamily::Ipv4Unicast => ("ipv4Unicast", Some(Family::V4)),
                AddressFamily::Ipv6Unicast => ("ipv6Unicast", Some(Family::V6)),
                AddressFamily::L2vpnEvpn => ("l2vpnEvpn", None),
            };
            let account = unicast.and_then(|family| self.accounts.get(&(session.clone(), family)));
            let announced = account.map(crate::live::account::Account::facts);
            (name, FamilyFacts { received: prefixes.received, sent: prefixes.sent, announced })
        });
        facts.collect()
    }
}

fn bfd(session: &BfdSession) -> BfdFacts {
    BfdFacts {
        vrf: session.key.vrf.as_ref().map(ToString::to_string),
        peer: session.key.peer,
        interface: session.key.interface.as_ref().map(ToString::to_string),
        state: match session.state {
            BfdState::Up => "Up",
            BfdState::Down => "Down",
            BfdState::Init => "Init",
            BfdState::Shutdown => "Shutdown",
        },
        since_seconds: session.since.map(|since| since.as_secs()),
        diagnostic: session.diagnostic.clone().or_else(|| session.remote_diagnostic.clone()),
    }
}

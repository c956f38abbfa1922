//! What FRR has sent of the own prefixes, session by session: all that are wanted, but these.

use super::account::Difference;
use herald_frr::config::{Announcement, FrrConfig, NeighborId, Outbound};
use herald_frr::diff::Session;
use herald_frr::shared::SharedMap;
use herald_frr::value::{Family, InterfaceName};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

/// A prefix whose change is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Since when.
    pub at: Instant,
    /// FRR was asked and had not done it yet.
    pub seen_wrong: bool,
    /// FRR is asked for this prefix; of very many at once whole adj-RIB-outs are looked at.
    pub alone: bool,
    /// The sessions on which it was not as it is to be, at the last answer.
    pub wrong: Option<Arc<BTreeSet<NeighborId>>>,
}

/// By VRF and prefix.
pub type ChangedPrefixes = SharedMap<(Option<InterfaceName>, IpNet), Changed>;

/// What became of a prefix on a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// It is not to be sent there.
    Unwanted,
    /// FRR has sent it, and the session stands.
    Sent,
    /// Not looked at since something changed; what was true before may still be.
    Unknown,
    /// FRR has not sent it, or the session does not stand.
    Missing,
}

/// One family of a session that is Established.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentOf {
    /// Wanted prefixes that were not sent are in it.
    pub last: Arc<Difference>,
    /// Own prefixes that were sent where hand-written text decides.
    pub beside: Arc<BTreeSet<IpNet>>,
}

/// What all sessions were sent. A clone shares nearly all of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sent {
    /// What FRR was given.
    pub config: Arc<FrrConfig>,
    /// Sessions that stand; families of which nothing is known yet are `None`.
    pub sessions: BTreeMap<Session, BTreeMap<Family, Option<SentOf>>>,
    /// Prefixes that changed and were not seen since.
    pub changed: ChangedPrefixes,
    /// Whether FRR ever told of its sessions, and what it was given is known.
    pub known: bool,
}

/// What one session was sent.
#[derive(Debug)]
pub struct OnSession<'a> {
    sent: &'a Sent,
    session: &'a Session,
    outbound: Option<Outbound<'a>>,
    families: Option<&'a BTreeMap<Family, Option<SentOf>>>,
}

impl Sent {
    /// One session; made once for many prefixes.
    #[must_use]
    pub fn on<'a>(&'a self, session: &'a Session) -> OnSession<'a> {
        OnSession {
            sent: self,
            session,
            outbound: Outbound::of(&self.config, &session.vrf, &session.neighbor),
            families: self.sessions.get(session),
        }
    }
}

impl OnSession<'_> {
    /// What became of an own prefix.
    #[must_use]
    pub fn delivery(&self, prefix: &IpNet) -> Delivery {
        let Some(outbound) = &self.outbound else {
            // FRR was not given the session yet, or another plan is not in force yet.
            return if self.families.is_some() || !self.sent.known {
                Delivery::Unknown
            } else {
                Delivery::Missing
            };
        };
        let judged = outbound.judge(prefix);
        if judged == Announcement::Unwanted {
            return Delivery::Unwanted;
        }
        if !self.sent.known {
            return Delivery::Unknown;
        }
        let Some(families) = self.families else { return Delivery::Missing };
        let Some(Some(of)) = families.get(&Family::of(prefix.addr())) else { return Delivery::Unknown };
        if judged == Announcement::Possible {
            return if of.beside.contains(prefix) { Delivery::Sent } else { Delivery::Missing };
        }
        let changed = self.sent.changed.get(&(self.session.vrf.clone(), *prefix));
        let missing = match changed.map(|changed| &changed.wrong) {
            Some(None) => return Delivery::Unknown,
            Some(Some(wrong)) => wrong.contains(&self.session.neighbor),
            None => of.last.missing.contains(prefix),
        };
        if missing { Delivery::Missing } else { Delivery::Sent }
    }
}

/// Every session of these stands and was sent all that is wanted but what is missing.
#[cfg(test)]
pub fn sent_for_tests(config: Arc<FrrConfig>, up: &[Session], missing: &BTreeSet<IpNet>) -> Sent {
    let last = Arc::new(Difference { missing: missing.clone(), unwanted: BTreeSet::new() });
    let of = SentOf { last, beside: Arc::default() };
    let families = |_: &Session| BTreeMap::from([(Family::V4, Some(of.clone()))]);
    let sessions = up.iter().map(|session| (session.clone(), families(session))).collect();
    Sent { config, sessions, changed: ChangedPrefixes::new(), known: true }
}

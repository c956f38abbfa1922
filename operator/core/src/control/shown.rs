//! What a Service's status shows, as far as this machine writes it.

use super::advertised::{ADVERTISED as ADVERTISED_EVERYWHERE, NOT, PARTLY};
use super::condition::ABOUT_TO_MOVE;
use super::effect::Condition;
use super::input::Now;
use crate::input::objects::{ADVERTISED, ALLOCATED, ConditionFacts, IngressFacts, ServiceFacts};
use std::net::IpAddr;
use std::sync::Arc;

/// What a status shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// Its addresses.
    pub ips: Vec<IpAddr>,
    /// Its ingress is more than these addresses, or says more of them than this machine would.
    pub foreign: bool,
    /// The annotation that names the pool.
    pub pool: Option<Arc<str>>,
    pub allocated: Option<Said>,
    pub advertised: Option<Said>,
}

/// A condition as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub status: bool,
    pub reason: Arc<str>,
    pub message: Arc<str>,
    pub since: Arc<str>,
}

/// What a condition is to say; it gets its time when it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub status: bool,
    pub reason: &'static str,
    pub message: Arc<str>,
}

impl Shown {
    pub fn of(facts: &ServiceFacts) -> Self {
        let address = |entry: &IngressFacts| entry.ip.as_deref().and_then(|ip| ip.parse().ok());
        let ips: Vec<IpAddr> = facts.ingress.iter().filter_map(address).collect();
        Self {
            foreign: ips.len() != facts.ingress.len() || facts.ingress.iter().any(says_more),
            ips,
            pool: facts.pool_annotation.clone(),
            allocated: facts.condition(ALLOCATED).map(Said::of),
            advertised: facts.condition(ADVERTISED).map(Said::of),
        }
    }

    /// Whether a write that gives it other addresses may be on its way.
    pub fn is_about_to_move(&self) -> bool {
        self.allocated.as_ref().is_some_and(|said| &*said.reason == ABOUT_TO_MOVE)
    }

    /// Whether it would get addresses in place of some that it has. One that keeps what it has and gets a second one is
    /// known by its families.
    pub fn moves_to(&self, ips: &[IpAddr]) -> bool {
        self.ips.iter().any(|ip| !ips.contains(ip)) && ips.iter().any(|ip| !self.ips.contains(ip))
    }
}

/// A server that does not know `ipMode` leaves it out: writing it again would change nothing.
fn says_more(entry: &IngressFacts) -> bool {
    entry.hostname.as_deref().is_some_and(|name| !name.is_empty())
        || entry.has_ports
        || entry.ip_mode.as_deref().is_some_and(|mode| mode != "VIP")
}

impl Said {
    fn of(facts: &ConditionFacts) -> Self {
        Self {
            status: &*facts.status == "True",
            reason: facts.reason.clone(),
            message: facts.message.clone(),
            since: facts.last_transition_time.clone(),
        }
    }
}

impl Verdict {
    pub fn new(status: bool, reason: &'static str, message: impl Into<Arc<str>>) -> Self {
        Self { status, reason, message: message.into() }
    }

    pub fn is_said(&self, said: Option<&Said>) -> bool {
        said.is_some_and(|said| {
            said.status == self.status && *said.reason == *self.reason && said.message == self.message
        })
    }

    /// The same for a condition whose message counts: another number is no reason to write.
    pub fn is_said_but_for_counts(&self, said: Option<&Said>) -> bool {
        let counts = matches!(self.reason, ADVERTISED_EVERYWHERE | PARTLY | NOT);
        let same = |said: &Said| said.status == self.status && *said.reason == *self.reason;
        if counts { said.is_some_and(same) } else { self.is_said(said) }
    }

    /// The condition to be written in place of what is said; its time moves only when its status does.
    pub fn condition(&self, said: Option<&Said>, now: &Now) -> Condition {
        let same = said.filter(|said| said.status == self.status && !said.since.is_empty());
        let Self { status, reason, message } = self.clone();
        Condition {
            status,
            reason,
            message,
            since: same.map_or_else(|| now.text(), |said| said.since.clone()),
        }
    }
}

impl From<Condition> for Said {
    fn from(condition: Condition) -> Self {
        let Condition { status, reason, message, since } = condition;
        Self { status, reason: reason.into(), message, since }
    }
}

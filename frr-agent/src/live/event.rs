//! What is worth a line in the log.

use herald_frr::diff::Session;
use herald_frr::show::BfdKey;
use ipnet::IpNet;
use std::fmt;
use tracing::{error, info, warn};

/// Prefixes that one log line lists.
const LISTED: usize = 10;

/// Something that happened in FRR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A session came up.
    SessionUp(Session),
    /// A session went down, and FRR's words for why.
    SessionDown(Session, String),
    /// A BFD session came up.
    BfdUp(BfdKey),
    /// A BFD session went down, and FRR's word for why.
    BfdDown(BfdKey, String),
    /// The session is up, these are to be sent on it, and FRR has not.
    NotAnnounced(Session, Vec<IpNet>),
    /// What was not announced is now, or need not be any more.
    Announced(Session, Vec<IpNet>),
    /// FRR sent these although nothing asks for it.
    Unwanted(Session, Vec<IpNet>),
    /// What was sent unasked is not any more, or is asked for now.
    NoLongerUnwanted(Session, Vec<IpNet>),
}

impl Event {
    /// Writes it to the log.
    pub fn log(&self) {
        match self {
            Self::SessionUp(session) => {
                info!(event = "SessionUp", session = name(session), "the session is Established");
            }
            Self::SessionDown(session, reason) => {
                warn!(event = "SessionDown", session = name(session), reason, "the session went down");
            }
            Self::BfdUp(key) => info!(event = "BFDUp", peer = %Peer(key), "BFD hears the other end"),
            Self::BfdDown(key, reason) => {
                warn!(event = "BFDDown", peer = %Peer(key), reason, "BFD does not hear the other end");
            }
            Self::NotAnnounced(session, prefixes) => error!(
                event = "NotAnnounced",
                session = name(session),
                count = prefixes.len(),
                prefixes = listed(prefixes),
                "FRR does not send what is wanted, though the session is Established"
            ),
            Self::Announced(session, prefixes) => info!(
                event = "Announced",
                session = name(session),
                count = prefixes.len(),
                prefixes = listed(prefixes),
                "FRR sends what it did not"
            ),
            Self::Unwanted(session, prefixes) => error!(
                event = "UnwantedAnnouncement",
                session = name(session),
                count = prefixes.len(),
                prefixes = listed(prefixes),
                "FRR SENDS WHAT NOTHING ASKS FOR"
            ),
            Self::NoLongerUnwanted(session, prefixes) => info!(
                event = "UnwantedAnnouncementEnded",
                session = name(session),
                count = prefixes.len(),
                prefixes = listed(prefixes),
                "FRR no longer sends what nothing asks for"
            ),
        }
    }
}

/// `172.30.0.2`, or `172.30.0.2 vrf red`.
pub(super) fn name(session: &Session) -> String {
    match &session.vrf {
        Some(vrf) => format!("{} vrf {vrf}", session.neighbor),
        None => session.neighbor.to_string(),
    }
}

struct Peer<'a>(&'a BfdKey);

impl fmt::Display for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.peer.fmt(f)?;
        self.0.interface.iter().try_for_each(|interface| write!(f, " interface {interface}"))?;
        self.0.vrf.iter().try_for_each(|vrf| write!(f, " vrf {vrf}"))
    }
}

fn listed(prefixes: &[IpNet]) -> String {
    let shown: Vec<String> = prefixes.iter().take(LISTED).map(ToString::to_string).collect();
    let more = if prefixes.len() > LISTED { ", ..." } else { "" };
    shown.join(", ") + more
}

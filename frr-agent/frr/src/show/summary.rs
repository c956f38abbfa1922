//! `show bgp vrf all summary json`: every session in a few words, the cheapest that tells of a change.

use super::ShowError;
use super::lenient::{Maybe, lenient, read};
use super::session::{SessionState, family, session};
use crate::config::AddressFamily;
use crate::diff::Session;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The command whose answer [`summary`] reads.
pub const SUMMARY: &str = "show bgp vrf all summary json";

/// One session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionSummary {
    /// Its state.
    pub state: SessionState,
    /// Shut down by configuration on this side.
    pub admin_down: bool,
    /// Since it came up or went down; `None` if it was never up.
    pub since: Option<Duration>,
    /// How often it came up. A session that went down and came back between two looks shows here.
    pub established: u64,
    /// How often it went down.
    pub dropped: u64,
    /// Prefixes by family in which the session is active.
    pub prefixes: BTreeMap<AddressFamily, Prefixes>,
}

/// How many prefixes of a family.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prefixes {
    /// Received and kept.
    pub received: u64,
    /// Sent.
    pub sent: u64,
}

/// Reads the answer: every session of every VRF, by family and VRF in FRR's nesting. No BGP: none.
pub fn summary(answer: &str) -> Result<BTreeMap<Session, SessionSummary>, ShowError> {
    let vrfs: BTreeMap<String, Maybe<Families>> = match read(answer) {
        Ok(vrfs) => vrfs,
        Err(ShowError::Warned(_)) => BTreeMap::new(),
        Err(why) => return Err(why),
    };
    let mut sessions: BTreeMap<Session, SessionSummary> = BTreeMap::new();
    for (vrf, families) in &vrfs {
        for (name, of) in families.0.iter().flatten() {
            let (Some(family), Some(of)) = (family(name), &of.0) else { continue };
            for (neighbor, peer) in of.peers.iter().flatten() {
                let Some(session) = session(vrf, neighbor) else { continue };
                let known = sessions.entry(session).or_insert_with(|| peer.summary());
                known.prefixes.insert(family, peer.prefixes());
            }
        }
    }
    Ok(sessions)
}

type Families = BTreeMap<String, Maybe<Family>>;

#[derive(Deserialize)]
struct Family {
    #[serde(default, deserialize_with = "lenient")]
    peers: Option<BTreeMap<String, Peer>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Peer {
    #[serde(default, deserialize_with = "lenient")]
    state: Option<String>,
    #[serde(default, deserialize_with = "lenient", rename = "peerState")]
    shut: Option<String>,
    #[serde(default, deserialize_with = "lenient", rename = "peerUptime")]
    since: Option<String>,
    #[serde(default, deserialize_with = "lenient", rename = "peerUptimeMsec")]
    since_msec: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pfx_rcd: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pfx_snt: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    connections_established: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    connections_dropped: Option<u64>,
}

impl Peer {
    fn summary(&self) -> SessionSummary {
        let never = self.since.as_deref() == Some("never");
        SessionSummary {
            state: SessionState::read(self.state.as_deref().unwrap_or_default()),
            admin_down: self.shut.as_deref() == Some("Admin"),
            since: self.since_msec.filter(|_| !never).map(Duration::from_millis),
            established: self.connections_established.unwrap_or_default(),
            dropped: self.connections_dropped.unwrap_or_default(),
            prefixes: BTreeMap::new(),
        }
    }

    fn prefixes(&self) -> Prefixes {
        Prefixes { received: self.pfx_rcd.unwrap_or_default(), sent: self.pfx_snt.unwrap_or_default() }
    }
}

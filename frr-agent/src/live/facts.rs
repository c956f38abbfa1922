//! What is known of FRR now, as a value that can be served.

use super::sent::Sent;
use herald_frr::diff::Session;
use ipnet::IpNet;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// All that was seen of FRR.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// When FRR answered last, seconds since 1970; `None` before it did.
    pub seen: Option<u64>,
    /// Why FRR did not answer the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Sessions, also those that the configuration does not name.
    pub sessions: Vec<SessionFacts>,
    /// BFD sessions.
    pub bfd: Vec<BfdFacts>,
    /// What was sent on each session, prefix by prefix.
    #[serde(skip)]
    pub sent: Arc<Sent>,
}

impl Facts {
    /// Without ages and times: two of these differ where something happened.
    #[must_use]
    pub fn ageless(&self) -> Self {
        let mut facts = Self { seen: None, sent: Arc::default(), ..self.clone() };
        for session in &mut facts.sessions {
            session.since_seconds = None;
            let announced = session.families.values_mut().filter_map(|family| family.announced.as_mut());
            announced.for_each(|announced| announced.checked = None);
        }
        facts.bfd.iter_mut().for_each(|session| session.since_seconds = None);
        facts
    }
}

/// One session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionFacts {
    /// VRF and neighbor.
    #[serde(flatten)]
    pub session: Session,
    /// Whether the configuration has it; others were made by hand and are not looked into.
    pub configured: bool,
    /// FRR's word; `Absent` if FRR does not have it.
    pub state: &'static str,
    /// Seconds since it came up or went down, when FRR answered last.
    pub since_seconds: Option<u64>,
    /// How often it came up since FRR started.
    pub times_up: u64,
    /// How often it went down since FRR started.
    pub times_down: u64,
    /// Why it went down last, in FRR's words, if that was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reset: Option<String>,
    /// By `ipv4Unicast`, `ipv6Unicast`, `l2vpnEvpn`.
    pub families: BTreeMap<&'static str, FamilyFacts>,
}

/// One family of a session.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FamilyFacts {
    /// Prefixes received and kept.
    pub received: u64,
    /// Prefixes sent.
    pub sent: u64,
    /// What was sent against what is wanted; unicast sessions of the configuration only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announced: Option<Announced>,
}

/// What a session was sent against what is wanted.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Announced {
    /// Own prefixes that are to be sent.
    pub wanted: usize,
    /// How many of them were not, at the last look.
    pub missing: usize,
    /// Prefixes that were sent although nothing asks for it.
    pub unwanted: usize,
    /// The first of those that are missing.
    pub missing_prefixes: Vec<IpNet>,
    /// The first of those that are unwanted.
    pub unwanted_prefixes: Vec<IpNet>,
    /// When the whole adj-RIB-out was looked at last, seconds since 1970.
    pub checked: Option<u64>,
}

/// One BFD session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BfdFacts {
    /// The VRF; absent for the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vrf: Option<String>,
    /// The other end.
    pub peer: IpAddr,
    /// The interface that it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// `Up`, `Down`, `Init`, `Shutdown`.
    pub state: &'static str,
    /// Seconds in that state.
    pub since_seconds: Option<u64>,
    /// Why it went down last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<String>,
}

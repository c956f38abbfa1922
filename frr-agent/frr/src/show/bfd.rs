//! `show bfd peers json` and `show bfd peers counters json`: the sessions of every VRF.

use super::ShowError;
use super::lenient::{lenient, read};
use super::session::vrf;
use crate::value::InterfaceName;
use serde::Deserialize;
use std::net::IpAddr;
use std::time::Duration;

/// The command whose answer [`bfd`] reads. It names no VRF: `vrf all` finds none.
pub const BFD: &str = "show bfd peers json";

/// The command whose answer [`bfd_counters`] reads.
pub const BFD_COUNTERS: &str = "show bfd peers counters json";

/// A BFD session's state (RFC 5880 section 6.2), with FRR's words for the ends that say nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BfdState {
    /// Both hear each other.
    Up,
    /// This end hears nothing, or the other says so.
    #[default]
    Down,
    /// Coming up.
    Init,
    /// Shut down on this side.
    Shutdown,
}

/// What names a BFD session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BfdKey {
    /// The VRF; `None` is the default one.
    pub vrf: Option<InterfaceName>,
    /// The other end.
    pub peer: IpAddr,
    /// This end, where the session is bound to it.
    pub local: Option<IpAddr>,
    /// The interface, where the session is bound to it.
    pub interface: Option<InterfaceName>,
    /// Over more than one hop.
    pub multihop: bool,
}

/// One BFD session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BfdSession {
    /// What names it.
    pub key: BfdKey,
    /// Its state.
    pub state: BfdState,
    /// Since when it is up or down, by its state.
    pub since: Option<Duration>,
    /// Why it went down last, in FRR's words; `ok` is none.
    pub diagnostic: Option<String>,
    /// The same as the other end says.
    pub remote_diagnostic: Option<String>,
    /// Receive, transmit and echo-receive interval of this end and of the other, and the multipliers.
    pub timers: BfdTimers,
}

/// Timers of a BFD session; intervals in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BfdTimers {
    /// `receive-interval`.
    pub receive: Option<u32>,
    /// `transmit-interval`.
    pub transmit: Option<u32>,
    /// `detect-multiplier`.
    pub multiplier: Option<u32>,
    /// `remote-receive-interval`.
    pub remote_receive: Option<u32>,
    /// `remote-transmit-interval`.
    pub remote_transmit: Option<u32>,
    /// `remote-detect-multiplier`.
    pub remote_multiplier: Option<u32>,
}

/// Counters of one BFD session since it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BfdCounters {
    /// What names it.
    pub key: BfdKey,
    /// Control packets received.
    pub control_in: u64,
    /// Control packets sent.
    pub control_out: u64,
    /// Echo packets received.
    pub echo_in: u64,
    /// Echo packets sent.
    pub echo_out: u64,
    /// How often it came up.
    pub ups: u64,
    /// How often it went down.
    pub downs: u64,
    /// How often zebra was told.
    pub notifications: u64,
}

/// Reads the answer to [`BFD`]; one whose other end is no address is passed over.
pub fn bfd(answer: &str) -> Result<Vec<BfdSession>, ShowError> {
    let peers: Vec<Peer> = read(answer)?;
    Ok(peers.iter().filter_map(Peer::session).collect())
}

/// Reads the answer to [`BFD_COUNTERS`].
pub fn bfd_counters(answer: &str) -> Result<Vec<BfdCounters>, ShowError> {
    let peers: Vec<Counted> = read(answer)?;
    Ok(peers.iter().filter_map(Counted::counters).collect())
}

#[derive(Deserialize)]
struct Key {
    #[serde(default, deserialize_with = "lenient")]
    peer: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    local: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    vrf: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    interface: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    multihop: Option<bool>,
}

impl Key {
    fn key(&self) -> Option<BfdKey> {
        Some(BfdKey {
            vrf: vrf(self.vrf.as_deref().unwrap_or("default")).ok()?,
            peer: self.peer.as_deref()?.parse().ok()?,
            local: self.local.as_deref().and_then(|local| local.parse().ok()),
            interface: self.interface.as_deref().and_then(|name| name.parse().ok()),
            multihop: self.multihop == Some(true),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Peer {
    #[serde(flatten)]
    key: Key,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    uptime: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    downtime: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    diagnostic: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    remote_diagnostic: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    receive_interval: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    transmit_interval: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    detect_multiplier: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    remote_receive_interval: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    remote_transmit_interval: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    remote_detect_multiplier: Option<u32>,
}

impl Peer {
    fn session(&self) -> Option<BfdSession> {
        let state = match self.status.as_deref() {
            Some("up") => BfdState::Up,
            Some("init") => BfdState::Init,
            Some("shutdown") => BfdState::Shutdown,
            _ => BfdState::Down,
        };
        let why = |text: &Option<String>| text.clone().filter(|text| text != "ok");
        Some(BfdSession {
            key: self.key.key()?,
            state,
            since: self.uptime.or(self.downtime).map(Duration::from_secs),
            diagnostic: why(&self.diagnostic),
            remote_diagnostic: why(&self.remote_diagnostic),
            timers: BfdTimers {
                receive: self.receive_interval,
                transmit: self.transmit_interval,
                multiplier: self.detect_multiplier,
                remote_receive: self.remote_receive_interval,
                remote_transmit: self.remote_transmit_interval,
                remote_multiplier: self.remote_detect_multiplier,
            },
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Counted {
    #[serde(flatten)]
    key: Key,
    #[serde(default, deserialize_with = "lenient")]
    control_packet_input: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    control_packet_output: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    echo_packet_input: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    echo_packet_output: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    session_up: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    session_down: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    zebra_notifications: Option<u64>,
}

impl Counted {
    fn counters(&self) -> Option<BfdCounters> {
        Some(BfdCounters {
            key: self.key.key()?,
            control_in: self.control_packet_input.unwrap_or_default(),
            control_out: self.control_packet_output.unwrap_or_default(),
            echo_in: self.echo_packet_input.unwrap_or_default(),
            echo_out: self.echo_packet_output.unwrap_or_default(),
            ups: self.session_up.unwrap_or_default(),
            downs: self.session_down.unwrap_or_default(),
            notifications: self.zebra_notifications.unwrap_or_default(),
        })
    }
}

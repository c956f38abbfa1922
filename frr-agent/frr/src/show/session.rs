//! What several commands say of a session.

use crate::config::AddressFamily;
use crate::diff::Session;
use crate::statement::Vrf;
use crate::value::ValueError;
use std::fmt;

/// A session's state (RFC 4271 section 8.2.2; the last two are FRR's own).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionState {
    /// Not trying; in FRR also: shut down, or BFD is down.
    #[default]
    Idle,
    /// Waiting for TCP.
    Connect,
    /// Waiting to try again, or for the neighbor to connect.
    Active,
    /// OPEN sent.
    OpenSent,
    /// OPEN received.
    OpenConfirm,
    /// Up.
    Established,
    /// Going down.
    Clearing,
    /// Being removed.
    Deleted,
}

impl SessionState {
    /// FRR's word; it may carry a reason: `Idle (Admin)`. An unknown one counts as [`Self::Idle`].
    pub(super) fn read(text: &str) -> Self {
        const KNOWN: [SessionState; 7] = [
            SessionState::Connect,
            SessionState::Active,
            SessionState::OpenSent,
            SessionState::OpenConfirm,
            SessionState::Established,
            SessionState::Clearing,
            SessionState::Deleted,
        ];
        let word = text.split_whitespace().next().unwrap_or_default();
        KNOWN.into_iter().find(|state| state.name() == word).unwrap_or_default()
    }

    /// FRR's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Connect => "Connect",
            Self::Active => "Active",
            Self::OpenSent => "OpenSent",
            Self::OpenConfirm => "OpenConfirm",
            Self::Established => "Established",
            Self::Clearing => "Clearing",
            Self::Deleted => "Deleted",
        }
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The VRF that FRR calls `name`; the default one is `None`.
pub(super) fn vrf(name: &str) -> Result<Vrf, ValueError> {
    if name == "default" { Ok(None) } else { name.parse().map(Some) }
}

/// A session by the names that FRR uses; `None` if they are no names.
pub(super) fn session(vrf_name: &str, neighbor: &str) -> Option<Session> {
    Some(Session { vrf: vrf(vrf_name).ok()?, neighbor: neighbor.parse().ok()? })
}

/// The family that FRR's JSON calls `ipv4Unicast`.
pub(super) fn family(name: &str) -> Option<AddressFamily> {
    match name {
        "ipv4Unicast" => Some(AddressFamily::Ipv4Unicast),
        "ipv6Unicast" => Some(AddressFamily::Ipv6Unicast),
        "l2VpnEvpn" => Some(AddressFamily::L2vpnEvpn),
        _ => None,
    }
}

//! `show bgp vrf all neighbors json`, and of one VRF or one neighbor: all that FRR knows of a session.

use super::ShowError;
use super::lenient::{lenient, read};
use super::session::{SessionState, family, session};
use crate::config::AddressFamily;
use crate::diff::Session;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

/// The command whose answer [`neighbors`] reads with every session of every VRF.
pub const NEIGHBORS: &str = "show bgp vrf all neighbors json";

/// The command for one session; [`neighbors_of`] reads the answer.
#[must_use]
pub fn neighbor_command(session: &Session) -> String {
    let vrf = session.vrf.as_ref().map(|vrf| format!("vrf {vrf} ")).unwrap_or_default();
    format!("show bgp {vrf}neighbors {} json", session.neighbor)
}

/// All of one session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Neighbor {
    /// Its state.
    pub state: SessionState,
    /// Shut down by configuration on this side.
    pub admin_down: bool,
    /// How long it has been up, where it is.
    pub uptime: Option<Duration>,
    /// The AS number of the other side; 0 where it is not known yet.
    pub remote_as: u32,
    /// The AS number that this side shows.
    pub local_as: u32,
    /// The other side's router id, where it is known.
    pub remote_router_id: Option<Ipv4Addr>,
    /// The other side's TCP port; 0 without a connection.
    pub remote_port: u16,
    /// Why the session ended last.
    pub last_reset: Option<LastReset>,
    /// Names of capabilities that both sides have.
    pub capabilities: BTreeSet<String>,
    /// Messages since FRR started.
    pub messages: Messages,
    /// Prefixes by family.
    pub prefixes: BTreeMap<AddressFamily, NeighborPrefixes>,
    /// What BFD says: `Up`, `Down`, ...; `None` where BFD is not asked for.
    pub bfd: Option<String>,
    /// Graceful restart.
    pub graceful_restart: GracefulRestart,
    /// How often it came up.
    pub established: u64,
    /// How often it went down.
    pub dropped: u64,
}

/// Why a session ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastReset {
    /// How long ago.
    pub ago: Option<Duration>,
    /// FRR's words.
    pub due_to: String,
    /// What the last NOTIFICATION said (RFC 4486), if one was sent or received.
    pub notification: Option<String>,
    /// The message that the other side gave with its shutdown (RFC 9003).
    pub message: Option<String>,
}

/// Messages of a session since FRR started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "RFC 4271 section 4 and RFC 2918 name the messages")]
pub struct Messages {
    pub opens_sent: u64,
    pub opens_recv: u64,
    pub notifications_sent: u64,
    pub notifications_recv: u64,
    pub updates_sent: u64,
    pub updates_recv: u64,
    pub keepalives_sent: u64,
    pub keepalives_recv: u64,
    pub route_refresh_sent: u64,
    pub route_refresh_recv: u64,
    pub total_sent: u64,
    pub total_recv: u64,
}

/// Prefixes of one family of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NeighborPrefixes {
    /// Received and kept.
    pub accepted: u64,
    /// Sent.
    pub sent: u64,
}

/// Graceful restart of a session (RFC 4724).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GracefulRestart {
    /// FRR's word for this side: `Restart`, `Helper`, `Disable`; `*` marks the default.
    pub local: Option<String>,
    /// The same for the other side; `NotApplicable` without a session.
    pub remote: Option<String>,
    /// Families of which End-of-RIB was sent.
    pub end_of_rib_sent: BTreeSet<AddressFamily>,
    /// Families of which End-of-RIB was received.
    pub end_of_rib_received: BTreeSet<AddressFamily>,
}

/// Reads the answer to [`NEIGHBORS`].
pub fn neighbors(answer: &str) -> Result<BTreeMap<Session, Neighbor>, ShowError> {
    let vrfs: BTreeMap<String, Map<String, Value>> = read(answer)?;
    let mut all = BTreeMap::new();
    for (vrf, peers) in vrfs {
        all.extend(sessions(&vrf, peers));
    }
    Ok(all)
}

/// Reads the answer of one VRF (`default` is its name too), also to [`neighbor_command`].
pub fn neighbors_of(vrf: &str, answer: &str) -> Result<BTreeMap<Session, Neighbor>, ShowError> {
    Ok(sessions(vrf, read(answer)?).collect())
}

/// Beside the sessions stand `vrfId` and `vrfName`, which are no objects.
fn sessions(vrf: &str, peers: Map<String, Value>) -> impl Iterator<Item = (Session, Neighbor)> {
    peers.into_iter().filter_map(move |(name, value)| {
        let session = session(vrf, &name)?;
        let peer = Peer::deserialize(value).ok()?;
        Some((session, peer.neighbor()))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Peer {
    #[serde(default, deserialize_with = "lenient")]
    bgp_state: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    admin_shut_down: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    bgp_timer_up_msec: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    remote_as: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    local_as: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    remote_router_id: Option<Ipv4Addr>,
    #[serde(default, deserialize_with = "lenient")]
    port_foreign: Option<u16>,
    #[serde(default, deserialize_with = "lenient")]
    last_reset_timer_msecs: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    last_reset_due_to: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    last_notification_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    last_shutdown_description: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    neighbor_capabilities: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "lenient")]
    message_stats: Option<Messages>,
    #[serde(default, deserialize_with = "lenient")]
    address_family_info: Option<BTreeMap<String, Counters>>,
    #[serde(default, deserialize_with = "lenient", rename = "peerBfdInfo")]
    bfd: Option<Bfd>,
    #[serde(default, deserialize_with = "lenient")]
    graceful_restart_info: Option<Graceful>,
    #[serde(default, deserialize_with = "lenient")]
    connections_established: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    connections_dropped: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counters {
    #[serde(default, deserialize_with = "lenient")]
    accepted_prefix_counter: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    sent_prefix_counter: Option<u64>,
}

#[derive(Deserialize)]
struct Bfd {
    #[serde(default, deserialize_with = "lenient")]
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Graceful {
    #[serde(default, deserialize_with = "lenient")]
    local_gr_mode: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    remote_gr_mode: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    end_of_rib_send: Option<BTreeMap<String, bool>>,
    #[serde(default, deserialize_with = "lenient")]
    end_of_rib_recv: Option<BTreeMap<String, bool>>,
}

impl Peer {
    fn neighbor(self) -> Neighbor {
        let families = self.address_family_info.unwrap_or_default();
        let counters = families.iter().filter_map(|(name, counters)| {
            let accepted = counters.accepted_prefix_counter.unwrap_or_default();
            let sent = counters.sent_prefix_counter.unwrap_or_default();
            Some((family(name)?, NeighborPrefixes { accepted, sent }))
        });
        let due_to = self.last_reset_due_to.filter(|_| self.last_reset_timer_msecs != Some(0));
        Neighbor {
            state: SessionState::read(self.bgp_state.as_deref().unwrap_or_default()),
            admin_down: self.admin_shut_down == Some(true),
            uptime: self.bgp_timer_up_msec.map(Duration::from_millis),
            remote_as: self.remote_as.unwrap_or_default(),
            local_as: self.local_as.unwrap_or_default(),
            remote_router_id: self.remote_router_id.filter(|id| !id.is_unspecified()),
            remote_port: self.port_foreign.unwrap_or_default(),
            last_reset: due_to.map(|due_to| LastReset {
                ago: self.last_reset_timer_msecs.map(Duration::from_millis),
                due_to,
                notification: self.last_notification_reason,
                message: self.last_shutdown_description,
            }),
            capabilities: both_have(self.neighbor_capabilities.unwrap_or_default()),
            messages: self.message_stats.unwrap_or_default(),
            prefixes: counters.collect(),
            bfd: self.bfd.and_then(|bfd| bfd.status),
            graceful_restart: self.graceful_restart_info.map(Graceful::read).unwrap_or_default(),
            established: self.connections_established.unwrap_or_default(),
            dropped: self.connections_dropped.unwrap_or_default(),
        }
    }
}

impl Graceful {
    fn read(self) -> GracefulRestart {
        let families = |ends: Option<BTreeMap<String, bool>>| {
            let ends = ends.unwrap_or_default().into_iter().filter(|(_, done)| *done);
            ends.filter_map(|(name, _)| family(&name)).collect()
        };
        GracefulRestart {
            local: self.local_gr_mode,
            remote: self.remote_gr_mode,
            end_of_rib_sent: families(self.end_of_rib_send),
            end_of_rib_received: families(self.end_of_rib_recv),
        }
    }
}

/// Capabilities that FRR says were advertised and received, also those of a family:
/// `multiprotocolExtensions ipv4Unicast`.
fn both_have(capabilities: Map<String, Value>) -> BTreeSet<String> {
    const BOTH: &str = "advertisedAndReceived";
    let mut found = BTreeSet::new();
    for (name, value) in capabilities {
        match value {
            Value::String(text) if text.starts_with(BOTH) => drop(found.insert(name)),
            Value::Object(families) => {
                let both = |value: &Value| {
                    let flag = |name| value.get(name).and_then(Value::as_bool) == Some(true);
                    flag(BOTH) || flag("rxAdvertisedAndReceived") || flag("txAdvertisedAndReceived")
                };
                let families = families.iter().filter(|(_, value)| both(value));
                found.extend(families.map(|(family, _)| format!("{name} {family}")));
            }
            _ => {}
        }
    }
    found
}

impl LastReset {
    /// All that FRR says of it, on one line.
    #[must_use]
    pub fn text(&self) -> String {
        let notified = self.due_to.contains("Notification");
        let mut text = self.due_to.clone();
        if let Some(notification) = self.notification.as_ref().filter(|_| notified) {
            text += ": ";
            text += notification;
        }
        if let Some(message) = self.message.as_ref().filter(|_| notified) {
            text.extend([" (", &format!("{message:?}"), ")"]);
        }
        text
    }
}

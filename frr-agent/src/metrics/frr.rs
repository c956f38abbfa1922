//! FRR's own counters as pages: MetalLB's names on one port, frr-k8s' on another.

use super::text::{Kind, Page};
use herald_frr::config::FrrConfig;
use herald_frr::diff::Session;
use herald_frr::show::{BfdCounters, BfdKey, BfdSession, BfdState, Neighbor, SessionState};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What FRR answered last. What it did not answer is `None`, and gives no samples.
#[derive(Debug, Default)]
pub struct Answers {
    /// Every session of every VRF.
    pub sessions: Option<BTreeMap<Session, Neighbor>>,
    /// BFD sessions.
    pub bfd: Option<Vec<BfdSession>>,
    /// Their counters.
    pub bfd_counters: Option<Vec<BfdCounters>>,
}

/// Whose names a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// `metallb_*` of MetalLB's container frr-metrics; a peer is `ADDRESS:PORT`.
    Metallb,
    /// `frrk8s_*` of that of frr-k8s; a peer is its address or interface.
    Frrk8s,
}

/// The port of BGP (RFC 4271).
const BGP: u16 = 179;

type Family<T> = (&'static str, Kind, &'static str, fn(&T) -> u64);

/// `received_prefixes_total` is of frr-k8s alone.
const RECEIVED: &str = "received_prefixes_total";

/// In the order of their names, as Go's client writes them.
const BGP_FAMILIES: [Family<Neighbor>; 13] = [
    (
        "announced_prefixes_total",
        Kind::Gauge,
        "Number of prefixes currently being advertised on the BGP session",
        |n| n.prefixes.values().map(|prefixes| prefixes.sent).sum(),
    ),
    ("keepalives_received", Kind::Counter, "Number of BGP keepalive messages received", |n| {
        n.messages.keepalives_recv
    }),
    ("keepalives_sent", Kind::Counter, "Number of BGP keepalive messages sent", |n| {
        n.messages.keepalives_sent
    }),
    ("notifications_sent", Kind::Counter, "Number of BGP notification messages sent", |n| {
        n.messages.notifications_sent
    }),
    ("opens_received", Kind::Counter, "Number of BGP open messages received", |n| n.messages.opens_recv),
    ("opens_sent", Kind::Counter, "Number of BGP open messages sent", |n| n.messages.opens_sent),
    (RECEIVED, Kind::Gauge, "Number of prefixes currently being received on the BGP session", |n| {
        n.prefixes.values().map(|prefixes| prefixes.accepted).sum()
    }),
    ("route_refresh_sent", Kind::Counter, "Number of BGP route refresh messages sent", |n| {
        n.messages.route_refresh_sent
    }),
    ("session_up", Kind::Gauge, "BGP session state (1 is up, 0 is down)", |n| {
        u64::from(n.state == SessionState::Established)
    }),
    ("total_received", Kind::Counter, "Number of total BGP messages received", |n| n.messages.total_recv),
    ("total_sent", Kind::Counter, "Number of total BGP messages sent", |n| n.messages.total_sent),
    ("updates_total", Kind::Counter, "Number of BGP UPDATE messages sent", |n| n.messages.updates_sent),
    ("updates_total_received", Kind::Counter, "Number of BGP UPDATE messages received", |n| {
        n.messages.updates_recv
    }),
];

const BFD_COUNTERS: [Family<Counters>; 7] = [
    ("control_packet_input", Kind::Counter, "Number of received BFD control packets", |c| c[0]),
    ("control_packet_output", Kind::Counter, "Number of sent BFD control packets", |c| c[1]),
    ("echo_packet_input", Kind::Counter, "Number of received BFD echo packets", |c| c[2]),
    ("echo_packet_output", Kind::Counter, "Number of sent BFD echo packets", |c| c[3]),
    ("session_down_events", Kind::Counter, "Number of BFD session down events", |c| c[4]),
    ("session_up_events", Kind::Counter, "Number of BFD session up events", |c| c[5]),
    ("zebra_notifications", Kind::Counter, "Number of BFD zebra notifications", |c| c[6]),
];

const BFD_UP: (&str, &str) = ("session_up", "BFD session state (1 is up, 0 is down)");

type Counters = [u64; 7];
/// VRF and address: all that the labels can tell apart.
type Peer = (String, IpAddr);

/// The page. `config` is what FRR was given: it knows the ports of peers.
#[must_use]
pub fn page(answers: &Answers, config: &FrrConfig, naming: Naming) -> String {
    let prefix = match naming {
        Naming::Metallb => "metallb",
        Naming::Frrk8s => "frrk8s",
    };
    let mut page = Page::default();
    bfd(&mut page, prefix, answers);
    bgp(&mut page, prefix, answers, config, naming);
    page.text()
}

fn bgp(page: &mut Page, prefix: &str, answers: &Answers, config: &FrrConfig, naming: Naming) {
    let Some(sessions) = answers.sessions.as_ref().filter(|sessions| !sessions.is_empty()) else { return };
    for (name, kind, help, value) in BGP_FAMILIES {
        if name == RECEIVED && naming == Naming::Metallb {
            continue;
        }
        let name = format!("{prefix}_bgp_{name}");
        page.family(&name, kind, help);
        for (session, neighbor) in sessions {
            let vrf = session.vrf.as_ref().map_or("default", |vrf| vrf.as_str());
            let peer = match naming {
                Naming::Metallb => format!("{}:{}", session.neighbor, port(session, config)),
                Naming::Frrk8s => session.neighbor.to_string(),
            };
            page.sample(&name, &[("peer", &peer), ("vrf", &vrf)], value(neighbor));
        }
    }
}

/// The port that the session is configured with. MetalLB shows the other side's port of the connection, which is 0 without one
/// and any where the peer connected: its series breaks with each flap.
fn port(session: &Session, config: &FrrConfig) -> u16 {
    let router = config.routers.get(&session.vrf);
    let neighbor = router.and_then(|router| router.neighbors.get(&session.neighbor));
    neighbor.and_then(|neighbor| neighbor.port).unwrap_or(BGP)
}

/// Labels cannot tell two BFD sessions with one address apart (over one hop and over several, or on two interfaces): such a peer
/// is up if all of them are, and its counters are their sums.
fn bfd(page: &mut Page, prefix: &str, answers: &Answers) {
    let mut counters: BTreeMap<Peer, Counters> = BTreeMap::new();
    for of in answers.bfd_counters.iter().flatten() {
        let all = counters.entry(peer(&of.key)).or_default();
        let new =
            [of.control_in, of.control_out, of.echo_in, of.echo_out, of.downs, of.ups, of.notifications];
        all.iter_mut().zip(new).for_each(|(sum, new)| *sum = sum.saturating_add(new));
    }
    let mut up: BTreeMap<Peer, bool> = BTreeMap::new();
    for session in answers.bfd.iter().flatten() {
        *up.entry(peer(&session.key)).or_insert(true) &= session.state == BfdState::Up;
    }
    let before_up = BFD_COUNTERS.iter().take_while(|(name, ..)| *name < BFD_UP.0).count();
    let (before, after) = BFD_COUNTERS.split_at(before_up);
    families(page, prefix, before, &counters);
    if !up.is_empty() {
        let name = format!("{prefix}_bfd_{}", BFD_UP.0);
        page.family(&name, Kind::Gauge, BFD_UP.1);
        for ((vrf, address), up) in &up {
            page.sample(&name, &[("peer", address), ("vrf", vrf)], u64::from(*up));
        }
    }
    families(page, prefix, after, &counters);
}

fn families(page: &mut Page, prefix: &str, families: &[Family<Counters>], of: &BTreeMap<Peer, Counters>) {
    for (name, kind, help, value) in families.iter().filter(|_| !of.is_empty()) {
        let name = format!("{prefix}_bfd_{name}");
        page.family(&name, *kind, help);
        for ((vrf, address), counters) in of {
            page.sample(&name, &[("peer", address), ("vrf", vrf)], value(counters));
        }
    }
}

fn peer(key: &BfdKey) -> Peer {
    (key.vrf.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string), key.peer)
}

//! Sessions, BFD, what a neighbor was sent, the version.

use super::super::*;
use super::{RELEASES, fixture};
use crate::config::AddressFamily::{Ipv4Unicast, Ipv6Unicast};
use crate::diff::Session;
use crate::value::Family;
use std::time::Duration;

fn of(vrf: Option<&str>, neighbor: &str) -> Session {
    Session { vrf: vrf.map(|vrf| vrf.parse().unwrap()), neighbor: neighbor.parse().unwrap() }
}

#[test]
fn the_summary_has_every_session_of_every_vrf() {
    for release in RELEASES {
        let sessions = summary(&fixture(release, "summary-all.json")).unwrap();
        assert_eq!(sessions.len(), 8, "{release}: {:?}", sessions.keys());
        let tor = &sessions[&of(None, "172.30.0.2")];
        assert_eq!(tor.state, SessionState::Established, "{release}");
        assert!(tor.since.is_some_and(|since| since < Duration::from_hours(1)), "{release}: {tor:?}");
        assert_eq!(tor.prefixes[&Ipv4Unicast].sent, 1, "{release}");
        assert_eq!(tor.prefixes[&Ipv4Unicast].received, 2, "{release}");
        assert!(tor.prefixes.contains_key(&Ipv6Unicast), "{release}");
        assert_eq!(sessions[&of(None, "eth1")].state, SessionState::Established, "{release}");
        assert_eq!(sessions[&of(None, "fd30::2")].state, SessionState::Established, "{release}");
        assert_eq!(sessions[&of(Some("red"), "172.31.0.2")].state, SessionState::Established, "{release}");
        let shut = &sessions[&of(None, "172.30.0.4")];
        assert!(shut.admin_down && shut.state == SessionState::Idle && shut.since.is_none(), "{release}");
        let absent = &sessions[&of(None, "172.30.0.3")];
        assert!(!absent.admin_down && absent.state != SessionState::Established, "{release}");
    }
}

#[test]
fn the_summary_tells_a_session_that_went_down() {
    for release in RELEASES {
        let before = summary(&fixture(release, "summary-all.json")).unwrap();
        let after = summary(&fixture(release, "summary-all-shut.json")).unwrap();
        let tor = of(None, "172.30.0.2");
        assert_ne!(after[&tor].state, SessionState::Established, "{release}");
        assert_eq!(after[&tor].dropped, before[&tor].dropped + 1, "{release}");
        assert_eq!(after[&of(None, "eth1")].dropped, 0, "{release}");
    }
    assert_eq!(summary("% BGP instance not found").unwrap().len(), 0);
    assert_eq!(summary("{}").unwrap().len(), 0);
}

#[test]
fn a_neighbor_has_its_last_end_with_the_other_sides_words() {
    for release in RELEASES {
        let all = neighbors(&fixture(release, "neighbors-all-shut.json")).unwrap();
        let reset = all[&of(None, "172.30.0.2")].last_reset.clone().unwrap();
        assert_eq!(
            reset.text(),
            "BGP Notification received: Cease/Administrative Shutdown (\"maintenance at noon\")",
            "{release}"
        );
        assert!(reset.ago.unwrap() < Duration::from_mins(1), "{release}: {reset:?}");
        assert!(all[&of(None, "172.30.0.4")].admin_down, "{release}");
    }
}

#[test]
fn a_neighbor_that_is_up_has_capabilities_counters_bfd_and_graceful_restart() {
    for release in RELEASES {
        let all = neighbors(&fixture(release, "neighbors-all.json")).unwrap();
        assert_eq!(all.len(), 8, "{release}");
        let tor = &all[&of(None, "172.30.0.2")];
        assert_eq!((tor.state, tor.remote_as, tor.local_as), (SessionState::Established, 65001, 65000));
        assert!(tor.uptime.is_some() && tor.messages.opens_sent > 0, "{release}: {tor:?}");
        assert_eq!(tor.prefixes[&Ipv4Unicast], NeighborPrefixes { accepted: 2, sent: 1 }, "{release}");
        assert_eq!(tor.bfd.as_deref(), Some("Up"), "{release}");
        assert_eq!(tor.graceful_restart.local.as_deref(), Some("Restart"), "{release}");
        assert!(tor.graceful_restart.end_of_rib_sent.contains(&Ipv4Unicast), "{release}");
        for capability in ["4byteAs", "gracefulRestart", "multiprotocolExtensions ipv6Unicast"] {
            assert!(tor.capabilities.contains(capability), "{release}: {:?}", tor.capabilities);
        }
        assert!(all[&of(None, "172.30.0.6")].uptime.is_none(), "{release}");
        let one = neighbors_of("default", &fixture(release, "neighbors.json")).unwrap();
        assert_eq!(one.len(), 7, "{release}: the default VRF's");
    }
}

#[test]
fn bfd_sessions_are_up_or_down() {
    for release in RELEASES {
        let sessions = bfd(&fixture(release, "bfd.json")).unwrap();
        let state = |peer: &str| sessions.iter().find(|one| one.key.peer.to_string() == peer).unwrap().state;
        assert_eq!(state("172.30.0.2"), BfdState::Up, "{release}");
        assert_eq!(state("172.30.0.3"), BfdState::Down, "{release}");
        let counters = bfd_counters(&fixture(release, "bfd-counters.json")).unwrap();
        let heard = counters.iter().find(|one| one.key.peer.to_string() == "172.30.0.2").unwrap();
        assert!(heard.control_in > 0 && heard.ups > 0, "{release}: {counters:?}");
        assert_eq!(counters.len(), sessions.len(), "{release}");
    }
    assert_eq!(bfd("[]").unwrap(), []);
}

#[test]
fn what_a_neighbor_was_sent_is_a_set_of_prefixes() {
    for release in RELEASES {
        let sent = |name: &str| {
            let prefixes = advertised(&fixture(release, name)).unwrap();
            prefixes.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(sent("advertised.json"), ["192.0.2.1/32"], "{release}");
        assert_eq!(sent("advertised-v6.json"), ["2001:db8::1/128"], "{release}");
        assert_eq!(
            sent("advertised-unnumbered.json"),
            ["192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32", "198.51.100.0/24"],
            "{release}"
        );
        assert_eq!(sent("advertised-red.json"), ["192.0.2.50/32", "203.0.113.0/24"], "{release}");
        assert!(sent("advertised-down.json").is_empty(), "{release}");
        for name in ["advertised-unknown.txt", "advertised-family.txt"] {
            let why = advertised(&fixture(release, name)).unwrap_err();
            assert_eq!(why.reason(), "AnswerWarned", "{release} {name}: {why}");
        }
    }
}

#[test]
fn commands_name_the_session() {
    let red = of(Some("red"), "172.31.0.2");
    assert_eq!(
        advertised_command(&red, Family::V4),
        "show bgp vrf red ipv4 unicast neighbors 172.31.0.2 advertised-routes json"
    );
    assert_eq!(neighbor_command(&of(None, "eth1")), "show bgp neighbors eth1 json");
}

#[test]
fn the_version_is_read() {
    let read = |release| version(&fixture(release, "version.txt")).unwrap();
    assert_eq!((read("10.3").major, read("10.3").minor, read("8.4").minor), (10, 3, 4));
    assert_eq!((read("10.7").patch, read("8.4").text.as_str()), (1, "8.4.4"));
    assert!(read("8.4") < read("10.3") && read("10.3") < read("10.7"));
    assert_eq!(version("FRRouting 10.5-dev (r1)").unwrap().minor, 5);
    assert_eq!(version("something else"), None);
}

use super::super::{OwnPath, Route, route, route_command};
use super::answers::answers;
use super::{RELEASES, fixture};
use crate::value::Tag;

const GOLD: u32 = 3_000_000_001;

fn read(release: &str, name: &str) -> Option<Route> {
    route(&fixture(release, name)).unwrap_or_else(|why| panic!("{release} {name}: {why}"))
}

fn sent(route: &Route) -> Vec<String> {
    route.advertised_to.iter().map(ToString::to_string).collect()
}

fn own(tag: u32) -> OwnPath {
    OwnPath { tag: Tag::new(tag), best: true }
}

#[test]
fn an_own_prefix_has_its_tag_and_the_sessions_that_it_was_sent_to() {
    for release in RELEASES {
        let route = read(release, "route-own.json").unwrap();
        assert_eq!((route.own, sent(&route)), (Some(own(GOLD)), vec!["172.30.0.2".into(), "eth1".into()]));
        assert_eq!(route.prefix, Some("192.0.2.1/32".parse().unwrap()));
        assert_eq!(route.others, 2, "{release}: the neighbors announce it too");
        let route = read(release, "route-v6.json").unwrap();
        assert_eq!((route.own, route.advertised_to.len()), (Some(own(GOLD)), 3), "{release}");
    }
}

#[test]
fn a_prefix_that_the_out_map_keeps_back_is_not_sent() {
    for release in RELEASES {
        let route = read(release, "route-unsent.json").unwrap();
        assert_eq!((route.own, sent(&route)), (Some(own(GOLD + 1)), vec!["eth1".into()]), "{release}");
        let route = read(release, "route-untagged.json").unwrap();
        assert_eq!(route.own, Some(OwnPath { tag: None, best: true }), "{release}");
    }
}

#[test]
fn a_prefix_in_a_vrf_is_read_alike() {
    for release in RELEASES {
        let route = read(release, "route-red.json").unwrap();
        assert_eq!((route.own, sent(&route)), (Some(own(GOLD)), vec!["172.31.0.2".into()]), "{release}");
    }
}

#[test]
fn what_is_not_in_the_table_is_none() {
    let names = ["route-absent.json", "route-classless.json", "route-red-absent.json", "route-no-vrf.txt"];
    for (release, name) in RELEASES.into_iter().flat_map(|release| names.map(|name| (release, name))) {
        assert_eq!(read(release, name), None, "{release} {name}");
    }
    assert_eq!(route("% Network not in table\n"), Ok(None));
}

#[test]
fn a_learnt_or_imported_path_is_not_an_own_one() {
    let names = ["route-learnt.json", "route-imported.json", "route-imported-learnt.json"];
    for (release, name) in RELEASES.into_iter().flat_map(|release| names.map(|name| (release, name))) {
        let route = read(release, name).unwrap();
        assert!(route.own.is_none() && route.others > 0, "{release} {name}: {route:?}");
    }
}

#[test]
fn a_path_that_is_about_to_go_is_gone_but_its_withdrawals_are_not_done() {
    for release in RELEASES {
        let route = read(release, "route-going.json").unwrap();
        assert_eq!((route.own, sent(&route)), (None, vec!["eth1".into()]), "{release}");
    }
}

#[test]
fn a_session_that_ended_is_sent_nothing() {
    for release in RELEASES {
        assert_eq!(sent(&read(release, "route-own-shut.json").unwrap()), ["eth1"], "{release}");
    }
}

#[test]
fn several_prefixes_in_a_row_are_read() {
    for release in RELEASES {
        let output = fixture(release, "routes-several.txt");
        let routes: Vec<_> = answers(&output).into_iter().map(|answer| route(answer).unwrap()).collect();
        let prefixes: Vec<_> = routes
            .iter()
            .map(|route| route.as_ref().map(|route| route.prefix.unwrap().to_string()))
            .collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            prefixes,
            [some("192.0.2.1/32"), None, some("192.0.2.50/32"), some("2001:db8::1/128")],
            "{release}"
        );
        let output = fixture(release, "routes-several-novrf.txt");
        let found: Vec<_> = answers(&output).into_iter().map(route).collect();
        assert!(matches!(found[..], [Ok(Some(_)), Ok(None), Ok(Some(_))]), "{release}: {found:?}");
    }
}

#[test]
fn the_command_names_vrf_and_family() {
    let red = "red".parse().unwrap();
    let command = route_command(Some(&red), "192.0.2.50/32".parse().unwrap());
    assert_eq!(command, "show bgp vrf red ipv4 unicast 192.0.2.50/32 json");
    let command = route_command(None, "2001:db8::1/128".parse().unwrap());
    assert_eq!(command, "show bgp ipv6 unicast 2001:db8::1/128 json");
}

#[test]
fn other_text_is_an_error_with_its_first_words() {
    let why = route("vtysh: error reading from bgpd: No such file or directory").unwrap_err();
    assert_eq!(why.reason(), "AnswerUnreadable");
    assert!(why.to_string().contains("error reading from bgpd"), "{why}");
}

//! Several objects on one node.

use super::{Options, advertisement, announced, build, configured, document, model_of, node, peers, planned};
use super::{said, text, with_neighbor};
use crate::model::InForce;
use crate::problem::Severity;
use std::collections::BTreeMap;

/// Fields of one neighbor in two objects, and the field on which the second loses.
#[test]
fn the_second_object_loses_a_conflict_on_the_node() {
    let table = [
        ("port: 180", "port: 181", "port", "ConflictingNeighbor"),
        ("", "sourceaddress: 192.0.2.9", "sourceaddress", "ConflictingNeighbor"),
        ("password: a", "password: b", "password", "ConflictingNeighbor"),
        ("", "ebgpMultiHop: true", "ebgpMultiHop", "ConflictingNeighbor"),
        ("", "dualStackAddressFamily: true", "dualStackAddressFamily", "ConflictingNeighbor"),
        ("", "holdTime: 90s, keepaliveTime: 30s", "holdTime", "ConflictingNeighbor"),
        ("", "holdTime: 180s, keepaliveTime: 30s", "keepaliveTime", "ConflictingNeighbor"),
        ("connectTime: 5s", "connectTime: 6s", "connectTime", "ConflictingNeighbor"),
        ("localASN: 65009", "", "localASN", "ConflictingNeighbor"),
        (
            "toAdvertise: {nextHop: {ipv4: 192.0.2.8}}",
            "toAdvertise: {nextHop: {ipv4: 192.0.2.9}}",
            "toAdvertise.nextHop.ipv4",
            "ConflictingAdvertisement",
        ),
        (
            "toAdvertise: {allowed: {mode: all}, withLocalPref: [{localPref: 1, prefixes: [10.0.0.0/24]}]}",
            "toAdvertise: {allowed: {mode: all}, withLocalPref: [{localPref: 2, prefixes: [10.0.0.0/24]}]}",
            "toAdvertise.withLocalPref",
            "ConflictingAdvertisement",
        ),
    ];
    for (first, second, field, reason) in table {
        let (a, b) = (with_neighbor(first), with_neighbor(second));
        let (config, problems) = configured(&[("a", &a), ("b", &b)]);
        let wanted = format!("b spec.bgp.routers[0].neighbors[0].{field}: {reason}\n");
        assert_eq!(said(&problems), wanted, "{first} and {second}");
        assert!(problems[0].message.contains("FRRConfiguration ns/a"), "{}", problems[0].message);
        assert_eq!(problems[0].nodes, ["node-a".into()]);
        assert_eq!(config, configured(&[("a", &a)]).0);
    }
}

#[test]
fn a_password_is_never_in_a_message() {
    let (a, b) = (with_neighbor("password: hush-1"), with_neighbor("password: hush-2"));
    let (_, problems) = configured(&[("a", &a), ("b", &b)]);
    assert!(!problems[0].message.contains("hush"), "{}", problems[0].message);
}

/// Unset and default are equal, and one object may say what another leaves open.
#[test]
fn objects_that_agree_are_merged() {
    let table = [
        ("", "port: 179", " neighbor 192.0.2.1 remote-as 65002\n"),
        ("", "holdTime: 180s, keepaliveTime: 60s", " neighbor 192.0.2.1 remote-as 65002\n"),
        ("", "connectTime: 60s", " neighbor 192.0.2.1 timers connect 60\n"),
        ("", "enableGracefulRestart: true", " neighbor 192.0.2.1 graceful-restart\n"),
        ("", "toReceive: {allowed: {mode: all}}", "route-map 192.0.2.1-in permit 1\nexit\n"),
        ("addressFamilies: [evpn]", "", "  neighbor 192.0.2.1 activate\n"),
    ];
    for (first, second, line) in table {
        let (a, b) = (with_neighbor(first), with_neighbor(second));
        let (forth, problems) = configured(&[("a", &a), ("b", &b)]);
        let (back, more) = configured(&[("a", &b), ("b", &a)]);
        assert_eq!(said(&problems) + &said(&more), "", "{first} and {second}");
        assert!(text(&forth).contains(line), "{}", text(&forth));
        assert_eq!(text(&forth), text(&back), "{first} and {second}");
    }
}

#[test]
fn mode_all_sends_what_its_own_object_lists() {
    let all = "neighbors: [{address: 192.0.2.1, asn: 65002, toAdvertise: {allowed: {mode: all}}}]";
    let a = format!("{{bgp: {{routers: [{{asn: 65001, prefixes: [10.0.0.0/24], {all}}}]}}}}");
    let b = "{bgp: {routers: [{asn: 65001, prefixes: [10.0.1.0/24]}]}}";
    let text = text(&configured(&[("a", &a), ("b", b)]).0);
    assert!(text.contains("  network 10.0.0.0/24 route-map frr-a\n"), "{text}");
    assert!(text.contains("  network 10.0.1.0/24\n"), "{text}");
}

#[test]
fn one_neighbor_in_two_spellings_is_one() {
    let spec = |address| {
        format!("{{bgp: {{routers: [{{asn: 1, neighbors: [{{address: '{address}', asn: 2}}]}}]}}}}")
    };
    let (config, problems) = configured(&[("a", &spec("2001:db8::1")), ("b", &spec("2001:0db8:0::1"))]);
    assert_eq!(said(&problems), "");
    assert_eq!(config.routers[&None].neighbors.len(), 1);
}

#[test]
fn an_edit_that_loses_keeps_its_last_form() {
    let yaml = |a: &str| document("a", a) + &document("b", &with_neighbor("port: 180"));
    let (before, after) =
        (with_neighbor("port: 180, enableGracefulRestart: true"), with_neighbor("port: 181"));
    let (_, problems, in_force) = model_of(&yaml(&before), &InForce::default());
    assert_eq!(said(&problems), "");
    // Without the last form, `a` would win by its name.
    let (model, _, _) = model_of(&yaml(&after), &in_force);
    let (config, problems) = build(&model, &node(), &[], &BTreeMap::new(), &Options::default());
    assert_eq!(said(&problems), "a spec.bgp.routers[0].neighbors[0].port: ConflictingNeighbor\n");
    let text = text(&config);
    assert!(text.contains("port 180\n") && text.contains("graceful-restart\n"), "{text}");
}

#[test]
fn evpn_that_nobody_speaks_is_left_out() {
    let lonely = "{bgp: {routers: [{asn: 65001, evpn: {advertiseVNIs: All}}]}}";
    let speaker = with_neighbor("addressFamilies: [unicast, evpn]");
    let (config, problems) = configured(&[("a", lonely), ("b", &with_neighbor(""))]);
    assert_eq!(said(&problems), "a spec.bgp.routers[0].evpn: EVPNWithoutNeighbor\n");
    assert!(!text(&config).contains("evpn"));
    let (config, problems) = configured(&[("a", lonely), ("b", &speaker)]);
    assert_eq!(said(&problems), "");
    assert!(text(&config).contains("  advertise-all-vni\n"));
}

#[test]
fn one_vni_has_one_use() {
    let spec = |vrf: &str| {
        format!(
            "{{bgp: {{routers: [{{asn: 1, vrf: {vrf}, evpn: {{l3vni: {{vni: 7, advertisePrefixes: [unicast]}}}}}}]}}}}"
        )
    };
    let (_, problems) = configured(&[("a", &spec("red")), ("b", &spec("blue"))]);
    assert_eq!(said(&problems), "b spec.bgp.routers[0].evpn: ConflictingEVPN\n");
}

#[test]
fn a_bgp_peer_and_an_frr_configuration_share_a_session() {
    let extra = "{bgp: {routers: [{asn: 65001, neighbors: [{address: 192.0.2.1, asn: 65000, \
                 toReceive: {allowed: {mode: all}}}]}]}}";
    let yaml = peers(&["192.0.2.1"]) + &document("extra", extra);
    let announced = announced(&[("10.0.0.1/32", &["gold"])]);
    let (config, problems) = planned(&yaml, vec![advertisement("gold", &[], None)], &announced);
    assert_eq!(said(&problems), "");
    let text = text(&config);
    assert!(text.contains("  network 10.0.0.1/32 route-map adv-gold\n"), "{text}");
    assert!(text.contains("route-map 192.0.2.1-in permit 1\nexit\n"), "{text}");
}

#[test]
fn a_local_preference_of_a_service_wins_against_an_frr_configuration() {
    let extra = |pref| {
        format!(
            "{{bgp: {{routers: [{{asn: 65001, prefixes: [10.0.0.1/32], neighbors: [{{address: 192.0.2.1, \
             asn: 65000, toAdvertise: {{allowed: {{mode: all}}, withLocalPref: [{{localPref: {pref}, \
             prefixes: [10.0.0.1/32]}}]}}}}]}}]}}}}"
        )
    };
    let announced = announced(&[("10.0.0.1/32", &["gold"])]);
    let on_node = |pref: u32| {
        let yaml = peers(&["192.0.2.1"]) + &document("extra", &extra(pref));
        planned(&yaml, vec![advertisement("gold", &[], Some(200))], &announced)
    };
    assert_eq!(said(&on_node(200).1), "");
    let (config, problems) = on_node(100);
    let field = "spec.bgp.routers[0].neighbors[0].toAdvertise.withLocalPref";
    assert_eq!(said(&problems), format!("extra {field}: ConflictingAdvertisement\n"));
    assert!(problems.iter().all(|p| p.severity == Severity::Error && p.message.contains("gold")));
    assert!(text(&config).contains(" set local-preference 200\n"));
}

//! Every rule of one FRRConfiguration alone.

use super::{configured, said, text, with_neighbor};
use crate::problem::Severity;

/// Fields of the neighbor, and the problem that they are.
#[test]
fn what_is_wrong_with_a_neighbor_is_said_of_its_field() {
    let table = [
        ("interface: eth0", "", "ConflictingPeerAddress"),
        ("dynamicASN: external", "", "ConflictingASNs"),
        ("localASN: 0", ".localASN", "OutOfRange"),
        ("port: 16385", ".port", "OutOfRange"),
        ("port: -1", ".port", "OutOfRange"),
        ("password: a b", ".password", "InvalidPassword"),
        ("password: \"a\\nb\"", ".password", "InvalidPassword"),
        ("password: x, passwordSecret: {name: s}", ".passwordSecret", "PasswordAndSecret"),
        ("passwordSecret: {name: s}", ".passwordSecret", "SecretNotFound"),
        ("sourceaddress: \"eth 0\"", ".sourceaddress", "InvalidValue"),
        ("holdTime: 90s", ".holdTime", "InvalidTimers"),
        ("keepaliveTime: 30s", ".keepaliveTime", "InvalidTimers"),
        ("holdTime: abc, keepaliveTime: 30s", ".holdTime", "InvalidDuration"),
        ("holdTime: 2s, keepaliveTime: 1s", ".holdTime", "InvalidHoldTime"),
        ("holdTime: 65536s, keepaliveTime: 30s", ".holdTime", "InvalidHoldTime"),
        ("holdTime: 90s, keepaliveTime: 91s", ".keepaliveTime", "InvalidKeepaliveTime"),
        ("connectTime: 0s", ".connectTime", "InvalidConnectTime"),
        ("connectTime: 65536s", ".connectTime", "InvalidConnectTime"),
        ("connectTime: 1500ms", ".connectTime", "InvalidDuration"),
        ("bfdProfile: fast", ".bfdProfile", "UnknownBFDProfile"),
        ("addressFamilies: [unicast, evpn, unicast]", ".addressFamilies", "InvalidLength"),
    ];
    for (fields, field, reason) in table {
        let (_, problems) = configured(&[("c", &with_neighbor(fields))]);
        let wanted = format!("c spec.bgp.routers[0].neighbors[0]{field}: {reason}\n");
        assert_eq!(said(&problems), wanted, "{fields}");
    }
}

/// Fields of the neighbor, the field that is named, and the reason.
fn check_neighbor(table: &[(&str, &str, &str)]) {
    for (fields, field, reason) in table {
        let (_, problems) = configured(&[("c", &with_neighbor(fields))]);
        let wanted = format!("c spec.bgp.routers[0].neighbors[0].{field}: {reason}\n");
        assert_eq!(said(&problems), wanted, "{fields}");
    }
}

#[test]
fn what_is_wrong_with_prefixes_is_said_of_the_prefix() {
    let table = [
        ("toAdvertise: {allowed: {prefixes: [foo]}}", "toAdvertise.allowed.prefixes[0]", "InvalidPrefix"),
        (
            "toAdvertise: {allowed: {prefixes: [9.0.0.0/8]}}",
            "toAdvertise.allowed.prefixes[0]",
            "PrefixNotConfigured",
        ),
        (
            "toAdvertise: {allowed: {prefixes: [10.0.0.1/24]}}",
            "toAdvertise.allowed.prefixes[0]",
            "PrefixNotConfigured",
        ),
        (
            "toAdvertise: {allowed: {prefixes: ['2001:db8::/64']}}",
            "toAdvertise.allowed.prefixes[0]",
            "WrongFamily",
        ),
        (
            "toAdvertise: {withLocalPref: [{localPref: 1, prefixes: [10.0.0.0/24]}]}",
            "toAdvertise.withLocalPref[0].prefixes[0]",
            "PrefixNotAdvertised",
        ),
        (
            "toAdvertise: {allowed: {mode: all}, withLocalPref: [{localPref: -1, prefixes: [10.0.0.0/24]}]}",
            "toAdvertise.withLocalPref[0].localPref",
            "OutOfRange",
        ),
        (
            "toAdvertise: {allowed: {mode: all}, withCommunity: [{community: no-export, prefixes: [10.0.0.0/24]}]}",
            "toAdvertise.withCommunity[0].community",
            "InvalidCommunity",
        ),
        (
            "toAdvertise: {allowed: {mode: all}, withCommunity: [{community: '1:2', prefixes: [10.0.0.0/24]}, \
             {community: '01:2', prefixes: [10.0.1.0/24]}]}",
            "toAdvertise.withCommunity[1].community",
            "DuplicateAttribute",
        ),
        (
            "toAdvertise: {allowed: {mode: all}, withLocalPref: [{localPref: 1, prefixes: [10.0.0.0/24]}, \
             {localPref: 2, prefixes: [10.0.0.0/24]}]}",
            "toAdvertise.withLocalPref[1].prefixes",
            "ConflictingLocalPref",
        ),
        ("toAdvertise: {nextHop: {ipv4: '2001:db8::1'}}", "toAdvertise.nextHop.ipv4", "InvalidFormat"),
        ("toAdvertise: {nextHop: {ipv6: '2001:db8::1'}}", "toAdvertise.nextHop.ipv6", "InvalidNextHop"),
    ];
    check_neighbor(&table);
}

#[test]
fn what_is_wrong_with_filters_is_said_of_the_filter() {
    let table = [
        (
            "toReceive: {allowed: {prefixes: [{prefix: x}]}}",
            "toReceive.allowed.prefixes[0].prefix",
            "InvalidFormat",
        ),
        (
            "toReceive: {allowed: {prefixes: [{prefix: 10.0.0.0/24, le: 33}]}}",
            "toReceive.allowed.prefixes[0]",
            "InvalidPrefixLengths",
        ),
        (
            "toReceive: {allowed: {prefixes: [{prefix: 10.0.0.0/24, ge: 20}]}}",
            "toReceive.allowed.prefixes[0]",
            "InvalidPrefixLengths",
        ),
        (
            "toReceive: {allowed: {prefixes: [{prefix: 10.0.0.0/8, ge: 24, le: 20}]}}",
            "toReceive.allowed.prefixes[0]",
            "InvalidPrefixLengths",
        ),
    ];
    check_neighbor(&table);
}

#[test]
fn what_is_wrong_elsewhere_is_said_of_its_field() {
    let table = [
        ("{bgp: {routers: [{asn: 0}]}}", "bgp.routers[0].asn", "InvalidASN"),
        ("{bgp: {routers: [{asn: 1, id: '2001:db8::1'}]}}", "bgp.routers[0].id", "InvalidRouterID"),
        ("{bgp: {routers: [{asn: 1, vrf: \"a b\"}]}}", "bgp.routers[0].vrf", "InvalidValue"),
        (
            "{bgp: {routers: [{asn: 1, prefixes: [10.0.0.0/33]}]}}",
            "bgp.routers[0].prefixes[0]",
            "InvalidPrefix",
        ),
        (
            "{bgp: {routers: [{asn: 1, imports: [{vrf: red}]}]}}",
            "bgp.routers[0].imports[0].vrf",
            "UnknownImport",
        ),
        ("{bgp: {bfdProfiles: [{name: ''}]}}", "bgp.bfdProfiles[0].name", "InvalidValue"),
        (
            "{bgp: {bfdProfiles: [{name: a, detectMultiplier: 1}]}}",
            "bgp.bfdProfiles[0].detectMultiplier",
            "OutOfRange",
        ),
        ("{bgp: {bfdProfiles: [{name: a}, {name: a}]}}", "bgp.bfdProfiles[1].name", "DuplicateBFDProfile"),
        (
            "{bgp: {routers: [{asn: 1, evpn: {l2vnis: [{vni: 1, rd: '300.1.1.1:5'}]}}]}}",
            "bgp.routers[0].evpn.l2vnis[0].rd",
            "InvalidValue",
        ),
        (
            "{bgp: {routers: [{asn: 1, evpn: {l2vnis: [{vni: 1, exportRTs: ['*:1']}]}}]}}",
            "bgp.routers[0].evpn.l2vnis[0].exportRTs[0]",
            "InvalidRouteTarget",
        ),
        ("{nodeSelector: {matchExpressions: [{key: a, operator: Is}]}}", "nodeSelector", "InvalidSelector"),
        ("{bgp: {routers: [{asn: 1}, {asn: 2}]}}", "bgp.routers[1].asn", "ConflictingRouter"),
    ];
    for (spec, field, reason) in table {
        let (_, problems) = configured(&[("c", spec)]);
        assert_eq!(said(&problems), format!("c spec.{field}: {reason}\n"), "{spec}");
    }
}

#[test]
fn every_problem_of_an_object_is_reported_and_others_go_on() {
    let bad = with_neighbor("password: a b, connectTime: 0s, bfdProfile: fast");
    let good = "{bgp: {routers: [{asn: 65001, id: 10.0.0.1}]}}";
    let (config, problems) = configured(&[("bad", &bad), ("good", good)]);
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(text(&config).contains("bgp router-id 10.0.0.1"));
}

#[test]
fn what_is_applied_but_hardly_meant_is_a_warning() {
    let table = [
        ("port: 0", "port", "PortZero"),
        ("holdTime: 90s, keepaliveTime: 60s", "keepaliveTime", "KeepaliveLowered"),
        ("disableMP: true", "disableMP", "DeprecatedField"),
        (
            "toAdvertise: {allowed: {mode: all, prefixes: [x]}}",
            "toAdvertise.allowed.prefixes",
            "PrefixesIgnored",
        ),
    ];
    for (fields, field, reason) in table {
        let (config, problems) = configured(&[("c", &with_neighbor(fields))]);
        let wanted = format!("c spec.bgp.routers[0].neighbors[0].{field}: {reason}\n");
        assert_eq!(said(&problems), wanted, "{fields}");
        assert_eq!(config.routers.len(), 1, "{fields}");
    }
    let (config, problems) = configured(&[(
        "c",
        "{bgp: {routers: [{asn: 1, neighbors: [{address: 192.0.2.1, asn: 1, ebgpMultiHop: true}]}]}}",
    )]);
    assert_eq!(said(&problems), "c spec.bgp.routers[0].neighbors[0].ebgpMultiHop: MultihopIgnored\n");
    assert!(!text(&config).contains("multihop"));
}

/// frr-k8s loses these lines (docs/decisions/0003-frr-k8s-deviations.md).
#[test]
fn timers_that_equal_half_of_the_default_are_not_lost() {
    let table = [
        ("holdTime: 180s, keepaliveTime: 30s", Some("timers 30 180")),
        ("holdTime: 90s, keepaliveTime: 60s", Some("timers 60 90")),
        ("holdTime: 180s, keepaliveTime: 60s", None),
        ("holdTime: 0s, keepaliveTime: 0s", Some("timers 0 0")),
        ("connectTime: 60s", Some("timers connect 60")),
    ];
    for (fields, wanted) in table {
        let (config, problems) = configured(&[("c", &with_neighbor(fields))]);
        assert!(problems.iter().all(|problem| problem.severity == Severity::Warning), "{problems:?}");
        let text = text(&config);
        match wanted {
            Some(line) => assert!(text.contains(&format!(" neighbor 192.0.2.1 {line}\n")), "{text}"),
            None => assert!(!text.contains("timers"), "{text}"),
        }
    }
}

use super::{build, check, errors, object, peer, snapshot};
use crate::model::{InForce, Model, Options};
use herald_frr::config::{RemoteAs, Timers};

const VERSION: &str = "v1beta2";

/// A valid spec with more fields.
fn with(more: &str) -> String {
    format!("{{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, {more}}}")
}

#[test]
fn every_rule_of_as_numbers_and_addresses() {
    let asns = |asns: &str| format!("{{peerAddress: 192.0.2.1, {asns}}}");
    let place = |place: &str| format!("{{myASN: 1, peerASN: 2{place}}}");
    check(
        "BGPPeer",
        &[
            (&asns("myASN: 4294967295, peerASN: 4294967294"), &[], ""),
            (&asns("myASN: 0, peerASN: 2"), &["spec.myASN InvalidASN"], "missing local ASN"),
            (&asns("myASN: 4294967296, peerASN: 2"), &["spec.myASN InvalidASN"], ""),
            (&asns("myASN: 1"), &["spec.peerASN MissingPeerASN"], "missing peer ASN and dynamicASN"),
            (&asns("myASN: 1, peerASN: 0"), &["spec.peerASN MissingPeerASN"], ""),
            (&asns("myASN: 1, peerASN: -5"), &["spec.peerASN InvalidASN"], ""),
            (
                &asns("myASN: 1, peerASN: 2, dynamicASN: external"),
                &["spec.dynamicASN ConflictingASNs"],
                "both peer ASN and dynamicASN specified",
            ),
            (&asns("myASN: 1, dynamicASN: external, ebgpMultiHop: true"), &[], ""),
            (&asns("myASN: 1, peerASN: 2, localASN: 1"), &["spec.localASN InvalidLocalASN"], ""),
            (&asns("myASN: 1, peerASN: 2, localASN: 2"), &["spec.localASN InvalidLocalASN"], ""),
            (&asns("myASN: 1, peerASN: 2, localASN: 0"), &["spec.localASN InvalidASN"], ""),
            (
                &asns("myASN: 1, peerASN: 1, ebgpMultiHop: true"),
                &["spec.ebgpMultiHop MultiHopOnIBGP"],
                "invalid ebgp-multihop parameter set for an ibgp peer",
            ),
            (
                &asns("myASN: 1, dynamicASN: internal, ebgpMultiHop: true"),
                &["spec.ebgpMultiHop MultiHopOnIBGP"],
                "",
            ),
            (&place(""), &["spec.peerAddress MissingPeerAddress"], "no Address or Interface"),
            (
                &place(", peerAddress: 192.0.2.1, interface: eth0"),
                &["spec.interface ConflictingPeerAddress"],
                "both Address and Interface",
            ),
            (&place(", interface: eth0"), &[], ""),
            (&place(", interface: 'eth 0'"), &["spec.interface InvalidInterfaceName"], ""),
            (
                &place(", peerAddress: 1.2.3.400"),
                &["spec.peerAddress InvalidPeerAddress"],
                "invalid BGPPeer address \"1.2.3.400\"",
            ),
        ],
    );
}

#[test]
fn every_rule_of_router_id_source_port_and_vrf() {
    check(
        "BGPPeer",
        &[
            (&with("routerID: 10.0.0.1, sourceAddress: 192.0.2.9, peerPort: 16384, vrf: red"), &[], ""),
            (
                &with("routerID: oh god how do I BGP"),
                &["spec.routerID InvalidRouterID"],
                "invalid router ID \"oh god how do I BGP\"",
            ),
            (&with("routerID: '2001:db8::1'"), &["spec.routerID InvalidRouterID"], ""),
            (&with("routerID: 0.0.0.0"), &["spec.routerID InvalidRouterID"], ""),
            (&with("sourceAddress: nowhere"), &["spec.sourceAddress InvalidSourceAddress"], ""),
            (&with("peerPort: 0"), &["spec.peerPort InvalidPort"], ""),
            (&with("peerPort: 16385"), &["spec.peerPort InvalidPort"], ""),
            (&with("vrf: a-name-longer-than-ifnamsiz"), &["spec.vrf InvalidInterfaceName"], ""),
        ],
    );
}

#[test]
fn every_rule_of_timers() {
    check(
        "BGPPeer",
        &[
            (&with("holdTime: 0s, keepaliveTime: 0s"), &[], ""),
            (&with("holdTime: 1s"), &["spec.holdTime InvalidHoldTime"], "must be 0 or >=3s"),
            (&with("holdTime: 65536s"), &["spec.holdTime InvalidHoldTime"], "65535"),
            (&with("keepaliveTime: 30000s"), &["spec.holdTime InvalidHoldTime"], "65535"),
            (
                &with("holdTime: 30s, keepaliveTime: 90s"),
                &["spec.keepaliveTime InvalidKeepaliveTime"],
                "must be lower than holdTime",
            ),
            (&with("holdTime: 0s, keepaliveTime: 10s"), &["spec.keepaliveTime InvalidKeepaliveTime"], ""),
            (&with("holdTime: 500ms"), &["spec.holdTime InvalidDuration"], "whole number of seconds"),
            (&with("holdTime: 3500ms"), &["spec.holdTime InvalidDuration"], ""),
            (&with("keepaliveTime: soon"), &["spec.keepaliveTime InvalidDuration"], ""),
            (&with("connectTime: 1s"), &[], ""),
            (
                &with("connectTime: 0s"),
                &["spec.connectTime InvalidConnectTime"],
                "connect time should be between 1 seconds to 65535",
            ),
            (&with("connectTime: 65536s"), &["spec.connectTime InvalidConnectTime"], ""),
            (&with("connectTime: 1500ms"), &["spec.connectTime InvalidDuration"], ""),
        ],
    );
}

#[test]
fn one_timer_decides_the_other_and_none_is_above_a_third() {
    for (timers, expected) in [
        ("holdTime: 180s", Some((60, 180))),
        ("holdTime: 4s", Some((1, 4))),
        ("keepaliveTime: 60s", Some((60, 180))),
        ("holdTime: 1m30s, keepaliveTime: 10s", Some((10, 90))),
        ("holdTime: 90s, keepaliveTime: 80s", Some((30, 90))),
        ("holdTime: 0s, keepaliveTime: 0s", Some((0, 0))),
        ("vrf: red", None),
    ] {
        let built = build(&object("BGPPeer", VERSION, "a", &with(timers)));
        let expected = expected.map(|(keepalive, hold)| Timers { keepalive, hold });
        assert_eq!(built.model.peers["a"].timers, expected, "{timers}");
        let lowered = built.problems.iter().any(|problem| problem.reason == "KeepaliveLowered");
        assert_eq!(lowered, timers.ends_with("keepaliveTime: 80s"), "{timers}");
    }
}

#[test]
fn a_v1beta1_peer_without_timers_has_none() {
    let spec = "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1}";
    let built = build(&object("BGPPeer", "v1beta1", "a", spec));
    assert_eq!(built.model.peers["a"].timers, None);
    assert_eq!(built.model.peers["a"].port, None);
}

#[test]
fn what_metallb_drops_in_frr_k8s_mode_is_kept() {
    let built = build(&peer(
        "a",
        "192.0.2.1",
        ", sourceAddress: 192.0.2.9, localASN: 7, dualStackAddressFamily: true",
    ));
    let peer = &built.model.peers["a"];
    assert_eq!(peer.source_address, Some("192.0.2.9".parse().unwrap()));
    assert_eq!(peer.local_as.map(herald_frr::value::Asn::get), Some(7));
    assert!(peer.dual_stack);
    assert_eq!(peer.remote_as, RemoteAs::Number(64513_i64.try_into().unwrap()));
}

const REFERENCE: &str = ", passwordSecret: {name: s}";

fn secret(kind: &str, namespace: &str, data: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: {namespace}}}\ntype: {kind}\nstringData: {{{data}}}\n"
    )
}

#[test]
fn every_rule_of_passwords() {
    let basic = "kubernetes.io/basic-auth";
    let long = format!(", password: {}", "x".repeat(81));
    let table: [(String, &[&str], &str); 9] = [
        (peer("a", "192.0.2.1", REFERENCE) + &secret(basic, "m", "password: abc"), &[], ""),
        (
            peer("a", "192.0.2.1", REFERENCE),
            &["SecretNotFound"],
            "secret ref not found for peer config \"m\"/\"a\"",
        ),
        (
            peer("a", "192.0.2.1", REFERENCE) + &secret(basic, "elsewhere", "password: abc"),
            &["SecretNotFound"],
            "failed to parse peer a password secret",
        ),
        (
            peer("a", "192.0.2.1", REFERENCE) + &secret("Opaque", "m", "password: abc"),
            &["InvalidSecretType"],
            "secret type mismatch on \"m\"/\"s\", type \"kubernetes.io/basic-auth\" is expected ",
        ),
        (
            peer("a", "192.0.2.1", REFERENCE) + &secret(basic, "m", "username: abc"),
            &["SecretWithoutPassword"],
            "password not specified in the secret \"m\"/\"s\"",
        ),
        (
            peer("a", "192.0.2.1", ", password: x, passwordSecret: {name: s}"),
            &["PasswordAndSecret"],
            "can not have both password and secret ref set in peer config \"m\"/\"a\"",
        ),
        (peer("a", "192.0.2.1", ", password: a b"), &["InvalidPassword"], "' '"),
        (peer("a", "192.0.2.1", &long), &["InvalidPassword"], "81"),
        (
            peer("a", "192.0.2.1", REFERENCE) + &secret(basic, "m", "password: \"a\\nb\""),
            &["InvalidPassword"],
            "'\\n'",
        ),
    ];
    for (yaml, reasons, fragment) in table {
        let built = build(&yaml);
        let errors: Vec<_> =
            built.problems.iter().filter(|p| p.severity == crate::problem::Severity::Error).collect();
        assert_eq!(errors.iter().map(|p| p.reason).collect::<Vec<_>>(), reasons, "{yaml}");
        assert!(errors.iter().all(|p| p.message.contains(fragment)), "{errors:?}");
        assert_eq!(built.model.peers.len(), usize::from(reasons.is_empty()));
    }
}

#[test]
fn a_missing_secret_may_be_allowed() {
    let options = Options { allow_missing_secrets: true, ..Options::default() };
    let snapshot = snapshot(&peer("a", "192.0.2.1", REFERENCE));
    let built = Model::build(&snapshot, &InForce::default(), &options);
    assert_eq!(built.model.peers["a"].password, None);
}

#[test]
fn a_bfd_profile_must_exist_and_not_echo_over_ipv6_pools() {
    let unknown = peer("a", "192.0.2.1", ", bfdProfile: fast");
    let built = build(&unknown);
    let message = &built.problems[0].message;
    assert_eq!(errors(&unknown), ["BGPPeer a spec.bfdProfile UnknownBFDProfile"]);
    assert!(message.contains("peer a referencing non existing bfd profile fast"), "{message}");
    let echo = object("BFDProfile", "v1beta1", "fast", "{echoMode: true}");
    let advertised =
        |addresses: &str| unknown.clone() + &echo + &super::pool("p", addresses) + &super::bgp("ad", "{}");
    assert!(errors(&advertised("10.0.0.0/24")).is_empty());
    assert_eq!(
        errors(&advertised("10.0.0.0/24, 'fc00::/64'")),
        ["BGPPeer a spec.bfdProfile BFDEchoWithIPv6"]
    );
    let other = unknown + &echo + &super::pool("p", "'fc00::/64'") + &super::bgp("ad", "{peers: [b]}");
    assert!(errors(&other).is_empty());
}

//! Upstream's rules with its words, and what upstream misses.

use super::*;

/// What is there, what is asked for, and words of the refusal.
type Case = (String, String, &'static str);

fn all_are_refused(cases: impl IntoIterator<Item = Case>) {
    for (there, asked, words) in cases {
        let verdict = create(&cluster(&there), &asked);
        assert!(verdict.message().contains(words), "{asked}{words}: {verdict:?}");
    }
}

fn advertisement(spec: &str) -> String {
    object("v1beta1", "BGPAdvertisement", "adv", spec)
}

#[test]
fn pools_and_advertisements_are_refused_in_words_that_users_match() {
    let gold = || pool("gold", "192.0.2.0/28");
    let to_all = advertisement("aggregationLength: 28");
    let wide = "invalid aggregation length 26: prefix 28 in this pool is more specific than the aggregation length \
                for addresses 192.0.2.0/28";
    let some = advertisement("serviceSelectors: [{matchLabels: {a: b}}], aggregationLength: 24");
    let twice = object("v1beta1", "L2Advertisement", "l2", "ipAddressPools: [a, a]");
    all_are_refused([
        (gold(), pool("new", "192.0.2.8-192.0.2.9"), "overlaps with already defined CIDR"),
        (String::new(), pool("new", ""), "pool has no prefixes defined"),
        (gold(), advertisement("aggregationLength: 26"), wide),
        (to_all, pool("new", "192.0.2.0/29"), "invalid aggregation length 28: prefix 29 in this pool"),
        (String::new(), some, "mutually exclusive"),
        (String::new(), twice, "duplicate definition of ipAddressPools"),
    ]);
}

#[test]
fn communities_are_refused_in_words_that_users_match() {
    let community = |name: &str, values: &[(&str, &str)]| {
        let items: Vec<String> =
            values.iter().map(|(name, value)| format!("{{name: {name}, value: \"{value}\"}}")).collect();
        object("v1beta1", "Community", name, &format!("communities: [{}]", items.join(", ")))
    };
    let large = "expected community to be of format large:<uint32>:<uint32>:<uint32>";
    let nothing = String::new;
    all_are_refused([
        (nothing(), community("b", &[("y", "99999999:1")]), "invalid community value: invalid section"),
        (nothing(), community("b", &[("y", "lorge:1:2:3")]), large),
        (nothing(), community("b", &[("y", "nothing")]), "invalid community format"),
        (
            community("a", &[("x", "1:1")]),
            community("b", &[("x", "large:1:2:3")]),
            "duplicate definition of community",
        ),
        (nothing(), community("b", &[("x", "1:2"), ("x", "1:2")]), "duplicate definition of community"),
    ]);
}

#[test]
fn sessions_are_refused_in_words_that_users_match() {
    let tor = || peer("tor", "198.51.100.1", "");
    let echo = pool("gold", "\"2001:db8::/64\"")
        + &advertisement("")
        + &object("v1beta1", "BFDProfile", "echo", "echoMode: true");
    let passwords = peer("p", "198.51.100.2", ", password: a, passwordSecret: {name: b}");
    let frr = |spec: &str| object("v1beta1", "FRRConfiguration", "frr", spec);
    let nowhere = frr("bgp: {routers: [{asn: 64512, neighbors: [{asn: 64513}]}]}");
    let fast = object("v1beta1", "BFDProfile", "b", "receiveInterval: 5");
    let nothing = String::new;
    all_are_refused([
        (nothing(), peer("p", "1.1.1.400", ""), "invalid BGPPeer address"),
        (nothing(), peer("p", "1.1.1.400", ", disableMP: true"), "invalid BGPPeer address"),
        (tor(), peer("p", "198.51.100.1", ""), "already exists"),
        (tor(), peer("p", "198.51.100.2", ", routerID: 10.0.0.1"), "must all have the same RouterID"),
        (nothing(), passwords, "can not have both password and secret ref set"),
        (
            echo,
            peer("p", "198.51.100.2", ", bfdProfile: echo"),
            "has bfd echo enabled, which is not possible",
        ),
        (nothing(), nowhere, "neighbor has no address and no interface"),
        (tor(), frr("bgp: {routers: [{asn: 64999}]}"), "64999"),
        (nothing(), fast, "10 to 60000"),
    ]);
}

#[test]
fn what_stands_beside_each_other_is_admitted() {
    let there = peer("tor", "198.51.100.1", ", nodeSelectors: [{matchLabels: {rack: \"1\"}}]");
    let cases = [
        peer("p", "198.51.100.1", ", nodeSelectors: [{matchLabels: {rack: \"2\"}}]"),
        pool("new", "192.0.2.0/24"),
        object("v1beta1", "BGPAdvertisement", "adv", "ipAddressPools: [later]"),
        object("v1beta1", "L2Advertisement", "l2", ""),
        object("v1beta1", "FRRConfiguration", "frr", "bgp: {routers: [{asn: 64512}]}"),
    ];
    for asked in cases {
        let verdict = create(&cluster(&there), &asked);
        assert!(verdict.allowed(), "{asked}: {verdict:?}");
    }
}

// A label that no selector mentioned before tells nodes apart, too.
#[test]
fn peers_meet_only_on_nodes_that_both_select() {
    let there = peer("tor", "198.51.100.1", "");
    let snapshot = cluster(&there);
    let on = |rack: u8| {
        peer("p", "198.51.100.1", &format!(", nodeSelectors: [{{matchLabels: {{rack: \"{rack}\"}}}}]"))
    };
    assert!(create(&snapshot, &on(3)).allowed());
    let verdict = create(&snapshot, &on(2));
    assert_eq!(reasons(&verdict), ["DuplicatePeer"]);
    assert!(verdict.message().ends_with("[DuplicatePeer] (on node-2)"), "{}", verdict.message());
}

#[test]
fn configuration_is_created_only_where_it_is_read() {
    let kinds = [
        pool("p", "192.0.2.0/24"),
        object("v1beta1", "L2Advertisement", "p", ""),
        object("v1beta1", "BGPAdvertisement", "p", ""),
        object("v1beta1", "BFDProfile", "p", ""),
        object("v1beta1", "Community", "p", "communities: []"),
        peer("p", "198.51.100.1", ", disableMP: true"),
    ];
    for manifest in kinds {
        let elsewhere = manifest.replace("namespace: metallb-system", "namespace: default");
        let verdict = create(&cluster(""), &elsewhere);
        assert!(
            verdict.message().contains("resource must be created in metallb-system namespace"),
            "{verdict:?}"
        );
        assert!(!verdict.depends_on_others);
        let edited = elsewhere.replace("name: p", "name: p, labels: {a: b}");
        assert!(update(&cluster(""), &elsewhere, &edited).allowed(), "an edit is not checked again");
    }
    let frr = object("v1beta1", "FRRConfiguration", "p", "").replace("metallb-system", "frr-k8s-system");
    assert!(create(&cluster(""), &frr).allowed());
}

#[test]
fn a_profile_in_use_stays() {
    let profile = object("v1beta1", "BFDProfile", "fast", "");
    let users = peer("one", "198.51.100.1", ", bfdProfile: fast")
        + &peer("two", "198.51.100.2", ", bfdProfile: fast");
    let verdict = delete(&cluster(&(profile.clone() + &users)), &profile);
    assert!(
        verdict.message().contains("failed to delete BFDProfile fast, used by BGPPeer one"),
        "{verdict:?}"
    );
    assert!(
        verdict.message().contains("failed to delete BFDProfile fast, used by BGPPeer two"),
        "{verdict:?}"
    );
    assert!(delete(&cluster(&profile), &profile).allowed());
    let pool = pool("gold", "192.0.2.0/24");
    assert!(delete(&cluster(&pool), &pool).allowed());
}

// A secret, a profile or an alias may be applied after what refers to it.
#[test]
fn references_that_lead_nowhere_are_said_and_admitted() {
    let cases = [
        (peer("p", "198.51.100.1", ", bfdProfile: later"), "UnknownBFDProfile"),
        (peer("p", "198.51.100.1", ", passwordSecret: {name: later}"), "SecretNotFound"),
        (object("v1beta1", "BGPAdvertisement", "a", "communities: [later]"), "UnknownCommunity"),
    ];
    for (asked, reason) in cases {
        let verdict = create(&cluster(""), &asked);
        assert!(verdict.allowed(), "{verdict:?}");
        assert!(verdict.warnings.iter().any(|line| line.contains(reason)), "{verdict:?}");
    }
}

#[test]
fn what_a_dangling_reference_would_hide_is_found() {
    let there = peer("tor", "198.51.100.1", "");
    let asked = peer("p", "198.51.100.1", ", bfdProfile: later, passwordSecret: {name: later}");
    assert_eq!(reasons(&create(&cluster(&there), &asked)), ["DuplicatePeer"]);
    let communities =
        object("v1beta1", "BGPAdvertisement", "a", "communities: [later, \"1:1\"], aggregationLength: 8");
    let verdict = create(&cluster(&pool("gold", "192.0.2.0/24")), &communities);
    assert_eq!(reasons(&verdict), ["AggregationWiderThanPool"]);
}

#[test]
fn graceful_restart_of_a_session_is_not_changed() {
    let with = |flag: &str| peer("p", "198.51.100.1", flag);
    let (yes, no) = (", enableGracefulRestart: true", ", enableGracefulRestart: false");
    let verdict = update(&cluster(&with(yes)), &with(yes), &with(no));
    assert!(
        verdict.message().contains("EnableGracefulRestart cannot be changed after creation"),
        "{verdict:?}"
    );
}

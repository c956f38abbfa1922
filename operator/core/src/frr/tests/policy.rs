//! What neighbors are sent and what is taken from them.

use super::{Options, advertisement, announced, configured, model_of, node, peers, planned, said, text};
use super::{build, document, with_neighbor};
use crate::model::InForce;
use std::collections::BTreeMap;

/// The entries of a route-map, each on one line.
fn map(text: &str, name: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("route-map ") {
            let entry = rest.strip_prefix(name).and_then(|rest| rest.strip_prefix(' '));
            inside = entry.is_some();
            entries.extend(entry.map(str::to_owned));
        } else if line == "exit" {
            inside = false;
        } else if let Some(entry) = entries.last_mut().filter(|_| inside) {
            entry.push_str(" |");
            entry.push_str(line);
        }
    }
    entries
}

#[test]
fn each_peer_gets_the_classes_of_its_advertisements() {
    let ads = vec![
        advertisement("gold", &[], Some(200)),
        advertisement("silver", &["tor-2"], None),
        advertisement("unused", &["tor-9"], None),
    ];
    let announced = announced(&[
        ("10.0.0.1/32", &["gold"]),
        ("10.0.0.2/32", &["gold", "silver"]),
        ("10.0.0.3/32", &["silver"]),
        ("10.0.0.4/32", &["unused"]),
        ("2001:db8::1/128", &["gold"]),
    ]);
    let (config, problems) = planned(&peers(&["192.0.2.1", "192.0.2.2"]), ads, &announced);
    assert_eq!(said(&problems), "");
    let text = text(&config);
    assert!(text.contains("  network 10.0.0.1/32 route-map adv-gold\n"), "{text}");
    assert!(text.contains("  network 10.0.0.2/32 route-map adv-gold+silver\n"), "{text}");
    // Nobody takes it, or nobody carries IPv6: then it is not ours to originate.
    assert!(!text.contains("10.0.0.4/32") && !text.contains("2001:db8::1"), "{text}");
    let tag = |class: &str| map(&text, class)[0].split("set tag ").nth(1).unwrap_or_default().to_owned();
    let (gold, both, silver) = (tag("adv-gold"), tag("adv-gold+silver"), tag("adv-silver"));
    let preferred = |seq, tag: &str| format!("permit {seq} | match tag {tag} | set local-preference 200");
    assert_eq!(map(&text, "192.0.2.1-out"), [preferred(1, &gold), preferred(2, &both)]);
    let third = format!("permit 3 | match tag {silver}");
    assert_eq!(map(&text, "192.0.2.2-out"), [preferred(1, &gold), preferred(2, &both), third]);
}

#[test]
fn a_neighbor_that_gets_nothing_has_maps_that_match_nothing() {
    let (config, _) = configured(&[("c", &with_neighbor(""))]);
    let text = text(&config);
    let nothing = ["permit 1 | match ip address prefix-list nothing"];
    assert_eq!(map(&text, "192.0.2.1-out"), nothing);
    assert_eq!(map(&text, "192.0.2.1-in"), nothing);
    assert!(text.contains("ip prefix-list nothing seq 5 deny any\n"), "{text}");
    assert!(text.contains("  network 10.0.0.0/24\n"), "{text}");
}

#[test]
fn a_next_hop_is_set_on_its_own_family_alone() {
    let spec = with_neighbor(
        "dualStackAddressFamily: true, toAdvertise: {allowed: {mode: all}, nextHop: {ipv4: 192.0.2.9}}",
    );
    let text = text(&configured(&[("c", &spec)]).0);
    let entries = map(&text, "192.0.2.1-out");
    assert_eq!(entries.len(), 2, "{text}");
    assert!(entries[0].contains("match ip address prefix-list any-ipv4"), "{text}");
    assert!(entries[0].ends_with("set ip next-hop 192.0.2.9"), "{text}");
    assert!(entries[1].contains("match ipv6 address prefix-list any-ipv6"), "{text}");
    assert!(!entries[1].contains("set"), "{text}");
}

#[test]
fn groups_of_prefixes_are_classes_of_their_own() {
    let spec = with_neighbor(
        "toAdvertise: {allowed: {mode: all}, withLocalPref: [{localPref: 50, prefixes: [10.0.1.0/24]}]}",
    );
    let text = text(&configured(&[("c", &spec)]).0);
    assert!(text.contains("  network 10.0.0.0/24 route-map frr-c\n"), "{text}");
    assert!(text.contains("  network 10.0.1.0/24 route-map frr-c_pref-192.0.2.1:50\n"), "{text}");
    let entries = map(&text, "192.0.2.1-out");
    assert!(!entries[0].contains("local-preference"), "{text}");
    assert!(entries[1].ends_with("set local-preference 50"), "{text}");
}

/// One more neighbor that gets all changes no `network` line.
#[test]
fn another_neighbor_with_mode_all_leaves_the_prefixes_alone() {
    let neighbor = |a| format!("{{address: {a}, asn: 65002, toAdvertise: {{allowed: {{mode: all}}}}}}");
    let spec = |neighbors: &str| {
        format!("{{bgp: {{routers: [{{asn: 65001, prefixes: [10.0.0.0/24], neighbors: [{neighbors}]}}]}}}}")
    };
    let one = configured(&[("c", &spec(&neighbor("192.0.2.1")))]).0;
    let two = configured(&[("c", &spec(&format!("{}, {}", neighbor("192.0.2.1"), neighbor("192.0.2.2"))))]).0;
    assert_eq!(one.routers[&None].networks, two.routers[&None].networks);
}

/// A tag survives `import vrf`: imported prefixes are told by lists, before any tag is looked at.
#[test]
fn imported_prefixes_come_first_and_by_list() {
    let spec = "{bgp: {routers: [{asn: 65001, imports: [{vrf: red}], prefixes: [10.0.0.0/24], neighbors: \
                [{address: 192.0.2.1, asn: 65002, toAdvertise: {allowed: {mode: all}}}]}, \
                {asn: 65001, vrf: red, prefixes: [10.7.0.0/16], neighbors: \
                [{address: 192.0.2.1, asn: 65002, toAdvertise: {allowed: {mode: all}}}]}]}}";
    let text = text(&configured(&[("c", spec)]).0);
    let entries = map(&text, "192.0.2.1-out");
    assert_eq!(entries[0], "permit 1 | match ip address prefix-list 192.0.2.1-imported", "{text}");
    assert!(entries[1].starts_with("permit 2 | match tag "), "{text}");
    assert!(text.contains("ip prefix-list 192.0.2.1-imported seq 5 permit 10.7.0.0/16\n"), "{text}");
    assert!(text.contains("  network 10.7.0.0/16 route-map frr-c@red\n"), "{text}");
    assert_ne!(map(&text, "frr-c"), map(&text, "frr-c@red"));
}

#[test]
fn what_is_always_blocked_is_denied_before_anything_is_allowed() {
    let spec = with_neighbor("toReceive: {allowed: {prefixes: [{prefix: 10.0.0.0/8, le: 24}]}}");
    let (model, _, _) = model_of(&document("c", &spec), &InForce::default());
    let block = |nets: &[&str]| Options {
        always_block: nets.iter().map(|net| net.parse().unwrap()).collect(),
        ..Options::default()
    };
    let on_node = |options| text(&build(&model, &node(), &[], &BTreeMap::new(), &options).0);
    let text = on_node(block(&["10.96.0.1/12", "fd00::/8"]));
    assert_eq!(
        map(&text, "192.0.2.1-in"),
        [
            "deny 1 | match ip address prefix-list always-blocked",
            "permit 2 | match ip address prefix-list 192.0.2.1-accept",
        ]
    );
    assert!(text.contains("ip prefix-list always-blocked seq 5 permit 10.96.0.0/12 le 32\n"), "{text}");
    assert_eq!(
        on_node(block(&["10.0.0.0/8", "172.16.0.0/12"])),
        on_node(block(&["172.16.0.0/12", "10.0.0.0/8"]))
    );
}

/// frr-k8s mixes the policies of these two (docs/decisions/0003-frr-k8s-deviations.md).
#[test]
fn neighbors_of_two_vrfs_never_share_a_map() {
    let spec = "{bgp: {routers: [{asn: 1, neighbors: [{interface: a-b, asn: 2}]}, \
                {asn: 1, vrf: b, neighbors: [{interface: a, asn: 2}]}]}}";
    let (config, problems) = configured(&[("c", spec)]);
    assert_eq!(said(&problems), "");
    let maps: Vec<&str> =
        config.routers.values().flat_map(|r| r.neighbors.values()).map(|n| n.map_out.as_str()).collect();
    assert_eq!(maps, ["a-b-out", "a@b-out"]);
}

#[test]
fn a_router_without_an_id_gets_the_fallback() {
    let spec = "{bgp: {routers: [{asn: 1}, {asn: 1, vrf: red, id: 10.0.0.1}]}}";
    let (model, _, _) = model_of(&document("c", spec), &InForce::default());
    let options = Options { fallback_router_id: "192.0.2.7".parse().ok(), ..Options::default() };
    let (config, _) = build(&model, &node(), &[], &BTreeMap::new(), &options);
    let ids: Vec<String> =
        config.routers.values().filter_map(|r| r.router_id).map(|id| id.to_string()).collect();
    assert_eq!(ids, ["192.0.2.7", "10.0.0.1"]);
}

use super::{build, check, errors, object, pool};
use crate::snapshot::Labels;

#[test]
fn every_rule_of_a_pool() {
    check(
        "IPAddressPool",
        &[
            ("{addresses: [192.0.2.0/24, 2001:db8::/64, 198.51.100.1-198.51.100.9]}", &[], ""),
            ("{addresses: [192.0.2.1 - 192.0.2.9]}", &[], ""),
            ("{addresses: []}", &["spec.addresses PoolWithoutAddresses"], "pool has no prefixes defined"),
            (
                "{addresses: [100.200.300.400/24]}",
                &["spec.addresses[0] InvalidAddressRange"],
                "invalid CIDR \"100.200.300.400/24\" in pool \"a\"",
            ),
            ("{addresses: [192.0.2.0/33]}", &["spec.addresses[0] InvalidAddressRange"], "invalid CIDR"),
            ("{addresses: [192.0.2.1]}", &["spec.addresses[0] InvalidAddressRange"], "invalid CIDR"),
            ("{addresses: [' 192.0.2.0/24']}", &["spec.addresses[0] InvalidAddressRange"], "invalid CIDR"),
            ("{addresses: ['']}", &["spec.addresses[0] InvalidAddressRange"], "invalid CIDR"),
            (
                "{addresses: [192.0.2.9-192.0.2.1]}",
                &["spec.addresses[0] InvalidAddressRange"],
                "start IP \"192.0.2.9\" is after the end IP \"192.0.2.1\"",
            ),
            ("{addresses: [192.0.2.9-192.0.2]}", &["spec.addresses[0] InvalidAddressRange"], "\"192.0.2\""),
            (
                "{addresses: ['192.0.2.1-2001:db8::1']}",
                &["spec.addresses[0] InvalidAddressRange"],
                "two address families",
            ),
            (
                "{addresses: [192.0.2.0/24, 192.0.2.128-192.0.3.1]}",
                &["spec.addresses[1] OverlappingAddresses"],
                "overlaps with already defined CIDR \"192.0.2.0/24\"",
            ),
            (
                "{addresses: [192.0.2.0/24], serviceAllocation: {namespaces: [x, z, x]}}",
                &["spec.serviceAllocation.namespaces[2] DuplicateNamespace"],
                "duplicate definition in namespaces field",
            ),
            (
                "{addresses: [192.0.2.0/24], serviceAllocation: {namespaceSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}}",
                &["spec.serviceAllocation.namespaceSelectors[1] DuplicateSelector"],
                "duplicate definition of namespaceSelectors",
            ),
            (
                "{addresses: [192.0.2.0/24], serviceAllocation: {serviceSelectors: [{matchExpressions: [{key: a, operator: In, values: [b, b]}]}]}}",
                &["spec.serviceAllocation.serviceSelectors[0] DuplicateSelector"],
                "duplicate definition of match expression value in label selector \"b\"",
            ),
        ],
    );
}

#[test]
fn all_that_is_wrong_with_a_pool_is_said_at_once() {
    let yaml = object(
        "IPAddressPool",
        "v1beta1",
        "a",
        "{addresses: [x, 192.0.2.0/33], serviceAllocation: {namespaces: [x, x]}}",
    );
    assert_eq!(errors(&yaml).len(), 3);
}

#[test]
fn pools_that_overlap_lose_by_name_and_hide_nothing_else() {
    let yaml = pool("b", "192.0.2.0/24") + &pool("a", "192.0.2.128/25") + &pool("c", "198.51.100.0/24");
    let built = build(&yaml);
    assert_eq!(built.model.pools.keys().map(|k| &**k).collect::<Vec<_>>(), ["a", "c"]);
    let problem = built.problems.iter().find(|p| p.reason == "OverlappingAddresses").unwrap();
    assert_eq!(problem.object.as_ref().unwrap().name.as_ref(), "b");
    assert!(problem.message.contains("overlaps with already defined CIDR"), "{}", problem.message);
    assert!(problem.message.contains("IPAddressPool m/a"), "{}", problem.message);
}

#[test]
fn host_bits_are_cleared_and_ranges_become_the_fewest_prefixes() {
    let built = build(&pool("a", "198.51.100.77/24, 192.0.2.150-192.0.2.200"));
    let pool = &built.model.pools["a"];
    assert_eq!(pool.ranges[0].to_string(), "198.51.100.0/24");
    assert_eq!(pool.ranges[1].to_string(), "192.0.2.150-192.0.2.200");
    let prefixes: Vec<String> = pool.ranges[1].prefixes().iter().map(ToString::to_string).collect();
    let expected = ["192.0.2.150/31", "192.0.2.152/29", "192.0.2.160/27", "192.0.2.192/29", "192.0.2.200/32"];
    assert_eq!(prefixes, expected);
    assert_eq!(pool.ranges[1].shortest_prefix(), 27);
}

#[test]
fn a_pool_is_pinned_to_namespaces_by_name_and_label() {
    let spec = "{addresses: [192.0.2.0/24], serviceAllocation: {priority: 5, namespaces: [shop], namespaceSelectors: [{matchLabels: {env: prod}}]}}";
    let namespace = "---\n{apiVersion: v1, kind: Namespace, metadata: {name: web, labels: {env: prod}}}\n";
    let built = build(&(object("IPAddressPool", "v1beta1", "a", spec) + namespace));
    let pool = &built.model.pools["a"];
    let none = Labels::new();
    assert!(pool.admits("shop", &none) && pool.admits("web", &none) && !pool.admits("other", &none));
    assert_eq!(pool.pinned.as_ref().unwrap().priority, 5);
}

#[test]
fn selectors_that_match_no_namespace_leave_the_pool_to_nobody() {
    let spec =
        "{addresses: [192.0.2.0/24], serviceAllocation: {namespaceSelectors: [{matchLabels: {env: prod}}]}}";
    let built = build(&object("IPAddressPool", "v1beta1", "a", spec));
    assert!(!built.model.pools["a"].admits("shop", &Labels::new()));
}

//! All problems in one answer, and only those that a change makes.

use super::*;

#[test]
fn every_problem_of_an_object_is_in_one_answer() {
    let asked = peer("p", "1.1.1.400", ", routerID: x, holdTime: 1s, password: a, passwordSecret: {name: b}")
        .replace("namespace: metallb-system", "namespace: default");
    let verdict = create(&cluster(""), &asked);
    let mut found = reasons(&verdict);
    found.sort_unstable();
    assert_eq!(
        found,
        ["InvalidHoldTime", "InvalidPeerAddress", "InvalidRouterID", "PasswordAndSecret", "WrongNamespace"]
    );
    assert_eq!(verdict.message().lines().count(), 5);
    assert!(!verdict.depends_on_others);
}

#[test]
fn an_answer_says_whether_others_decide_it() {
    let verdict = create(&cluster(&pool("gold", "192.0.2.0/24")), &pool("new", "192.0.2.0/28"));
    assert!(verdict.depends_on_others);
    assert!(!create(&cluster(""), &pool("new", "192.0.2.400/28")).depends_on_others);
}

// MetalLB checks advertisements against pools, but not pools against advertisements.
#[test]
fn a_pool_does_not_shrink_under_its_aggregation() {
    let before = pool("gold", "192.0.2.0/24");
    let advertisement = object("v1beta1", "BGPAdvertisement", "a", "aggregationLength: 26");
    let snapshot = cluster(&(before.clone() + &advertisement));
    let verdict = update(&snapshot, &before, &pool("gold", "192.0.2.0/28"));
    assert!(
        verdict.message().starts_with(
            "BGPAdvertisement metallb-system/a spec.aggregationLength: invalid aggregation length 26"
        ),
        "{verdict:?}"
    );
    assert!(verdict.depends_on_others);
    assert!(update(&snapshot, &before, &pool("gold", "192.0.2.0/25")).allowed());
}

#[test]
fn an_update_counts_in_place_of_what_it_changes() {
    let (one, two) = (pool("one", "192.0.2.0/25"), pool("two", "192.0.2.128/25"));
    let snapshot = cluster(&(one.clone() + &two));
    assert!(update(&snapshot, &one, &pool("one", "192.0.2.0/26")).allowed());
    assert_eq!(reasons(&update(&snapshot, &one, &pool("one", "192.0.2.0/24"))), ["OverlappingAddresses"]);
}

// Stored while no webhook looked: labels, finalizers and deletion must still work.
#[test]
fn what_is_wrong_already_stops_no_other_change() {
    let bad = peer("bad", "1.1.1.400", "");
    let snapshot = cluster(&bad);
    let labelled = bad.replace("name: bad", "name: bad, labels: {a: b}, finalizers: [x/y]");
    assert!(update(&snapshot, &bad, &bad).allowed());
    let label = update(&snapshot, &bad, &bad.replace("name: bad", "name: bad, finalizers: [x/y]"));
    assert!(label.allowed(), "{label:?}");
    let going = labelled.replace("labels: {a: b}", "deletionTimestamp: \"2026-01-01T00:00:00Z\"");
    assert!(update(&snapshot, &bad, &going).allowed());
    assert!(create(&snapshot, &peer("good", "198.51.100.1", "")).allowed());
    assert_eq!(reasons(&update(&snapshot, &bad, &bad.replace("64513", "64514"))), ["InvalidPeerAddress"]);
}

#[test]
fn objects_of_other_kinds_are_none_of_ours() {
    let pod = "---\n{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default}, spec: {}}\n";
    assert_eq!(create(&cluster(""), pod), Verdict::default());
}

#[test]
fn a_name_that_the_server_makes_up_is_no_problem() {
    let asked = pool("x", "192.0.2.0/24").replace("name: x", "generateName: pool-");
    assert_eq!(create(&cluster(""), &asked), Verdict::default());
}

#[test]
fn passwords_do_not_show_in_answers() {
    let there = peer("tor", "198.51.100.1", ", password: hunter2");
    let asked = peer("p", "198.51.100.1", ", password: hunter3, routerID: x, passwordSecret: {name: a}");
    let verdict = create(&cluster(&there), &asked);
    assert!(!verdict.allowed());
    let printed = format!("{verdict:?} {}", verdict.message());
    assert!(!printed.contains("hunter"), "{printed}");
}

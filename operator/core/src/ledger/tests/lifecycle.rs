//! What becomes of addresses as Services and pools come, change and go.

use super::*;
use crate::model::RequestError;

#[test]
fn statuses_are_readopted_before_anything_new_is_given_out() {
    let model = model(
        [("p", pool(&["10.0.0.1-10.0.0.3"]))],
        [
            ("a-new", service()),
            ("b-pool", Service { requested_pool: Some("p".into()), ..service() }),
            ("c-asks", Service { requested_ips: Ok(ips(&["10.0.0.1"])), ..service() }),
            ("d-old", with_status(&["10.0.0.2"])),
        ],
    );
    let (ledger, outcomes) = allocate(&model);
    let answers: Vec<_> = outcomes.iter().map(|(k, o)| (&*k.name, said(o), o.changed)).collect();
    assert_eq!(
        answers,
        [
            ("a-new", "NoAvailableIPs".into(), false),
            ("b-pool", "p: 10.0.0.3".into(), true),
            ("c-asks", "p: 10.0.0.1".into(), true),
            ("d-old", "p: 10.0.0.2".into(), false),
        ]
    );
    assert_eq!(ledger.allocations().count(), 3);
}

#[test]
fn of_two_that_claim_one_address_the_first_keeps_it_and_the_other_learns_why() {
    let both = Service {
        status_ips: ips(&["10.0.0.1", "fc00::1"]),
        ..dual(FamilyPolicy::PreferDualStack, Family::V4)
    };
    let pools = || [("p", pool(&["10.0.0.1-10.0.0.2", "fc00::1"]))];
    let (_, outcomes) = allocate(&model(pools(), [("a", with_status(&["10.0.0.1"])), ("z", both)]));
    assert_eq!(said(&outcomes[&key("z")]), "p: 10.0.0.1,fc00::1", "more addresses come first");
    let loser = &outcomes[&key("a")];
    assert_eq!(said(loser), "p: 10.0.0.2");
    assert_eq!(events(loser), ["ClearAssignment", "IPAllocated"]);
    assert!(loser.events[0].to_string().contains("10.0.0.1 is in use by Service ns/z"));

    let same = || with_status(&["10.0.0.1"]);
    let (_, outcomes) = allocate(&model([("p", pool(&["10.0.0.1"]))], [("a", same()), ("b", same())]));
    assert_eq!(said(&outcomes[&key("a")]), "p: 10.0.0.1", "then the name decides");
    assert_eq!(events(&outcomes[&key("b")]), ["ClearAssignment", "AllocationFailed"]);
}

#[test]
fn what_is_recorded_is_read_back_and_nothing_is_given_out() {
    let model = model(
        [("p", pool(&["10.0.0.1-10.0.0.9"]))],
        [("a", service()), ("b", with_status(&["10.0.0.2"])), ("c", with_status(&["10.9.0.1"]))],
    );
    let (ledger, outcomes) = recorded(&model);
    let answers: Vec<_> = outcomes.values().map(said).collect();
    assert_eq!(answers, ["NotRecorded", "p: 10.0.0.2", "AddressNotInPool"]);
    assert_eq!(ledger.allocations().count(), 1);
}

#[test]
fn a_status_that_no_longer_fits_is_cleared_and_allocated_anew() {
    let v6 = Service { families: Ok(Families::Single(Family::V6)), ..service() };
    let require = dual(FamilyPolicy::RequireDualStack, Family::V4);
    let cases: [(Service, &[&str], &str, &[&str]); 8] = [
        (service(), &["10.0.0.5"], "p: 10.0.0.5", &[]),
        (service(), &["10.9.0.5"], "p: 10.0.0.1", &["ClearAssignment", "IPAllocated"]),
        (service(), &["10.1.0.5"], "p: 10.0.0.1", &["ClearAssignment", "IPAllocated"]),
        (service(), &["fc00::5"], "p: 10.0.0.1", &["ClearAssignment", "IPAllocated"]),
        (
            service(),
            &["10.0.0.5", "10.0.0.6"],
            "p: 10.0.0.1",
            &["nolbIPsIPFamily", "ClearAssignment", "IPAllocated"],
        ),
        (v6, &["10.0.0.5"], "p: fc00::1", &["ClearAssignment", "IPAllocated"]),
        (require.clone(), &["10.0.0.5"], "p: 10.0.0.1,fc00::1", &["ClearAssignment", "IPAllocated"]),
        (require, &["fc00::5", "10.0.0.5"], "p: fc00::5,10.0.0.5", &[]),
    ];
    for (service, status, expected, told) in cases {
        let service = Service { status_ips: ips(status), ..service };
        let ours = pool(&["10.0.0.1-10.0.0.9", "fc00::1-fc00::9"]);
        let theirs = pinned(&["10.1.0.1-10.1.0.9"], 0, &["other"]);
        let (_, outcomes) = allocate(&model([("p", ours), ("q", theirs)], [("a", service)]));
        let outcome = &outcomes[&key("a")];
        assert_eq!((said(outcome).as_str(), events(outcome).as_slice()), (expected, told), "{status:?}");
        assert_eq!(outcome.changed, !told.is_empty());
    }
}

#[test]
fn a_changed_request_moves_the_service_and_a_senseless_one_does_not() {
    let pools = pools([("p", pool(&["10.0.0.1-10.0.0.9"])), ("q", pool(&["10.1.0.1"]))]);
    let mut ledger = Ledger::new(&pools);
    let mut step = |service: Service| {
        let outcome = ledger.assign(&key("a"), &service);
        (said(&outcome), events(&outcome))
    };
    assert_eq!(step(service()), ("p: 10.0.0.1".into(), vec!["IPAllocated"]));
    assert_eq!(step(service()), ("p: 10.0.0.1".into(), vec![]));
    let by_pool = Service { requested_pool: Some("q".into()), ..service() };
    assert_eq!(step(by_pool.clone()), ("q: 10.1.0.1".into(), vec!["ClearAssignment", "IPAllocated"]));
    // Without the annotation it stays where it is.
    assert_eq!(step(service()), ("q: 10.1.0.1".into(), vec![]));
    let by_address = Service { requested_ips: Ok(ips(&["10.0.0.7"])), ..service() };
    assert_eq!(step(by_address), ("p: 10.0.0.7".into(), vec!["ClearAssignment", "IPAllocated"]));
    let senseless = Service { requested_ips: Err(RequestError::Both), ..service() };
    assert_eq!(step(senseless), ("p: 10.0.0.7".into(), vec!["LoadBalancerFailed"]));
}

#[test]
fn a_second_family_is_added_from_the_same_pool_and_only_with_two_cluster_addresses() {
    let four = || pool(&["10.0.0.1-10.0.0.9"]);
    let both = || pool(&["10.0.0.1-10.0.0.9", "fc00::1"]);
    let prefer = dual(FamilyPolicy::PreferDualStack, Family::V4);
    let mut ledger = Ledger::new(&pools([("p", four())]));
    let mut step = |pools: &BTreeMap<PoolName, Pool>, service: &Service| {
        ledger.set_pools(pools);
        let outcome = ledger.assign(&key("a"), service);
        (said(&outcome), events(&outcome))
    };
    let only = pools([("p", four())]);
    assert_eq!(step(&only, &prefer), ("p: 10.0.0.1".into(), vec!["IPAllocated"]));
    // A better pool elsewhere moves nobody.
    let better = pools([("a-better", pool(&["10.1.0.1", "fc01::1"])), ("p", four())]);
    assert_eq!(step(&better, &prefer), ("p: 10.0.0.1".into(), vec!["AdditionalAssignFailed"]));
    let wider = pools([("p", both())]);
    assert_eq!(step(&wider, &prefer), ("p: 10.0.0.1,fc00::1".into(), vec!["IPAllocated"]));
    // Its own pool becomes single-stack: both addresses go, and it moves to one that has both.
    let moved = pools([("p", four()), ("q", pool(&["10.1.0.1", "fc01::1"]))]);
    assert_eq!(step(&moved, &prefer), ("q: 10.1.0.1,fc01::1".into(), vec!["IPAllocated"]));

    // One that asked for its address by name has what it asked for, now and later.
    let asks = Service { requested_ips: Ok(ips(&["10.0.0.7"])), status_ips: ips(&["10.0.0.7"]), ..prefer };
    let mut ledger = Ledger::new(&wider);
    for _ in 0..3 {
        let outcome = ledger.assign(&key("c"), &asks);
        assert_eq!((said(&outcome), events(&outcome)), ("p: 10.0.0.7".into(), vec![]));
    }

    // One cluster address: one address, however often it is looked at (MetalLB adds and clears).
    let single = Service { policy: FamilyPolicy::PreferDualStack, ..service() };
    let mut ledger = Ledger::new(&wider);
    for told in [vec!["IPAllocated"], vec![], vec![]] {
        let outcome = ledger.assign(&key("b"), &single);
        assert_eq!((said(&outcome), events(&outcome)), ("p: 10.0.0.1".into(), told));
    }
}

#[test]
fn a_policy_that_cannot_be_met_any_more_takes_the_address_away() {
    let only = pools([("p", pool(&["10.0.0.1"]))]);
    let mut ledger = Ledger::new(&only);
    let mut step = |policy| said(&ledger.assign(&key("a"), &dual(policy, Family::V4)));
    assert_eq!(step(FamilyPolicy::PreferDualStack), "p: 10.0.0.1");
    assert_eq!(step(FamilyPolicy::RequireDualStack), "NoAvailableIPs");
    assert_eq!(step(FamilyPolicy::PreferDualStack), "p: 10.0.0.1");
}

#[test]
fn changed_pools_keep_every_address_that_still_lies_in_one() {
    let before = pools([("p", pool(&["10.0.0.1-10.0.0.9", "fc00::1-fc00::9"]))]);
    let status = |v4: &str| Service {
        status_ips: ips(&[v4, "fc00::2"]),
        ..dual(FamilyPolicy::PreferDualStack, Family::V4)
    };
    let cases = [
        ("renamed", pools([("q", pool(&["10.0.0.1-10.0.0.9", "fc00::1-fc00::9"]))]), "q: 10.0.0.2,fc00::2"),
        ("grown", pools([("p", pool(&["10.0.0.0-10.0.0.99", "fc00::-fc00::99"]))]), "p: 10.0.0.2,fc00::2"),
        (
            "split",
            pools([
                ("p", pool(&["10.0.0.3-10.0.0.9", "fc00::3-fc00::9"])),
                ("q", pool(&["10.0.0.1-10.0.0.2", "fc00::1-fc00::2"])),
            ]),
            "q: 10.0.0.2,fc00::2",
        ),
        ("shrunk", pools([("p", pool(&["10.0.0.5-10.0.0.9", "fc00::5-fc00::9"]))]), "p: 10.0.0.5,fc00::5"),
        (
            "families parted",
            pools([("p", pool(&["10.0.0.1-10.0.0.9"])), ("q", pool(&["fc00::1-fc00::9"]))]),
            "p: 10.0.0.1",
        ),
        ("gone", BTreeMap::new(), "NoPools"),
    ];
    for (what, after, expected) in cases {
        let mut ledger = Ledger::new(&before);
        ledger.assign(&key("a"), &status("10.0.0.2"));
        let kept = expected.ends_with(": 10.0.0.2,fc00::2");
        assert_eq!(ledger.set_pools(&after).is_empty(), kept, "{what}");
        assert_eq!(said(&ledger.assign(&key("a"), &status("10.0.0.2"))), expected, "{what}");
    }
}

#[test]
fn avoiding_buggy_addresses_evicts_who_has_one() {
    let before = pools([("p", pool(&["10.0.0.0-10.0.0.9"]))]);
    let after = pools([("p", Pool { avoid_buggy_ips: true, ..pool(&["10.0.0.0-10.0.0.9"]) })]);
    let mut ledger = Ledger::new(&before);
    assert_eq!(said(&ledger.assign(&key("a"), &service())), "p: 10.0.0.0");
    assert_eq!(said(&ledger.assign(&key("b"), &service())), "p: 10.0.0.1");
    assert_eq!(ledger.set_pools(&after), BTreeSet::from([key("a")]));
    let outcome = ledger.assign(&key("a"), &with_status(&["10.0.0.0"]));
    assert_eq!(
        (said(&outcome), events(&outcome)),
        ("p: 10.0.0.2".into(), vec!["ClearAssignment", "IPAllocated"])
    );
    assert_eq!(said(&ledger.assign(&key("b"), &service())), "p: 10.0.0.1");
}

#[test]
fn a_released_address_goes_to_who_waits() {
    let mut ledger = Ledger::new(&pools([("p", pool(&["10.0.0.1"]))]));
    assert_eq!(said(&ledger.assign(&key("a"), &service())), "p: 10.0.0.1");
    assert_eq!(said(&ledger.assign(&key("b"), &service())), "NoAvailableIPs");
    assert!(ledger.release(&key("a")) && !ledger.release(&key("a")));
    assert_eq!(said(&ledger.assign(&key("b"), &service())), "p: 10.0.0.1");
}

#[test]
fn usage_counts_addresses_once_and_never_overflows() {
    let mut ledger = Ledger::new(&pools([
        (
            "huge",
            pool(&["::-7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "c000::-ffff::", "10.1.0.0-10.1.255.255"]),
        ),
        ("small", Pool { avoid_buggy_ips: true, ..pool(&["10.0.0.0-10.0.0.255"]) }),
    ]));
    for (name, port) in [("a", "TCP/1"), ("b", "TCP/2")] {
        let shared = Service { requested_pool: Some("small".into()), ..sharer("k", "", &[port]) };
        ledger.assign(&key(name), &shared);
    }
    ledger.assign(&key("c"), &dual(FamilyPolicy::RequireDualStack, Family::V4));
    assert_eq!(
        ledger.usage("huge"),
        Some(PoolUsage { assigned_v4: 1, assigned_v6: 1, available_v4: 65_535, available_v6: i64::MAX - 1 })
    );
    assert_eq!(
        ledger.usage("small"),
        Some(PoolUsage { assigned_v4: 1, available_v4: 253, ..PoolUsage::default() })
    );
    assert_eq!(ledger.usage("none"), None);
}

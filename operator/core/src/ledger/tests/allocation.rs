//! Which address a Service without one gets.

use super::*;
use crate::model::FamilyPolicy::{PreferDualStack, RequireDualStack, SingleStack};
use crate::model::{FamilyError, RequestError};
use crate::selector::Selector;

/// What one Service gets from pools of which nothing is in use.
fn first(pools: &BTreeMap<PoolName, Pool>, service: &Service) -> String {
    said(&Ledger::new(pools).assign(&key("a"), service))
}

/// What Services get one after the other.
fn sequence<const N: usize>(
    pools: &BTreeMap<PoolName, Pool>,
    services: &[(&str, Service); N],
) -> Vec<String> {
    let mut ledger = Ledger::new(pools);
    services.iter().map(|(name, service)| said(&ledger.assign(&key(name), service))).collect()
}

#[test]
fn addresses_are_given_out_in_the_order_of_the_ranges_from_the_first() {
    let pools = pools([("p", pool(&["10.0.1.0-10.0.1.1", "10.0.0.0-10.0.0.1"]))]);
    let all = ["a", "b", "c", "d", "e"].map(|name| (name, service()));
    assert_eq!(
        sequence(&pools, &all),
        ["p: 10.0.1.0", "p: 10.0.1.1", "p: 10.0.0.0", "p: 10.0.0.1", "NoAvailableIPs"]
    );
}

#[test]
fn buggy_addresses_are_left_out_where_the_pool_says_so() {
    let pools = pools([("p", Pool { avoid_buggy_ips: true, ..pool(&["10.0.0.254-10.0.1.1"]) })]);
    let all = ["a", "b", "c"].map(|name| (name, service()));
    assert_eq!(sequence(&pools, &all), ["p: 10.0.0.254", "p: 10.0.1.1", "NoAvailableIPs"]);
    let asks = Service { requested_ips: Ok(ips(&["10.0.0.255"])), ..service() };
    assert_eq!(first(&pools, &asks), "AddressAvoided");
}

#[test]
fn pools_come_in_order_of_priority_then_name_and_unpinned_last() {
    let pools = pools([
        ("any", pool(&["10.0.0.1"])),
        ("also-any", pool(&["10.0.0.2"])),
        ("zero", pinned(&["10.0.0.3"], 0, &["ns"])),
        ("twenty", pinned(&["10.0.0.4"], 20, &["ns"])),
        ("ten", pinned(&["10.0.0.5"], 10, &[])),
        ("also-ten", pinned(&["10.0.0.6"], 10, &["ns"])),
        ("elsewhere", pinned(&["10.0.0.7"], 1, &["other"])),
        ("manual", Pool { auto_assign: false, ..pinned(&["10.0.0.8"], 1, &["ns"]) }),
    ]);
    let all = ["a", "b", "c", "d", "e", "f", "g"].map(|name| (name, service()));
    let order = ["also-ten: 10.0.0.6", "ten: 10.0.0.5", "twenty: 10.0.0.4", "zero: 10.0.0.3"];
    let rest = ["also-any: 10.0.0.2", "any: 10.0.0.1", "NoAvailableIPs"];
    assert_eq!(sequence(&pools, &all), [&order[..], &rest[..]].concat());
}

#[test]
fn both_conditions_of_a_pinned_pool_must_hold() {
    let labels = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
    let mut only = pinned(&["10.0.0.1"], 0, &["ns"]);
    let selector = k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector {
        match_labels: Some(labels.clone()),
        match_expressions: None,
    };
    only.pinned.as_mut().unwrap().service_selectors = vec![Selector::parse(&selector).unwrap()];
    let pools = pools([("p", only)]);
    let web = Service { labels: labels.into_iter().collect(), ..service() };
    let cases = [
        ("ns/a", &web, "p: 10.0.0.1"),
        ("other/a", &web, "NoAvailableIPs"),
        ("ns/a", &service(), "NoAvailableIPs"),
    ];
    for (name, asks, expected) in cases {
        assert_eq!(said(&Ledger::new(&pools).assign(&key(name), asks)), expected, "{name}");
        let by_name = Service { requested_pool: Some("p".into()), ..asks.clone() };
        let expected = expected.replace("NoAvailableIPs", "PoolNotAllowed");
        assert_eq!(said(&Ledger::new(&pools).assign(&key(name), &by_name)), expected, "{name} by name");
        let by_address = Service { requested_ips: Ok(ips(&["10.0.0.1"])), ..asks.clone() };
        assert_eq!(said(&Ledger::new(&pools).assign(&key(name), &by_address)), expected, "{name} by address");
    }
}

#[test]
fn what_a_service_asks_for_by_address_or_pool() {
    let pools = pools([
        ("auto", pool(&["10.0.0.1-10.0.0.9", "fc00::1-fc00::9"])),
        ("manual", Pool { auto_assign: false, ..pool(&["10.1.0.1-10.1.0.9", "fc01::1-fc01::9"]) }),
        ("v6", Pool { auto_assign: false, ..pool(&["fc02::1"]) }),
    ]);
    let v4 = service;
    let v6 = || Service { families: Ok(Families::Single(Family::V6)), ..service() };
    let both = || dual(RequireDualStack, Family::V4);
    let prefer = || dual(PreferDualStack, Family::V4);
    let cases: [(Service, &[&str], &str, &str); 17] = [
        (v4(), &[], "", "auto: 10.0.0.1"),
        (v4(), &["10.0.0.7"], "", "auto: 10.0.0.7"),
        (v4(), &["10.1.0.7"], "", "manual: 10.1.0.7"),
        (v4(), &["10.1.0.7"], "manual", "manual: 10.1.0.7"),
        (v4(), &["10.1.0.7"], "auto", "PoolMismatch"),
        (v4(), &["10.2.0.7"], "", "AddressNotInPool"),
        (v4(), &["fc00::7"], "", "RequestedFamilyMismatch"),
        (v4(), &["10.0.0.7", "fc00::7"], "", "RequestedFamilyMismatch"),
        (v4(), &["10.0.0.7", "10.0.0.8"], "", "RequestedFamilyMismatch"),
        (both(), &["fc00::7", "10.0.0.7"], "", "auto: 10.0.0.7,fc00::7"),
        (both(), &["fc01::7", "10.0.0.7"], "", "AddressesInSeveralPools"),
        (prefer(), &["10.0.0.7"], "", "RequestedFamilyMismatch"),
        (v4(), &[], "manual", "manual: 10.1.0.1"),
        (v6(), &[], "manual", "manual: fc01::1"),
        (both(), &[], "manual", "manual: 10.1.0.1,fc01::1"),
        (v4(), &[], "v6", "NoAvailableIPs"),
        (v4(), &[], "none", "UnknownPool"),
    ];
    for (asks, addresses, by_pool, expected) in cases {
        let requested_pool = Some(by_pool).filter(|p| !p.is_empty()).map(Arc::from);
        let asks = Service { requested_ips: Ok(ips(addresses)), requested_pool, ..asks };
        assert_eq!(first(&pools, &asks), expected, "{addresses:?} {by_pool}");
    }
}

#[test]
fn both_families_come_from_one_pool_or_one_family_from_the_first_that_has_it() {
    let four = ("a-four", pool(&["10.0.0.1"]));
    let six = ("b-six", pool(&["fc00::1"]));
    let both = ("c-both", pool(&["10.0.1.1", "fc01::1"]));
    let split = pools([four.clone(), six.clone()]);
    let all = pools([four, six, both]);
    let cases = [
        (&all, dual(PreferDualStack, Family::V4), "c-both: 10.0.1.1,fc01::1"),
        (&all, dual(RequireDualStack, Family::V6), "c-both: 10.0.1.1,fc01::1"),
        (&split, dual(PreferDualStack, Family::V4), "a-four: 10.0.0.1"),
        (&split, dual(PreferDualStack, Family::V6), "b-six: fc00::1"),
        (&split, dual(RequireDualStack, Family::V4), "NoAvailableIPs"),
        (&split, dual(SingleStack, Family::V4), "NoAvailableIPs"),
        (&split, Service { policy: PreferDualStack, ..service() }, "a-four: 10.0.0.1"),
        (&all, Service { policy: PreferDualStack, ..service() }, "a-four: 10.0.0.1"),
    ];
    for (pools, asks, expected) in cases {
        assert_eq!(first(pools, &asks), expected, "{:?} {:?}", asks.families, asks.policy);
    }
    let only_six = pools([("six", pool(&["fc00::1"]))]);
    assert_eq!(first(&only_six, &dual(PreferDualStack, Family::V4)), "six: fc00::1");
}

#[test]
fn a_service_that_cannot_be_served_says_why_by_reason_and_event() {
    let some = pools([("p", pool(&["10.0.0.1"]))]);
    let none = BTreeMap::new();
    let request = |why| Service { requested_ips: Err(why), ..service() };
    let family = |why| Service { families: Err(why), ..service() };
    let cases = [
        (&none, service(), "NoPools", "AllocationFailed"),
        (&some, request(RequestError::Both), "ConflictingRequestedAddresses", "AllocationFailed"),
        (&some, request(RequestError::Address("x".into())), "InvalidRequestedAddress", "AllocationFailed"),
        (&some, family(FamilyError::NotDual), "ClusterIPFamilies", "not enough clusterips"),
        (&some, family(FamilyError::Headless), "HeadlessService", "noclusterIPsIPFamily"),
        (
            &some,
            Service { policy: RequireDualStack, ..service() },
            "ClusterIPFamilies",
            "not enough clusterips",
        ),
    ];
    for (pools, asks, reason, event) in cases {
        let outcome = Ledger::new(pools).assign(&key("a"), &asks);
        assert_eq!((said(&outcome), events(&outcome)), (reason.to_owned(), vec![event]));
        assert!(outcome.events[0].is_warning());
    }
}

#[test]
fn the_message_names_every_pool_and_why_it_gives_nothing() {
    let pools = pools([
        ("full", pool(&["10.0.0.1"])),
        ("manual", Pool { auto_assign: false, ..pool(&["10.0.1.1"]) }),
        ("six", pool(&["fc00::1"])),
        ("theirs", pinned(&["10.0.2.1"], 0, &["other"])),
    ]);
    let mut ledger = Ledger::new(&pools);
    ledger.assign(&key("a"), &service());
    let outcome = ledger.assign(&key("b"), &service());
    assert_eq!(
        outcome.error().unwrap().to_string(),
        "no available IPs for ipv4: pool full has no free ipv4 address, pool manual has autoAssign: false, \
         pool six has no ipv4 addresses, pool theirs is not for this Service (serviceAllocation does not name \
         its namespace)"
    );
}

//! Which Services may be on one address.

use super::*;

#[test]
fn two_services_share_by_equal_keys_with_disjoint_ports() {
    let cases = [
        (sharer("k", "", &["TCP/53"]), sharer("k", "", &["UDP/53"]), Ok(())),
        (sharer("k", "app=a", &["TCP/80"]), sharer("k", "app=a", &["TCP/81"]), Ok(())),
        (sharer("k", "", &["TCP/80"]), sharer("k", "", &["TCP/80"]), Err("port TCP/80 is already in use")),
        (sharer("k", "", &["TCP/80"]), sharer("l", "", &["TCP/81"]), Err("sharing key \"l\" does not match")),
        (sharer("k", "", &["TCP/80"]), sharer("", "", &["TCP/81"]), Err("allow-shared-ip: \"k\"")),
        (sharer("", "", &["TCP/80"]), sharer("k", "", &["TCP/81"]), Err("it has no annotation")),
        (sharer("", "", &["TCP/80"]), sharer("", "", &["TCP/81"]), Err("it has no annotation")),
        (sharer("k", "", &["TCP/80"]), sharer("k", "app=a", &["TCP/81"]), Err("externalTrafficPolicy")),
        (sharer("k", "app=a", &["TCP/80"]), sharer("k", "app=b", &["TCP/81"]), Err("externalTrafficPolicy")),
    ];
    let pools = pools([("p", pool(&["10.0.0.1-10.0.0.2"]))]);
    for (one, two, expected) in cases {
        let mut ledger = Ledger::new(&pools);
        ledger.assign(&key("one"), &one);
        // Asked for by address it is refused with the reason; asked for any, it gets the next.
        let asks = Service { requested_ips: Ok(ips(&["10.0.0.1"])), ..two.clone() };
        let outcome = ledger.assign(&key("two"), &asks);
        match expected {
            Ok(()) => assert_eq!(said(&outcome), "p: 10.0.0.1"),
            Err(text) => {
                let message = outcome.error().unwrap().to_string();
                let names =
                    message.contains(text) && message.contains("10.0.0.1 is in use by Service ns/one");
                assert!(names, "{message}");
            }
        }
        ledger.release(&key("two"));
        let any = if expected.is_ok() { "p: 10.0.0.1" } else { "p: 10.0.0.2" };
        assert_eq!(said(&ledger.assign(&key("two"), &two)), any);
        assert_eq!(ledger.usage("p").unwrap().assigned_v4, if expected.is_ok() { 1 } else { 2 });
    }
}

#[test]
fn a_service_alone_on_its_address_may_change_its_keys() {
    let mut ledger = Ledger::new(&pools([("p", pool(&["10.0.0.1-10.0.0.2"]))]));
    ledger.assign(&key("one"), &service());
    assert_eq!(said(&ledger.assign(&key("one"), &sharer("k", "", &["TCP/80"]))), "p: 10.0.0.1");
    assert_eq!(said(&ledger.assign(&key("two"), &sharer("k", "", &["TCP/81"]))), "p: 10.0.0.1");
    assert_eq!(ledger.users("10.0.0.1".parse().unwrap()).count(), 2);
}

#[test]
fn sharing_is_looked_at_again_when_a_service_changes() {
    let mut ledger = Ledger::new(&pools([("p", pool(&["10.0.0.1"]))]));
    let cluster = |port: &str| sharer("k", "", &[port]);
    let local = |port: &str, selector: &str| sharer("k", selector, &[port]);
    let mut step = |name: &str, service: &Service| said(&ledger.assign(&key(name), service));

    assert_eq!(step("one", &cluster("TCP/80")), "p: 10.0.0.1");
    assert_eq!(step("two", &cluster("TCP/81")), "p: 10.0.0.1");
    // One of them turns to Local: it loses the address and the other keeps it.
    assert_eq!(step("one", &local("TCP/80", "app=a")), "NoAvailableIPs");
    assert_eq!(step("two", &cluster("TCP/81")), "p: 10.0.0.1");
    // Both are Local with one selector: both have it.
    assert_eq!(step("two", &local("TCP/81", "app=a")), "p: 10.0.0.1");
    assert_eq!(step("one", &local("TCP/80", "app=a")), "p: 10.0.0.1");
    // Ports may change while they stay apart.
    assert_eq!(step("one", &local("TCP/82", "app=a")), "p: 10.0.0.1");
    assert_eq!(step("one", &local("TCP/81", "app=a")), "NoAvailableIPs");
}

#[test]
fn an_address_that_can_be_shared_is_taken_where_it_comes_first() {
    let mut ledger = Ledger::new(&pools([("p", pool(&["10.0.0.1-10.0.0.9"]))]));
    let mut step = |name: &str, service: &Service| said(&ledger.assign(&key(name), service));
    assert_eq!(step("a", &sharer("k", "", &["TCP/80"])), "p: 10.0.0.1");
    assert_eq!(step("b", &service()), "p: 10.0.0.2");
    assert_eq!(step("c", &sharer("k", "", &["TCP/80", "TCP/81"])), "p: 10.0.0.3");
    assert_eq!(step("d", &sharer("k", "", &["TCP/81"])), "p: 10.0.0.1");
    assert_eq!(step("e", &sharer("k", "", &["TCP/81", "TCP/82"])), "p: 10.0.0.4");
    assert_eq!(step("f", &sharer("k", "", &["TCP/82"])), "p: 10.0.0.1");
}

use super::*;

/// A write of an old leader that gives 10.0.0.1 to `s`, who has waited for it, and is still on its way; since then `t`
/// asks for that address.
fn late_grant() -> (Cluster, super::super::ServiceWrite) {
    let mut cluster = Cluster::new([(Kind::IpAddressPool, pool("one", &["10.0.0.1/32"]))]);
    cluster.put(Kind::Service, service("a"));
    cluster.put(Kind::Service, service("s"));
    cluster.wait(1_000);
    assert_eq!((cluster.ips("a"), cluster.ips("s")), ("10.0.0.1".into(), String::new()));
    cluster.api.delete(Kind::Service, "default", "a");
    cluster.watch.hear(&cluster.api, 0, usize::MAX);
    let view = cluster.watch.view();
    let effects = cluster.controller.step(now(cluster.at), Input::View(view));
    let write = effects.into_iter().find_map(|effect| match effect {
        Effect::PatchService(write) => Some(write),
        _ => None,
    });
    let asked = "/metadata/annotations/metallb.io~1loadBalancerIPs";
    cluster.api.put(Kind::Service, with(service("t"), asked, json!("10.0.0.1")));
    cluster.controller = Controller::new(options());
    cluster.reasons();
    (cluster, write.unwrap())
}

#[test]
fn a_new_leader_writes_to_all_that_wait_before_it_gives_anything_out() {
    let (mut cluster, write) = late_grant();
    cluster.watch = Watch::new(&cluster.api);
    let lead = Input::Lead { view: cluster.watch.view(), late: LateWrites::Possible };
    let mut touched = Vec::new();
    for effect in cluster.controller.step(now(cluster.at), lead) {
        let Effect::PatchService(touch) = effect else { continue };
        assert_eq!((&touch.patch.ips, touch.patch.conditions.len()), (&None, 1), "no grant yet: {touch:?}");
        touched.push((touch.key.name.to_string(), touch.id, cluster.api.patch(&touch)));
    }
    let names: Vec<&str> = touched.iter().map(|(name, ..)| &**name).collect();
    assert_eq!(names, ["s", "t"]);
    assert_eq!(cluster.api.patch(&write), Err(WriteFailure::Conflict), "the late write comes to nothing");
    for (_, id, result) in touched {
        assert_eq!((cluster.ips("s"), cluster.ips("t")), (String::new(), String::new()));
        cluster.step(Input::Written { id, result });
    }
    cluster.settle();
    assert_eq!((cluster.ips("s"), cluster.ips("t")), (String::new(), "10.0.0.1".into()));
}

/// Nothing should make two of one; where it happens all the same, it does not stay.
#[test]
fn of_two_that_show_one_address_the_older_grant_keeps_it() {
    let (mut cluster, write) = late_grant();
    cluster.at += 60_000;
    cluster.lead(LateWrites::Impossible);
    assert_eq!(cluster.ips("t"), "10.0.0.1");
    cluster.reasons();
    cluster.api.patch(&write).unwrap();
    assert_eq!((cluster.ips("s"), cluster.ips("t")), ("10.0.0.1".into(), "10.0.0.1".into()));
    cluster.settle();
    cluster.wait(1_000);
    assert_eq!((cluster.ips("s"), cluster.ips("t")), ("10.0.0.1".into(), String::new()));
    let reasons = cluster.reasons();
    assert_eq!(reasons[0], "AddressHeldTwice", "{reasons:?}");
    assert_eq!(cluster.condition("t", crate::input::objects::ALLOCATED).1, "AddressInUse");
}

/// The pool lost the address of `s`, which is to move; then the pool is as it was, and another one leads.
#[test]
fn a_late_move_of_one_that_stays_after_all_comes_to_nothing() {
    let mut cluster = Cluster::new([(Kind::IpAddressPool, pool("one", &["10.0.0.1-10.0.0.2"]))]);
    cluster.put(Kind::Service, service("s"));
    let (settled, writes) = (cluster.ips("s"), cluster.api.service_writes);
    cluster.api.put(Kind::IpAddressPool, pool("one", &["10.0.0.2/32"]));
    cluster.watch.hear(&cluster.api, 0, usize::MAX);
    let patch = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::PatchService(write) => Some(write),
            _ => None,
        })
    };
    let view = cluster.watch.view();
    let said = patch(cluster.controller.step(now(cluster.at), Input::View(view))).unwrap();
    assert_eq!(said.patch.ips, None, "it is said first: {said:?}");
    let result = cluster.api.patch(&said);
    assert_eq!(cluster.condition("s", crate::input::objects::ALLOCATED).1, "AboutToMove");
    let moved =
        patch(cluster.controller.step(now(cluster.at), Input::Written { id: said.id, result })).unwrap();
    assert_eq!(moved.patch.ips, Some(vec!["10.0.0.2".parse().unwrap()]));
    // That one is late.
    cluster.api.put(Kind::IpAddressPool, pool("one", &["10.0.0.1-10.0.0.2"]));
    cluster.api.put(Kind::Service, service("t"));
    cluster.controller = Controller::new(options());
    cluster.lead(LateWrites::Possible);
    assert_eq!((cluster.ips("s"), cluster.ips("t")), (settled, "10.0.0.2".into()));
    assert_eq!(cluster.api.patch(&moved), Err(WriteFailure::Conflict));
    cluster.settle();
    assert_eq!(cluster.condition("s", crate::input::objects::ALLOCATED).1, "Allocated");
    assert!(!cluster.reasons().contains(&"ClearAssignment"), "nothing happened to it");
    assert_eq!(cluster.api.service_writes, writes + 5, "s: said, touched, stays; t: touched, served");
}

#[test]
fn a_move_is_two_writes_and_its_events_are_told_once() {
    let mut cluster = Cluster::new([(Kind::IpAddressPool, pool("one", &["10.0.0.1-10.0.0.2"]))]);
    cluster.put(Kind::Service, service("s"));
    let writes = cluster.api.service_writes;
    cluster.reasons();
    cluster.put(Kind::IpAddressPool, pool("one", &["10.0.0.2/32"]));
    assert_eq!((cluster.ips("s"), cluster.api.service_writes), ("10.0.0.2".into(), writes + 2));
    assert_eq!(cluster.reasons(), ["ClearAssignment", "IPAllocated"]);
}

/// `b` left the sharing of `a` while nobody led; that it goes elsewhere cannot be written.
#[test]
fn an_address_that_two_show_is_nobodys_until_neither_does() {
    let pools = [pool("one", &["10.0.0.1/32"]), pool("two", &["10.0.9.1/32"])];
    let mut cluster = Cluster::new(pools.map(|pool| (Kind::IpAddressPool, pool)));
    let sharing = |name: &str, key: &str, port: u16| {
        let service = with(service(name), "/metadata/annotations/metallb.io~1allow-shared-ip", json!(key));
        with(service, "/spec/ports", json!([{"port": port, "protocol": "TCP"}]))
    };
    cluster.put(Kind::Service, sharing("a", "key", 80));
    cluster.put(Kind::Service, sharing("b", "key", 81));
    let asks = with(service("c"), "/metadata/annotations/metallb.io~1address-pool", json!("one"));
    cluster.put(Kind::Service, asks);
    let ips = |cluster: &Cluster| ["a", "b", "c"].map(|name| cluster.ips(name));
    assert_eq!(ips(&cluster), ["10.0.0.1", "10.0.0.1", ""]);
    cluster.api.put(Kind::Service, sharing("b", "another", 81));
    cluster.controller = Controller::new(options());
    cluster.lost = Some(key("b"));
    cluster.lead(LateWrites::Impossible);
    cluster.delete(Kind::Service, "default", "a");
    assert_eq!(ips(&cluster), ["", "10.0.0.1", ""], "b shows it still");
    cluster.lost = None;
    cluster.wait(60_000);
    cluster.wait(1_000);
    assert_eq!(ips(&cluster), ["", "10.0.9.1", "10.0.0.1"]);
}

#[test]
fn a_new_leader_waits_for_who_cannot_be_written_to_only_as_long_as_that_may_change() {
    let (mut cluster, _) = late_grant();
    cluster.lost = Some(key("s"));
    cluster.lead(LateWrites::Possible);
    cluster.wait(1_000);
    assert_eq!(cluster.ips("t"), "", "s may still be written to");
    cluster.lost = None;
    cluster.wait(60_000);
    assert_eq!(cluster.ips("t"), "10.0.0.1");
}

#[test]
fn a_follower_does_nothing_and_knows_the_last_valid_form_when_it_leads() {
    let mut cluster = Cluster::new([(Kind::IpAddressPool, pool("one", &["10.0.0.1/32"]))]);
    cluster.put(Kind::Service, service("a"));
    let mut other = Controller::new(options());
    let mut watch = Watch::new(&cluster.api);
    assert_eq!(other.step(now(0), Input::View(watch.view())), []);
    cluster.put(Kind::IpAddressPool, pool("one", &["10.0.0.300"]));
    watch.hear(&cluster.api, 0, usize::MAX);
    assert_eq!(other.step(now(0), Input::View(watch.view())), []);
    let writes = cluster.api.service_writes;
    cluster.controller = other;
    cluster.lead(LateWrites::Possible);
    assert_eq!((cluster.ips("a"), cluster.api.service_writes), ("10.0.0.1".into(), writes));
}

/// Without any memory: nobody knows what the pool said before.
#[test]
fn who_has_an_address_of_a_pool_that_is_not_in_force_keeps_it() {
    let mut cluster = Cluster::new([(Kind::IpAddressPool, pool("one", &["10.0.0.1/32"]))]);
    cluster.put(Kind::Service, service("a"));
    cluster.put(Kind::IpAddressPool, pool("one", &["10.0.0.300"]));
    cluster.controller = Controller::new(options());
    cluster.lead(LateWrites::Possible);
    assert_eq!(cluster.ips("a"), "10.0.0.1");
    assert_eq!(cluster.condition("a", crate::input::objects::ALLOCATED).1, "PoolNotInForce");
    let state = cluster.api.get(Kind::ConfigurationState, NAMESPACE, "controller").unwrap();
    assert_eq!(state["status"]["result"], "Invalid");
    cluster.put(Kind::IpAddressPool, pool("one", &["10.0.0.1/32"]));
    assert_eq!(cluster.condition("a", crate::input::objects::ALLOCATED).1, "Allocated");
    assert_eq!(cluster.ips("a"), "10.0.0.1");
}

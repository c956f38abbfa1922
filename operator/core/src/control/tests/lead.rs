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

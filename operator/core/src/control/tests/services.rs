use super::*;
use crate::input::objects::{ADVERTISED, ALLOCATED};

fn advertisement() -> (Kind, Value) {
    (Kind::L2Advertisement, json!({"metadata": {"name": "all", "namespace": NAMESPACE}, "spec": {}}))
}

fn small() -> Cluster {
    Cluster::new([(Kind::IpAddressPool, pool("small", &["10.0.0.1-10.0.0.2"])), advertisement()])
}

#[test]
fn an_allocation_is_one_write_and_one_event_and_a_second_write_when_it_is_announced() {
    let mut cluster = small();
    cluster.reasons();
    cluster.put(Kind::Service, service("web"));
    assert_eq!(cluster.ips("web"), "10.0.0.1");
    assert_eq!((cluster.api.service_writes, cluster.reasons()), (1, vec!["IPAllocated"]));
    assert_eq!(cluster.condition("web", ALLOCATED).0, "True");
    let (status, reason, message) = cluster.condition("web", ADVERTISED);
    assert_eq!((&*status, &*reason), ("False", "NoEndpoints"), "{message}");
    cluster.put(Kind::EndpointSlice, slice("web", "node-a"));
    assert_eq!(cluster.condition("web", ADVERTISED).1, "Planned");
    assert_eq!((cluster.api.service_writes, cluster.reasons()), (2, vec![]));
    let web = cluster.api.get(Kind::Service, "default", "web").unwrap();
    assert_eq!(web["metadata"]["annotations"]["metallb.io/ip-allocated-from-pool"], "small");
    assert_eq!(web["status"]["loadBalancer"]["ingress"], json!([{"ip": "10.0.0.1", "ipMode": "VIP"}]));
    cluster.wait(60_000);
    assert_eq!(cluster.api.service_writes, 2, "nothing changed, nothing is written");
}

#[test]
fn conditions_of_others_stay_and_a_new_leader_writes_nothing_to_who_has_all() {
    let mut cluster = small();
    cluster.put(Kind::Service, service("web"));
    let mut status = cluster.api.get(Kind::Service, "default", "web").unwrap()["status"].clone();
    status["conditions"].as_array_mut().unwrap().insert(0, json!({"type": "Other", "status": "True"}));
    cluster.api.edit_status(Kind::Service, "default", "web", status);
    cluster.settle();
    cluster.put(Kind::EndpointSlice, slice("web", "node-a"));
    let conditions =
        cluster.api.get(Kind::Service, "default", "web").unwrap()["status"]["conditions"].clone();
    let types: Vec<_> =
        conditions.as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["Other", ALLOCATED, ADVERTISED]);
    let writes = cluster.api.service_writes;
    cluster.controller = Controller::new(options());
    cluster.lead(LateWrites::Possible);
    assert_eq!((cluster.api.service_writes, cluster.reasons().len()), (writes, 1));
}

#[test]
fn who_waits_gets_what_becomes_free_the_older_first() {
    let mut cluster = small();
    for name in ["a", "b", "d", "c"] {
        cluster.put(Kind::Service, service(name));
    }
    let (status, reason, message) = cluster.condition("c", ALLOCATED);
    assert_eq!((&*status, &*reason), ("False", "NoAvailableIPs"), "{message}");
    assert!(message.contains("pool small has no free") && message.contains("extend"), "{message}");
    assert_eq!(cluster.condition("c", ADVERTISED).1, "NoAddress");
    assert_eq!(cluster.controller.facts().pending, [("NoAvailableIPs", 2)].into());
    // A1: the holder becomes a ClusterIP.
    cluster.put(Kind::Service, with(service("a"), "/spec/type", json!("ClusterIP")));
    cluster.wait(1_000);
    assert_eq!((cluster.ips("d"), cluster.ips("c")), ("10.0.0.1".into(), String::new()));
    let a = cluster.api.get(Kind::Service, "default", "a").unwrap();
    assert_eq!((&a["metadata"]["annotations"], &a["status"]["conditions"]), (&json!({}), &json!([])));
    // A2: the holder is deleted.
    cluster.delete(Kind::Service, "default", "b");
    cluster.wait(1_000);
    assert_eq!(cluster.ips("c"), "10.0.0.2");
    assert!(cluster.controller.facts().pending.is_empty());
}

#[test]
fn an_address_is_free_only_when_no_status_shows_it() {
    let mut cluster = small();
    for name in ["a", "b", "c"] {
        cluster.put(Kind::Service, service(name));
    }
    // a asks for another pool; nobody knows whether the write has come through.
    let on_request = with(pool("other", &["10.9.0.0/24"]), "/spec/autoAssign", json!(false));
    cluster.put(Kind::IpAddressPool, on_request);
    cluster.lost = Some(key("a"));
    let a = with(service("a"), "/metadata/annotations/metallb.io~1address-pool", json!("other"));
    cluster.put(Kind::Service, a);
    cluster.wait(100);
    assert_eq!((cluster.ips("a"), cluster.ips("c")), ("10.0.0.1".into(), String::new()));
    cluster.lost = None;
    cluster.wait(60_000);
    cluster.wait(1_000);
    assert_eq!((cluster.ips("a"), cluster.ips("c")), ("10.9.0.0".into(), "10.0.0.1".into()));
}

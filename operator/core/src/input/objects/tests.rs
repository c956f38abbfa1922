use super::*;
use crate::input::{Options, SourceText, parse};
use serde_json::{Value, json};

fn objects() -> Objects {
    Objects::new(
        &Options { namespace: Some("metallb-system".into()) },
        Keep { facts: true, ..Keep::default() },
    )
}

fn service(name: &str, version: u32, spec: &Value, status: &Value) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "default", "uid": format!("uid-{name}"),
            "resourceVersion": version.to_string(), "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [{"manager": "kubectl"}], "labels": {"app": name}
        },
        "spec": spec, "status": status
    })
}

fn balancer(name: &str, version: u32) -> Value {
    let spec = json!({"type": "LoadBalancer", "clusterIPs": ["10.96.0.7"], "ports": [{"port": 80}]});
    service(name, version, &spec, &json!({"loadBalancer": {}}))
}

fn pool(name: &str, addresses: &str) -> Value {
    let metadata = json!({"name": name, "namespace": "metallb-system", "uid": "p", "resourceVersion": "5"});
    json!({"metadata": metadata, "spec": {"addresses": [addresses]}, "status": {"assignedIPv4": 1}})
}

fn key(name: &str) -> ServiceKey {
    ServiceKey { namespace: "default".into(), name: name.into() }
}

fn object(kind: &'static str, name: &str) -> ObjectRef {
    ObjectRef { kind, namespace: "metallb-system".into(), name: name.into() }
}

#[test]
fn objects_of_an_api_server_read_as_manifests_do() {
    let mut known = objects();
    let mut manifests = Vec::new();
    for (kind, object) in [
        (Kind::Service, balancer("web", 1)),
        (Kind::IpAddressPool, pool("gold", "10.0.0.0/24")),
        (
            Kind::IpAddressPool,
            pool("wrong", "10.0.0.0/24")
                .as_object()
                .map(|pool| {
                    let mut pool = pool.clone();
                    pool.insert("spec".to_owned(), json!({"addresses": "10.0.0.0/24", "autoAsign": true}));
                    Value::Object(pool)
                })
                .unwrap_or_default(),
        ),
        (
            Kind::Node,
            json!({"metadata": {"name": "n1", "labels": {"a": "b"}}, "spec": {"podCIDRs": ["10.1.0.0/24"]},
            "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}}),
        ),
        (Kind::Namespace, json!({"metadata": {"name": "default", "labels": {"c": "d"}}})),
        (
            Kind::EndpointSlice,
            json!({"metadata": {"name": "web-1", "namespace": "default",
            "labels": {"kubernetes.io/service-name": "web"}}, "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.1.0.3"], "nodeName": "n1"}]}),
        ),
        (Kind::ServiceCidr, json!({"metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/16"]}})),
    ] {
        known.apply(kind, &object);
        let mut manifest = object;
        manifest["apiVersion"] = kind.api_version().into();
        manifest["kind"] = kind.name().into();
        manifests.push(SourceText { file: "-".into(), text: manifest.to_string().into() });
    }
    let mut wanted = parse(&manifests, &Options { namespace: Some("metallb-system".into()) });
    let got = known.view().parsed;
    wanted.problems.iter_mut().for_each(|problem| problem.location = None);
    assert_eq!(got.snapshot, wanted.snapshot);
    assert_eq!(got.problems, wanted.problems);
    assert!(!got.problems.is_empty());
}

#[test]
fn a_list_is_all_that_there_is_and_until_its_end_nothing_is_gone() {
    let mut known = objects();
    known.replace(Kind::Service, [balancer("a", 1), balancer("b", 2)]);
    let view = known.view();
    assert_eq!(view.changed.services, [key("a"), key("b")].into());
    assert!(view.synced.contains(&Kind::Service));

    known.begin(Kind::Service);
    known.apply(Kind::Service, &balancer("b", 3));
    assert!(known.view().parsed.snapshot.services.contains_key(&key("a")));
    known.finish(Kind::Service);
    let view = known.view();
    assert!(!view.parsed.snapshot.services.contains_key(&key("a")));
    assert!(!view.facts.contains_key(&key("a")));
    assert_eq!(view.changed.services, [key("a")].into());
    assert_eq!(&*view.facts[&key("b")].resource_version, "3");
}

#[test]
fn a_list_that_breaks_off_takes_nothing_away() {
    let mut known = objects();
    known.replace(Kind::IpAddressPool, [pool("a", "10.0.0.0/24"), pool("b", "10.0.1.0/24")]);
    known.begin(Kind::IpAddressPool);
    known.apply(Kind::IpAddressPool, &pool("b", "10.0.1.0/24"));
    known.begin(Kind::IpAddressPool);
    known.apply(Kind::IpAddressPool, &pool("a", "10.0.0.0/24"));
    known.apply(Kind::IpAddressPool, &pool("b", "10.0.1.0/24"));
    known.finish(Kind::IpAddressPool);
    assert_eq!(known.view().parsed.snapshot.pools.len(), 2);
}

#[test]
fn an_object_that_cannot_be_read_is_a_problem_and_nothing_else_suffers() {
    let mut known = objects();
    known.replace(Kind::Service, [balancer("a", 1), balancer("b", 1)]);
    drop(known.view());
    let wrong = service("a", 2, &json!({"type": "LoadBalancer", "ports": [{"port": "x"}]}), &json!({}));
    known.apply(Kind::Service, &wrong);
    let view = known.view();
    let id = ObjectRef { kind: "Service", namespace: "default".into(), name: "a".into() };
    assert!(view.parsed.snapshot.unreadable.contains(&id));
    assert_eq!(view.parsed.problems.len(), 1);
    // The last form that could be read, and what a writer needs of the one that is stored.
    assert_eq!(view.parsed.snapshot.services.len(), 2);
    assert_eq!(&*view.facts[&key("a")].resource_version, "2");

    known.apply(Kind::Service, &balancer("a", 3));
    let view = known.view();
    assert!(view.parsed.snapshot.unreadable.is_empty() && view.parsed.problems.is_empty());

    let mut broken = pool("p", "10.0.0.0/24");
    known.apply(Kind::IpAddressPool, &broken);
    broken["spec"] = json!({"addresses": 7});
    known.apply(Kind::IpAddressPool, &broken);
    let view = known.view();
    assert!(view.parsed.snapshot.unreadable.contains(&object("IPAddressPool", "p")));
    assert!(view.parsed.snapshot.pools.is_empty());
    known.remove(Kind::IpAddressPool, "metallb-system", "p");
    assert!(known.view().parsed.snapshot.unreadable.is_empty());
}

#[test]
fn what_changes_nothing_that_is_read_is_no_change() {
    let mut known = objects();
    let node = |version: &str| json!({"metadata": {"name": "n", "resourceVersion": version}, "status": {"images": [{"names": [version]}]}});
    known.replace(Kind::Node, [node("1")]);
    known.replace(Kind::IpAddressPool, [pool("a", "10.0.0.0/24")]);
    drop(known.view());
    known.apply(Kind::Node, &node("2"));
    known.apply(Kind::IpAddressPool, &pool("a", "10.0.0.0/24"));
    assert!(!known.has_changed());

    let mut status = pool("a", "10.0.0.0/24");
    status["status"] = json!({"assignedIPv4": 2});
    known.apply(Kind::IpAddressPool, &status);
    let view = known.view();
    assert_eq!(view.changed.objects, [object("IPAddressPool", "a")].into());
    assert!(!view.changed.configuration);
    assert_eq!(view.objects[&object("IPAddressPool", "a")].status["assignedIPv4"], 2);
}

#[test]
fn facts_hold_all_conditions_and_every_address() {
    let mut known = objects();
    let status = json!({
        "loadBalancer": {"ingress": [{"ip": "10.0.0.1", "ipMode": "VIP"}, {"hostname": "h", "ports": [{"port": 1}]}]},
        "conditions": [
            {"type": "Other", "status": "True", "reason": "R", "message": "m", "lastTransitionTime": "t"},
            {"type": ALLOCATED, "status": "False", "reason": "PoolExhausted", "observedGeneration": 4}
        ]
    });
    known.apply(Kind::Service, &service("gone", 9, &json!({"type": "ClusterIP"}), &status));
    known.apply(Kind::Service, &service("plain", 9, &json!({"type": "ClusterIP"}), &json!({})));
    let view = known.view();
    assert_eq!(view.facts.len(), 1);
    let facts = &view.facts[&key("gone")];
    assert_eq!(
        facts.ingress.iter().filter_map(|entry| entry.ip.as_deref()).collect::<Vec<_>>(),
        ["10.0.0.1"]
    );
    assert!(facts.ingress[1].has_ports);
    assert_eq!(facts.conditions.len(), 2);
    assert_eq!(facts.condition(ALLOCATED).and_then(|condition| condition.observed_generation), Some(4));
}

#[test]
fn objects_of_other_namespaces_are_not_ours() {
    let mut known = objects();
    let mut other = pool("a", "10.0.0.0/24");
    other["metadata"]["namespace"] = "other".into();
    known.apply(Kind::IpAddressPool, &other);
    assert!(known.view().parsed.snapshot.pools.is_empty());
}

#[test]
fn a_slice_that_changes_its_service_changes_both() {
    let mut known = objects();
    let slice = |service: &str| {
        json!({"metadata": {"name": "s", "namespace": "default", "labels": {"kubernetes.io/service-name": service}},
            "endpoints": []})
    };
    known.apply(Kind::EndpointSlice, &slice("a"));
    drop(known.view());
    known.apply(Kind::EndpointSlice, &slice("b"));
    let view = known.view();
    assert_eq!(view.changed.services, [key("a"), key("b")].into());
    assert_eq!(view.parsed.snapshot.endpoint_slices.len(), 1);
    known.remove(Kind::EndpointSlice, "default", "s");
    assert!(known.view().parsed.snapshot.endpoint_slices.is_empty());
}

#[test]
fn a_kind_in_doubt_keeps_its_objects() {
    let mut known = objects();
    known.replace(Kind::Service, [balancer("a", 1)]);
    drop(known.view());
    known.doubt(Kind::Service);
    let view = known.view();
    assert!(!view.synced.contains(&Kind::Service) && view.changed.configuration);
    assert_eq!(view.parsed.snapshot.services.len(), 1);
}

#[test]
fn of_a_service_that_is_no_balancer_only_what_a_plan_reads_is_kept() {
    let mut known = Objects::new(&Options::default(), Keep { plan_only: true, ..Keep::default() });
    let plain = |version, port: u16| {
        let spec = json!({"type": "ClusterIP", "clusterIPs": ["10.96.0.7"], "ports": [{"port": port}]});
        service("plain", version, &spec, &json!({}))
    };
    known.apply(Kind::Service, &plain(1, 80));
    known.apply(Kind::Service, &balancer("web", 2));
    let services = known.view().parsed.snapshot.services;
    let (kept, web) = (&services[&key("plain")], &services[&key("web")]);
    assert_eq!((kept.cluster_ips.len(), kept.ports.len(), kept.meta.labels.iter().count()), (1, 0, 0));
    assert_eq!((web.ports.len(), web.meta.labels.iter().count()), (1, 1));
    known.apply(Kind::Service, &plain(3, 81));
    assert!(!known.has_changed(), "a port of it makes no difference");
    known.apply(Kind::Service, &balancer("plain", 4));
    assert_eq!(known.view().parsed.snapshot.services[&key("plain")].ports.len(), 1);
}

#[test]
fn secrets_are_named_by_peers_and_configurations_of_the_namespace() {
    let mut known = Objects::new(&Options::default(), Keep::default());
    let peer = |namespace: &str, secret: &Value| {
        let spec = json!({"myASN": 1, "peerASN": 2, "peerAddress": "192.0.2.1", "passwordSecret": secret});
        json!({"metadata": {"name": namespace, "namespace": namespace}, "spec": spec})
    };
    known.apply(Kind::BgpPeer, &peer("metallb-system", &json!({"name": "of-peer"})));
    known.apply(Kind::BgpPeer, &peer("other", &json!({"name": "of-another-namespace"})));
    let neighbor = |secret| json!({"asn": 2, "address": "192.0.2.2", "passwordSecret": {"name": secret}});
    let routers = json!([{"asn": 1, "neighbors": [neighbor("of-neighbor"), neighbor("")]}]);
    let metadata = json!({"name": "a", "namespace": "metallb-system"});
    known
        .apply(Kind::FrrConfiguration, &json!({"metadata": metadata, "spec": {"bgp": {"routers": routers}}}));
    let named: Vec<_> = named_secrets(known.configuration(), "metallb-system").into_iter().collect();
    assert_eq!(named.iter().map(|name| &**name).collect::<Vec<_>>(), ["of-neighbor", "of-peer"]);
}

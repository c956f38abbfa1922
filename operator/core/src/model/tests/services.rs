use super::{build, lines, pool, snapshot};
use crate::model::{Families, InForce, Model, Options, Service};
use crate::problem::Severity;
use herald_frr::value::Family;

fn yaml(metadata: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: shop{metadata}}}\nspec: {{type: LoadBalancer, ports: [{{port: 80}}]{spec}}}\n"
    )
}

fn service(metadata: &str, spec: &str, more: &str) -> (Service, Vec<String>) {
    let built = build(&(yaml(metadata, spec) + more));
    let service = built.model.services.values().next().expect("a Service").clone();
    let mut problems = lines(&built.problems, Severity::Error);
    problems.extend(lines(&built.problems, Severity::Warning));
    (service, problems)
}

#[test]
fn only_load_balancers_of_our_class_are_served() {
    let all = yaml("", "")
        + &yaml("", ", loadBalancerClass: other").replace("name: web", "name: classy")
        + "---\n{apiVersion: v1, kind: Service, metadata: {name: inner, namespace: shop}, spec: {ports: [{port: 1}]}}\n";
    let served = |class: Option<&str>| -> Vec<String> {
        let options = Options { lb_class: class.map(Into::into), ..Options::default() };
        let built = Model::build(&snapshot(&all), &InForce::default(), &options);
        built.model.services.keys().map(|key| key.name.to_string()).collect()
    };
    assert_eq!(served(None), ["web"]);
    assert_eq!(served(Some("other")), ["classy"]);
    assert!(served(Some("none")).is_empty());
}

#[test]
fn families_come_from_the_cluster_else_from_what_the_manifest_says() {
    let (v4, v6) = (Family::V4, Family::V6);
    let only_v6 = pool("p", "'fc00::/64'");
    for (spec, more, expected) in [
        (", clusterIPs: [10.0.0.1]", "", Families::Single(v4)),
        (", clusterIPs: ['fc00::1', 10.0.0.1], ipFamilies: [IPv6, IPv4]", "", Families::Dual { primary: v6 }),
        (", clusterIP: 10.0.0.1, ipFamilyPolicy: PreferDualStack", "", Families::Single(v4)),
        (", ipFamilies: [IPv6]", "", Families::Single(v6)),
        (", ipFamilies: [IPv6, IPv4], ipFamilyPolicy: PreferDualStack", "", Families::Dual { primary: v6 }),
        (", ipFamilyPolicy: RequireDualStack", "", Families::Dual { primary: v4 }),
        (", ipFamilyPolicy: PreferDualStack", "", Families::Dual { primary: v4 }),
        (", loadBalancerIP: 'fc00::9'", "", Families::Single(v6)),
        ("", "", Families::Single(v4)),
        ("", &only_v6, Families::Single(v6)),
    ] {
        let (service, problems) = service("", spec, more);
        assert_eq!(service.families, Ok(expected), "{spec} {problems:?}");
    }
}

#[test]
fn every_rule_of_what_a_service_asks_for() {
    let ips = |ips: &str| format!(", annotations: {{metallb.io/loadBalancerIPs: '{ips}'}}");
    for (metadata, spec, expected) in [
        (ips("192.0.2.1"), ", clusterIP: 10.0.0.1", None),
        (ips("192.0.2.1 , fc00::1"), ", clusterIPs: [10.0.0.1, 'fc00::2']", None),
        (ips(""), ", clusterIP: 10.0.0.1", None),
        (ips("here"), ", clusterIP: 10.0.0.1", Some("InvalidRequestedAddress")),
        (ips("fc00::1"), ", clusterIP: 10.0.0.1", Some("RequestedFamilyMismatch")),
        (ips("192.0.2.1"), ", clusterIPs: [10.0.0.1, 'fc00::2']", Some("RequestedFamilyMismatch")),
        (ips("192.0.2.1,192.0.2.2"), ", clusterIPs: [10.0.0.1, 'fc00::2']", Some("RequestedFamilyMismatch")),
        (
            ips("192.0.2.1"),
            ", clusterIP: 10.0.0.1, loadBalancerIP: 192.0.2.1",
            Some("ConflictingRequestedAddresses"),
        ),
        (String::new(), ", clusterIP: 10.0.0.1, loadBalancerIP: x", Some("InvalidRequestedAddress")),
        (String::new(), ", clusterIP: None", Some("HeadlessService")),
        (String::new(), ", clusterIP: 10.0.0.1, ipFamilyPolicy: RequireDualStack", Some("ClusterIPFamilies")),
        (String::new(), ", clusterIPs: [10.0.0.1, 10.0.0.2]", Some("ClusterIPFamilies")),
        (String::new(), ", clusterIP: x", Some("InvalidClusterIP")),
    ] {
        let (_, problems) = service(&metadata, spec, "");
        let reasons: Vec<&str> = problems.iter().filter_map(|p| p.rsplit(' ').next()).collect();
        assert_eq!(reasons, expected.into_iter().collect::<Vec<_>>(), "{metadata} {spec}");
    }
}

#[test]
fn the_new_prefix_wins_wherever_its_key_is_there() {
    let old = "metallb.universe.tf/address-pool: old";
    let (legacy, problems) = service(&format!(", annotations: {{{old}}}"), "", "");
    assert_eq!(legacy.requested_pool.as_deref(), Some("old"));
    assert_eq!(
        problems,
        ["Service web metadata.annotations[metallb.universe.tf/address-pool] DeprecatedAnnotation"]
    );
    let (both, _) = service(&format!(", annotations: {{{old}, metallb.io/address-pool: ''}}"), "", "");
    assert_eq!(both.requested_pool, None);
}

#[test]
fn what_services_share_by() {
    let key = ", annotations: {metallb.io/allow-shared-ip: k}";
    let (cluster, _) = service(key, ", selector: {b: '2', a: '1'}", "");
    let (local, _) = service(key, ", selector: {b: '2', a: '1'}, externalTrafficPolicy: Local", "");
    let (same, _) = service(key, ", selector: {a: '1', b: '2'}, externalTrafficPolicy: Local", "");
    let (bare, _) = service("", ", externalTrafficPolicy: Local", "");
    assert_eq!((&*cluster.sharing.sharing, &*cluster.sharing.backend), ("k", ""));
    assert_eq!(local.sharing, same.sharing);
    assert_ne!(local.sharing.backend, cluster.sharing.backend);
    assert!(
        !bare.sharing.backend.is_empty() && !bare.has_sharing_annotation && cluster.has_sharing_annotation
    );
}

#[test]
fn endpoints_of_all_slices_count_together() {
    let slice = |name: &str, node: &str, ready: bool| {
        format!(
            "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: {name}, namespace: shop, labels: {{kubernetes.io/service-name: web}}}}\naddressType: IPv4\nendpoints: [{{addresses: [10.1.0.1], nodeName: {node}, conditions: {{ready: {ready}}}}}]\n"
        )
    };
    let built = build(&(slice("x", "one", true) + &slice("w", "two", true) + &slice("z", "three", false)));
    let serving = built.model.endpoints.values().next().unwrap();
    assert!(serving.anywhere);
    assert_eq!(serving.ready.iter().map(|n| &**n).collect::<Vec<_>>(), ["one", "two"]);
}

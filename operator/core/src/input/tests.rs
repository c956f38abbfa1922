//! What a user sees of reading manifests.

use super::{Options, Parsed, SourceText, parse};
use crate::problem::{FieldPath, ObjectRef, Severity};
use crate::snapshot::Serves;
use std::net::IpAddr;

fn source(file: &str, text: &str) -> SourceText {
    SourceText { file: file.into(), text: text.into() }
}

fn read(text: &str) -> Parsed {
    parse(&[source("a.yaml", text)], &Options::default())
}

/// `severity file:line:column object field reason` of every problem.
fn lines(parsed: &Parsed) -> Vec<String> {
    parsed
        .problems
        .iter()
        .map(|p| {
            let severity = if p.severity == Severity::Error { "error" } else { "warning" };
            let at = p.location.as_ref().map(ToString::to_string).unwrap_or_default();
            let object = p.object.as_ref().map(ToString::to_string).unwrap_or_default();
            [severity, &at, &object, &p.field.to_string(), p.reason].join("|")
        })
        .collect()
}

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, annotations: {metallb.io/address-pool: gold, other: x}}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  clusterIP: 10.96.0.7
  ipFamilies: [IPv4]
  selector: {app: web}
  ports:
  - {port: 80}
  - {port: 53, protocol: UDP, targetPort: dns}
status: {loadBalancer: {ingress: [{ip: 192.0.2.7, ipMode: VIP}, {ip: bogus}, {hostname: x}]}}
";

fn services(parsed: &Parsed) -> Vec<std::sync::Arc<crate::snapshot::Service>> {
    parsed.snapshot.services.values().cloned().collect()
}

#[test]
fn a_service_is_trimmed_to_what_rules_read() {
    let parsed = read(SERVICE);
    assert_eq!(lines(&parsed), Vec::<String>::new());
    let [service] = &services(&parsed)[..] else { panic!("one service") };
    assert_eq!(service.meta.object.to_string(), "Service shop/web");
    assert_eq!(service.meta.annotations.len(), 1);
    assert_eq!(service.service_type.as_str(), "LoadBalancer");
    assert!(service.traffic_local);
    assert_eq!(*service.ports, [("TCP".into(), 80), ("UDP".into(), 53)]);
    assert_eq!(*service.cluster_ips, ["10.96.0.7".into()]);
    let address: IpAddr = "192.0.2.7".parse().unwrap();
    assert_eq!(*service.ingress, [Ok(address), Err("bogus".into())]);
}

#[test]
fn endpoints_nodes_namespaces_and_secrets_are_trimmed() {
    let parsed = read(
        "\
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4,
 metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}},
 endpoints: [{addresses: [10.0.0.1], nodeName: n1}, {addresses: [10.0.0.2], conditions: {ready: false}},
  {addresses: [10.0.0.3], conditions: {ready: false, serving: true}}]}
---
{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {zone: a}},
 status: {conditions: [{type: NetworkUnavailable, status: 'True'}]}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: x}}}
---
{apiVersion: v1, kind: Secret, type: kubernetes.io/basic-auth, metadata: {name: s}, data: {password: aGkK, token: <x>}}
",
    );
    assert_eq!(lines(&parsed), Vec::<String>::new());
    let snapshot = parsed.snapshot;
    let served: Vec<Serves> =
        snapshot.endpoint_slices.values().next().unwrap().endpoints.iter().map(|e| e.serves).collect();
    assert_eq!(served, [Serves::Ready, Serves::No, Serves::Leaving]);
    assert_eq!(&*snapshot.endpoint_slices.values().next().unwrap().service, "web");
    assert!(snapshot.nodes[0].network_unavailable);
    assert_eq!(snapshot.namespaces[0].labels.get("team"), Some("x"));
    assert_eq!(snapshot.secrets[0].password.as_deref(), Some(&b"hi\n"[..]));
}

#[test]
fn what_is_not_ours_is_none_of_our_business() {
    let parsed = read(
        "\
apiVersion: apps/v1
kind: Deployment
---
apiVersion: crd.projectcalico.org/v1
kind: BGPPeer
metadata: {name: x}
spec: {peerIP: 1.2.3.4}
---
# only a comment
---
",
    );
    assert_eq!(lines(&parsed), Vec::<String>::new());
    let kustomization =
        parse(&[source("base/kustomization.yaml", "resources: [a.yaml]")], &Options::default());
    assert_eq!(lines(&kustomization), Vec::<String>::new());
}

#[test]
fn documents_that_are_no_manifests_do_not_hide_the_others() {
    let text = format!("just text\n---\na: [1\n---\nkind: Service\n---\n{SERVICE}");
    let parsed = read(&text);
    assert_eq!(
        lines(&parsed),
        [
            "error|a.yaml:1:1|||NotAManifest",
            "error|a.yaml:3:4|||InvalidSyntax",
            "error|a.yaml:5:1|||NotAManifest"
        ]
    );
    assert_eq!(parsed.snapshot.services.len(), 1);
}

#[test]
fn unknown_kinds_and_versions_name_the_nearest() {
    let parsed = read(
        "\
{apiVersion: metallb.io/v1beta1, kind: IPAdressPool, metadata: {name: a}}
---
{apiVersion: metallb.io/v1alpha1, kind: IPAddressPool, metadata: {name: a}}
---
{apiVersion: metalb.io/v1beta1, kind: BGPPeer, metadata: {name: a}}
",
    );
    let messages: Vec<&str> = parsed.problems.iter().map(|p| &*p.message).collect();
    assert_eq!(
        messages,
        [
            "metallb.io/v1beta1 has no kind IPAdressPool, did you mean IPAddressPool of metallb.io/v1beta1?",
            "IPAddressPool has no version metallb.io/v1alpha1; known: metallb.io/v1beta1",
            "metalb.io/v1beta1 has no kind BGPPeer, did you mean BGPPeer of metallb.io/v1beta2?",
        ]
    );
}

#[test]
fn lists_of_every_form_are_unpacked() {
    let parsed = read(
        r#"
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: a}}
- {apiVersion: v1, kind: NamespaceList, items: [{metadata: {name: b}}, {metadata: {name: a}}]}
---
{"apiVersion": "v1", "kind": "NodeList", "items": [
	{"metadata": {"name": "n", "labels": {"music": "\ud834\udd1e"}}}]}
"#,
    );
    assert_eq!(lines(&parsed), ["error|a.yaml:6:72|Namespace a||DuplicateObject"]);
    assert!(parsed.problems[0].message.contains("already defined at a.yaml:5:3"));
    assert_eq!(parsed.snapshot.namespaces.len(), 2);
    assert_eq!(parsed.snapshot.nodes[0].labels.get("music"), Some("\u{1d11e}"));
}

#[test]
fn fields_are_found_again() {
    let head = "# one\n---\n";
    let parsed = read(&format!("{head}{SERVICE}"));
    let object = ObjectRef { kind: "Service", namespace: "shop".into(), name: "web".into() };
    let at = |field: FieldPath| {
        let place = parsed.index.locate(&object, &field).unwrap();
        (place.line, place.column)
    };
    assert_eq!(at(FieldPath::default()), (3, 1));
    assert_eq!(at(FieldPath::of("spec.ports").index(1).key("port")), (14, 6));
    assert_eq!(at(FieldPath::of("spec.ports").index(7)), (12, 3), "the nearest part that is written");
}

#[test]
fn words_that_a_service_does_not_know_name_the_nearest() {
    for (field, wrong, right) in [
        ("type", "Loadbalancer", "LoadBalancer"),
        ("externalTrafficPolicy", "local", "Local"),
        ("ipFamilyPolicy", "PreferDualstack", "PreferDualStack"),
    ] {
        let parsed = read(&format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: a}}, spec: {{{field}: {wrong}}}}}"
        ));
        let [problem] = &parsed.problems[..] else { panic!("{:?}", parsed.problems) };
        assert_eq!(
            (problem.reason, problem.field.to_string()),
            ("UnsupportedValue", format!("spec.{field}"))
        );
        assert!(problem.message.contains(right), "{}", problem.message);
    }
}

#[test]
fn keys_written_twice_are_errors() {
    let parsed = read("{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {x: a, y: b, x: c}}}");
    assert_eq!(lines(&parsed), ["error|a.yaml:1:76|Namespace a|metadata.labels.x|DuplicateField"]);
    assert!(parsed.snapshot.namespaces.is_empty());
}

#[test]
fn anchors_and_merge_keys_work_and_bombs_do_not() {
    let parsed = read(
        "\
apiVersion: v1
kind: Namespace
metadata:
  labels: &base {a: '1', b: '2'}
  annotations: {<<: *base, b: '3'}
  name: x
",
    );
    assert_eq!(lines(&parsed), Vec::<String>::new());
    let level = |n: usize| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "));
    let bomb = format!("a0: &a0 [x, x, x, x, x]\n{}", (1..12).map(level).collect::<String>());
    assert_eq!(lines(&read(&bomb))[0].split('|').next_back(), Some("LimitExceeded"));
    assert_eq!(lines(&read("a: &a [*a]"))[0].split('|').next_back(), Some("LimitExceeded"));
    let deep = "[".repeat(100_000);
    assert_eq!(lines(&read(&deep))[0].split('|').next_back(), Some("InvalidSyntax"));
}

#[test]
fn scalars_mean_what_kubernetes_reads() {
    let text = |value: &str| {
        format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: a, labels: {{x: {value}}}}}}}")
    };
    for accepted in ["text", "'yes'", "'1'", "65000:100", "2026-01-01", "!!str 5", "1.2.3.4", "0x", "-1x"] {
        let accepted = text(accepted);
        assert_eq!(lines(&read(&accepted)), Vec::<String>::new(), "{accepted}");
    }
    for refused in ["yes", "off", "1", "0x1f", "1.5", "1e3", "true", "{}", "[]"] {
        let found = lines(&read(&text(refused)));
        assert_eq!(found, ["error|a.yaml:1:64|Namespace a|metadata.labels.x|WrongType"], "{refused}");
    }
}

#[test]
fn passwords_that_cannot_be_read_are_warned_of_without_being_said() {
    let secret = |data: &str| {
        let head = "apiVersion: v1, kind: Secret, type: kubernetes.io/basic-auth, metadata: {name: s}";
        read(&format!("{{{head}, {data}}}"))
    };
    for (data, reason) in [
        ("data: {password: hunter2!}", "InvalidBase64"),
        ("stringData: {password: 4711}", "WrongType"),
        ("data: {password: [a]}", "InvalidBase64"),
    ] {
        let parsed = secret(data);
        let problem = &parsed.problems[0];
        assert_eq!((problem.severity, problem.reason), (Severity::Warning, reason));
        assert!(!problem.message.contains("hunter2") && !problem.message.contains("4711"));
        assert_eq!(parsed.snapshot.secrets[0].password, None);
    }
    let both = secret("data: {password: eA==}, stringData: {password: plain}");
    assert_eq!(
        both.snapshot.secrets[0].password.as_deref(),
        Some(&b"plain"[..]),
        "as the API server merges them"
    );
}

#[test]
fn integers_have_many_ways_to_be_written() {
    for (written, wanted) in
        [("80", 80), ("0x50", 80), ("0120", 80), ("0b1010000", 80), ("8e1", 80), ("8_0", 80)]
    {
        let text = format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: a}}, spec: {{ports: [{{port: {written}}}]}}}}"
        );
        assert_eq!(services(&read(&text))[0].ports[0].1, wanted, "{written}");
    }
}

#[test]
fn bad_names_are_said_with_their_kind() {
    let message = |metadata: &str| {
        let parsed = read(&format!("{{apiVersion: v1, kind: Service, metadata: {metadata}}}"));
        assert!(parsed.snapshot.services.is_empty());
        parsed.problems[0].message.clone()
    };
    assert_eq!(message("{}"), "is no Kubernetes manifest: the Service has no metadata.name");
    assert_eq!(
        message("{name: y}"),
        "the Service's metadata.name must be a text, not the boolean true; put it in quotes"
    );
    assert_eq!(message("{name: {{ .x }}}"), "the Service's metadata.name must be a text, not a mapping");
    assert!(message("{name: Web}").starts_with("\"Web\" is not a valid name for the Service"));
    assert!(message("{name: a, namespace: a.b}").starts_with("\"a.b\" is not a valid name for the Service"));
}

#[test]
fn a_namespace_limits_our_kinds_alone() {
    let text = "\
{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: a, namespace: one}, spec: {addresses: []}}
---
{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: a, namespace: two}, spec: {addresses: []}}
---
{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: one}}
";
    let all = read(text);
    assert_eq!(lines(&all), ["error|a.yaml:3:1|IPAddressPool two/a||AmbiguousName"]);
    let two = parse(&[source("a.yaml", text)], &Options { namespace: Some("two".into()) });
    assert_eq!(lines(&two), Vec::<String>::new());
    assert_eq!(&*two.snapshot.pools[0].meta.object.namespace, "two");
    assert_eq!(two.snapshot.secrets.len(), 1);
}

#[test]
fn a_text_that_is_not_utf8_is_named_with_its_place_and_may_hide_objects() {
    let parsed = read("kind: X\nname: caf\u{fffd}\n");
    assert_eq!(lines(&parsed), ["error|a.yaml:2:10|||InvalidSyntax"]);
    assert!(parsed.snapshot.incomplete);
}

#[test]
fn a_text_in_place_of_a_manifest_is_not_repeated() {
    let parsed = read("\"s3cret\"");
    assert_eq!(lines(&parsed), ["error|a.yaml:1:1|||NotAManifest"]);
    assert!(!parsed.problems[0].message.contains("s3cret"), "{}", parsed.problems[0].message);
}

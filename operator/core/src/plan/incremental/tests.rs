//! Whatever the edits: the plan that follows them is the plan that is made from nothing.

use super::*;
use crate::input::{self, SourceText, parse};
use crate::model;
use crate::plan::evaluate;
use crate::snapshot::Here;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

/// The objects of a cluster, by what an edit replaces.
type Cluster = BTreeMap<String, String>;

/// Each is an edit: the object's name, and what it says now; nothing removes it.
fn edit() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        8 => service(),
        5 => slice(),
        1 => configuration(),
        1 => node(),
    ]
}

fn of<T: Clone + std::fmt::Debug + 'static>(choices: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(choices.to_vec())
}

fn service() -> impl Strategy<Value = (String, String)> {
    let shape = (
        of(&["a", "a", "b"]),
        of(&["s1", "s2", "s3", "s4", "s5", "s6"]),
        of(&["LoadBalancer", "LoadBalancer", "LoadBalancer", "LoadBalancer", "ClusterIP", "gone"]),
        // Of one pool, of another, inside an aggregate, of none, of both families, none at all.
        of(&[
            "[{ip: 10.0.0.1}]",
            "[{ip: 10.0.0.1}]",
            "[{ip: 10.0.0.2}]",
            "[{ip: 10.0.1.1}]",
            "[{ip: 10.0.1.2}]",
            "[{ip: 10.9.9.9}]",
            "[{ip: 10.0.0.3}, {ip: \"fd00::3\"}]",
            "[{ip: \"fd00::3\"}]",
            "[{ip: nonsense}]",
            "[]",
        ]),
    );
    let more = (
        of(&["{}", "{}", "{app: db}"]),
        of(&["", "metallb.io/allow-shared-ip: k", "metallb.io/address-pool: p1", "metallb.universe.tf/x: y"]),
        of(&["80", "443", "5000"]),
        of(&["", "externalTrafficPolicy: Local, ", "loadBalancerClass: other, ", "clusterIP: 10.0.0.2, "]),
        of(&["", "ipFamilyPolicy: PreferDualStack, "]),
    );
    (shape, more).prop_map(|((namespace, name, kind, ingress), (labels, annotation, port, field, policy))| {
        let text = format!(
            "---\napiVersion: v1\nkind: Service\n\
             metadata: {{name: {name}, namespace: {namespace}, labels: {labels}, annotations: {{{annotation}}}}}\n\
             spec: {{type: {kind}, {field}{policy}selector: {{app: x}}, ports: [{{port: {port}}}]}}\n\
             status: {{loadBalancer: {{ingress: {ingress}}}}}\n"
        );
        (format!("service {namespace} {name}"), if kind == "gone" { String::new() } else { text })
    })
}

fn slice() -> impl Strategy<Value = (String, String)> {
    let of_service = (of(&["a", "b"]), of(&["s1", "s2", "s3", "s4"]), of(&["x", "y"]));
    let states = ["true", "true", "false", "false, serving: true, terminating: true", "gone"];
    (of_service, of(&["n1", "n2", "n3", ""]), of(&states), of(&["s1", "s2", "s3", "s4"])).prop_map(
        |((namespace, name, suffix), node, ready, service)| {
            let node = if node.is_empty() { String::new() } else { format!(", nodeName: {node}") };
            let text = format!(
                "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n\
                 metadata: {{name: {name}-{suffix}, namespace: {namespace}, \
                 labels: {{kubernetes.io/service-name: {service}}}}}\n\
                 endpoints: [{{addresses: [10.1.0.1], conditions: {{ready: {ready}}}{node}}}]\n"
            );
            let text = if ready == "gone" { String::new() } else { text };
            (format!("slice {namespace} {name} {suffix}"), text)
        },
    )
}

/// A spec may begin with a policy for nodes that drain: `30s; {...}`.
fn object(kind: &str, version: &str, name: &str, spec: &str) -> String {
    let (drain, spec) = spec.split_once("; ").unwrap_or(("\"false\"", spec));
    format!(
        "---\napiVersion: {version}\nkind: {kind}\n\
         metadata: {{name: {name}, namespace: m, annotations: {{herald.metallb.io/drain: {drain}}}}}\nspec: {spec}\n"
    )
}

/// The node that is planned for, and another one.
fn node() -> impl Strategy<Value = (String, String)> {
    let labels =
        of(&["{rack: one}", "{rack: none}", "{node.kubernetes.io/exclude-from-external-load-balancers: x}"]);
    let spec =
        of(&["{}", "{unschedulable: true}", "{taints: [{key: karpenter.sh/disrupted, effect: NoSchedule}]}"]);
    (of(&["n1", "n1", "n2", "gone"]), labels, spec).prop_map(|(name, labels, spec)| match name {
        "gone" => ("node n2".to_owned(), String::new()),
        name => (format!("node {name}"), node_of(name, labels, spec)),
    })
}

fn node_of(name: &str, labels: &str, spec: &str) -> String {
    format!("---\napiVersion: v1\nkind: Node\nmetadata: {{name: {name}, labels: {labels}}}\nspec: {spec}\n")
}

/// What the agent knows of the node.
fn here() -> impl Strategy<Value = Here> {
    let key = (of(&["a", "b"]), of(&["s1", "s2", "s3", "s4"]));
    let key = key.prop_map(|(namespace, name)| ServiceKey { namespace: namespace.into(), name: name.into() });
    let seconds = of(&[None, Some(0), Some(10), Some(30), Some(30)]);
    (seconds, prop::collection::btree_set(key, 0..3))
        .prop_map(|(seconds, waiting)| Here { draining_for: seconds.map(Duration::from_secs), waiting })
}

fn metallb(kind: &str, name: &str, spec: &str) -> String {
    let version = if kind == "BGPPeer" { "metallb.io/v1beta2" } else { "metallb.io/v1beta1" };
    object(kind, version, name, spec)
}

/// Specs of one object; an empty one removes it.
type Specs = (&'static str, &'static str, &'static [&'static str]);

const CONFIGURATION: [Specs; 7] = [
    (
        "IPAddressPool",
        "p1",
        &[
            "{addresses: [10.0.0.0/24, \"fd00::/120\"]}",
            "{addresses: [10.0.0.0/24], serviceAllocation: {serviceSelectors: [{matchLabels: {app: db}}]}}",
            "{addresses: [10.0.0.0/24], serviceAllocation: {namespaces: [a]}}",
            "",
        ],
    ),
    ("IPAddressPool", "p2", &["{addresses: [10.0.1.0/24]}", "{addresses: [10.0.1.0/32]}", ""]),
    (
        "BGPAdvertisement",
        "gold",
        &[
            "{ipAddressPools: [p1], communities: [\"64500:1\"]}",
            "10s; {ipAddressPools: [p1]}",
            "{ipAddressPools: [p1], localPref: 200, serviceSelectors: [{matchLabels: {app: db}}]}",
            "{ipAddressPools: [p1], peers: [t2]}",
            "",
        ],
    ),
    (
        "BGPAdvertisement",
        "wide",
        &[
            "{aggregationLength: 24, localPref: 100}",
            "30s; {aggregationLength: 24}",
            "\"true\"; {ipAddressPools: [p1, p2], peers: [t1]}",
            "{ipAddressPools: [p2], aggregationLength: 26}",
            "{ipAddressPools: [p2], nodeSelectors: [{matchLabels: {rack: none}}]}",
            "",
        ],
    ),
    ("BGPPeer", "t1", &["{myASN: 64500, peerASN: 64501, peerAddress: 192.0.2.1}", ""]),
    (
        "BGPPeer",
        "t2",
        &[
            "{myASN: 64500, peerASN: 64501, peerAddress: 192.0.2.2, vrf: red}",
            "{myASN: 64500, peerASN: 64501, peerAddress: 192.0.2.2, dualStackAddressFamily: true}",
            "{myASN: 64999, peerASN: 64501, peerAddress: 192.0.2.2}",
        ],
    ),
    (
        "FRRConfiguration",
        "f1",
        &[
            "{bgp: {routers: [{asn: 64500, prefixes: [10.0.0.1/32, 172.30.0.0/24], neighbors: [{address: 192.0.2.1, \
             asn: 64501, toAdvertise: {allowed: {mode: all}}}]}]}}",
            "{bgp: {routers: [{asn: 64500, neighbors: [{address: 192.0.2.1, asn: 64501, toAdvertise: {allowed: \
             {prefixes: [10.0.0.1/32]}, withLocalPref: [{prefixes: [10.0.0.1/32], localPref: 300}]}}]}]}}",
            "{bgp: {routers: [{asn: 64500, neighbors: [{address: 192.0.2.9, asn: 64501, toReceive: {allowed: {mode: all}}}]}]}}",
            "",
        ],
    ),
];

fn configuration() -> impl Strategy<Value = (String, String)> {
    let one = |(kind, name, specs): Specs| {
        let text = move |spec: &str| match (spec, kind) {
            ("", _) => String::new(),
            (_, "FRRConfiguration") => object(kind, "frrk8s.metallb.io/v1beta1", name, spec),
            _ => metallb(kind, name, spec),
        };
        of(specs).prop_map(move |spec| (format!("{kind} {name}"), text(spec))).boxed()
    };
    prop::strategy::Union::new(CONFIGURATION.map(one))
}

fn start() -> Cluster {
    let node = node_of("n1", "{rack: one}", "{}");
    let pool = metallb("IPAddressPool", "p1", "{addresses: [10.0.0.0/24, \"fd00::/120\"]}");
    let other = metallb("IPAddressPool", "p2", "{addresses: [10.0.1.0/24]}");
    let gold = metallb("BGPAdvertisement", "gold", "{ipAddressPools: [p1]}");
    let wide = metallb("BGPAdvertisement", "wide", "{ipAddressPools: [p2], aggregationLength: 26}");
    let peer = metallb("BGPPeer", "t1", "{myASN: 64500, peerASN: 64501, peerAddress: 192.0.2.1}");
    let objects = [
        ("node n1", node),
        ("IPAddressPool p1", pool),
        ("IPAddressPool p2", other),
        ("BGPAdvertisement gold", gold),
        ("BGPAdvertisement wide", wide),
        ("BGPPeer t1", peer),
    ];
    objects.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

fn snapshot(cluster: &Cluster) -> Snapshot {
    let text: String = cluster.values().map(String::as_str).collect();
    parse(&[SourceText { file: "all.yaml".into(), text: text.into() }], &input::Options::default()).snapshot
}

/// The plan that is made from nothing.
fn plan_whole(snapshot: &Snapshot, before: &InForce, node: &str, options: &Options) -> Option<Planned> {
    let evaluation = evaluate(snapshot, before, options);
    let node = evaluation.model.nodes.get(node)?;
    let planner = evaluation.planner(options);
    let peers = evaluation.model.peers_on(node).0;
    let decisions = planner.node(node, &peers).services.into_iter();
    let offered = decisions.filter_map(|(key, decision)| {
        let (offer, ips) = (decision.ok()?, &evaluation.allocation(&key)?.ips);
        let nets = ips.iter().flat_map(|ip| offer.prefixes(*ip).map(|(net, _)| net));
        let prefixes = nets.collect::<BTreeSet<_>>().into_iter().collect();
        Some((key, Arc::new(Offered { prefixes, peers: offer.peers.clone() })))
    });
    let (offered, sessions) = (offered.collect(), Arc::new(offered::sessions(&peers)));
    let on_node = evaluation.on_node(&planner, node, &options.frr);
    let mut in_force = evaluation.in_force;
    // What lost a conflict on this node must not count as in force: it could win the next time.
    in_force.take_back(before, &on_node.problems);
    let problems = evaluation.problems.into_iter().chain(on_node.problems).collect();
    let (config, in_force) = (Arc::new(on_node.config), Arc::new(in_force));
    Some(Planned { config, in_force, problems, notes: evaluation.notes, offered, sessions })
}

fn sorted(mut planned: Planned) -> Planned {
    planned.problems.sort_by_cached_key(|problem| format!("{problem:?}"));
    planned
}

/// Each case is a history of dozens of plans.
fn quarter() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases / 4, failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(quarter())]

    #[test]
    fn following_edits_gives_the_plan_that_is_made_from_nothing(
        steps in prop::collection::vec((prop::collection::vec(edit(), 1..4), here()), 1..40),
        assume in any::<bool>(),
        // Few enough that neighbors are sent less, about as much and more than they may be.
        max_prefixes in prop::option::of(1..8_u32),
    ) {
        let endpoints = if assume { Endpoints::Assume } else { Endpoints::Strict };
        let mut options = Options { endpoints, ..Options::default() };
        options.frr.max_prefixes = max_prefixes;
        let mut cluster = start();
        let mut incremental = Incremental::new("n1", options.clone());
        let mut in_force = Arc::new(InForce::default());
        for (edits, here) in steps {
            cluster.extend(edits);
            let snapshot = Snapshot { here, ..snapshot(&cluster) };
            let whole = plan_whole(&snapshot, &in_force, "n1", &options).map(sorted);
            let followed = incremental.plan(&snapshot, &in_force).map(sorted);
            prop_assert_eq!(&followed, &whole);
            if let Some(planned) = &followed {
                options.frr.in_force = Some(planned.config.clone());
            }
            in_force = followed.map(|it| it.in_force).unwrap_or_default();
        }
    }
}

#[test]
fn a_node_that_is_not_known_has_no_plan() {
    let mut incremental = Incremental::new("n2", Options::default());
    assert_eq!(incremental.plan(&snapshot(&start()), &InForce::default()), None);
    let options = model::Options { assume_node: Some("n2".into()), ..model::Options::default() };
    let mut incremental = Incremental::new("n2", Options { model: options, ..Options::default() });
    let mut cluster = start();
    cluster.remove("node n1");
    assert!(incremental.plan(&snapshot(&cluster), &InForce::default()).is_some());
}

/// A cluster with so many Services that are announced.
fn announcing(services: u8) -> Cluster {
    let one = |n: u8| {
        let text = format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{n}, namespace: a}}\n\
             spec: {{type: LoadBalancer, ports: [{{port: 80}}]}}\nstatus: {{loadBalancer: {{ingress: [{{ip: 10.0.0.{n}}}]}}}}\n"
        );
        (format!("service a s{n}"), text)
    };
    start().into_iter().chain((1..=services).map(one)).collect()
}

#[test]
fn near_the_maximum_of_prefixes_a_change_still_costs_what_changed() {
    let mut options = Options { endpoints: Endpoints::Assume, ..Options::default() };
    options.frr.max_prefixes = Some(10);
    let mut incremental = Incremental::new("n1", options);
    let mut step = |services: u8| {
        let planned = incremental.plan(&snapshot(&announcing(services)), &InForce::default()).unwrap();
        let reasons = planned.problems.iter().map(|problem| problem.reason);
        let reasons: Vec<_> = reasons.filter(|reason| reason.ends_with("MaxPrefixes")).collect();
        let networks = planned.config.routers.values().next().map_or(0, |router| router.networks.len());
        (networks, reasons, incremental.last.as_ref().is_some_and(|last| last.policy.whole))
    };
    assert_eq!(step(7), (7, vec![], false));
    for services in [8, 9, 10, 9] {
        assert_eq!(step(services), (services.into(), vec!["NearMaxPrefixes"], false));
    }
    assert_eq!(step(7), (7, vec![], false));
    // What is left out depends on every prefix.
    let (_, reasons, whole) = step(11);
    assert_eq!((reasons, whole), (vec!["OverMaxPrefixes"], true));
    assert_eq!(step(8), (8, vec!["NearMaxPrefixes"], false));
}

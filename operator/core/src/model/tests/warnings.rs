use super::{bgp, node, object, peer, pool, warnings};

const SERVICE: &str = "---\n{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {type: LoadBalancer, ports: [{port: 8080}]}}\n";

fn l2(name: &str, spec: &str) -> String {
    object("L2Advertisement", "v1beta1", name, spec)
}

#[test]
fn a_whole_chain_has_no_warning() {
    let yaml =
        pool("p", "10.0.0.0/24") + &bgp("ad", "{}") + &l2("l", "{}") + &peer("a", "192.0.2.1", "") + SERVICE;
    assert!(warnings(&yaml).is_empty(), "{:?}", warnings(&yaml));
}

#[test]
fn every_missing_half_is_said() {
    let (p, ad, a) = (pool("p", "10.0.0.0/24"), bgp("ad", "{}"), peer("a", "192.0.2.1", ""));
    let table: [(String, &[&str]); 10] = [
        (p.clone(), &["IPAddressPool p  PoolNotAdvertised"]),
        (
            ad.clone(),
            &[
                "BGPAdvertisement ad  AdvertisementWithoutPool",
                "BGPAdvertisement ad  AdvertisementWithoutPeer",
            ],
        ),
        (l2("l", "{}"), &["L2Advertisement l  AdvertisementWithoutPool"]),
        (p.clone() + &ad, &["BGPAdvertisement ad  AdvertisementWithoutPeer"]),
        (a.clone(), &["BGPPeer a  PeerWithoutAdvertisement"]),
        (
            p.clone() + &a + &bgp("ad", "{peers: [b]}"),
            &["BGPAdvertisement ad spec.peers[0] UnknownPeer", "BGPPeer a  PeerWithoutAdvertisement"],
        ),
        (
            p.clone() + &l2("l", "{ipAddressPools: [q, p]}"),
            &["L2Advertisement l spec.ipAddressPools[0] UnknownPool"],
        ),
        (
            p.clone() + &l2("l", "{ipAddressPoolSelectors: [{matchLabels: {x: z}}]}"),
            &[
                "L2Advertisement l spec.ipAddressPoolSelectors[0] PoolSelectorMatchesNothing",
                "IPAddressPool p  PoolNotAdvertised",
            ],
        ),
        (l2("l", "{ipAddressPools: [q]}"), &["L2Advertisement l spec.ipAddressPools[0] UnknownPool"]),
        // A pool that was refused is not unknown, and an advertisement that was refused may select.
        (pool("q", "10.0.0.0/99") + &l2("l", "{ipAddressPools: [q]}"), &[]),
    ];
    for (yaml, expected) in table {
        assert_eq!(warnings(&yaml), expected, "{yaml}");
    }
}

#[test]
fn selectors_that_match_nothing_are_said_where_that_can_be_known() {
    let select = "nodeSelectors: [{matchLabels: {rack: r1}}]";
    let chain = pool("p", "10.0.0.0/24")
        + &bgp("ad", &format!("{{{select}}}"))
        + &peer("a", "192.0.2.1", &format!(", {select}"));
    assert!(warnings(&chain).is_empty());
    assert_eq!(
        warnings(&(chain.clone() + &node("one", "rack: r2"))),
        [
            "BGPPeer a spec.nodeSelectors[0] NodeSelectorMatchesNothing",
            "BGPAdvertisement ad spec.nodeSelectors[0] NodeSelectorMatchesNothing"
        ]
    );
    assert!(warnings(&(chain + &node("one", "rack: r1"))).is_empty());
    let by_service = pool("p", "10.0.0.0/24") + &l2("l", "{serviceSelectors: [{matchLabels: {app: db}}]}");
    assert_eq!(
        warnings(&(by_service + SERVICE)),
        ["L2Advertisement l spec.serviceSelectors[0] ServiceSelectorMatchesNothing"]
    );
    let preferred = pool("p", "10.0.0.0/24")
        + &l2("l", "{preferredNodeSelectors: [{weight: 1, preference: {matchLabels: {a: b}}}]}");
    assert_eq!(
        warnings(&(preferred + &node("one", ""))),
        ["L2Advertisement l spec.preferredNodeSelectors[0] NodeSelectorMatchesNothing"]
    );
}

#[test]
fn namespaces_of_pools_are_looked_up() {
    let allocation = |a: &str| {
        object(
            "IPAddressPool",
            "v1beta1",
            "p",
            &format!("{{addresses: [10.0.0.0/24], serviceAllocation: {a}}}"),
        ) + &l2("l", "{}")
    };
    let namespace = "---\n{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n";
    assert_eq!(
        warnings(&(allocation("{namespaces: [shop, shpo]}") + namespace)),
        ["IPAddressPool p spec.serviceAllocation.namespaces[1] UnknownNamespace"]
    );
    assert_eq!(
        warnings(&allocation("{namespaceSelectors: [{matchLabels: {x: z}}]}")),
        ["IPAddressPool p spec.serviceAllocation.namespaceSelectors[0] NamespaceSelectorMatchesNothing"]
    );
    let by_name = allocation("{namespaceSelectors: [{matchLabels: {kubernetes.io/metadata.name: shop}}]}");
    assert!(warnings(&(by_name + SERVICE)).is_empty());
}

#[test]
fn pools_that_hold_what_is_not_theirs() {
    let held = |addresses: &str, more: &str| {
        warnings(
            &(pool("p", addresses)
                + &l2("l", "{}")
                + &bgp("ad", "{}")
                + &peer("a", "192.0.2.1", ", sourceAddress: 192.0.2.2")
                + more),
        )
    };
    let used = ["IPAddressPool p spec.addresses[0] PoolHoldsUsedAddress"];
    assert!(held("10.0.0.0/24", "").is_empty());
    assert_eq!(held("192.0.2.1/32", ""), used);
    assert_eq!(held("192.0.2.2-192.0.2.9", ""), used);
    let node = "---\napiVersion: v1\nkind: Node\nmetadata: {name: one}\nstatus: {addresses: [{type: Hostname, address: one}, {type: InternalIP, address: 10.0.0.7}]}\n";
    assert_eq!(held("10.0.0.0/24", node), used);
    let service = "---\n{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: {clusterIP: 10.0.0.9, ports: [{port: 1}]}}\n";
    assert_eq!(held("10.0.0.0/24", service), used);
    for reserved in [
        "0.0.0.0/0",
        "127.0.0.1/32",
        "169.254.0.0/24",
        "239.0.0.0/24",
        "255.0.0.0/24",
        "'fe80::/64'",
        "'ff02::/64'",
    ] {
        let found = held(reserved, "");
        assert_eq!(found[0], "IPAddressPool p spec.addresses[0] ReservedAddresses", "{reserved}");
    }
}

#[test]
fn fields_that_do_nothing_are_said() {
    let yaml = pool("p", "10.0.0.0/24")
        + &bgp("ad", "{}")
        + &peer("a", "192.0.2.1", ", disableMP: true, sourceAddress: 'fc00::1'");
    assert_eq!(
        warnings(&yaml),
        ["BGPPeer a spec.disableMP DeprecatedField", "BGPPeer a spec.sourceAddress SourceAddressFamily"]
    );
}

#[test]
fn other_load_balancers_and_excluded_nodes_are_said() {
    let excluded = node("one", "node.kubernetes.io/exclude-from-external-load-balancers: ''");
    assert_eq!(
        warnings(&excluded),
        [
            "Node one metadata.labels[node.kubernetes.io/exclude-from-external-load-balancers] EveryNodeExcluded"
        ]
    );
    assert!(warnings(&(excluded + &node("two", ""))).is_empty());
    assert_eq!(
        warnings(&node("one", "svccontroller.k3s.cattle.io/enablelb: 'true'")),
        ["Node one metadata.labels[svccontroller.k3s.cattle.io/enablelb] OtherLoadBalancer"]
    );
    let classy = SERVICE.replace("type: LoadBalancer", "type: LoadBalancer, loadBalancerClass: other");
    assert_eq!(warnings(&classy), ["Service web spec.loadBalancerClass OtherLoadBalancerClass"]);
    let taken = SERVICE.replace("}}\n", "}, status: {loadBalancer: {ingress: [{ip: 203.0.113.5}]}}}\n");
    assert_eq!(
        warnings(&(pool("p", "10.0.0.0/24") + &l2("l", "{}") + &taken)),
        ["Service web status.loadBalancer.ingress ForeignAddress"]
    );
}

#[test]
fn configuration_in_two_namespaces_is_said_of_the_fewer() {
    let stray = l2("l", "{}").replace("namespace: m", "namespace: default");
    let yaml = pool("p", "10.0.0.0/24") + &pool("q", "10.0.1.0/24") + &stray;
    assert_eq!(warnings(&yaml), ["L2Advertisement l metadata.namespace SeveralNamespaces"]);
}

#[test]
fn many_addresses_for_web_traffic_are_hinted_at_once() {
    let web = |n: usize| SERVICE.replace("name: web", &format!("name: web{n}")).replace("8080", "80");
    let nine: String = (0..9).map(web).collect();
    let chain = pool("p", "10.0.0.0/24") + &l2("l", "{}");
    assert!(warnings(&(chain.clone() + &nine)).is_empty());
    assert_eq!(warnings(&(chain + &nine + &web(9))), ["Service web0 spec.ports ManyHTTPServices"]);
}

#[test]
fn what_stood_in_config_maps_is_said() {
    let legacy = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config, namespace: metallb-system}\ndata:\n  config: |\n    address-pools:\n    - name: default\n";
    let extras = "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: bgpextras, namespace: m}, data: {extras: 'route-map x'}}\n";
    let text = crate::input::SourceText { file: "t".into(), text: (legacy.to_owned() + extras).into() };
    let parsed = crate::input::parse(&[text], &crate::input::Options::default());
    let reasons: Vec<&str> = parsed.problems.iter().map(|p| p.reason).collect();
    assert_eq!(reasons, ["LegacyConfigMap", "DeprecatedBGPExtras"]);
}

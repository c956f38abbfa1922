//! What a node announces, as users see it: by prefix, and by the reason why not.

use super::{EXCLUDE_LABEL, Endpoints, NodePlan, Planner};
use crate::ledger;
use crate::model::{
    AddressRange, BgpAdvertisement, Families, FamilyPolicy, Model, Pool, Service, ServiceKey, Serving,
    SharingKey,
};
use crate::problem::ObjectRef;
use crate::selector::Selector;
use crate::snapshot::{Labels, Node};
use herald_frr::value::Family;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn object(kind: &'static str, name: &str) -> ObjectRef {
    ObjectRef { kind, namespace: "ns".into(), name: name.into() }
}

fn labels(key: &str, value: &str) -> Labels {
    Labels::from([(key, value)])
}

fn selector(key: &str, value: &str) -> Selector {
    let match_labels = Some(BTreeMap::from([(key.to_owned(), value.to_owned())]));
    Selector::parse(&LabelSelector { match_labels, ..LabelSelector::default() }).unwrap()
}

fn pool(name: &str, first: &str, last: &str) -> Pool {
    Pool {
        object: object("IPAddressPool", name),
        labels: Labels::new(),
        ranges: vec![AddressRange::new(first.parse().unwrap(), last.parse().unwrap()).unwrap()],
        auto_assign: true,
        avoid_buggy_ips: false,
        pinned: None,
    }
}

fn advertisement(name: &str) -> BgpAdvertisement {
    BgpAdvertisement {
        object: object("BGPAdvertisement", name),
        pools: BTreeSet::from(["gold".into()]),
        node_selectors: Vec::new(),
        service_selectors: Vec::new(),
        peers: BTreeSet::new(),
        length_v4: 32,
        length_v6: 128,
        local_pref: None,
        communities: BTreeSet::new(),
        drain: None,
    }
}

fn service(name: &str, address: &str) -> Service {
    Service {
        object: object("Service", name),
        labels: labels("app", name),
        families: Ok(Families::Single(Family::V4)),
        policy: FamilyPolicy::SingleStack,
        requested_pool: None,
        requested_ips: Ok(Vec::new()),
        sharing: SharingKey::default(),
        has_sharing_annotation: false,
        ports: BTreeSet::new(),
        traffic_local: false,
        status_ips: address.parse().into_iter().collect(),
    }
}

fn key(name: &str) -> ServiceKey {
    ServiceKey { namespace: "ns".into(), name: name.into() }
}

fn node() -> Node {
    Node { name: "node-a".into(), labels: labels("rack", "1"), network_unavailable: false, draining: false }
}

/// A pool, an advertisement for it, and a Service `web` at 10.0.0.1.
fn model() -> Model {
    Model {
        pools: BTreeMap::from([("gold".into(), pool("gold", "10.0.0.0", "10.0.0.255"))]),
        bgp_advertisements: BTreeMap::from([("adv".into(), advertisement("adv"))]),
        services: BTreeMap::from([(key("web"), service("web", "10.0.0.1"))]),
        ..Model::default()
    }
}

fn serving(ready: &[&str], leaving: &[&str]) -> Serving {
    let nodes = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect();
    Serving { anywhere: true, ready: nodes(ready), leaving: nodes(leaving) }
}

fn plan(model: &Model, node: &Node, endpoints: Endpoints) -> NodePlan {
    let (_, outcomes) = ledger::recorded(model);
    Planner::new(model, &outcomes, endpoints, false).node(node, &[])
}

/// `10.0.0.1/32 adv,other` per prefix.
fn announced(plan: &NodePlan) -> Vec<String> {
    let names = |names: &BTreeSet<_>| names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(",");
    plan.announced.iter().map(|(net, of)| format!("{net} {}", names(&of.advertisements))).collect()
}

/// The reason why `web` is not announced.
fn refusal(model: &Model, node: &Node, endpoints: Endpoints) -> &'static str {
    let plan = plan(model, node, endpoints);
    let decision = &plan.services.iter().find(|(of, _)| *of == key("web")).unwrap().1;
    decision.as_ref().map_or_else(|refusal| refusal.as_str(), |_| "announced")
}

/// Each step makes a Service fail one check more, from the last check to the first: the first one
/// that fails is the reason.
#[test]
fn refusals_come_in_the_order_of_metallb() {
    type Step = (&'static str, fn(&mut Model, &mut Node));
    let steps: [Step; 10] = [
        ("announced", |_, _| {}),
        ("noEndpoints", |model, _| {
            model.endpoints.insert(key("web"), Serving::default());
        }),
        ("noLocalEndpoints", |model, _| model.services.get_mut(&key("web")).unwrap().traffic_local = true),
        ("nodeLabeledExcludeBalancers", |_, node| {
            node.labels = Labels::from([(EXCLUDE_LABEL, "")]);
        }),
        ("nodeNetworkUnavailable", |_, node| node.network_unavailable = true),
        ("conflictingAdvertisements", |model, _| {
            let other = BgpAdvertisement { local_pref: Some(200), ..advertisement("other") };
            model.bgp_advertisements.insert("other".into(), other);
        }),
        ("noMatchingAdvertisement", |model, _| {
            let all = model.bgp_advertisements.values_mut();
            all.for_each(|ad| ad.service_selectors = vec![selector("app", "db")]);
        }),
        ("notOwner", |model, _| {
            let all = model.bgp_advertisements.values_mut();
            all.for_each(|ad| ad.node_selectors = vec![selector("rack", "2")]);
        }),
        ("ipNotAllowed", |model, _| {
            model.services.insert(key("web"), service("web", "192.0.2.1"));
        }),
        ("noIPAllocated", |model, _| {
            model.services.insert(key("web"), service("web", ""));
        }),
    ];
    let (mut model, mut node) = (model(), node());
    for (expected, step) in steps {
        step(&mut model, &mut node);
        assert_eq!(refusal(&model, &node, Endpoints::Assume), expected);
    }
}

#[test]
fn without_endpointslices_the_input_decides_what_is_ready() {
    let mut model = model();
    assert_eq!(refusal(&model, &node(), Endpoints::Assume), "announced");
    assert_eq!(refusal(&model, &node(), Endpoints::Strict), "noEndpoints");
    model.services.get_mut(&key("web")).unwrap().traffic_local = true;
    assert_eq!(refusal(&model, &node(), Endpoints::Assume), "announced");
    assert_eq!(refusal(&model, &node(), Endpoints::Strict), "noLocalEndpoints");
}

#[test]
fn traffic_policy_local_needs_an_endpoint_on_the_node() {
    let mut model = model();
    let elsewhere = serving(&["node-b"], &[]);
    model.endpoints.insert(key("web"), elsewhere);
    assert_eq!(refusal(&model, &node(), Endpoints::Strict), "announced");
    model.services.get_mut(&key("web")).unwrap().traffic_local = true;
    assert_eq!(refusal(&model, &node(), Endpoints::Strict), "noLocalEndpoints");
}

#[test]
fn the_exclude_label_can_be_ignored() {
    let model = model();
    let mut node = node();
    node.labels = Labels::from([(EXCLUDE_LABEL, "")]);
    let (_, outcomes) = ledger::recorded(&model);
    let plan = Planner::new(&model, &outcomes, Endpoints::Assume, true).node(&node, &[]);
    assert_eq!(announced(&plan), ["10.0.0.1/32 adv"]);
}

#[test]
fn an_aggregate_stays_while_any_of_its_services_is_announced() {
    let mut model = model();
    model.services.insert(key("db"), service("db", "10.0.0.9"));
    model.bgp_advertisements.get_mut("adv").unwrap().length_v4 = 24;
    let both = plan(&model, &node(), Endpoints::Assume);
    assert_eq!(announced(&both), ["10.0.0.0/24 adv"]);
    assert_eq!(both.announced.values().next().unwrap().origins.len(), 2);

    model.endpoints.insert(key("web"), Serving::default());
    assert_eq!(announced(&plan(&model, &node(), Endpoints::Assume)), ["10.0.0.0/24 adv"]);
    model.endpoints.insert(key("db"), Serving::default());
    assert!(announced(&plan(&model, &node(), Endpoints::Assume)).is_empty());
}

#[test]
fn prefixes_have_the_advertisements_that_give_them_their_length() {
    let mut model = model();
    let wide = BgpAdvertisement { length_v4: 24, ..advertisement("wide") };
    model.bgp_advertisements.extend([("wide".into(), wide), ("more".into(), advertisement("more"))]);
    assert_eq!(
        announced(&plan(&model, &node(), Endpoints::Assume)),
        ["10.0.0.0/24 wide", "10.0.0.1/32 adv,more"]
    );
}

#[test]
fn services_that_differ_in_what_matches_them_join_in_a_shared_prefix() {
    let mut model = model();
    model.services.insert(key("db"), service("db", "10.0.0.9"));
    for name in ["web", "db"] {
        let service_selectors = vec![selector("app", name)];
        let ad = BgpAdvertisement { length_v4: 24, service_selectors, ..advertisement(name) };
        model.bgp_advertisements.insert(name.into(), ad);
    }
    assert_eq!(
        announced(&plan(&model, &node(), Endpoints::Assume)),
        ["10.0.0.0/24 db,web", "10.0.0.1/32 adv", "10.0.0.9/32 adv"]
    );
}

#[test]
fn local_preferences_conflict_only_where_prefixes_and_peers_meet() {
    type Case = (&'static str, fn(&mut BgpAdvertisement));
    let cases: [Case; 4] = [
        ("conflictingAdvertisements", |_| {}),
        ("announced", |ad| ad.length_v4 = 24),
        ("conflictingAdvertisements", |ad| ad.length_v6 = 64),
        ("announced", |ad| ad.node_selectors = vec![selector("rack", "2")]),
    ];
    for (expected, edit) in cases {
        let mut model = model();
        let mut other = BgpAdvertisement { local_pref: Some(200), ..advertisement("other") };
        edit(&mut other);
        model.bgp_advertisements.insert("other".into(), other);
        assert_eq!(refusal(&model, &node(), Endpoints::Assume), expected);
    }
    let mut model = model();
    model.bgp_advertisements.get_mut("adv").unwrap().peers = BTreeSet::from(["tor-a".into()]);
    let peers = BTreeSet::from(["tor-b".into()]);
    let other = BgpAdvertisement { local_pref: Some(200), peers, ..advertisement("other") };
    model.bgp_advertisements.insert("other".into(), other);
    assert_eq!(refusal(&model, &node(), Endpoints::Assume), "announced");
}

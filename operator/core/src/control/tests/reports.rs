//! What nodes report, and what the operator makes of it.

use super::*;
use crate::input::objects::ADVERTISED;

fn peer(name: &str, address: &str) -> (Kind, Value) {
    let spec = json!({"myASN": 64500, "peerASN": 64501, "peerAddress": address});
    (Kind::BgpPeer, json!({"metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}))
}

/// Two nodes, each with a session to `one`, to `two`, and one of IPv6.
fn two_nodes() -> Cluster {
    let advertisement = json!({"metadata": {"name": "all", "namespace": NAMESPACE}, "spec": {}});
    let mut cluster = Cluster::new([
        (Kind::Node, json!({"metadata": {"name": "node-b", "labels": {}}})),
        (Kind::IpAddressPool, pool("pool", &["10.0.0.1-10.0.0.9"])),
        (Kind::BgpAdvertisement, advertisement),
        peer("one", "192.0.2.1"),
        peer("two", "192.0.2.2"),
        peer("six", "2001:db8::6"),
    ]);
    cluster.put(Kind::Service, service("web"));
    cluster.put(Kind::EndpointSlice, slice("web", "node-a"));
    cluster
}

impl Cluster {
    fn report(&mut self, node: &str, peers: &[&str]) {
        let status =
            json!({"node": node, "serviceName": "web", "serviceNamespace": "default", "peers": peers});
        let metadata = json!({"name": format!("bgp-{node}"), "namespace": NAMESPACE});
        self.put(Kind::ServiceBgpStatus, json!({"metadata": metadata, "status": status}));
    }

    fn says(&self, status: &str, reason: &str) -> String {
        let (of, why, message) = self.condition("web", ADVERTISED);
        assert_eq!((&*of, &*why), (status, reason), "{message}");
        message
    }
}

#[test]
fn a_service_is_advertised_once_every_session_that_can_carry_it_was_sent_it() {
    let mut cluster = two_nodes();
    assert_eq!(
        cluster.says("False", "NotAdvertised"),
        "no node has sent it: 2 nodes should on 4 sessions by BGPAdvertisement all; the first that is missing is BGPPeer one \
         on node node-a: BGPSessionStates and FRRNodeStates say more"
    );
    cluster.report("node-a", &["one", "two"]);
    assert_eq!(
        cluster.says("True", "PartlyAdvertised"),
        "sent by 1 of 2 nodes on 2 of 4 sessions by BGPAdvertisement all: the first that is missing is BGPPeer one on node node-b"
    );
    cluster.report("node-b", &["one", "two"]);
    let message = cluster.says("True", "Advertised");
    assert_eq!(message, "sent by 2 nodes on 4 sessions by BGPAdvertisement all");
}

#[test]
fn counts_are_no_reason_to_write_and_a_lost_neighbour_is() {
    let mut cluster = two_nodes();
    cluster.report("node-a", &["one", "two"]);
    let writes = cluster.api.service_writes;
    cluster.report("node-b", &["two"]);
    cluster.report("node-a", &["two"]);
    assert_eq!(cluster.api.service_writes, writes);
    cluster.report("node-a", &[]);
    cluster.report("node-b", &[]);
    cluster.says("False", "NotAdvertised");
    assert_eq!(cluster.api.service_writes, writes + 1);
    cluster.wait(600_000);
    assert_eq!(cluster.api.service_writes, writes + 1);
}

#[test]
fn reports_that_somebody_deletes_come_back_and_nobody_is_alarmed_at_once() {
    let mut cluster = two_nodes();
    cluster.report("node-a", &["one", "two"]);
    cluster.report("node-b", &["one", "two"]);
    let writes = cluster.api.service_writes;
    cluster.delete(Kind::ServiceBgpStatus, NAMESPACE, "bgp-node-a");
    cluster.wait(20_000);
    cluster.report("node-a", &["one", "two"]);
    cluster.wait(60_000);
    assert_eq!(cluster.api.service_writes, writes);
    cluster.delete(Kind::ServiceBgpStatus, NAMESPACE, "bgp-node-a");
    cluster.wait(31_000);
    cluster.says("True", "PartlyAdvertised");
    cluster.report("node-b", &[]);
    cluster.delete(Kind::ServiceBgpStatus, NAMESPACE, "bgp-node-b");
    cluster.says("False", "NotAdvertised");
}

#[test]
fn where_reports_are_off_the_plan_is_told() {
    let mut cluster = two_nodes();
    cluster.controller = Controller::new(Options { reports: false, ..options() });
    cluster.lead(LateWrites::Impossible);
    assert_eq!(cluster.says("True", "Planned"), "to be announced over BGP by BGPAdvertisement all");
}

#[test]
fn a_node_without_endpoints_is_not_missed_where_traffic_is_local() {
    let mut cluster = two_nodes();
    cluster.put(Kind::Service, with(service("web"), "/spec/externalTrafficPolicy", json!("Local")));
    cluster.report("node-a", &["one", "two"]);
    assert_eq!(cluster.says("True", "Advertised"), "sent by 1 node on 2 sessions by BGPAdvertisement all");
}

fn pod(node: &str) -> (Kind, Value) {
    let metadata = json!({"name": format!("frr-{node}"), "namespace": NAMESPACE});
    (Kind::Pod, json!({"metadata": metadata, "spec": {"nodeName": node}}))
}

fn state(node: &str) -> (Kind, Value) {
    (Kind::FrrNodeState, json!({"metadata": {"name": node}}))
}

#[test]
fn the_state_of_a_node_without_frr_is_deleted_and_that_of_one_whose_pod_is_replaced_is_not() {
    let mut cluster =
        Cluster::new([pod("node-a"), state("node-a"), pod("node-b"), state("node-b"), state("gone")]);
    let states = |cluster: &Cluster| {
        ["node-a", "node-b", "gone"].map(|name| cluster.api.get(Kind::FrrNodeState, "", name).is_some())
    };
    cluster.delete(Kind::Pod, NAMESPACE, "frr-node-a");
    cluster.wait(5_000);
    let (kind, object) = pod("node-a");
    cluster.put(kind, object);
    cluster.wait(10_000);
    assert_eq!(states(&cluster), [true, true, false]);
    cluster.delete(Kind::Pod, NAMESPACE, "frr-node-b");
    cluster.wait(11_000);
    assert_eq!(states(&cluster), [true, false, false]);
    cluster.delete(Kind::Pod, NAMESPACE, "frr-node-a");
    cluster.wait(11_000);
    assert_eq!(states(&cluster), [false, false, false], "the last one, too");
}

#[test]
fn where_frr_does_not_run_in_pods_no_state_is_deleted() {
    let mut cluster = Cluster::new([state("node-a")]);
    cluster.wait(60_000);
    assert!(cluster.api.get(Kind::FrrNodeState, "", "node-a").is_some());
}

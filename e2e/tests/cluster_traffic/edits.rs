//! Valid edits at random of what the Service `web` does not depend on.

use crate::Story;
use anyhow::{Context, Result};
use herald_e2e::Random;
use herald_e2e::kube::Administrator;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

const METALLB: &str = "/apis/metallb.io/v1beta1/namespaces/metallb-system";
const PEERS: &str = "/apis/metallb.io/v1beta2/namespaces/metallb-system/bgppeers";
const FRR: &str = "/apis/frrk8s.metallb.io/v1beta1/namespaces/metallb-system/frrconfigurations";
const SECRETS: &str = "/api/v1/namespaces/metallb-system/secrets";
const SERVICES: &str = "/api/v1/namespaces/default/services";
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

/// Between two edits.
const PAUSE: Duration = Duration::from_millis(600);
/// How many objects of each kind there may be.
const EACH: u64 = 3;

type Make = fn(&mut Edits, u64) -> (String, Value);

/// What makes an object of a kind with a number: its path and its form.
const KINDS: &[Make] = &[
    Edits::pool,
    Edits::advertisement,
    Edits::layer2,
    Edits::community,
    Edits::profile,
    Edits::peer,
    Edits::frr_configuration,
    Edits::secret,
    Edits::service,
    Edits::slice,
];

pub struct Edits {
    kube: Administrator,
    story: Story,
    random: Random,
    /// The paths of objects that were made and not deleted.
    there: BTreeSet<String>,
}

fn object(version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let namespace =
        if version.contains("metallb.io") || kind == "Secret" { "metallb-system" } else { "default" };
    let mut object =
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}});
    if let (Some(object), Value::Object(rest)) = (object.as_object_mut(), rest) {
        object.extend(rest);
    }
    object
}

impl Edits {
    pub fn new(kube: Administrator, story: Story, seed: u64) -> Self {
        Self { kube, story, random: Random::new(seed), there: BTreeSet::new() }
    }

    pub fn make(mut self, count: u32) -> Result<()> {
        for edit in 0..count {
            let what = self.one().with_context(|| format!("edit {edit}"))?;
            self.story.tell(format!("edit {edit}: {what}"));
            sleep(PAUSE);
        }
        Ok(())
    }

    fn one(&mut self) -> Result<String> {
        let number = self.random.below(EACH);
        let kinds = KINDS.len();
        let chosen = self.random.index(kinds + 2);
        if chosen >= kinds {
            return self.label(chosen == kinds);
        }
        let (path, object) = KINDS[chosen](self, number);
        if self.there.contains(&path) && self.random.below(3) == 0 {
            self.there.remove(&path);
            self.kube.delete(&path)?;
            return Ok(format!("delete {path}"));
        }
        self.kube.put(&path, &object)?;
        let what = format!("put {path}: {}", object["spec"]);
        self.there.insert(path);
        Ok(what)
    }

    /// A label that nothing selects, of a node or of a namespace.
    fn label(&mut self, node: bool) -> Result<String> {
        let path = if node {
            format!("/api/v1/nodes/node-{}", 1 + self.random.below(3))
        } else {
            "/api/v1/namespaces/default".to_owned()
        };
        let value = self.random.below(100).to_string();
        let labels = json!({"metadata": {"labels": {"shelf": value}, "annotations": {"shelf": value}}});
        self.kube.merge(&path, &labels)?;
        Ok(format!("label {path}: shelf={value}"))
    }

    fn some<'a>(&mut self, all: &[&'a str]) -> Vec<&'a str> {
        let kept: Vec<&str> = all.iter().copied().filter(|_| self.random.below(2) == 0).collect();
        if kept.is_empty() { vec![all[self.random.index(all.len())]] } else { kept }
    }

    fn on_some_nodes(&mut self) -> Value {
        let nodes = self.some(&["node-1", "node-2", "node-3", "node-9"]);
        json!([{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": nodes}]}])
    }

    /// The last of them gives the other Services their addresses.
    fn pool(&mut self, number: u64) -> (String, Value) {
        let last = 16 * self.random.below(15) + 15;
        let range = format!("198.51.10{}.0-198.51.10{}.{last}", 1 + number, 1 + number);
        let spec =
            json!({"addresses": [range], "autoAssign": false, "avoidBuggyIPs": self.random.below(2) == 0});
        let name = format!("spare-{number}");
        (
            format!("{METALLB}/ipaddresspools/{name}"),
            object("metallb.io/v1beta1", "IPAddressPool", &name, json!({"spec": spec})),
        )
    }

    fn advertisement(&mut self, number: u64) -> (String, Value) {
        let communities = self.some(&["64500:1", "64500:2", "large:64500:1:2"]);
        let spec = json!({
            "ipAddressPools": [format!("spare-{number}")],
            "communities": communities,
            "localPref": 100 + self.random.below(100),
            "aggregationLength": 28 + self.random.below(5),
            "peers": self.some(&["bird", "frr", "spare-0"]),
            "nodeSelectors": self.on_some_nodes(),
        });
        let name = format!("spare-{number}");
        (
            format!("{METALLB}/bgpadvertisements/{name}"),
            object("metallb.io/v1beta1", "BGPAdvertisement", &name, json!({"spec": spec})),
        )
    }

    fn layer2(&mut self, number: u64) -> (String, Value) {
        let spec =
            json!({"ipAddressPools": [format!("spare-{number}")], "nodeSelectors": self.on_some_nodes()});
        let name = format!("spare-{number}");
        (
            format!("{METALLB}/l2advertisements/{name}"),
            object("metallb.io/v1beta1", "L2Advertisement", &name, json!({"spec": spec})),
        )
    }

    fn community(&mut self, number: u64) -> (String, Value) {
        let value = format!("64500:{}", self.random.below(1000));
        let spec = json!({"communities": [{"name": format!("alias-{number}"), "value": value}]});
        let name = format!("spare-{number}");
        (
            format!("{METALLB}/communities/{name}"),
            object("metallb.io/v1beta1", "Community", &name, json!({"spec": spec})),
        )
    }

    fn profile(&mut self, number: u64) -> (String, Value) {
        let spec = json!({
            "receiveInterval": 100 + self.random.below(400),
            "transmitInterval": 100 + self.random.below(400),
            "detectMultiplier": 3 + self.random.below(5),
        });
        let name = format!("spare-{number}");
        (
            format!("{METALLB}/bfdprofiles/{name}"),
            object("metallb.io/v1beta1", "BFDProfile", &name, json!({"spec": spec})),
        )
    }

    /// Nobody is there.
    fn peer(&mut self, number: u64) -> (String, Value) {
        let hold = 30 + 3 * self.random.below(20);
        let spec = json!({
            "myASN": 64500,
            "peerASN": 64600 + number,
            "peerAddress": format!("172.30.0.{}", 200 + number),
            "holdTime": format!("{hold}s"),
            "keepaliveTime": format!("{}s", hold / 3),
            "ebgpMultiHop": self.random.below(2) == 0,
            "nodeSelectors": self.on_some_nodes(),
        });
        let name = format!("spare-{number}");
        (format!("{PEERS}/{name}"), object("metallb.io/v1beta2", "BGPPeer", &name, json!({"spec": spec})))
    }

    /// Of nodes that are not there.
    fn frr_configuration(&mut self, number: u64) -> (String, Value) {
        let neighbor =
            json!({"address": format!("172.30.0.{}", 210 + self.random.below(5)), "asn": 64700 + number});
        let spec = json!({
            "nodeSelector": {"matchLabels": {"kubernetes.io/hostname": format!("node-{}", 7 + number)}},
            "bgp": {"routers": [{"asn": 64500, "neighbors": [neighbor]}]},
        });
        let name = format!("other-{number}");
        (
            format!("{FRR}/{name}"),
            object("frrk8s.metallb.io/v1beta1", "FRRConfiguration", &name, json!({"spec": spec})),
        )
    }

    fn secret(&mut self, number: u64) -> (String, Value) {
        let word = format!("word-{}", self.random.below(1000));
        let rest =
            json!({"type": "kubernetes.io/basic-auth", "stringData": {"username": "", "password": word}});
        let name = format!("spare-{number}");
        (format!("{SECRETS}/{name}"), object("v1", "Secret", &name, rest))
    }

    /// Of the same pool, with the same pods or without any.
    fn service(&mut self, number: u64) -> (String, Value) {
        let policy = self.some(&["Local", "Cluster"])[0];
        let spec = json!({
            "type": self.some(&["LoadBalancer", "LoadBalancer", "ClusterIP"])[0],
            "selector": {"app": self.some(&["web", "nobody"])[0]},
            "ports": [{"port": 8000 + self.random.below(100), "targetPort": 8080}],
        });
        let mut spec = spec;
        if spec["type"] == "LoadBalancer" {
            spec["externalTrafficPolicy"] = json!(policy);
        }
        let name = format!("other-{number}");
        (format!("{SERVICES}/{name}"), object("v1", "Service", &name, json!({"spec": spec})))
    }

    /// Endpoints of Services that are others'.
    fn slice(&mut self, number: u64) -> (String, Value) {
        let name = format!("hand-{number}");
        let nodes = self.some(&["node-1", "node-2", "node-3"]);
        let ready = self.random.below(2) == 0;
        let endpoints: Vec<Value> = nodes
            .iter()
            .map(|node| {
                json!({"addresses": [format!("10.244.9.{}", 1 + self.random.below(200))], "nodeName": node,
                "conditions": {"ready": ready, "serving": ready, "terminating": false}})
            })
            .collect();
        let mut slice = object(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            &name,
            json!({
                "addressType": "IPv4", "endpoints": endpoints, "ports": [{"port": 8080, "name": "", "protocol": "TCP"}],
            }),
        );
        slice["metadata"]["labels"] = json!({"kubernetes.io/service-name": format!("other-{number}")});
        (format!("{SLICES}/{name}"), slice)
    }
}

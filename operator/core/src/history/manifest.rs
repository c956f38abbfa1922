//! Objects of a Snapshot as manifests again: what is read of them, for people and for undoing a change.

use crate::snapshot::{
    Custom, Endpoint, EndpointSlice, Labels, Meta, Namespace, Node, Secret, Serves, Service,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// `apiVersion` of a kind, in the form in which it is kept.
#[must_use]
pub fn api_version(kind: &str) -> &'static str {
    match kind {
        "IPAddressPool" | "L2Advertisement" | "BGPAdvertisement" | "BFDProfile" | "Community" => {
            "metallb.io/v1beta1"
        }
        "BGPPeer" => "metallb.io/v1beta2",
        "FRRConfiguration" => "frrk8s.metallb.io/v1beta1",
        "EndpointSlice" => "discovery.k8s.io/v1",
        _ => "v1",
    }
}

/// An object that can be a cause.
pub(super) trait Object: PartialEq {
    /// The kind.
    const KIND: &'static str;
    /// Namespace and name, by which lists are sorted.
    fn key(&self) -> (&str, &str);
    /// `metadata.generation`.
    fn generation(&self) -> i64 {
        0
    }
    /// The manifest, with passwords as they are.
    fn manifest(&self) -> Value;
    /// Whether what no manifest may show is the same.
    fn same_secret(&self, _other: &Self) -> bool {
        true
    }
}

macro_rules! custom {
    ($($spec:ty => $kind:literal),* $(,)?) => {$(
        impl Object for Custom<$spec> {
            const KIND: &'static str = $kind;
            fn key(&self) -> (&str, &str) {
                (&self.meta.object.namespace, &self.meta.object.name)
            }
            fn generation(&self) -> i64 {
                self.meta.generation
            }
            fn manifest(&self) -> Value {
                of($kind, &self.meta, Some(("spec", value(&self.spec))))
            }
        }
    )*};
}

custom! {
    herald_crds::metallb::IPAddressPoolSpec => "IPAddressPool",
    herald_crds::metallb::L2AdvertisementSpec => "L2Advertisement",
    herald_crds::metallb::BGPAdvertisementSpec => "BGPAdvertisement",
    herald_crds::metallb::BGPPeerSpec => "BGPPeer",
    herald_crds::metallb::BFDProfileSpec => "BFDProfile",
    herald_crds::metallb::CommunitySpec => "Community",
    herald_crds::frrk8s::FRRConfigurationSpec => "FRRConfiguration",
    herald_crds::frrk8s::FRRK8sConfigurationSpec => "FRRK8sConfiguration",
}

/// A `ConfigMap` `bgpextras`.
#[derive(PartialEq)]
pub(super) struct Extras<'a>(pub &'a Custom<herald_crds::frrk8s::FRRConfigurationSpec>);

impl Object for Extras<'_> {
    const KIND: &'static str = "ConfigMap";

    fn key(&self) -> (&str, &str) {
        self.0.key()
    }

    fn manifest(&self) -> Value {
        let text = self.0.spec.raw.as_ref().and_then(|raw| raw.raw_config.as_deref());
        of(Self::KIND, &self.0.meta, Some(("data", json!({ "extras": text }))))
    }
}

impl Object for Service {
    const KIND: &'static str = "Service";

    fn key(&self) -> (&str, &str) {
        (&self.meta.object.namespace, &self.meta.object.name)
    }

    fn generation(&self) -> i64 {
        self.meta.generation
    }

    fn manifest(&self) -> Value {
        let mut spec = Map::new();
        let mut put = |key: &str, value: Value| {
            let empty = value.is_null()
                || value.as_str() == Some("")
                || value.as_array().is_some_and(Vec::is_empty)
                || value.as_object().is_some_and(Map::is_empty);
            if !empty {
                spec.insert(key.to_owned(), value);
            }
        };
        put("type", json!(self.service_type.as_str()));
        put("clusterIPs", json!(self.cluster_ips));
        put("ipFamilies", json!(self.asks.ip_families));
        put("ipFamilyPolicy", json!(self.asks.ip_family_policy));
        put("loadBalancerIP", json!(self.asks.load_balancer_ip));
        put("loadBalancerClass", json!(self.asks.load_balancer_class));
        put("externalTrafficPolicy", if self.traffic_local { json!("Local") } else { Value::Null });
        put("healthCheckNodePort", json!(self.health_port));
        let text = |(key, value): &(Arc<str>, Arc<str>)| (key.to_string(), json!(value));
        put("selector", self.selector.iter().map(text).collect());
        let port = |(protocol, port): &(Arc<str>, u16)| json!({"protocol": protocol, "port": port});
        put("ports", self.ports.iter().map(port).collect());
        let mut manifest = of(Self::KIND, &self.meta, Some(("spec", Value::Object(spec))));
        let ingress = self.ingress.iter().map(|ip| match ip {
            Ok(ip) => json!({ "ip": ip }),
            Err(text) => json!({ "ip": text }),
        });
        let ingress: Vec<Value> = ingress.collect();
        if !ingress.is_empty() {
            manifest["status"] = json!({"loadBalancer": {"ingress": ingress}});
        }
        manifest
    }
}

impl Object for EndpointSlice {
    const KIND: &'static str = "EndpointSlice";

    fn key(&self) -> (&str, &str) {
        (&self.object.namespace, &self.object.name)
    }

    fn manifest(&self) -> Value {
        let endpoint = |endpoint: &Endpoint| {
            let conditions = match endpoint.serves {
                Serves::Ready => json!({"ready": true}),
                Serves::Leaving => json!({"ready": false, "serving": true, "terminating": true}),
                Serves::No => json!({"ready": false}),
            };
            json!({"nodeName": endpoint.node, "conditions": conditions})
        };
        let endpoints: Vec<Value> = self.endpoints.iter().map(endpoint).collect();
        let labels = Labels::from([("kubernetes.io/service-name".to_owned(), self.service.to_string())]);
        let mut manifest =
            head(Self::KIND, &self.object.namespace, &self.object.name, &labels, &Labels::new());
        manifest["endpoints"] = Value::Array(endpoints);
        manifest
    }
}

impl Object for Node {
    const KIND: &'static str = "Node";

    fn key(&self) -> (&str, &str) {
        ("", &self.name)
    }

    fn manifest(&self) -> Value {
        let mut manifest = head(Self::KIND, "", &self.name, &self.labels, &Labels::new());
        if self.network_unavailable {
            manifest["status"] = json!({"conditions": [{"type": "NetworkUnavailable", "status": "True"}]});
        }
        if self.draining {
            manifest["spec"] = json!({"unschedulable": true});
        }
        manifest
    }
}

impl Object for Namespace {
    const KIND: &'static str = "Namespace";

    fn key(&self) -> (&str, &str) {
        ("", &self.name)
    }

    fn manifest(&self) -> Value {
        head(Self::KIND, "", &self.name, &self.labels, &Labels::new())
    }
}

impl Object for Secret {
    const KIND: &'static str = "Secret";

    fn key(&self) -> (&str, &str) {
        (&self.object.namespace, &self.object.name)
    }

    fn manifest(&self) -> Value {
        let none = Labels::new();
        let mut manifest = head(Self::KIND, &self.object.namespace, &self.object.name, &none, &none);
        manifest["type"] = json!(self.secret_type);
        if self.password.is_some() {
            manifest["stringData"] = json!({"password": super::MASK});
        }
        manifest
    }

    fn same_secret(&self, other: &Self) -> bool {
        self.password == other.password
    }
}

fn of(kind: &'static str, meta: &Meta, body: Option<(&str, Value)>) -> Value {
    let object = &meta.object;
    let mut manifest = head(kind, &object.namespace, &object.name, &meta.labels, &meta.annotations);
    if let Some((key, body)) = body {
        manifest[key] = body;
    }
    manifest
}

fn head(kind: &'static str, namespace: &str, name: &str, labels: &Labels, annotations: &Labels) -> Value {
    let mut metadata = json!({ "name": name });
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    for (key, map) in [("labels", labels), ("annotations", annotations)] {
        if !map.is_empty() {
            metadata[key] = json!(map);
        }
    }
    json!({"apiVersion": api_version(kind), "kind": kind, "metadata": metadata})
}

fn value(spec: &impl Serialize) -> Value {
    // Specs are made of what JSON has: they come from there.
    serde_json::to_value(spec).unwrap_or_default()
}

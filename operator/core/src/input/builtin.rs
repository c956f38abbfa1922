//! Kubernetes' own objects, trimmed to what decisions read.

use super::custom::unknown_field;
use super::de;
use super::error::{InputError, nearest};
use super::reader::{Object, Reader};
use super::tree::{Tree, shorten};
use crate::problem::{FieldPath, Step};
use crate::snapshot::{
    Asks, Custom, Endpoint, EndpointSlice, Namespace, Node, Ports, Secret, Serves, Service, ServiceKey,
    ServiceType,
};
use herald_crds::frrk8s::{FRRConfigurationSpec, RawConfig};
use ipnet::IpNet;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1 as discovery;
use k8s_openapi::api::networking::v1 as networking;
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;

/// Label of an EndpointSlice that names its Service (Kubernetes "EndpointSlices").
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// What fields of a Service may say (Kubernetes API, core/v1 `ServiceSpec`).
const TRAFFIC_POLICIES: [&str; 2] = ["Cluster", "Local"];
const FAMILY_POLICIES: [&str; 3] = ["SingleStack", "PreferDualStack", "RequireDualStack"];

/// The `ConfigMap` of raw configuration in MetalLB's frr mode; its key is `extras`.
const BGP_EXTRAS: &str = "bgpextras";

/// Taints by which somebody says that the Pods of a node are about to go, whatever their value and effect: `kubectl cordon`
/// and those of the Cluster Autoscaler, of Karpenter and of Kubernetes' "Non-graceful node shutdown"; and one for people.
const DRAIN_TAINTS: [&str; 6] = [
    "node.kubernetes.io/unschedulable",
    "node.kubernetes.io/out-of-service",
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
    "herald.metallb.io/drain",
];

impl Reader {
    /// Reads a Service.
    pub fn service(&mut self, object: &Object<'_, '_>) {
        let Some(read) = self.typed::<core::Service>(object) else { return };
        let Some(meta) = self.meta(object) else { return };
        let spec = read.spec.unwrap_or_default();
        let said = [
            self.is_known(
                object,
                "spec.type",
                spec.type_.as_deref(),
                &ServiceType::ALL.map(ServiceType::as_str),
            ),
            self.is_known(
                object,
                "spec.externalTrafficPolicy",
                spec.external_traffic_policy.as_deref(),
                &TRAFFIC_POLICIES,
            ),
            self.is_known(object, "spec.ipFamilyPolicy", spec.ip_family_policy.as_deref(), &FAMILY_POLICIES),
        ];
        if said.contains(&false) {
            return;
        }
        let Some(ports) = self.ports(object, spec.ports.as_deref().unwrap_or_default()) else { return };
        let status = read.status.and_then(|s| s.load_balancer).and_then(|l| l.ingress).unwrap_or_default();
        let cluster_ips = match (spec.cluster_ips, spec.cluster_ip) {
            (Some(ips), _) if !ips.is_empty() => ips,
            (_, one) => one.into_iter().collect(),
        };
        let traffic_local = spec.external_traffic_policy.as_deref() == Some("Local");
        let health_port = spec.health_check_node_port.and_then(|port| u16::try_from(port).ok());
        let asks = Asks {
            ip_families: spec.ip_families.iter().flatten().map(|family| self.intern(family)).collect(),
            ip_family_policy: spec.ip_family_policy.map(|policy| self.intern(&policy)),
            load_balancer_ip: spec.load_balancer_ip.map(|ip| self.intern(&ip)),
            load_balancer_class: spec.load_balancer_class.map(|class| self.intern(&class)),
        };
        let service = Service {
            meta,
            service_type: service_type(spec.type_.as_deref()),
            cluster_ips: cluster_ips.iter().map(|ip| self.intern(ip)).collect(),
            asks: self.texts.asks(asks),
            traffic_local,
            health_port: health_port.filter(|port| traffic_local && *port != 0),
            selector: spec
                .selector
                .iter()
                .flatten()
                .map(|(key, value)| (self.intern(key), self.intern(value)))
                .collect(),
            ports,
            ingress: status
                .into_iter()
                .filter_map(|i| i.ip)
                .map(|ip| ip.parse().map_err(|_| ip.into()))
                .collect(),
            adopted: false,
        };
        self.snapshot.services.insert(ServiceKey::of(&object.id), Arc::new(service));
    }

    /// Whether a field says nothing, or what the API server takes.
    fn is_known(
        &mut self,
        object: &Object<'_, '_>,
        field: &str,
        value: Option<&str>,
        known: &[&str],
    ) -> bool {
        let Some(value) = value.filter(|value| !value.is_empty() && !known.contains(value)) else {
            return true;
        };
        let nearest = nearest(value, known.iter().copied());
        let why = InputError::UnsupportedValue {
            value: shorten(value).into_owned(),
            known: known.join(", "),
            nearest,
        };
        self.error(object, FieldPath::of(field), &why);
        false
    }

    fn ports(&mut self, object: &Object<'_, '_>, ports: &[core::ServicePort]) -> Option<Ports> {
        let mut read = Vec::with_capacity(ports.len());
        for (position, port) in ports.iter().enumerate() {
            let Some(number) = u16::try_from(port.port).ok().filter(|number| *number != 0) else {
                let field = FieldPath::of("spec.ports").index(position).key("port");
                let why = InputError::WrongType(format!("{} is no port; ports are 1 to 65535", port.port));
                self.error(object, field, &why);
                return None;
            };
            let protocol = port.protocol.as_deref().unwrap_or("TCP").to_uppercase();
            read.push((self.intern(&protocol), number));
        }
        Some(self.texts.ports(read))
    }

    /// Reads an EndpointSlice.
    pub fn endpoint_slice(&mut self, object: &Object<'_, '_>) {
        let Some(read) = self.typed::<discovery::EndpointSlice>(object) else { return };
        let service = read.metadata.labels.as_ref().and_then(|labels| labels.get(SERVICE_NAME));
        let slice = EndpointSlice {
            object: object.id.clone(),
            service: service.map(|name| self.intern(name)).unwrap_or_default(),
            endpoints: read
                .endpoints
                .iter()
                .map(|endpoint| Endpoint {
                    serves: serves(endpoint),
                    node: endpoint.node_name.as_deref().map(|name| self.intern(name)),
                })
                .collect(),
        };
        self.snapshot.endpoint_slices.insert(slice.key(), Arc::new(slice));
    }

    /// Reads a Node.
    pub fn node(&mut self, object: &Object<'_, '_>) {
        let Some(read) = self.typed::<core::Node>(object) else { return };
        let status = read.status.unwrap_or_default();
        let spec = read.spec.unwrap_or_default();
        let tainted = spec.taints.iter().flatten().any(|taint| DRAIN_TAINTS.contains(&taint.key.as_str()));
        let draining = tainted || spec.unschedulable == Some(true);
        let networks = spec.pod_cidrs.filter(|list| !list.is_empty());
        let networks = networks.unwrap_or_else(|| spec.pod_cidr.into_iter().collect());
        let (networks, wrong) = networks_of(&networks, "spec.podCIDRs");
        for (field, why) in wrong {
            self.warning(object, field, &why);
        }
        if !networks.is_empty() {
            self.snapshot.pod_networks.insert(object.id.name.clone(), networks);
        }
        let addresses: Vec<IpAddr> =
            status.addresses.iter().flatten().filter_map(|address| address.address.parse().ok()).collect();
        if !addresses.is_empty() {
            self.snapshot.node_addresses.insert(object.id.name.clone(), addresses);
        }
        let conditions = status.conditions.unwrap_or_default();
        let labels = self.labels(read.metadata.labels.iter().flatten());
        self.snapshot.nodes.push(Node {
            name: object.id.name.clone(),
            labels,
            network_unavailable: conditions
                .iter()
                .any(|c| c.type_ == "NetworkUnavailable" && c.status == "True"),
            draining,
        });
    }

    /// Reads a `ServiceCIDR` (networking.k8s.io, Kubernetes 1.31 and later).
    pub fn service_cidr(&mut self, object: &Object<'_, '_>) {
        let Some(read) = self.typed::<networking::ServiceCIDR>(object) else { return };
        let cidrs = read.spec.and_then(|spec| spec.cidrs).unwrap_or_default();
        let (networks, wrong) = networks_of(&cidrs, "spec.cidrs");
        for (field, why) in wrong {
            self.error(object, field, &why);
        }
        self.snapshot.service_networks.insert(object.id.clone(), networks);
    }

    /// Reads `bgpextras` of MetalLB's frr mode, and knows the `ConfigMap`s that configured MetalLB up to 0.12. Others, of any
    /// namespace, are none of Herald's business.
    pub fn config_map(&mut self, object: &Object<'_, '_>) {
        let data = |key| object.tree.get("data").and_then(|data| data.get(key)).and_then(Tree::text);
        if data("config").is_some_and(|text| text.contains("address-pools:")) {
            self.warning(object, FieldPath::of("data.config"), &InputError::LegacyConfigMap);
        }
        let is_own = self.is_of_own_namespace(&object.id.namespace);
        let Some(text) = data("extras").filter(|_| &*object.id.name == BGP_EXTRAS && is_own) else { return };
        if self.duplicates(object) {
            return;
        }
        let Some(meta) = self.meta(object) else { return };
        self.warning(object, FieldPath::of("data.extras"), &InputError::BgpExtras);
        let raw = RawConfig { priority: Some(i64::MIN), raw_config: Some(text.to_owned()) };
        let spec = FRRConfigurationSpec { raw: Some(raw), ..FRRConfigurationSpec::default() };
        self.snapshot.bgp_extras.push(Custom { meta, spec });
    }

    /// Reads a Namespace.
    pub fn namespace(&mut self, object: &Object<'_, '_>) {
        let Some(read) = self.typed::<core::Namespace>(object) else { return };
        let labels = self.labels(read.metadata.labels.iter().flatten());
        self.snapshot.namespaces.push(Namespace { name: object.id.name.clone(), labels });
    }

    /// Reads a Secret: only its type and password, so that placeholders which some tool fills into other
    /// keys, and other applications' Secrets, are no problem.
    pub fn secret(&mut self, object: &Object<'_, '_>) {
        if self.duplicates(object) {
            return;
        }
        let field = |below: &str| object.tree.get(below).and_then(|data| data.get("password"));
        let read = match (field("stringData"), field("data")) {
            (Some(plain), _) => plain.text().map(|text| Some(text.as_bytes().into())).ok_or_else(|| {
                let found = plain.describe_type();
                let why = InputError::WrongType(format!("must be a text, not {found}; put it in quotes"));
                ("stringData.password", why)
            }),
            (None, Some(encoded)) => de::read::<ByteString>(encoded, &[])
                .map(|(ByteString(bytes), _)| Some(bytes.into()))
                .map_err(|_| ("data.password", InputError::InvalidBase64)),
            (None, None) => Ok(None),
        };
        // Whether a password is missed is for those to say who refer to this Secret.
        let password = read.unwrap_or_else(|(field, why)| {
            self.warning(object, FieldPath::of(field), &why);
            None
        });
        let secret_type = object.tree.get("type").and_then(Tree::text).unwrap_or_default();
        let secret_type = self.intern(secret_type);
        self.snapshot.secrets.push(Secret { object: object.id.clone(), secret_type, password });
    }

    /// The object as its Kubernetes type. Unknown fields of spec are warnings: a newer Kubernetes may
    /// have fields that this program does not know.
    fn typed<'t, T: Deserialize<'t>>(&mut self, object: &Object<'t, '_>) -> Option<T> {
        if self.duplicates(object) {
            return None;
        }
        match de::read::<T>(object.tree, &[]) {
            Ok((read, unknown)) => {
                for field in unknown.iter().filter(|unknown| is_of_spec(&unknown.field)) {
                    self.warning(object, field.field.clone(), &unknown_field(field));
                }
                Some(read)
            }
            Err(wrong) => {
                self.error(object, wrong.field, &InputError::WrongType(wrong.message));
                None
            }
        }
    }
}

/// The type that a Service names, of those that it can be.
fn service_type(text: Option<&str>) -> ServiceType {
    let named = |kind: &ServiceType| Some(kind.as_str()) == text;
    ServiceType::ALL.into_iter().find(named).unwrap_or(ServiceType::Unset)
}

/// The prefixes of a list, and what of it is none.
fn networks_of(texts: &[String], list: &str) -> (Vec<IpNet>, Vec<(FieldPath, InputError)>) {
    let (mut networks, mut wrong) = (Vec::new(), Vec::new());
    for (at, text) in texts.iter().enumerate() {
        if let Ok(network) = text.parse::<IpNet>() {
            networks.push(network.trunc());
        } else {
            let why = InputError::WrongType(format!("{} is no prefix such as 10.0.0.0/16", shorten(text)));
            wrong.push((FieldPath::of(list).index(at), why));
        }
    }
    (networks, wrong)
}

fn is_of_spec(field: &FieldPath) -> bool {
    match field.0.first() {
        Some(Step::Key(key)) => field.0.len() == 1 || &**key == "spec" || &**key == "endpoints",
        _ => false,
    }
}

/// `ready` unset counts as ready, `serving` is true also while an endpoint terminates (discovery.k8s.io/v1).
fn serves(endpoint: &discovery::Endpoint) -> Serves {
    let conditions = endpoint.conditions.as_ref();
    let ready = conditions.and_then(|c| c.ready).unwrap_or(true);
    let serving = conditions.and_then(|c| c.serving).unwrap_or(false);
    match (endpoint.addresses.is_empty(), ready, serving) {
        (false, true, _) => Serves::Ready,
        (false, false, true) => Serves::Leaving,
        _ => Serves::No,
    }
}

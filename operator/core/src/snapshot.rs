//! All inputs at one instant, trimmed to the fields in use. Nothing is judged here.
//!
//! Filled by `input` from manifests, and by watches from the API server.

mod service;

pub use crate::few::Few;
pub use crate::labels::Labels;
use crate::problem::ObjectRef;
use herald_crds::{frrk8s, metallb};
use herald_frr::shared::SharedMap;
use herald_frr::value::Password;
use ipnet::IpNet;
pub use service::{Asks, Ports, Service, ServiceType};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

/// What is used of an object's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Kind, namespace and name.
    pub object: ObjectRef,
    /// `metadata.labels`.
    pub labels: Labels,
    /// `metadata.annotations`; only those that some rule reads.
    pub annotations: Labels,
    /// `metadata.creationTimestamp` as written (RFC 3339 sorts as text); empty in a folder.
    pub created: Arc<str>,
    /// `metadata.generation`; 0 in a folder.
    pub generation: i64,
}

/// An object of ours: its metadata and its spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Custom<S> {
    /// Metadata.
    pub meta: Meta,
    /// Spec, with the defaults of its schema applied.
    pub spec: S,
}

/// Namespace and name of a Service.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceKey {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl ServiceKey {
    /// The key of an object.
    #[must_use]
    pub fn of(object: &ObjectRef) -> Self {
        Self { namespace: object.namespace.clone(), name: object.name.clone() }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The Service of an EndpointSlice, and the slice's own name: all slices of a Service stand together.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SliceKey {
    /// The Service, in the slice's namespace.
    pub service: ServiceKey,
    /// The slice's name.
    pub name: Arc<str>,
}

/// All inputs at one instant, no object twice.
///
/// Two Snapshots of which one came from the other share what they have in common: a copy costs next to nothing, and
/// so does finding what changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Everything of which there is little; `Deref` leads to it.
    pub configuration: Arc<Configuration>,
    /// Services of every type.
    pub services: SharedMap<ServiceKey, Arc<Service>>,
    /// EndpointSlices.
    pub endpoint_slices: SharedMap<SliceKey, Arc<EndpointSlice>>,
    /// Objects that are in the input and could not be read: their last valid form stays in force.
    pub unreadable: BTreeSet<ObjectRef>,
    /// Some text could not be read as objects at all: whatever is not here may have been in it.
    pub incomplete: bool,
    /// What no object says and the node's agent knows.
    pub here: Here,
}

/// What the agent of a node knows of it beside all objects. Without an agent there is nothing of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Here {
    /// For how long the node has been draining, at least; `None` where nobody counts: as if for ever.
    pub draining_for: Option<Duration>,
    /// Services whose endpoints on the node kube-proxy is not known to serve yet.
    pub waiting: BTreeSet<ServiceKey>,
}

impl Deref for Snapshot {
    type Target = Configuration;

    fn deref(&self) -> &Configuration {
        &self.configuration
    }
}

/// A change of what another Snapshot shares copies it first.
impl DerefMut for Snapshot {
    fn deref_mut(&mut self) -> &mut Configuration {
        Arc::make_mut(&mut self.configuration)
    }
}

/// All inputs but Services and EndpointSlices. Each list is sorted by namespace and name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Configuration {
    /// `metallb.io` IPAddressPools.
    pub pools: Vec<Custom<metallb::IPAddressPoolSpec>>,
    /// `metallb.io` L2Advertisements.
    pub l2_advertisements: Vec<Custom<metallb::L2AdvertisementSpec>>,
    /// `metallb.io` BGPAdvertisements.
    pub bgp_advertisements: Vec<Custom<metallb::BGPAdvertisementSpec>>,
    /// `metallb.io` BGPPeers, v1beta1 ones converted.
    pub peers: Vec<Custom<metallb::BGPPeerSpec>>,
    /// `metallb.io` BFDProfiles.
    pub bfd_profiles: Vec<Custom<metallb::BFDProfileSpec>>,
    /// `metallb.io` Communities.
    pub communities: Vec<Custom<metallb::CommunitySpec>>,
    /// `frrk8s.metallb.io` FRRConfigurations.
    pub frr_configurations: Vec<Custom<frrk8s::FRRConfigurationSpec>>,
    /// `ConfigMap`s `bgpextras`, as the FRRConfigurations that say the same: raw configuration of the lowest priority.
    pub bgp_extras: Vec<Custom<frrk8s::FRRConfigurationSpec>>,
    /// `frrk8s.metallb.io` `FRRK8sConfiguration`s.
    pub settings: Vec<Custom<frrk8s::FRRK8sConfigurationSpec>>,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// `status.addresses` of Nodes that are IP addresses, by the Node's name.
    pub node_addresses: BTreeMap<Arc<str>, Vec<IpAddr>>,
    /// `spec.podCIDRs` of Nodes, by the Node's name.
    pub pod_networks: BTreeMap<Arc<str>, Vec<IpNet>>,
    /// `spec.cidrs` of `ServiceCIDR` objects.
    pub service_networks: BTreeMap<ObjectRef, Vec<IpNet>>,
    /// Namespaces.
    pub namespaces: Vec<Namespace>,
    /// Secrets.
    pub secrets: Vec<Secret>,
    /// Objects that are held at a former form, each with the passwords that its Secrets held then, by their names:
    /// those count for it, whatever the Secrets hold now.
    pub held_passwords: BTreeMap<ObjectRef, BTreeMap<String, Password>>,
}

impl Configuration {
    /// The one `FRRK8sConfiguration` that counts: that named `config` (frr-k8s).
    #[must_use]
    pub fn settings(&self) -> Option<&Custom<frrk8s::FRRK8sConfigurationSpec>> {
        self.settings.iter().find(|settings| &*settings.meta.object.name == "config")
    }

    /// How much is to be logged, in the words of `--log-level`; `None` where only the command line says.
    #[must_use]
    pub fn log_level(&self) -> Option<&'static str> {
        Some(self.settings()?.spec.log_level?.as_str())
    }
}

impl Snapshot {
    /// Takes over from an earlier Snapshot what this one may have lost: Services, EndpointSlices, Nodes,
    /// Namespaces, Secrets and the cluster's networks that could not be read, or that stood in text which could not be read.
    ///
    /// Configuration needs no such care: `model::InForce` keeps it.
    pub fn complete_from(&mut self, before: &Self) {
        if self.unreadable.is_empty() && !self.incomplete {
            return;
        }
        let Self { configuration, services, endpoint_slices, unreadable, incomplete, here: _ } = self;
        let lost = |object: &ObjectRef| *incomplete || unreadable.contains(object);
        // There are thousands of these: they are looked through only if one of them may be lost.
        let may_be = |kind| *incomplete || unreadable.iter().any(|object| object.kind == kind);
        if may_be("Service") {
            complete_map(services, &before.services, |service| &service.meta.object, &lost);
        }
        if may_be("EndpointSlice") {
            complete_map(endpoint_slices, &before.endpoint_slices, |slice| &slice.object, &lost);
        }
        let of_cluster = |kind, name: &Arc<str>| ObjectRef { kind, namespace: "".into(), name: name.clone() };
        let now = Arc::make_mut(configuration);
        complete(&mut now.nodes, &before.nodes, |node| of_cluster("Node", &node.name), &lost);
        let namespace = |namespace: &Namespace| of_cluster("Namespace", &namespace.name);
        complete(&mut now.namespaces, &before.namespaces, namespace, &lost);
        complete(&mut now.secrets, &before.secrets, |secret| secret.object.clone(), &lost);
        let node = |name: &Arc<str>| lost(&of_cluster("Node", name));
        complete_networks(&mut now.node_addresses, &before.node_addresses, node);
        complete_networks(&mut now.pod_networks, &before.pod_networks, node);
        complete_networks(&mut now.service_networks, &before.service_networks, lost);
    }
}

fn complete_networks<K: Ord + Clone, V: Clone>(
    now: &mut BTreeMap<K, V>,
    before: &BTreeMap<K, V>,
    lost: impl Fn(&K) -> bool,
) {
    for (key, value) in before.iter().filter(|(key, _)| lost(key)) {
        now.entry(key.clone()).or_insert_with(|| value.clone());
    }
}

fn complete_map<K: Ord + Clone, T>(
    now: &mut SharedMap<K, Arc<T>>,
    before: &SharedMap<K, Arc<T>>,
    object: impl Fn(&T) -> &ObjectRef,
    lost: &impl Fn(&ObjectRef) -> bool,
) {
    let present: BTreeSet<ObjectRef> = now.values().map(|item| object(item).clone()).collect();
    for (key, item) in before {
        if lost(object(item)) && !present.contains(object(item)) {
            now.insert(key.clone(), item.clone());
        }
    }
}

fn complete<T: Clone>(
    now: &mut Vec<T>,
    before: &[T],
    object: impl Fn(&T) -> ObjectRef,
    lost: &impl Fn(&ObjectRef) -> bool,
) {
    let present: BTreeSet<ObjectRef> = now.iter().map(&object).collect();
    let is_lost = |item: &&T| !present.contains(&object(item)) && lost(&object(item));
    now.extend(before.iter().filter(is_lost).cloned());
    now.sort_by_key(|item| {
        let ObjectRef { namespace, name, .. } = object(item);
        (namespace, name)
    });
}

/// An EndpointSlice (discovery.k8s.io/v1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSlice {
    /// Kind, namespace and name.
    pub object: ObjectRef,
    /// Label `kubernetes.io/service-name`.
    pub service: Arc<str>,
    /// Its endpoints.
    pub endpoints: Vec<Endpoint>,
}

impl EndpointSlice {
    /// Its key in a Snapshot.
    #[must_use]
    pub fn key(&self) -> SliceKey {
        let ObjectRef { namespace, name, .. } = self.object.clone();
        SliceKey { service: ServiceKey { namespace, name: self.service.clone() }, name }
    }
}

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether traffic may be sent to it.
    pub serves: Serves,
    /// `nodeName`.
    pub node: Option<Arc<str>>,
}

/// Whether an endpoint serves (discovery.k8s.io/v1, `conditions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// `ready` is unset or true, and it has an address.
    Ready,
    /// It terminates and still serves: not ready, and `serving` is true.
    Leaving,
    /// Neither.
    No,
}

/// A Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: Arc<str>,
    /// Its labels.
    pub labels: Labels,
    /// Condition `NetworkUnavailable` is `True`.
    pub network_unavailable: bool,
    /// It is cordoned, or has a taint that says that its Pods are about to go (docs/draining.md).
    pub draining: bool,
}

/// A Namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: Arc<str>,
    /// Its labels.
    pub labels: Labels,
}

/// A Secret, of which only the key `password` is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Kind, namespace and name.
    pub object: ObjectRef,
    /// `type`.
    pub secret_type: Arc<str>,
    /// `data.password` decoded, or `stringData.password`.
    pub password: Option<Arc<[u8]>>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("object", &self.object).finish_non_exhaustive()
    }
}

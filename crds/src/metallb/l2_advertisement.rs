//! L2Advertisement: announce addresses by ARP and NDP.

use crate::absent_spec::absent_is_default;
use crate::schema;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which addresses are announced, from which nodes and on which interfaces.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "L2Advertisement",
    plural = "l2advertisements",
    namespaced,
    status = "L2AdvertisementStatus",
    derive = "PartialEq",
    doc = "Announces the addresses of pools on the local network: one node at a time answers ARP (IPv4) and Neighbor Solicitations (IPv6) for an address.",
    printcolumn(name = "IPAddressPools", type_ = "string", json_path = ".spec.ipAddressPools"),
    printcolumn(
        name = "IPAddressPool Selectors",
        type_ = "string",
        json_path = ".spec.ipAddressPoolSelectors"
    ),
    printcolumn(name = "Interfaces", type_ = "string", json_path = ".spec.interfaces"),
    printcolumn(name = "Node Selectors", type_ = "string", json_path = ".spec.nodeSelectors", priority = 10)
)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct L2AdvertisementSpec {
    /// Names of the IPAddressPools to announce. Together with `ipAddressPoolSelectors`; when both are empty every pool
    /// is announced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_address_pools: Vec<String>,
    /// Label selectors of IPAddressPools to announce, added to those in `ipAddressPools`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub ip_address_pool_selectors: Vec<LabelSelector>,
    /// Label selectors of the nodes that may announce; one that matches is enough. Empty means every node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub node_selectors: Vec<LabelSelector>,
    /// Exact names of the network interfaces to answer on. Empty means every suitable interface of the node. Interfaces
    /// have no part in choosing the node: name only ones that each selected node has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<String>,
    /// Label selectors of the Services whose addresses are announced; one that matches is enough. Empty means every
    /// Service. Does not work for Services that share an address (annotation `metallb.io/allow-shared-ip`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub service_selectors: Vec<LabelSelector>,
    /// Nodes to prefer among those that may announce. The node with the highest sum of the weights that match it
    /// announces the address; equal sums are decided by a hash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred_node_selectors: Vec<PreferredNodeSelector>,
}

absent_is_default!(L2AdvertisementSpec);

/// Nodes to prefer, and how strongly.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PreferredNodeSelector {
    /// What a node that matches gains, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub weight: i32,
    /// Label selector of the nodes.
    #[schemars(schema_with = "schema::label_selector")]
    pub preference: LabelSelector,
}

/// Nothing is reported here; see ServiceL2Status for what is announced.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
pub struct L2AdvertisementStatus {}

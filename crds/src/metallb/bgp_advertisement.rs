//! BGPAdvertisement: announce addresses by BGP.

use crate::absent_spec::absent_is_default;
use crate::schema;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which addresses are announced, from which nodes, to which peers, and with which attributes.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "BGPAdvertisement",
    plural = "bgpadvertisements",
    namespaced,
    status = "BGPAdvertisementStatus",
    derive = "PartialEq",
    doc = "Announces the addresses of pools to BGP peers. Several may select one pool: the prefixes of all go out, and one that several announce to a peer carries the communities of all.",
    printcolumn(name = "IPAddressPools", type_ = "string", json_path = ".spec.ipAddressPools"),
    printcolumn(
        name = "IPAddressPool Selectors",
        type_ = "string",
        json_path = ".spec.ipAddressPoolSelectors"
    ),
    printcolumn(name = "Peers", type_ = "string", json_path = ".spec.peers"),
    printcolumn(name = "Node Selectors", type_ = "string", json_path = ".spec.nodeSelectors", priority = 10)
)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[schemars(extend("x-kubernetes-validations" = schema::aggregation()))]
pub struct BGPAdvertisementSpec {
    /// Length of the IPv4 prefixes that are announced: each address is widened to a prefix of this many bits, 1 to 32.
    /// It must not be shorter than the items of the pool's `addresses`, and must be 32 with `serviceSelectors`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), extend("default" = 32))]
    pub aggregation_length: Option<i32>,
    /// Length of the IPv6 prefixes that are announced, up to 128. Same rules as for `aggregationLength`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 128))]
    pub aggregation_length_v6: Option<i32>,
    // MetalLB's schema says format int32, although its type is uint32 and BGP's attribute has 32 bits without a sign
    // (RFC 4271, 5.1.5): here the whole range is accepted.
    /// LOCAL_PREF of the announced routes, 0 to 4294967295; higher is preferred. It is sent only to peers in the same
    /// AS (iBGP). 0 and unset leave it to FRR, which sends 100. Advertisements of one prefix to one peer must agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub local_pref: Option<i64>,
    /// BGP communities of the announced routes: `65000:100`, a large one as `large:65000:1:2`, or the name of an alias
    /// that a Community object defines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<String>,
    /// Names of the IPAddressPools to announce. Together with `ipAddressPoolSelectors`; when both are empty every pool
    /// is announced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_address_pools: Vec<String>,
    /// Label selectors of IPAddressPools to announce, added to those in `ipAddressPools`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub ip_address_pool_selectors: Vec<LabelSelector>,
    /// Label selectors of the nodes that announce; one that matches is enough. Empty means every node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub node_selectors: Vec<LabelSelector>,
    /// Names of the BGPPeers to announce to. Empty means every peer of the node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<String>,
    /// Label selectors of the Services whose addresses are announced; one that matches is enough. Empty means every
    /// Service. Only with the default aggregation lengths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub service_selectors: Vec<LabelSelector>,
}

absent_is_default!(BGPAdvertisementSpec);

/// Nothing is reported here; see ServiceBGPStatus for what is announced.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
pub struct BGPAdvertisementStatus {}

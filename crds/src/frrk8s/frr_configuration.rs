//! FRRConfiguration: a piece of FRR's configuration.

use super::{EVPN, Neighbor};
use crate::absent_spec::absent_is_default;
use crate::schema;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to configure, and on which nodes.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[kube(
    group = "frrk8s.metallb.io",
    version = "v1beta1",
    kind = "FRRConfiguration",
    plural = "frrconfigurations",
    namespaced,
    status = "FRRConfigurationStatus",
    derive = "PartialEq",
    doc = "A piece of FRR's configuration for some nodes. All pieces that select a node, and what BGPPeers and BGPAdvertisements ask for, are merged into one frr.conf; pieces that contradict each other are refused."
)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct FRRConfigurationSpec {
    /// BGP: routers, their neighbors, and BFD profiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bgp: Option<BGPConfig>,
    /// FRR configuration as text, added to what is rendered. Not checked: for what the fields cannot say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawConfig>,
    /// Label selector of the nodes that this piece is for. Unset or empty means every node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    pub node_selector: Option<LabelSelector>,
}

absent_is_default!(FRRConfigurationSpec);

/// Text that is added to the rendered configuration.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RawConfig {
    /// Order among several texts: lowest first, then by the object's name. May be negative; unset means 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::integer")]
    pub priority: Option<i64>,
    /// The text, as in `frr.conf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_config: Option<String>,
}

/// BGP's part of the configuration.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BGPConfig {
    /// BGP routers, at most 50: one `router bgp` block for each VRF. Routers of one VRF in several objects are merged and
    /// must agree on the AS number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub routers: Vec<Router>,
    /// BFD profiles that the neighbors of this object may name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bfd_profiles: Vec<BFDProfile>,
}

/// The BGP router of one VRF.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Router {
    /// AS number of the router, 1 to 4294967295.
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub asn: i64,
    /// BGP identifier (`bgp router-id`), written as an IPv4 address. Unset: FRR takes it from the node's addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Name of the VRF. Unset or empty means the default VRF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vrf: Option<String>,
    /// The neighbors of this router.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbors: Vec<Neighbor>,
    /// Prefixes that the router originates (`network`), as `192.0.2.0/24`. They reach a neighbor only where its
    /// `toAdvertise` allows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<String>,
    /// VRFs whose routes this router takes in (`import vrf`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<Import>,
    /// EVPN: layer 2 and layer 3 VNIs (RFC 7432, RFC 9136).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evpn: Option<EVPN>,
}

/// A VRF to take routes from.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// Name of the VRF, which must be one of a router of this object; `default` means the default VRF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vrf: Option<String>,
}

/// Timers of BFD sessions (RFC 5880). What is unset is left to FRR.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BFDProfile {
    /// Name of the profile. Objects that define the same name must give the same values.
    pub name: String,
    /// Shortest interval between control packets that this side accepts, in milliseconds, 10 to 60000. FRR's default
    /// is 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 60000))]
    pub receive_interval: Option<i32>,
    /// Shortest interval between control packets that this side sends, in milliseconds, 10 to 60000. FRR's default is
    /// 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 60000))]
    pub transmit_interval: Option<i32>,
    /// How many packets in a row may be lost before the session is down, 2 to 255. FRR's default is 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 255))]
    pub detect_multiplier: Option<i32>,
    /// Shortest interval between echo packets, in milliseconds, 10 to 60000. FRR's default is 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 60000))]
    pub echo_interval: Option<i32>,
    /// Send echo packets, which the other side's forwarding path returns. Only for neighbors one hop away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo_mode: Option<bool>,
    /// Do not begin the session: wait for the neighbor's control packets before sending any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passive_mode: Option<bool>,
    /// Lowest TTL that a control packet from a neighbor several hops away may have, 1 to 254. FRR's default is 254.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 254))]
    pub minimum_ttl: Option<i32>,
}

/// Nothing is reported here; see FRRNodeState for what each node made of it.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
pub struct FRRConfigurationStatus {}

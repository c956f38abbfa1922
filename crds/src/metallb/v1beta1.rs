//! BGPPeer v1beta1: the deprecated version, converted to v1beta2 before anything reads it.

use crate::absent_spec::absent_is_default;
use crate::{Password, schema};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use super::BGPPeerStatus;

/// One BGP session from each selected node to one router.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "BGPPeer",
    plural = "bgppeers",
    namespaced,
    storage = false,
    deprecated = "v1beta1 is deprecated, please use v1beta2",
    status = "BGPPeerStatus",
    derive = "PartialEq",
    doc = "A router that the selected nodes speak BGP with. This version is deprecated: v1beta2 has more fields and the same meaning.",
    printcolumn(name = "Address", type_ = "string", json_path = ".spec.peerAddress"),
    printcolumn(name = "ASN", type_ = "string", json_path = ".spec.peerASN"),
    printcolumn(name = "BFD Profile", type_ = "string", json_path = ".spec.bfdProfile"),
    printcolumn(name = "Multi Hops", type_ = "string", json_path = ".spec.ebgpMultiHop")
)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct BGPPeerSpec {
    /// AS number of the nodes, 1 to 4294967295.
    #[serde(rename = "myASN")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub my_asn: i64,
    /// AS number of the peer, 1 to 4294967295. The same as `myASN` makes an iBGP session.
    #[serde(rename = "peerASN")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub peer_asn: i64,
    /// IPv4 or IPv6 address of the peer.
    pub peer_address: String,
    /// Address of the node that the session is opened from. Unset: the node's routing decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<String>,
    /// TCP port of the peer; 0 and unset mean 179.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::port_or_zero")]
    pub peer_port: Option<i32>,
    /// How long a silent peer counts as alive, for example `90s`. Unset: FRR's default of 180 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_time: Option<String>,
    /// How often to send a keepalive, for example `30s`. Unset: FRR's default of 60 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keepalive_time: Option<String>,
    /// BGP identifier of the nodes, written as an IPv4 address.
    #[serde(rename = "routerID", default, skip_serializing_if = "Option::is_none")]
    pub router_id: Option<String>,
    /// Selectors of the nodes that have this session; one that matches is enough. Empty means every node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node_selectors: Vec<NodeSelector>,
    /// Password of the session (TCP MD5, RFC 2385), readable by whoever may read this object: v1beta2 can take it from a
    /// Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// Name of the BFDProfile for this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bfd_profile: Option<String>,
    /// The peer is more than one hop away. Only for eBGP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebgp_multi_hop: Option<bool>,
}

absent_is_default!(BGPPeerSpec);

/// Nodes by their labels. All conditions must hold; none means every node.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct NodeSelector {
    /// Labels that the node must have with exactly these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Conditions on the node's labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<MatchExpression>,
}

/// A condition on one label.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct MatchExpression {
    /// The label's key.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// The values that `In` and `NotIn` compare with.
    #[schemars(length(min = 1))]
    pub values: Vec<String>,
}

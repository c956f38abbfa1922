//! BGPSessionState: one BGP session as FRR sees it.

use crate::absent_spec::absent_is_default;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Empty: objects of this kind only report.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[kube(
    group = "frrk8s.metallb.io",
    version = "v1beta1",
    kind = "BGPSessionState",
    plural = "bgpsessionstates",
    namespaced,
    status = "BGPSessionStateStatus",
    derive = "PartialEq",
    doc = "Reports one BGP session of one node, as FRR shows it. Written by that node's agent; not to be edited.",
    printcolumn(name = "Node", type_ = "string", json_path = ".status.node"),
    printcolumn(name = "Peer", type_ = "string", json_path = ".status.peer"),
    printcolumn(name = "VRF", type_ = "string", json_path = ".status.vrf"),
    printcolumn(name = "BGP", type_ = "string", json_path = ".status.bgpStatus"),
    printcolumn(name = "BFD", type_ = "string", json_path = ".status.bfdStatus")
)]
#[serde(remote = "Self")]
pub struct BGPSessionStateSpec {}

absent_is_default!(BGPSessionStateSpec);

/// State of the session.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BGPSessionStateStatus {
    /// BGP's state (RFC 4271, 8.2.2): `Idle`, `Connect`, `Active`, `OpenSent`, `OpenConfirm` or `Established`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bgp_status: Option<String>,
    /// BFD's state, `up` or `down`; `N/A` when the session has no BFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bfd_status: Option<String>,
    /// Name of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The peer: its IPv4 address, its IPv6 address written in full with `-` for `:`, or the interface it is behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// Name of the VRF; empty is the default VRF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vrf: Option<String>,
}

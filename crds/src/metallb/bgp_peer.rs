//! BGPPeer v1beta2: a router to speak BGP with. The version that is stored.

use crate::absent_spec::absent_is_default;
use crate::{Password, schema};
use k8s_openapi::api::core::v1::SecretReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One BGP session from each selected node to one router.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[kube(
    group = "metallb.io",
    version = "v1beta2",
    kind = "BGPPeer",
    plural = "bgppeers",
    namespaced,
    status = "BGPPeerStatus",
    derive = "PartialEq",
    doc = "A router that the selected nodes speak BGP with; in FRR a neighbor of the node's router bgp block.",
    printcolumn(name = "Address", type_ = "string", json_path = ".spec.peerAddress"),
    printcolumn(name = "ASN", type_ = "string", json_path = ".spec.peerASN"),
    printcolumn(name = "BFD Profile", type_ = "string", json_path = ".spec.bfdProfile"),
    printcolumn(name = "Multi Hops", type_ = "string", json_path = ".spec.ebgpMultiHop")
)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[schemars(extend("x-kubernetes-validations" = schema::one_session()))]
pub struct BGPPeerSpec {
    /// AS number of the nodes, 1 to 4294967295. All peers of a node in one VRF must have the same.
    #[serde(rename = "myASN")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub my_asn: i64,
    /// AS number of the peer, 1 to 4294967295. The same as `myASN` makes an iBGP session. Exactly one of `peerASN` and
    /// `dynamicASN` is given.
    #[serde(rename = "peerASN", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub peer_asn: Option<i64>,
    /// AS number to show to this peer in place of `myASN` (`local-as` in FRR), 1 to 4294967295. Not for iBGP sessions.
    #[serde(rename = "localASN", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_295_i64))]
    pub local_asn: Option<i64>,
    /// Takes whatever AS number the peer announces, in place of `peerASN`: `internal` only the same as `myASN` (iBGP),
    /// `external` only another (eBGP).
    #[serde(rename = "dynamicASN", default, skip_serializing_if = "Option::is_none")]
    pub dynamic_asn: Option<DynamicASN>,
    /// IPv4 or IPv6 address of the peer. Exactly one of `peerAddress` and `interface` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_address: Option<String>,
    /// Name of the node's interface that the peer is behind, for a session over IPv6 link-local addresses
    /// ("unnumbered"): no address is configured, both families are announced (RFC 8950).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Address of the node that the session is opened from (`update-source` in FRR). Unset: the node's routing decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<String>,
    /// TCP port of the peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::peer_port")]
    pub peer_port: Option<i32>,
    /// How long a silent peer counts as alive, for example `90s`: 0 (for ever) or 3 s to 65535 s in whole seconds.
    /// Unset: three times `keepaliveTime` if that is set, else FRR's default of 180 s. The two sides agree on the
    /// shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_time: Option<String>,
    /// How often to send a keepalive, for example `30s`, at most `holdTime`. Unset: a third of `holdTime` if that is
    /// set, else FRR's default of 60 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keepalive_time: Option<String>,
    /// How long to wait before trying again to connect, for example `10s`: 1 s to 65535 s in whole seconds. Unset: FRR's
    /// default of 120 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = schema::connect_time()))]
    pub connect_time: Option<String>,
    /// BGP identifier of the nodes, written as an IPv4 address. All peers of a node must have the same or none. Unset:
    /// FRR takes it from the node's addresses.
    #[serde(rename = "routerID", default, skip_serializing_if = "Option::is_none")]
    pub router_id: Option<String>,
    /// Label selectors of the nodes that have this session; one that matches is enough. Empty means every node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub node_selectors: Vec<LabelSelector>,
    /// Password of the session (TCP MD5, RFC 2385), readable by whoever may read this object: prefer `passwordSecret`.
    /// At most one of the two is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// Secret with the password of the session: type `kubernetes.io/basic-auth`, key `password`, in the namespace of
    /// this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::secret_reference")]
    pub password_secret: Option<SecretReference>,
    /// Name of the BFDProfile for this session; with it a dead path ends the session at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bfd_profile: Option<String>,
    /// Have the peer keep using our routes while our side restarts (graceful restart, RFC 4724). Cannot be changed after
    /// creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = schema::immutable("EnableGracefulRestart cannot be changed after creation")))]
    pub enable_graceful_restart: Option<bool>,
    /// The peer is more than one hop away (`ebgp-multihop` in FRR). Only for eBGP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebgp_multi_hop: Option<bool>,
    /// Name of the node's VRF device that the session is in. Unset: the default VRF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vrf: Option<String>,
    /// Has no effect any more: a session carries the family of its address only, see `dualStackAddressFamily`.
    #[serde(rename = "disableMP", default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub disable_mp: Option<bool>,
    /// Announce IPv4 and IPv6 addresses over this one session, whatever the family of `peerAddress`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub dual_stack_address_family: Option<bool>,
}

absent_is_default!(BGPPeerSpec);

/// Which AS numbers of a peer are taken when none is configured.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[schemars(description = "")]
pub enum DynamicASN {
    /// Only our own: iBGP.
    Internal,
    /// Only another than our own: eBGP.
    External,
}

/// Nothing is reported here; BGPSessionState and FRRNodeState report sessions.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
pub struct BGPPeerStatus {}

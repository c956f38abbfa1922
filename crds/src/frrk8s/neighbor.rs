//! A neighbor of a router in a FRRConfiguration.

use crate::metallb::DynamicASN;
use crate::{Password, schema};
use k8s_openapi::api::core::v1::SecretReference;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A BGP neighbor.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Neighbor {
    /// AS number of the neighbor, 1 to 4294967295. Exactly one of `asn` and `dynamicASN` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub asn: Option<i64>,
    /// Takes whatever AS number the neighbor announces, in place of `asn`: `internal` only the router's own (iBGP),
    /// `external` only another (eBGP).
    #[serde(rename = "dynamicASN", default, skip_serializing_if = "Option::is_none")]
    pub dynamic_asn: Option<DynamicASN>,
    /// AS number to show to this neighbor in place of the router's (`local-as` in FRR), 1 to 4294967295. Not for iBGP.
    #[serde(rename = "localASN", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_295_i64))]
    pub local_asn: Option<i64>,
    /// IPv4 or IPv6 address of the neighbor. Exactly one of `address` and `interface` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Name of the node's interface that the neighbor is behind, for a session over IPv6 link-local addresses
    /// ("unnumbered").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Address or interface of the node that the session is opened from (`update-source` in FRR).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sourceaddress: Option<String>,
    /// TCP port of the neighbor. Unset means 179.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::port_or_zero")]
    pub port: Option<i32>,
    /// Password of the session (TCP MD5, RFC 2385), readable by whoever may read this object: prefer `passwordSecret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// Secret with the password of the session: type `kubernetes.io/basic-auth`, key `password`, in the namespace of
    /// this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::secret_reference")]
    pub password_secret: Option<SecretReference>,
    /// How long a silent neighbor counts as alive, for example `90s`: 0 (for ever) or 3 s to 65535 s in whole seconds.
    /// Given together with `keepaliveTime` or not at all; FRR's default is 180 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_time: Option<String>,
    /// How often to send a keepalive, for example `30s`, at most `holdTime`. FRR's default is 60 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keepalive_time: Option<String>,
    /// How long to wait before trying again to connect, for example `10s`: 1 s to 65535 s in whole seconds. FRR's
    /// default is 120 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = schema::connect_time()))]
    pub connect_time: Option<String>,
    /// The neighbor is more than one hop away (`ebgp-multihop` in FRR). Only for eBGP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebgp_multi_hop: Option<bool>,
    /// Name of a BFD profile of this object; with it a dead path ends the session at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bfd_profile: Option<String>,
    /// Have the neighbor keep using our routes while our side restarts (graceful restart, RFC 4724).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_graceful_restart: Option<bool>,
    /// Which prefixes go to this neighbor, and with which attributes. Unset: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_advertise: Option<Advertise>,
    /// Which prefixes are accepted from this neighbor. Unset: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_receive: Option<Receive>,
    /// Has no effect any more: a session carries the family of its address only, see `dualStackAddressFamily`.
    #[serde(rename = "disableMP", default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub disable_mp: Option<bool>,
    /// Carry IPv4 and IPv6 over this one session, whatever the family of `address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub dual_stack_address_family: Option<bool>,
    /// The address families of the session, at most 2: `unicast` for IPv4 and IPv6 prefixes, `evpn` for `l2vpn evpn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2), extend("default" = ["unicast"]))]
    pub address_families: Option<Vec<AddressFamily>>,
}

/// An address family of a session.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
#[schemars(description = "")]
pub enum AddressFamily {
    /// IPv4 and IPv6 unicast.
    Unicast,
    /// L2VPN EVPN.
    Evpn,
}

/// What goes to a neighbor.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Advertise {
    /// The prefixes that may go to the neighbor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<AdvertiseAllowed>,
    /// Next hop to announce in place of the session's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop: Option<NextHop>,
    /// LOCAL_PREF of some of the prefixes. Only iBGP neighbors get it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with_local_pref: Vec<LocalPrefPrefixes>,
    /// Communities of some of the prefixes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with_community: Vec<CommunityPrefixes>,
}

/// Which prefixes may go to a neighbor.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AdvertiseAllowed {
    /// With mode `filtered`: the prefixes, each one of the router's own or of an imported VRF's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<String>,
    /// `filtered`: only `prefixes`. `all`: every prefix of the router and of the VRFs that it imports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "filtered"))]
    pub mode: Option<AllowMode>,
}

/// Whether a list of prefixes restricts.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[schemars(description = "")]
pub enum AllowMode {
    /// Everything passes; the list is not looked at.
    All,
    /// Only what the list says passes.
    Filtered,
}

/// Next hops to announce.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct NextHop {
    /// IPv4 address to announce as the next hop of IPv4 prefixes. Unset: the session's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "ipv4"))]
    pub ipv4: Option<String>,
    /// IPv6 address to announce as the next hop of IPv6 prefixes. Unset: the session's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "ipv6"))]
    pub ipv6: Option<String>,
}

/// A LOCAL_PREF and the prefixes that get it.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LocalPrefPrefixes {
    /// The prefixes; each must be allowed to go to the neighbor and may have one LOCAL_PREF only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), extend("format" = "cidr"))]
    pub prefixes: Vec<String>,
    // frr-k8s' schema says format int32 and no bounds, although its type is uint32 and BGP's attribute has 32 bits
    // without a sign (RFC 4271, 5.1.5): here the whole range is accepted, and only that.
    /// The LOCAL_PREF, 0 to 4294967295; higher is preferred. FRR sends 100 where none is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub local_pref: Option<i64>,
}

/// A community and the prefixes that get it.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CommunityPrefixes {
    /// The prefixes; each must be allowed to go to the neighbor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), extend("format" = "cidr"))]
    pub prefixes: Vec<String>,
    /// The community: two numbers up to 65535 as `65000:100` (RFC 1997), or a large one of three numbers up to
    /// 4294967295 as `large:65000:1:2` (RFC 8092).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub community: Option<String>,
}

/// What is accepted from a neighbor.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Receive {
    /// The prefixes that are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<ReceiveAllowed>,
}

/// Which prefixes are accepted from a neighbor.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ReceiveAllowed {
    /// With mode `filtered`: the prefixes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<PrefixSelector>,
    /// `filtered`: only `prefixes`. `all`: every prefix, but those that `--always-block` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "filtered"))]
    pub mode: Option<AllowMode>,
}

/// A prefix and how much longer ones match as well, as in FRR's `ip prefix-list`.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PrefixSelector {
    /// The prefix, as `192.0.2.0/24`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "cidr"))]
    pub prefix: Option<String>,
    /// Longest length that matches within `prefix`: at most 32 for IPv4, 128 for IPv6, and not below `ge`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 128))]
    pub le: Option<i32>,
    /// Shortest length that matches within `prefix`: not below the prefix's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 128))]
    pub ge: Option<i32>,
}

//! IPAddressPool: addresses that Services may get.

use crate::schema;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which addresses the pool holds and which Services may have them.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "IPAddressPool",
    plural = "ipaddresspools",
    namespaced,
    status = "IPAddressPoolStatus",
    derive = "PartialEq",
    doc = "A pool of IP addresses that Services of type LoadBalancer are given. Addresses are announced only where an L2Advertisement or a BGPAdvertisement selects the pool.",
    printcolumn(name = "Auto Assign", type_ = "boolean", json_path = ".spec.autoAssign"),
    printcolumn(name = "Avoid Buggy IPs", type_ = "boolean", json_path = ".spec.avoidBuggyIPs"),
    printcolumn(name = "Addresses", type_ = "string", json_path = ".spec.addresses")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::some_addresses()))]
pub struct IPAddressPoolSpec {
    /// The addresses: each item is a prefix (`192.0.2.0/24`, `2001:db8::/64`) or a range with both ends included
    /// (`192.0.2.10-192.0.2.20`). IPv4 and IPv6 may be mixed; a dual-stack Service takes one of each. No two items of
    /// any pool may overlap.
    pub addresses: Vec<String>,
    /// Whether a Service that asks for no pool and no address may get one from here. When false the pool serves only
    /// Services that name it (annotation `metallb.io/address-pool`) or one of its addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub auto_assign: Option<bool>,
    /// Never give out IPv4 addresses that end in .0 or .255, which some old routers and hosts take for a network or
    /// broadcast address.
    #[serde(rename = "avoidBuggyIPs", default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub avoid_buggy_ips: Option<bool>,
    /// Restricts the pool to some Services and orders it among the pools that a Service may use. Without it every
    /// Service may use the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_allocation: Option<ServiceAllocation>,
}

/// Who may use a pool. A Service must be in one of the namespaces (if any is given, by name or by label) and match
/// one of the Service selectors (if any is given).
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAllocation {
    /// Order among the pools that a Service may use: the lowest number above 0 is tried first; 0 and unset come last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::integer")]
    pub priority: Option<i64>,
    /// Names of namespaces whose Services may use the pool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Label selectors of namespaces whose Services may use the pool, added to those in `namespaces`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub namespace_selectors: Vec<LabelSelector>,
    /// Label selectors of Services that may use the pool; one that matches is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub service_selectors: Vec<LabelSelector>,
}

/// How much of the pool is in use.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
pub struct IPAddressPoolStatus {
    /// How many IPv4 addresses of the pool are held by Services. An address that Services share counts once.
    #[serde(rename = "assignedIPv4")]
    pub assigned_ipv4: i64,
    /// How many IPv6 addresses of the pool are held by Services. An address that Services share counts once.
    #[serde(rename = "assignedIPv6")]
    pub assigned_ipv6: i64,
    /// How many IPv4 addresses of the pool are free.
    #[serde(rename = "availableIPv4")]
    pub available_ipv4: i64,
    /// How many IPv6 addresses of the pool are free; 9223372036854775807 when there are more than that.
    #[serde(rename = "availableIPv6")]
    pub available_ipv6: i64,
    /// `NearlyExhausted` says when 80, 95 and 100 % of the addresses of a family are in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions_by_type")]
    pub conditions: Vec<Condition>,
}

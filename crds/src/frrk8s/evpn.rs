//! EVPN settings of a router in a FRRConfiguration.

use crate::schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// EVPN of one router.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct EVPN {
    /// `All` announces every VNI of the node (`advertise-all-vni`), `Disabled` none but those that are listed. Unset
    /// means `Disabled`. `All` needs a neighbor with the address family `evpn`.
    #[serde(rename = "advertiseVNIs", default, skip_serializing_if = "Option::is_none")]
    pub advertise_vnis: Option<AdvertiseVNIs>,
    /// Announce the address of the node's SVI of each VNI (`advertise-svi-ip`).
    #[serde(rename = "advertiseSVI", default, skip_serializing_if = "Option::is_none")]
    pub advertise_svi: Option<bool>,
    /// Settings of layer 2 VNIs, at most 10. Needs a neighbor with the address family `evpn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub l2vnis: Vec<L2VNI>,
    /// The layer 3 VNI of this router's VRF. Such a router has no neighbors of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub l3vni: Option<L3VNI>,
}

/// Which VNIs are announced.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[schemars(description = "")]
pub enum AdvertiseVNIs {
    /// Only those that are listed.
    Disabled,
    /// Every VNI of the node.
    All,
}

/// A layer 2 VNI: one bridged network.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct L2VNI {
    /// Its number, 1 to 16777215. A number may be used once among all routers of a node.
    #[schemars(range(min = 1, max = 16_777_215))]
    pub vni: i32,
    /// Route distinguisher, as `65000:100` or `192.0.2.1:100`. Unset: FRR makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::route_distinguisher")]
    pub rd: Option<String>,
    /// Route targets of the routes to take in, at most 100; `*` as the first part matches any. Empty: FRR makes one.
    #[serde(rename = "importRTs", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::import_route_targets")]
    pub import_rts: Vec<String>,
    /// Route targets that announced routes carry, at most 100. Empty: FRR makes one.
    #[serde(rename = "exportRTs", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::export_route_targets")]
    pub export_rts: Vec<String>,
}

/// A layer 3 VNI: the routed network of a VRF.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct L3VNI {
    /// Its number, 1 to 16777215. A number may be used once among all routers of a node.
    #[schemars(range(min = 1, max = 16_777_215))]
    pub vni: i32,
    /// Route distinguisher, as `65000:100` or `192.0.2.1:100`. Unset: FRR makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::route_distinguisher")]
    pub rd: Option<String>,
    /// Route targets of the routes to take in, at most 100; `*` as the first part matches any. Empty: FRR makes one.
    #[serde(rename = "importRTs", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::import_route_targets")]
    pub import_rts: Vec<String>,
    /// Route targets that announced routes carry, at most 100. Empty: FRR makes one.
    #[serde(rename = "exportRTs", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::export_route_targets")]
    pub export_rts: Vec<String>,
    /// Which of the VRF's prefixes are announced as type 5 routes. Exactly one: `unicast`, IPv4 and IPv6.
    #[schemars(length(min = 1, max = 1))]
    pub advertise_prefixes: Vec<AdvertisedPrefixes>,
}

/// Prefixes of a VRF that are announced in EVPN.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[schemars(description = "")]
pub enum AdvertisedPrefixes {
    /// IPv4 and IPv6 unicast.
    Unicast,
}

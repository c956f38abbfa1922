//! Community: names for BGP communities.

use crate::absent_spec::absent_is_default;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The aliases that this object defines.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "Community",
    plural = "communities",
    namespaced,
    status = "CommunityStatus",
    derive = "PartialEq",
    doc = "Names for BGP communities, to be used in a BGPAdvertisement in place of numbers. All objects of this kind make one list of names."
)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct CommunitySpec {
    /// The aliases. A name may be defined only once among all Community objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<CommunityAlias>,
}

absent_is_default!(CommunitySpec);

/// One name and the community that it stands for.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CommunityAlias {
    /// The name, as a BGPAdvertisement's `communities` uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The community: two numbers up to 65535 as `65000:100` (RFC 1997), or a large one of three numbers up to
    /// 4294967295 as `large:65000:1:2` (RFC 8092).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Nothing is reported here.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
pub struct CommunityStatus {}

//! FRRNodeState: what a node's FRR runs.

use crate::absent_spec::absent_is_default;
use crate::schema;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Empty: objects of this kind only report.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[kube(
    group = "frrk8s.metallb.io",
    version = "v1beta1",
    kind = "FRRNodeState",
    plural = "frrnodestates",
    status = "FRRNodeStateStatus",
    derive = "PartialEq",
    doc = "Reports what FRR runs on the node of the same name. Written by that node's agent; not to be edited."
)]
#[serde(remote = "Self")]
pub struct FRRNodeStateSpec {}

absent_is_default!(FRRNodeStateSpec);

/// What FRR runs, and how the last change went.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct FRRNodeStateStatus {
    /// FRR's running configuration after the last change, with passwords masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_config: Option<String>,
    /// How the last change to FRR went: `success`, or what FRR refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_reload_result: Option<String>,
    /// Whether the objects that select the node could be merged: `success`, or `failed:` and the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_conversion_result: Option<String>,
    /// What the node makes of the objects, whether FRR took the last change, and whether it answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions_by_type")]
    pub conditions: Vec<Condition>,
}

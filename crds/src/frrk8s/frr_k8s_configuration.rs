//! FRRK8sConfiguration: settings of the agents themselves.

use crate::absent_spec::absent_is_default;
use crate::metallb::LogLevel;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings that take effect without a restart.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[kube(
    group = "frrk8s.metallb.io",
    version = "v1beta1",
    kind = "FRRK8sConfiguration",
    plural = "frrk8sconfigurations",
    namespaced,
    status = "FRRK8sConfigurationStatus",
    derive = "PartialEq",
    doc = "Settings of the agents and of FRR that change while they run. Only the object named config counts."
)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct FRRK8sConfigurationSpec {
    /// How much the agents and FRR log. Unset: as their command line says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,
}

absent_is_default!(FRRK8sConfigurationSpec);

/// Nothing is reported here.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
pub struct FRRK8sConfigurationStatus {}

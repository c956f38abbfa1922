//! MetalLB: what the operator installs.

use crate::absent_spec::absent_is_default;
use crate::schema;
use k8s_openapi::api::core::v1::{Affinity, ResourceRequirements, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the controller, the node agents and FRR are deployed.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "MetalLB",
    plural = "metallbs",
    namespaced,
    status = "MetalLBStatus",
    derive = "PartialEq",
    doc = "Asks the operator to install the load balancer. There is one, named metallb, in the operator's namespace; any other is reported as Degraded.",
    printcolumn(
        name = "Available",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Available')].status"
    ),
    printcolumn(
        name = "Degraded",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Degraded')].status"
    ),
    printcolumn(
        name = "Progressing",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Progressing')].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct MetalLBSpec {
    /// Has no effect: images are those of the operator's release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Labels of the nodes that run the agent (DaemonSet speaker) and FRR. Empty means every node.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Tolerations of the agent and of FRR.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::tolerations")]
    pub speaker_tolerations: Vec<Toleration>,
    /// Labels of the nodes that the controller may run on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub controller_node_selector: BTreeMap<String, String>,
    /// Tolerations of the controller.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::tolerations")]
    pub controller_tolerations: Vec<Toleration>,
    /// How much the components log. Unset means `info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,
    /// Serve only Services with this `spec.loadBalancerClass`, for example `example.com/bgp`. Unset: only Services
    /// without a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(
        pattern = r"^([a-z0-9A-Z]([\w.\-]*[a-z0-9A-Z])?/)?[a-z0-9A-Z]([\w.\-]*[a-z0-9A-Z])?$"
    ))]
    pub load_balancer_class: Option<String>,
    /// Pod settings of the controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller_config: Option<PodConfig>,
    /// Pod settings of the agent (DaemonSet speaker); priority, runtime class and affinity also apply to FRR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker_config: Option<PodConfig>,
    /// Who speaks BGP: `frr-k8s` (the default) or `frr-k8s-external` for an FRR that something else installs. `frr` and
    /// `native` are accepted and served by FRR as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bgp_backend: Option<String>,
    /// Settings of FRR and of the access to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frrk8s_config: Option<FRRK8sConfig>,
}

absent_is_default!(MetalLBSpec);

/// Pod settings of one component.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PodConfig {
    /// Name of the PriorityClass of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
    /// Name of the RuntimeClass of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_class_name: Option<String>,
    /// Annotations of the pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Affinity of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::affinity")]
    pub affinity: Option<Affinity>,
    /// Resource requests and limits of the component's main container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::resources")]
    pub resources: Option<ResourceRequirements>,
}

/// Settings of FRR and of the access to it.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FRRK8sConfig {
    /// Prefixes that are never accepted from any peer, whatever a FRRConfiguration allows; longer prefixes within them
    /// neither.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub always_block: Vec<String>,
    /// Namespace of the FRRConfigurations with `bgpBackend: frr-k8s-external`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Refer to the peers' password Secrets instead of copying the passwords. Unset means false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_passthrough: Option<bool>,
}

/// How much is logged; each level contains the ones after it.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[schemars(description = "")]
pub enum LogLevel {
    /// Everything.
    All,
    /// Details for finding faults.
    Debug,
    /// What normally happens.
    Info,
    /// What may need attention.
    Warn,
    /// What failed.
    Error,
    /// Nothing.
    None,
}

impl LogLevel {
    /// The word in manifests and of `--log-level`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::None => "none",
        }
    }
}

/// Progress of the installation.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct MetalLBStatus {
    /// `Available`: everything runs. `Progressing`: being rolled out. `Degraded`: something is wrong, the message says
    /// what. `Upgradeable`: the operator may be upgraded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
}

//! ServiceBGPStatus: to which peers a node announces a Service.

use crate::absent_spec::absent_is_default;
use crate::schema;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Empty: objects of this kind only report.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "ServiceBGPStatus",
    plural = "servicebgpstatuses",
    namespaced,
    status = "ServiceBGPStatusStatus",
    derive = "PartialEq",
    doc = "Reports the BGP peers to which one node announces the addresses of a Service. Written by that node's agent; not to be edited.",
    printcolumn(name = "Node", type_ = "string", json_path = ".status.node"),
    printcolumn(name = "Service Name", type_ = "string", json_path = ".status.serviceName"),
    printcolumn(name = "Service Namespace", type_ = "string", json_path = ".status.serviceNamespace")
)]
#[serde(remote = "Self")]
pub struct ServiceBGPStatusSpec {}

absent_is_default!(ServiceBGPStatusSpec);

/// Who announces which Service, and to whom.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceBGPStatusStatus {
    /// Name of the node that announces the Service's addresses. Never changes once set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = schema::immutable("Value is immutable")))]
    pub node: Option<String>,
    /// Name of the Service. Never changes once set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = schema::immutable("Value is immutable")))]
    pub service_name: Option<String>,
    /// Namespace of the Service. Never changes once set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = schema::immutable("Value is immutable")))]
    pub service_namespace: Option<String>,
    /// Names of the BGPPeers that the addresses are announced to, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<String>,
}

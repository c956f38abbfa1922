//! What a pod template takes: affinity, resources, tolerations (Kubernetes core/v1).

use super::meta::{label_selector_value, requirements};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// A list of `Toleration`.
pub(crate) fn tolerations(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": {
            "type": "object",
            "description": "A taint that the pods put up with.",
            "properties": {
                "key": { "type": "string", "description": "The taint's key; empty with operator Exists means every taint." },
                "operator": { "type": "string", "description": "Exists, or Equal (the default), which compares the value." },
                "value": { "type": "string", "description": "The taint's value, for Equal." },
                "effect": { "type": "string", "description": "NoSchedule, PreferNoSchedule or NoExecute; empty means any." },
                "tolerationSeconds": {
                    "type": "integer",
                    "format": "int64",
                    "description": "For NoExecute: how many seconds the pod stays. Unset means for ever.",
                },
            },
        },
    })
}

/// A `ResourceRequirements`.
pub(crate) fn resources(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "limits": quantities("The most that the container may use, as cpu: 500m."),
            "requests": quantities("What is reserved for the container on its node, as memory: 64Mi."),
            "claims": {
                "type": "array",
                "description": "Resource claims of the pod that the container uses.",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": {
                    "type": "object",
                    "description": "A resource claim of the pod.",
                    "required": ["name"],
                    "properties": {
                        "name": { "type": "string", "description": "Its name in the pod." },
                        "request": { "type": "string", "description": "Which of its requests; empty means all." },
                    },
                },
            },
        },
    })
}

/// An `Affinity`.
pub(crate) fn affinity(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "nodeAffinity": node_affinity(),
            "podAffinity": pod_affinity("Nodes where certain pods already run."),
            "podAntiAffinity": pod_affinity("Nodes where certain pods do not run yet."),
        },
    })
}

fn quantities(description: &str) -> Value {
    json!({
        "type": "object",
        "description": description,
        "additionalProperties": {
            "anyOf": [{ "type": "integer" }, { "type": "string" }],
            "pattern": r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$",
            "x-kubernetes-int-or-string": true,
        },
    })
}

fn node_affinity() -> Value {
    json!({
        "type": "object",
        "description": "Nodes by their labels.",
        "properties": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "type": "object",
                "description": "Nodes that the pod may run on.",
                "x-kubernetes-map-type": "atomic",
                "required": ["nodeSelectorTerms"],
                "properties": {
                    "nodeSelectorTerms": {
                        "type": "array",
                        "description": "Terms, one of which must match.",
                        "x-kubernetes-list-type": "atomic",
                        "items": node_selector_term(),
                    },
                },
            },
            "preferredDuringSchedulingIgnoredDuringExecution": {
                "type": "array",
                "description": "Nodes that the pod prefers.",
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "type": "object",
                    "description": "Nodes, and how strongly they are preferred.",
                    "required": ["preference", "weight"],
                    "properties": { "weight": weight(), "preference": node_selector_term() },
                },
            },
        },
    })
}

fn node_selector_term() -> Value {
    json!({
        "type": "object",
        "description": "Conditions on a node, all of which must hold.",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "matchExpressions": requirements("Conditions on the node's labels."),
            "matchFields": requirements("Conditions on the node's fields, as metadata.name."),
        },
    })
}

fn pod_affinity(description: &str) -> Value {
    json!({
        "type": "object",
        "description": description,
        "properties": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "type": "array",
                "description": "Terms, all of which must hold.",
                "x-kubernetes-list-type": "atomic",
                "items": pod_affinity_term(),
            },
            "preferredDuringSchedulingIgnoredDuringExecution": {
                "type": "array",
                "description": "Terms that are preferred.",
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "type": "object",
                    "description": "A term, and how strongly it is preferred.",
                    "required": ["podAffinityTerm", "weight"],
                    "properties": { "weight": weight(), "podAffinityTerm": pod_affinity_term() },
                },
            },
        },
    })
}

fn pod_affinity_term() -> Value {
    let names = |description: &str| {
        json!({
            "type": "array",
            "description": description,
            "x-kubernetes-list-type": "atomic",
            "items": { "type": "string" },
        })
    };
    json!({
        "type": "object",
        "description": "Pods, and what counts as the same place.",
        "required": ["topologyKey"],
        "properties": {
            "labelSelector": label_selector_value(),
            "matchLabelKeys": names("Label keys whose values, taken from the pod itself, the other pods must have."),
            "mismatchLabelKeys": names("Label keys whose values, taken from the pod itself, the other pods must not have."),
            "namespaceSelector": label_selector_value(),
            "namespaces": names("Namespaces of the other pods, added to those of namespaceSelector."),
            "topologyKey": {
                "type": "string",
                "description": "Label of nodes; nodes with the same value are the same place, as kubernetes.io/hostname.",
            },
        },
    })
}

fn weight() -> Value {
    json!({ "type": "integer", "format": "int32", "description": "How strongly, 1 to 100." })
}

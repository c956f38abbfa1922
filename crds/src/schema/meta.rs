//! Label selectors, conditions, references.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// An integer of any size. MetalLB's and frr-k8s' own have no format.
pub(crate) fn integer(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer" })
}

/// A TCP port of a peer, as MetalLB bounds it.
pub(crate) fn peer_port(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "minimum": 1, "maximum": 16384, "default": 179 })
}

/// A TCP port where 0 means unset.
pub(crate) fn port_or_zero(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "minimum": 0, "maximum": 16384 })
}

/// A `LabelSelector` (Kubernetes meta/v1).
pub(crate) fn label_selector(_: &mut SchemaGenerator) -> Schema {
    as_schema(label_selector_value())
}

/// A list of [`label_selector`].
pub(crate) fn label_selectors(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": label_selector_value() })
}

/// A `SecretReference` (Kubernetes core/v1).
pub(crate) fn secret_reference(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "name": { "type": "string", "description": "Name of the Secret." },
            "namespace": { "type": "string", "description": "Not used: the Secret is read from the namespace of this object." },
        },
    })
}

/// A list of `Condition` (Kubernetes meta/v1).
pub(crate) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": condition() })
}

/// [`conditions`], one of each type.
pub(crate) fn conditions_by_type(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": condition(),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    })
}

pub(super) fn as_schema(value: Value) -> Schema {
    match value {
        Value::Object(map) => map.into(),
        _ => Schema::default(),
    }
}

pub(super) fn label_selector_value() -> Value {
    json!({
        "type": "object",
        "description": "Selects by labels. All conditions must hold; a selector without conditions matches everything.",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "matchLabels": {
                "type": "object",
                "description": "Labels that must be there with exactly these values.",
                "additionalProperties": { "type": "string" },
            },
            "matchExpressions": requirements("Conditions on labels, all of which must hold."),
        },
    })
}

/// A list of conditions on keys: of labels, or of a node's fields.
pub(super) fn requirements(description: &str) -> Value {
    json!({
        "type": "array",
        "description": description,
        "x-kubernetes-list-type": "atomic",
        "items": {
            "type": "object",
            "description": "A condition on one key.",
            "required": ["key", "operator"],
            "properties": {
                "key": { "type": "string", "description": "The key." },
                "operator": {
                    "type": "string",
                    "description": "In, NotIn, Exists or DoesNotExist; for nodes of a pod's affinity also Gt and Lt.",
                },
                "values": {
                    "type": "array",
                    "description": "What the operator compares with: some values for In and NotIn, none for Exists and DoesNotExist.",
                    "x-kubernetes-list-type": "atomic",
                    "items": { "type": "string" },
                },
            },
        },
    })
}

fn condition() -> Value {
    json!({
        "type": "object",
        "description": "One aspect of the state, and since when it is so.",
        "required": ["lastTransitionTime", "message", "reason", "status", "type"],
        "properties": {
            "type": {
                "type": "string",
                "description": "The aspect.",
                "maxLength": 316,
                "pattern": r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
            },
            "status": { "type": "string", "description": "Whether it holds.", "enum": ["True", "False", "Unknown"] },
            "reason": {
                "type": "string",
                "description": "Why, as one word for programs.",
                "minLength": 1,
                "maxLength": 1024,
                "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
            },
            "message": { "type": "string", "description": "Why, for people.", "maxLength": 32768 },
            "lastTransitionTime": {
                "type": "string",
                "format": "date-time",
                "description": "When the status last changed.",
            },
            "observedGeneration": {
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "description": "metadata.generation of the object that this is about.",
            },
        },
    })
}

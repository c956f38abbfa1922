//! What one version cannot say, kept in the other.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The annotation of a converted BGPPeer.
pub const ANNOTATION: &str = "herald.metallb.io/conversion";

/// The annotation's value, as JSON. It holds no password.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    /// Fields that v1beta1 does not have.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub v1beta2: Map<String, Value>,
    /// Fields that v1beta2 left out and v1beta1 has.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub absent: BTreeSet<String>,
    /// Values that v1beta2 does not have.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub v1beta1: Map<String, Value>,
}

impl Kept {
    /// What an annotation says; nothing where it cannot be read.
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Takes the annotation off an object.
    pub fn take(object: &mut Value) -> Self {
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
            return Self::default();
        };
        let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) else {
            return Self::default();
        };
        let taken = annotations.remove(ANNOTATION);
        if taken.is_some() && annotations.is_empty() {
            metadata.remove("annotations");
        }
        taken.as_ref().and_then(Value::as_str).map(Self::read).unwrap_or_default()
    }

    /// Puts it on an object, if it says anything.
    pub fn put(&self, object: &mut Value) {
        if *self == Self::default() {
            return;
        }
        let Ok(text) = serde_json::to_string(self) else { return };
        let Some(object) = object.as_object_mut() else { return };
        let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        let Some(metadata) = metadata.as_object_mut() else { return };
        let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(ANNOTATION.to_owned(), text.into());
        }
    }
}

//! An object as the API server sent it, without what nothing reads.

use herald_core::input::objects::Kind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

/// Fields of parts of an object that nothing reads and that make up most of it: they are never taken into memory.
const UNREAD: [(&str, &str); 14] = [
    // Half of most objects.
    ("metadata", "managedFields"),
    ("metadata", "ownerReferences"),
    ("metadata", "finalizers"),
    // Of Nodes.
    ("status", "images"),
    ("status", "volumesInUse"),
    ("status", "volumesAttached"),
    ("status", "nodeInfo"),
    ("status", "capacity"),
    ("status", "allocatable"),
    // Of EndpointSlices.
    ("endpoints", "targetRef"),
    ("endpoints", "hints"),
    ("endpoints", "zone"),
    ("endpoints", "deprecatedTopology"),
    ("endpoints", "hostname"),
];
/// The annotation that repeats an object ("kubectl apply", client side).
const LAST_APPLIED: (&str, &str) = ("annotations", "kubectl.kubernetes.io/last-applied-configuration");

/// An object of any kind. Decoding it never fails, so that one strange object hides no other.
#[derive(Debug, Clone)]
pub struct Raw {
    /// What a watch needs of it: name, namespace and resourceVersion.
    meta: ObjectMeta,
    /// Everything else but what nothing reads.
    pub value: Value,
}

impl Raw {
    /// Its namespace; empty for objects of the cluster.
    pub fn namespace(&self) -> &str {
        self.meta.namespace.as_deref().unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.meta.name.as_deref().unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Part { of: "", depth: 0 }.deserialize(deserializer)?;
        let mut meta = ObjectMeta::default();
        if let Some(metadata) = value.get("metadata").and_then(Value::as_object) {
            let text = |key| metadata.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
            meta.name = text("name");
            meta.namespace = text("namespace");
            meta.resource_version = text("resourceVersion");
        }
        Ok(Self { meta, value })
    }
}

/// A part of an object; the items of a list are parts as the list is.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// The key that it stands under.
    of: &'a str,
    /// How many keys lead to it.
    depth: u8,
}

impl Part<'_> {
    fn is_read(self, key: &str) -> bool {
        match self.depth {
            1 => !UNREAD.contains(&(self.of, key)),
            2 => LAST_APPLIED != (self.of, key),
            _ => true,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if self.is_read(&key) {
                let below = Part { of: &key, depth: self.depth.saturating_add(1) };
                let value = entries.next_value_seed(below)?;
                map.insert(key, value);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Value::Object(map))
    }
}

impl Resource for Raw {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

/// A kind in the words of the client.
pub fn resource(kind: Kind) -> ApiResource {
    ApiResource {
        group: kind.group().to_owned(),
        version: kind.version().to_owned(),
        api_version: kind.api_version(),
        kind: kind.name().to_owned(),
        plural: kind.plural().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn any_object_can_be_taken_and_managed_fields_are_left_out() -> Result<(), serde_json::Error> {
        let raw: Raw = serde_json::from_value(json!({
            "metadata": {"name": "a", "namespace": "b", "resourceVersion": "7", "labels": 3, "managedFields": [{}]},
            "spec": ["strange"]
        }))?;
        assert_eq!((raw.namespace(), raw.name()), ("b", "a"));
        assert_eq!(raw.meta.resource_version.as_deref(), Some("7"));
        assert_eq!(raw.value["metadata"].get("managedFields"), None);
        assert_eq!(raw.value["spec"][0], "strange");
        let raw: Raw = serde_json::from_value(json!({"metadata": null}))?;
        assert_eq!(raw.name(), "");
        Ok(())
    }

    #[test]
    fn only_what_nothing_reads_is_left_out() -> Result<(), serde_json::Error> {
        let read = json!({
            "metadata": {"name": "a", "annotations": {"metallb.io/address-pool": "gold"}, "generation": 3},
            "spec": {"images": 1, "managedFields": {"status": {"images": [-1, 2.5, true, null]}}},
            "endpoints": [{"addresses": ["192.0.2.1"], "nodeName": "n", "conditions": {"ready": true}}],
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "addresses": []},
        });
        let mut sent = read.clone();
        sent["metadata"]["annotations"][LAST_APPLIED.1] = json!("{}");
        for (part, key) in UNREAD {
            let part = if part == "endpoints" { &mut sent[part][0] } else { &mut sent[part] };
            part[key] = json!({"a": [{"b": "c"}]});
        }
        let text = sent.to_string();
        assert_eq!(serde_json::from_str::<Raw>(&text)?.value, read);
        Ok(())
    }
}

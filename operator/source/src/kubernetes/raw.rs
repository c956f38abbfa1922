//! An object as the API server sent it.

use herald_core::input::objects::Kind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;

/// An object of any kind. Decoding it never fails, so that one strange object hides no other.
#[derive(Debug, Clone)]
pub struct Raw {
    /// What a watch needs of it: name, namespace and resourceVersion.
    meta: ObjectMeta,
    /// All of it, without `metadata.managedFields`, which is half of most objects.
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
        let mut value = Value::deserialize(deserializer)?;
        let mut meta = ObjectMeta::default();
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
            let text = |key| metadata.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
            meta.name = text("name");
            meta.namespace = text("namespace");
            meta.resource_version = text("resourceVersion");
        }
        Ok(Self { meta, value })
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
}

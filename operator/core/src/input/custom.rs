//! Objects of `metallb.io` and `frrk8s.metallb.io`.

use super::error::{InputError, nearest};
use super::reader::{Object, Reader};
use super::tree::{Tree, Value};
use super::{de, duplicates};
use crate::problem::{FieldPath, Step};
use crate::snapshot::{Custom, Meta, Snapshot};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

/// The list of the Snapshot that holds objects with this spec.
pub type ListOf<S> = fn(&mut Snapshot) -> &mut Vec<Custom<S>>;

impl Reader {
    /// Reads an object whose spec the Snapshot holds as it is.
    pub fn custom<S: DeserializeOwned>(&mut self, object: &Object<'_, '_>, list: ListOf<S>) {
        self.converted::<S, S>(object, list);
    }

    /// Reads an object of a version that is converted to the one that the Snapshot holds.
    pub fn converted<V: DeserializeOwned + Into<S>, S>(&mut self, object: &Object<'_, '_>, list: ListOf<S>) {
        let Some((meta, json)) = self.judged(object) else { return };
        let spec = json.get("spec").filter(|spec| !spec.is_null()).cloned();
        match serde_json::from_value::<V>(spec.unwrap_or_else(|| Json::Object(Map::new()))) {
            Ok(spec) => list(&mut self.snapshot).push(Custom { meta, spec: spec.into() }),
            Err(why) => self.error(object, FieldPath::of("spec"), &InputError::WrongType(why.to_string())),
        }
    }

    /// Reads an object only to report what is wrong with it.
    pub fn checked(&mut self, object: &Object<'_, '_>) {
        self.judged(object);
    }

    /// The object's metadata and the object as JSON; `None` if anything in it is wrong.
    fn judged(&mut self, object: &Object<'_, '_>) -> Option<(Meta, Json)> {
        let duplicates = self.duplicates(object);
        let meta = self.meta(object);
        if duplicates { None } else { Some((meta?, json(object.tree))) }
    }

    /// Reports keys that are written twice; true if there are any.
    pub(super) fn duplicates(&mut self, object: &Object<'_, '_>) -> bool {
        let found = duplicates::find(object.tree);
        for duplicate in &found {
            let why = InputError::DuplicateField { first: duplicate.first.line };
            self.error_at(object, duplicate.field.clone(), duplicate.at, &why);
        }
        !found.is_empty()
    }

    /// The object's metadata; reports what is wrong with it.
    pub(super) fn meta(&mut self, object: &Object<'_, '_>) -> Option<Meta> {
        let metadata = object.tree.get("metadata")?;
        let (read, unknown) = match de::read::<ObjectMeta>(metadata, &["metadata"]) {
            Ok(read) => read,
            Err(wrong) => {
                self.error(object, wrong.field, &InputError::WrongType(wrong.message));
                return None;
            }
        };
        let mut known = true;
        for field in unknown.into_iter().filter(|_| object.is_ours()) {
            known = false;
            self.error(object, field.field.clone(), &unknown_field(&field));
        }
        let read_by_rules =
            |key: &str| key.starts_with("metallb.io/") || key.starts_with("metallb.universe.tf/");
        let created = metadata.get("creationTimestamp").and_then(Tree::text).unwrap_or_default();
        known.then(|| Meta {
            object: object.id.clone(),
            labels: read.labels.unwrap_or_default(),
            annotations: read
                .annotations
                .map(|all| all.into_iter().filter(|(key, _)| read_by_rules(key)).collect())
                .unwrap_or_default(),
            created: self.intern(created),
            generation: read.generation.unwrap_or_default(),
        })
    }
}

/// The problem of an unknown field.
pub fn unknown_field(unknown: &de::Unknown) -> InputError {
    let Some(Step::Key(written)) = unknown.field.0.last() else {
        return InputError::UnknownField { nearest: None };
    };
    InputError::UnknownField { nearest: nearest(written, unknown.known.iter().copied()) }
}

fn json(tree: &Tree<'_>) -> Json {
    match &tree.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::Text(text) => Json::String(text.clone().into_owned()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|e| (e.key.clone().into_owned(), json(&e.value))).collect())
        }
    }
}

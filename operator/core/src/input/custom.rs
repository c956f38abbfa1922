//! Objects of `metallb.io` and `frrk8s.metallb.io`.

use super::error::{InputError, nearest};
use super::reader::{Object, Reader};
use super::tree::Tree;
use super::{de, duplicates, schema};
use crate::problem::Step;
use crate::snapshot::{Configuration, Custom, Labels, Meta};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;

/// The list of the Snapshot that holds objects with this spec.
pub type ListOf<S> = fn(&mut Configuration) -> &mut Vec<Custom<S>>;

impl Reader {
    /// Reads an object whose spec the Snapshot holds as it is.
    pub fn custom<S: DeserializeOwned>(&mut self, object: &Object<'_, '_>, list: ListOf<S>) {
        self.converted::<S, S>(object, |spec, _| spec, list);
    }

    /// Reads an object of a version that is converted to the one that the Snapshot holds.
    pub fn converted<V: DeserializeOwned, S>(
        &mut self,
        object: &Object<'_, '_>,
        convert: fn(V, &Meta) -> S,
        list: ListOf<S>,
    ) {
        let Some((meta, spec)) = self.judged(object) else { return };
        match de::read::<V>(&spec, &["spec"]) {
            Ok((spec, _)) => {
                let spec = convert(spec, &meta);
                list(&mut self.snapshot).push(Custom { meta, spec });
            }
            Err(wrong) => self.error(object, wrong.field, &InputError::WrongType(wrong.message)),
        }
    }

    /// Reads an object only to report what is wrong with it.
    pub fn checked(&mut self, object: &Object<'_, '_>) {
        self.judged(object);
    }

    /// The object's metadata and spec; `None` if anything in it is wrong. Everything that is, is reported.
    fn judged<'a>(&mut self, object: &Object<'_, 'a>) -> Option<(Meta, Tree<'a>)> {
        if self.duplicates(object) {
            return None;
        }
        let meta = self.meta(object);
        let (spec, findings) = schema::check(object.id.kind, object.version, object.tree);
        for (field, why) in &findings {
            self.error(object, field.clone(), why);
        }
        if findings.is_empty() { Some((meta?, spec)) } else { None }
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
        let read_by_rules = |key: &String| {
            ["metallb.io/", "metallb.universe.tf/", "herald.metallb.io/"].iter().any(|p| key.starts_with(p))
        };
        let created = metadata.get("creationTimestamp").and_then(Tree::text).unwrap_or_default();
        known.then(|| Meta {
            object: object.id.clone(),
            labels: self.labels(read.labels.iter().flatten()),
            annotations: self.labels(read.annotations.iter().flatten().filter(|(key, _)| read_by_rules(key))),
            created: self.intern(created),
            generation: read.generation.unwrap_or_default(),
        })
    }
}

impl Reader {
    /// Labels or annotations; objects have most of their texts in common.
    pub(super) fn labels<'a>(&mut self, all: impl Iterator<Item = (&'a String, &'a String)>) -> Labels {
        let labels = all.map(|(key, value)| (self.intern(key), self.intern(value))).collect();
        self.texts.labels(labels)
    }
}

/// The problem of an unknown field.
pub fn unknown_field(unknown: &de::Unknown) -> InputError {
    let Some(Step::Key(written)) = unknown.field.0.last() else {
        return InputError::UnknownField { nearest: None };
    };
    InputError::UnknownField { nearest: nearest(written, unknown.known.iter().copied()) }
}

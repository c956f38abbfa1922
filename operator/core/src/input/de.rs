//! serde over a [`Tree`]: errors know their field, and unknown fields are noted instead of lost.

use super::tree::{Tree, Value};
use crate::problem::{FieldPath, Step};
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use std::cell::RefCell;
use std::fmt;

/// A value does not have its field's type.
#[derive(Debug)]
pub struct WrongType {
    /// The field.
    pub field: FieldPath,
    /// What is there and what should be.
    pub message: String,
}

/// A field that its type does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The field.
    pub field: FieldPath,
    /// The fields that are known beside it.
    pub known: &'static [&'static str],
}

/// Reads a tree as `T`; `below` is where the tree stands in its object.
pub fn read<'c, T: Deserialize<'c>>(
    tree: &'c Tree<'c>,
    below: &[&str],
) -> Result<(T, Vec<Unknown>), WrongType> {
    let unknown = RefCell::new(Vec::new());
    let value = chain(below, None, &mut |link| T::deserialize(De { tree, link, unknown: &unknown }));
    match value {
        Ok(value) => Ok((value, unknown.into_inner())),
        Err(error) => Err(WrongType { field: error.field.unwrap_or_default(), message: error.message }),
    }
}

fn chain<R>(below: &[&str], link: Option<&Link<'_>>, then: &mut dyn FnMut(Option<&Link<'_>>) -> R) -> R {
    match below.split_first() {
        None => then(link),
        Some((key, rest)) => chain(rest, Some(&Link { parent: link, step: LinkStep::Key(key) }), then),
    }
}

/// The way from the object to the value that is being read, on the stack.
#[derive(Clone, Copy)]
struct Link<'l> {
    parent: Option<&'l Link<'l>>,
    step: LinkStep<'l>,
}

#[derive(Clone, Copy)]
enum LinkStep<'l> {
    Key(&'l str),
    Index(usize),
}

fn path(mut link: Option<&Link<'_>>) -> FieldPath {
    let mut steps = Vec::new();
    while let Some(here) = link {
        steps.push(match here.step {
            LinkStep::Key(key) => Step::Key(key.into()),
            LinkStep::Index(index) => Step::Index(index),
        });
        link = here.parent;
    }
    steps.reverse();
    FieldPath(steps)
}

#[derive(Debug)]
struct Error {
    field: Option<FieldPath>,
    message: String,
}

impl Error {
    fn at(mut self, link: Option<&Link<'_>>) -> Self {
        self.field.get_or_insert_with(|| path(link));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { field: None, message: message.to_string() }
    }

    fn invalid_type(found: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        de::Error::custom(format_args!("must be {wanted}, not {found}"))
    }
}

#[derive(Clone, Copy)]
struct De<'c, 'l> {
    tree: &'c Tree<'c>,
    link: Option<&'l Link<'l>>,
    unknown: &'l RefCell<Vec<Unknown>>,
}

impl<'de> de::Deserializer<'de> for De<'de, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match &self.tree.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(_) => visitor.visit_seq(Seq { of: self, next: 0 }),
            Value::Map(_) => visitor.visit_map(Map { of: self, next: 0 }),
        };
        result.map_err(|error| error.at(self.link))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tree.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.tree.value {
            Value::Text(text) => visitor.visit_enum((&**text).into_deserializer()),
            _ => Err(de::Error::custom(format!("must be a text, not {}", self.tree.describe()))),
        }
        .map_err(|error: Error| error.at(self.link))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        for entry in self.tree.entries() {
            if !fields.contains(&&*entry.key) {
                let link = Link { parent: self.link, step: LinkStep::Key(&entry.key) };
                self.unknown.borrow_mut().push(Unknown { field: path(Some(&link)), known: fields });
            }
        }
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Seq<'c, 'l> {
    of: De<'c, 'l>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Seq<'de, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(tree) = self.of.tree.items().get(self.next) else { return Ok(None) };
        let link = Link { parent: self.of.link, step: LinkStep::Index(self.next) };
        self.next += 1;
        seed.deserialize(De { tree, link: Some(&link), unknown: self.of.unknown }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.of.tree.items().len().saturating_sub(self.next))
    }
}

struct Map<'c, 'l> {
    of: De<'c, 'l>,
    next: usize,
}

impl<'de> MapAccess<'de> for Map<'de, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(entry) = self.of.tree.entries().get(self.next) else { return Ok(None) };
        seed.deserialize((&*entry.key).into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some(entry) = self.of.tree.entries().get(self.next) else {
            return Err(de::Error::custom("no value"));
        };
        let link = Link { parent: self.of.link, step: LinkStep::Key(&entry.key) };
        self.next += 1;
        seed.deserialize(De { tree: &entry.value, link: Some(&link), unknown: self.of.unknown })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.of.tree.entries().len().saturating_sub(self.next))
    }
}

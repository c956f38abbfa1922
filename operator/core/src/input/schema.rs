//! An object against the schema of its CRD: what the API server would refuse, prune and default.
//!
//! CEL rules are not evaluated: the parsers of the values that they guard have the same rules.

use super::error::{InputError, nearest};
use super::shape::Shape;
use super::tree::{Entry, Mark, Tree, Value, shorten};
use crate::problem::{FieldPath, Step};
use std::net::IpAddr;

/// A field and what is wrong with it.
pub type Finding = (FieldPath, InputError);

/// The spec of an object with its schema's defaults, and everything that the schema has against the object.
///
/// A spec that is not written is an empty mapping. Metadata and status are not looked at.
pub fn check<'a>(kind: &str, version: &str, object: &Tree<'a>) -> (Tree<'a>, Vec<Finding>) {
    let empty = Tree { value: Value::Map(Vec::new()), at: object.at };
    let Some(schema) = Shape::of_kind(kind, version) else { return (empty, Vec::new()) };
    let mut walk = Walk { way: Vec::new(), findings: Vec::new() };
    let mut spec = empty;
    for entry in object.entries() {
        match &*entry.key {
            "apiVersion" | "kind" | "metadata" | "status" => {}
            "spec" if matches!(entry.value.value, Value::Null) => {}
            "spec" => {
                if let Some(of_spec) = schema.property("spec") {
                    spec = walk.below(Step::Key("spec".into()), |walk| walk.value(of_spec, &entry.value));
                }
            }
            _ => walk.unknown(schema, &entry.key),
        }
    }
    let written = object.get("spec").is_some_and(|spec| !matches!(spec.value, Value::Null));
    if !written && schema.required.iter().any(|field| &**field == "spec") {
        walk.way.push(Step::Key("spec".into()));
        walk.found(InputError::RequiredField);
    }
    (spec, walk.findings)
}

struct Walk {
    way: Vec<Step>,
    findings: Vec<Finding>,
}

impl Walk {
    fn found(&mut self, why: InputError) {
        self.findings.push((FieldPath(self.way.clone()), why));
    }

    fn below<R>(&mut self, step: Step, then: impl FnOnce(&mut Self) -> R) -> R {
        self.way.push(step);
        let result = then(self);
        self.way.pop();
        result
    }

    fn unknown(&mut self, schema: &Shape, key: &str) {
        let known = schema.properties().map(|(name, _)| name);
        let nearest = nearest(key, known);
        self.below(Step::Key(key.into()), |walk| walk.found(InputError::UnknownField { nearest }));
    }

    /// The value with defaults, without nulls where the schema does not know them.
    fn value<'a>(&mut self, schema: &'static Shape, tree: &Tree<'a>) -> Tree<'a> {
        if !is_of_type(schema, &tree.value) {
            self.wrong_type(schema, tree);
            return tree.clone();
        }
        let value = match &tree.value {
            Value::Map(entries) => Value::Map(self.mapping(schema, entries, tree.at)),
            Value::List(items) => Value::List(self.list(schema, items)),
            other => {
                self.scalar(schema, other);
                other.clone()
            }
        };
        Tree { value, at: tree.at }
    }

    fn wrong_type(&mut self, schema: &Shape, tree: &Tree<'_>) {
        let wanted = type_in_words(schema);
        let is_password =
            matches!(self.way.last(), Some(Step::Key(key)) if key.to_lowercase().contains("password"));
        let found = if is_password { tree.describe_type().to_owned() } else { tree.describe() };
        let plain = matches!(tree.value, Value::Bool(_) | Value::Int(_) | Value::Float(_));
        let hint = if plain && wanted == "a text" { "; put it in quotes" } else { "" };
        self.found(InputError::WrongType(format!("must be {wanted}, not {found}{hint}")));
    }

    fn mapping<'a>(&mut self, schema: &'static Shape, entries: &[Entry<'a>], at: Mark) -> Vec<Entry<'a>> {
        let mut taken: Vec<Entry<'a>> = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(below) = schema_of(schema, &entry.key) else {
                if schema.preserve_unknown_fields {
                    taken.push(entry.clone());
                } else {
                    self.unknown(schema, &entry.key);
                }
                continue;
            };
            if matches!(entry.value.value, Value::Null) && !below.nullable {
                continue;
            }
            let value = self.below(Step::Key((&*entry.key).into()), |walk| walk.value(below, &entry.value));
            taken.push(Entry { key: entry.key.clone(), at: entry.at, value });
        }
        for required in &schema.required {
            if !taken.iter().any(|entry| *entry.key == **required) {
                self.below(Step::Key((&**required).into()), |walk| walk.found(InputError::RequiredField));
            }
        }
        for (name, below) in schema.properties() {
            if let Some(default) = &below.default
                && !taken.iter().any(|entry| entry.key == name)
            {
                // Standing where the mapping stands that lacks the field.
                let value = Tree::of_json(default, at);
                taken.push(Entry { key: name.into(), at, value });
            }
        }
        taken
    }

    fn list<'a>(&mut self, schema: &'static Shape, items: &[Tree<'a>]) -> Vec<Tree<'a>> {
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        self.length(length, schema.bounds().items, "items");
        let Some(below) = &schema.items else { return items.to_vec() };
        let read = |(index, item)| self.below(Step::Index(index), |walk| walk.value(below, item));
        items.iter().enumerate().map(read).collect()
    }

    fn scalar(&mut self, schema: &Shape, value: &Value<'_>) {
        match value {
            Value::Text(text) => self.text(schema, text),
            // Precise enough: every bound in our schemas is below 2^53.
            #[expect(
                clippy::cast_precision_loss,
                reason = "compared with bounds that a double holds exactly"
            )]
            Value::Int(number) => self.range(schema, *number as f64, number),
            Value::Float(number) => self.range(schema, *number, number),
            _ => {}
        }
    }

    fn text(&mut self, schema: &Shape, text: &str) {
        let known: Vec<&str> = schema.known.iter().map(|value| &**value).collect();
        if !known.is_empty() && !known.contains(&text) {
            let nearest = nearest(text, known.iter().copied());
            self.found(InputError::UnsupportedValue {
                value: shorten(text).into_owned(),
                known: known.join(", "),
                nearest,
            });
            return;
        }
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        self.length(length, schema.bounds().length, "characters");
        if let Some(what) = schema.format().and_then(|format| not_of_format(format, text)) {
            self.found(InputError::InvalidFormat { value: shorten(text).into_owned(), what });
        }
    }

    fn range(&mut self, schema: &Shape, number: f64, written: &dyn std::fmt::Display) {
        let (minimum, maximum) = schema.bounds().number;
        let bounds = match (minimum, maximum) {
            (Some(min), Some(max)) if number < min || number > max => format!("{min} to {max}"),
            (Some(min), None) if number < min => format!("at least {min}"),
            (None, Some(max)) if number > max => format!("at most {max}"),
            _ => return,
        };
        self.found(InputError::OutOfRange { value: written.to_string(), bounds });
    }

    fn length(&mut self, length: i64, bounds: (Option<i64>, Option<i64>), what: &'static str) {
        let bounds = match bounds {
            (Some(min), _) if length < min => format!("at least {min}"),
            (_, Some(max)) if length > max => format!("at most {max}"),
            _ => return,
        };
        self.found(InputError::InvalidLength { length, bounds, what });
    }
}

/// The schema of a key: its property, or that of all keys.
fn schema_of<'s>(schema: &'s Shape, key: &str) -> Option<&'s Shape> {
    schema.property(key).or(schema.additional.as_deref())
}

fn is_of_type(schema: &Shape, value: &Value<'_>) -> bool {
    if schema.int_or_string {
        return matches!(value, Value::Int(_) | Value::Text(_));
    }
    match (schema.type_(), value) {
        (None, _)
        | (Some("string"), Value::Text(_))
        | (Some("boolean"), Value::Bool(_))
        | (Some("integer"), Value::Int(_))
        | (Some("number"), Value::Int(_) | Value::Float(_))
        | (Some("array"), Value::List(_))
        | (Some("object"), Value::Map(_)) => true,
        (Some(_), Value::Null) => schema.nullable,
        _ => false,
    }
}

fn type_in_words(schema: &Shape) -> &'static str {
    if schema.int_or_string {
        return "an integer or a text";
    }
    match schema.type_() {
        Some("string") => "a text",
        Some("boolean") => "a boolean",
        Some("integer") => "an integer",
        Some("number") => "a number",
        Some("array") => "a list",
        _ => "a mapping",
    }
}

/// What a text should be and is not, by the formats that the API server checks.
fn not_of_format(format: &str, text: &str) -> Option<&'static str> {
    let address = text.parse::<IpAddr>().is_ok();
    match format {
        // A mapped address is both, as it is for the API server.
        "ipv4" if !address || !text.contains('.') => Some("an IPv4 address"),
        "ipv6" if !address || !text.contains(':') => Some("an IPv6 address"),
        "cidr" if text.parse::<ipnet::IpNet>().is_err() => Some("a prefix in CIDR notation"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

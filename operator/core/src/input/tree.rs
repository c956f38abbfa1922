//! A YAML or JSON document as a tree whose parts know where they stand.

use serde_json::Value as Json;
use std::borrow::Cow;

/// A place in a text: line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A node and where it starts. Text is borrowed from the source where no escape had to be undone.
#[derive(Debug, Clone)]
pub struct Tree<'a> {
    /// What it is.
    pub value: Value<'a>,
    /// Where it starts.
    pub at: Mark,
}

/// What a node is, after the rules by which Kubernetes' YAML reader resolves plain scalars.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// `null`, `~` or nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A sequence.
    List(Vec<Tree<'a>>),
    /// A mapping, in the order written. A key that is written twice is here twice.
    Map(Vec<Entry<'a>>),
}

/// A key of a mapping with its value.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The key; keys that are no text are kept as they are written.
    pub key: Cow<'a, str>,
    /// Where the key starts.
    pub at: Mark,
    /// Its value.
    pub value: Tree<'a>,
}

impl<'a> Tree<'a> {
    /// A JSON value, all of which stands at one place.
    pub fn of_json(json: &'a Json, at: Mark) -> Self {
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(integer) => Value::Int(integer),
                None => Value::Float(number.as_f64().unwrap_or_default()),
            },
            Json::String(text) => Value::Text(Cow::Borrowed(text)),
            Json::Array(items) => Value::List(items.iter().map(|item| Self::of_json(item, at)).collect()),
            Json::Object(entries) => {
                let entry = |(key, value): (&'a String, &'a Json)| Entry {
                    key: Cow::Borrowed(key),
                    at,
                    value: Self::of_json(value, at),
                };
                Value::Map(entries.iter().map(entry).collect())
            }
        };
        Self { value, at }
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[Entry<'a>] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Tree<'a>] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entry of a key, the first where it is written twice.
    pub fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Tree<'a>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, in words for a message.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Bool(value) => format!("the boolean {value}"),
            Value::Int(value) => format!("the number {value}"),
            Value::Float(value) => format!("the number {value}"),
            Value::Text(text) => format!("the text {:?}", shorten(text)),
            _ => self.describe_type().to_owned(),
        }
    }

    /// What it is without its value, which may be a password.
    pub fn describe_type(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// At most 60 characters of a text, for messages.
pub fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

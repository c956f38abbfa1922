//! The object of a request, read as a manifest is.

use super::set;
use crate::input::{self, SourceText};
use crate::problem::{ObjectRef, Problem, Severity};
use crate::snapshot::Configuration;
use serde_json::{Map, Value, json};

/// Metadata that some rule reads, or that tells the object apart.
const METADATA: [&str; 6] = ["name", "namespace", "labels", "annotations", "creationTimestamp", "generation"];

/// An object that was read.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// The object alone; empty if it could not be read.
    pub configuration: Configuration,
    /// What is wrong with its fields.
    pub problems: Vec<Problem>,
}

/// Reads an object. Its problems have no locations: nobody wrote the text in which it comes.
pub(super) fn read(value: &Value) -> Incoming {
    let source = SourceText { file: "".into(), text: trimmed(value).to_string().into() };
    let mut parsed = input::parse(&[source], &input::Options::default());
    for problem in &mut parsed.problems {
        problem.location = None;
    }
    let mut configuration = parsed.snapshot.configuration.as_ref().clone();
    set::is_young(&mut configuration);
    Incoming { configuration, problems: parsed.problems }
}

impl Incoming {
    /// Whether two objects count for the same, whatever the API server notes beside them.
    pub fn counts_like(&self, other: &Self) -> bool {
        let plain = |incoming: &Self| {
            let mut configuration = incoming.configuration.clone();
            set::forget_history(&mut configuration);
            configuration
        };
        let errors = |incoming: &Self| incoming.errors().cloned().collect::<Vec<_>>();
        plain(self) == plain(other) && errors(self) == errors(other)
    }

    /// What makes it unreadable.
    pub fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error)
    }
}

/// The object without what nobody reads: managed fields are larger than most specs.
fn trimmed(value: &Value) -> Value {
    let mut object = Map::new();
    for key in ["apiVersion", "kind", "spec"] {
        object.extend(value.get(key).map(|part| (key.to_owned(), part.clone())));
    }
    let metadata = &value["metadata"];
    let mut kept: Map<String, Value> =
        METADATA.iter().filter_map(|key| Some(((*key).to_owned(), metadata.get(key)?.clone()))).collect();
    if kept.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
        // The API server appends five characters when it stores the object.
        let prefix = metadata["generateName"].as_str().unwrap_or_default();
        kept.insert("name".to_owned(), json!(format!("{prefix}00000")));
    }
    object.insert("metadata".to_owned(), Value::Object(kept));
    Value::Object(object)
}

/// The object of a request, as problems name it.
pub(super) fn object_ref(kind: &'static str, namespace: &str, name: &str) -> ObjectRef {
    ObjectRef { kind, namespace: namespace.into(), name: name.into() }
}

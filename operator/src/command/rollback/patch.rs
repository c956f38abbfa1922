//! The diff of each file that an undo touches.

use super::document::{Document, documents};
use super::merge::merged;
use herald_core::history::{ObjectChange, api_version};
use serde_yaml::Value;
use similar::TextDiff;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Files by the name that they have in the diff.
pub type Files = BTreeMap<String, String>;

/// What came of it.
#[derive(Debug, Default)]
pub struct Patch {
    /// The files as they are.
    before: Files,
    /// The files that are to differ; `None` is to be removed.
    after: BTreeMap<String, Option<String>>,
    /// Objects that are in none of the files.
    pub missing: Vec<String>,
}

impl Patch {
    /// A patch of nothing yet.
    pub fn of(files: Files) -> Self {
        Self { before: files, ..Self::default() }
    }

    /// Undoes a change in the file that the object stands in; one that is gone gets a file of its own.
    pub fn undo(&mut self, change: &ObjectChange, from: Option<&Value>, to: Option<&Value>) {
        let Some((name, text, document)) = self.find(change) else {
            match to {
                Some(to) if from.is_none() => {
                    let text = serde_yaml::to_string(to).unwrap_or_default();
                    self.after.insert(file_name(change), Some(text));
                }
                _ => self.missing.push(change.object()),
            }
            return;
        };
        let edited = match (from, to) {
            (_, None) => String::new(),
            (None, Some(to)) => document.edited(&text, to),
            (Some(from), Some(to)) => {
                let same_version = document.value.get("apiVersion") == from.get("apiVersion");
                let wanted = if same_version { merged(&document.value, from, to) } else { to.clone() };
                document.edited(&text, &wanted)
            }
        };
        let (before, after) = (text.get(..document.range.start), text.get(document.range.end..));
        let mut text = format!("{}{edited}{}", before.unwrap_or_default(), after.unwrap_or_default());
        if before == Some("") && edited.is_empty() {
            // The next document needs no separator now.
            text = text.strip_prefix("---\n").map(str::to_owned).unwrap_or(text);
        }
        let is_left = !documents(&text).is_empty();
        self.after.insert(name, is_left.then_some(text));
    }

    /// The file, its text as it is to be by now, and the document of the object.
    fn find(&self, change: &ObjectChange) -> Option<(String, String, Document)> {
        self.before.iter().find_map(|(name, before)| {
            let text = match self.after.get(name) {
                Some(after) => after.clone()?,
                None => before.clone(),
            };
            let document = documents(&text).into_iter().find(|document| is_of(&document.value, change))?;
            Some((name.clone(), text, document))
        })
    }

    /// Whether a file that is to differ holds the text.
    pub fn writes(&self, text: &str) -> bool {
        self.after.values().flatten().any(|after| after.contains(text))
    }

    /// A unified diff, for `patch -p1`.
    pub fn diff(&self) -> String {
        let mut all = String::new();
        for (name, after) in &self.after {
            let before = self.before.get(name);
            let old = if before.is_some() { format!("a/{name}") } else { "/dev/null".to_owned() };
            let new = if after.is_some() { format!("b/{name}") } else { "/dev/null".to_owned() };
            let (before, after) = (before.map_or("", String::as_str), after.as_deref().unwrap_or_default());
            let diff = TextDiff::from_lines(before, after);
            // Writing to a String cannot fail.
            _ = write!(all, "{}", diff.unified_diff().context_radius(3).header(&old, &new));
        }
        all
    }
}

/// A name for the file of an object that has none: `bgppeer-ns-tor.yaml`.
pub fn file_name(change: &ObjectChange) -> String {
    let ObjectChange { kind, namespace, name, .. } = change;
    let parts = [kind.to_lowercase(), namespace.clone(), name.clone()];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{}.yaml", parts.join("-"))
}

/// Whether the document is the object. One that names no namespace may be it, and a status alone is not.
fn is_of(document: &Value, change: &ObjectChange) -> bool {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let metadata = |key: &str| text(document.get("metadata").and_then(|metadata| metadata.get(key)));
    let group = |version: &str| version.split_once('/').map_or(String::new(), |(group, _)| group.to_owned());
    let namespace = metadata("namespace");
    text(document.get("kind")) == change.kind
        && group(&text(document.get("apiVersion"))) == group(api_version(&change.kind))
        && metadata("name") == change.name
        && (namespace.is_empty() || namespace == change.namespace || change.namespace.is_empty())
        && !(change.kind == "Service" && document.get("spec").is_none())
}

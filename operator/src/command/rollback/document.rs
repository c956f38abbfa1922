//! The text of manifests: where objects stand in it, and how it is edited.

use granit_parser::{Event, Parser};
use serde_yaml::Value;
use std::ops::Range;

/// One step towards a value: the key of a mapping, or the index of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// One document of a text.
#[derive(Debug)]
pub struct Document {
    /// Its bytes, with the `---` line before it.
    pub range: Range<usize>,
    /// The first byte behind that line.
    start: usize,
    /// What it says.
    pub value: Value,
}

/// The documents of a text that can be read; others are not ours to edit.
pub fn documents(text: &str) -> Vec<Document> {
    let mut starts = vec![(0, 0)];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            starts.push((at, at + line.len()));
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).map(|(separator, _)| *separator).chain([text.len()]).collect::<Vec<_>>();
    let document = |(&(separator, start), &end): (&(usize, usize), &usize)| {
        let value: Value = serde_yaml::from_str(text.get(start..end)?).ok()?;
        value.is_mapping().then_some(Document { range: separator..end, start, value })
    };
    starts.iter().zip(&ends).filter_map(document).collect()
}

impl Document {
    /// The text of the document, separator and all, when it is to say `wanted`. Scalars are changed where they
    /// stand; if more is to be changed, the document is written anew.
    pub fn edited(&self, text: &str, wanted: &Value) -> String {
        let body = text.get(self.start..self.range.end).unwrap_or_default();
        let separator = text.get(self.range.start..self.start).unwrap_or_default();
        let in_place = in_place(body, &self.value, wanted)
            .filter(|edited| serde_yaml::from_str::<Value>(edited).is_ok_and(|value| value == *wanted));
        let edited = in_place.unwrap_or_else(|| written(body, wanted));
        format!("{separator}{edited}")
    }
}

/// Written anew, as YAML or as JSON.
fn written(body: &str, wanted: &Value) -> String {
    // What was read can be written.
    if body.trim_start().starts_with('{') {
        serde_json::to_string_pretty(wanted).unwrap_or_default() + "\n"
    } else {
        serde_yaml::to_string(wanted).unwrap_or_default()
    }
}

fn in_place(body: &str, current: &Value, wanted: &Value) -> Option<String> {
    let mut changed = Vec::new();
    scalar_changes(current, wanted, &mut Vec::new(), &mut changed)?;
    let spans = spans(body)?;
    let mut edits = Vec::new();
    for (path, value) in changed {
        let (_, range) = spans.iter().find(|(known, _)| *known == path)?;
        let is_json = body.get(range.clone())?.starts_with('"');
        let text =
            if is_json { serde_json::to_string(&value).ok()? } else { serde_yaml::to_string(&value).ok()? };
        edits.push((range.clone(), text.trim_end().to_owned()));
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut edited = body.to_owned();
    for (range, text) in edits {
        edited.replace_range(range, &text);
    }
    Some(edited)
}

/// The scalars that differ; `None` if anything else does.
fn scalar_changes(
    current: &Value,
    wanted: &Value,
    path: &mut Vec<Step>,
    changed: &mut Vec<(Vec<Step>, Value)>,
) -> Option<()> {
    if current == wanted {
        return Some(());
    }
    match (current, wanted) {
        (Value::Mapping(current), Value::Mapping(wanted)) if current.len() == wanted.len() => {
            for (key, current) in current {
                path.push(Step::Key(key.as_str()?.to_owned()));
                scalar_changes(current, wanted.get(key)?, path, changed)?;
                path.pop();
            }
        }
        (Value::Sequence(current), Value::Sequence(wanted)) if current.len() == wanted.len() => {
            for (index, (current, wanted)) in current.iter().zip(wanted).enumerate() {
                path.push(Step::Index(index));
                scalar_changes(current, wanted, path, changed)?;
                path.pop();
            }
        }
        (current, wanted) => {
            let is_line = |value: &Value| match value {
                Value::String(text) => !text.contains('\n'),
                Value::Number(_) | Value::Bool(_) => true,
                _ => false,
            };
            if !(is_line(current) && is_line(wanted)) {
                return None;
            }
            changed.push((path.clone(), wanted.clone()));
        }
    }
    Some(())
}

/// A mapping or list that is being read.
enum Open {
    Mapping { key: Option<String> },
    Sequence { next: usize },
}

/// Where each scalar stands; `None` for texts with anchors, whose scalars may stand for several.
fn spans(body: &str) -> Option<Vec<(Vec<Step>, Range<usize>)>> {
    let mut open: Vec<Open> = Vec::new();
    let mut found = Vec::new();
    for event in Parser::new_from_str(body) {
        let (event, span) = event.ok()?;
        match event {
            Event::Alias(..) => return None,
            Event::Scalar(text, ..) => {
                if let Some(Open::Mapping { key: key @ None }) = open.last_mut() {
                    *key = Some(text.into_owned());
                    continue;
                }
                found.push((path(&open), span.byte_range()?));
                close(&mut open);
            }
            Event::MappingStart(..) => open.push(Open::Mapping { key: None }),
            Event::SequenceStart(..) => open.push(Open::Sequence { next: 0 }),
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                close(&mut open);
            }
            _ => {}
        }
    }
    Some(found)
}

fn path(open: &[Open]) -> Vec<Step> {
    let step = |open: &Open| match open {
        Open::Mapping { key } => Step::Key(key.clone().unwrap_or_default()),
        Open::Sequence { next } => Step::Index(*next),
    };
    open.iter().map(step).collect()
}

/// A value ended.
fn close(open: &mut [Open]) {
    match open.last_mut() {
        Some(Open::Mapping { key }) => *key = None,
        Some(Open::Sequence { next }) => *next += 1,
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# the fabric\nkind: A\nspec: {asn: 1, list: [{x: \"a\"}]} # one line\n---\nkind: B # second\nspec:\n  asn: 2\n";

    fn edit(number: usize, from: &str, to: &str) -> String {
        let documents = documents(TEXT);
        let document = &documents[number];
        let text = serde_yaml::to_string(&document.value).unwrap().replace(from, to);
        let wanted: Value = serde_yaml::from_str(&text).unwrap();
        document.edited(TEXT, &wanted)
    }

    #[test]
    fn a_scalar_changes_where_it_stands() {
        assert_eq!(edit(1, "asn: 2", "asn: 3"), "---\nkind: B # second\nspec:\n  asn: 3\n");
        let first = edit(0, "x: a", "x: b");
        assert_eq!(first, "# the fabric\nkind: A\nspec: {asn: 1, list: [{x: \"b\"}]} # one line\n");
    }

    #[test]
    fn what_is_more_is_written_anew() {
        assert_eq!(edit(1, "asn: 2", "asn: 2\n  port: 4"), "---\nkind: B\nspec:\n  asn: 2\n  port: 4\n");
    }
}

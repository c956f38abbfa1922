//! Text to trees, one document at a time.
//!
//! YAML and JSON alike: JSON is read as the YAML that it is. A document that cannot be read is an error of
//! its own; reading goes on at the next `---`.

use super::scalar;
use super::tree::{Entry, Mark, Tree, Value};
use granit_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Levels of flow or of block collections. Kubernetes' deepest kinds need fewer than forty.
const DEPTH: usize = 100;
/// Nodes that anchors, aliases and merge keys may copy in one document.
const COPIES: usize = 100_000;

/// Why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Where.
    pub at: Mark,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// It is not YAML; the parser's words.
    Syntax(String),
    /// Its aliases copy more than [`COPIES`] nodes.
    TooManyCopies,
    /// An alias inside its own anchor.
    Recursive,
}

/// A document that was read: its tree and the bytes that it takes in the source.
#[derive(Debug)]
pub struct Document<'a> {
    /// The tree.
    pub tree: Tree<'a>,
    /// Its bytes in the source.
    pub range: Range<usize>,
    /// The line on which the range starts, from 1.
    pub line: u32,
}

/// Iterates over the documents of a text; empty documents are left out.
pub struct Documents<'a> {
    text: &'a str,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    done: bool,
}

impl<'a> Documents<'a> {
    /// The documents of `text`.
    pub fn new(text: &'a str) -> Self {
        let options = granit_parser::options! {
            flow_nesting_limit: DEPTH,
            block_nesting_limit: DEPTH,
        };
        Self { text, parser: Parser::new_from_str_with_options(text, options), done: false }
    }

    fn document(&mut self, start: Marker) -> Result<Option<Document<'a>>, Fault> {
        let mut builder = Builder::default();
        loop {
            let (event, span) = match self.parser.next_event() {
                None => return Ok(None),
                Some(Ok(next)) => next,
                Some(Err(error)) => {
                    let kind = FaultKind::Syntax(error.info().clone());
                    return Err(Fault { kind, at: mark(*error.marker()) });
                }
            };
            if matches!(event, Event::DocumentEnd) {
                let from = start.byte_offset().unwrap_or(0);
                let to = span.end.byte_offset().unwrap_or(self.text.len());
                let line = mark(start).line;
                return Ok(builder.root.map(|tree| Document { tree, range: from..to, line }));
            }
            builder.event(event, mark(span.start))?;
        }
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<Document<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let result = match self.parser.next_event() {
                None | Some(Ok((Event::StreamEnd, _))) => {
                    self.done = true;
                    return None;
                }
                Some(Ok((Event::DocumentStart(..), span))) => self.document(span.start),
                Some(Ok(_)) => continue,
                Some(Err(error)) => {
                    let kind = FaultKind::Syntax(error.info().clone());
                    Err(Fault { kind, at: mark(*error.marker()) })
                }
            };
            match result {
                Ok(Some(document)) if !matches!(document.tree.value, Value::Null) => {
                    return Some(Ok(document));
                }
                Ok(_) => {}
                Err(fault) => {
                    self.done = !matches!(self.parser.proceed_next_document(), Ok(true));
                    return Some(Err(fault));
                }
            }
        }
        None
    }
}

fn mark(marker: Marker) -> Mark {
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Mark { line: small(marker.line()), column: small(marker.col()).saturating_add(1) }
}

/// A collection that is still open.
struct Open<'a> {
    at: Mark,
    anchor: usize,
    kind: OpenKind<'a>,
}

enum OpenKind<'a> {
    List(Vec<Tree<'a>>),
    Map { entries: Vec<Entry<'a>>, key: Option<(Cow<'a, str>, Mark)>, merges: Vec<Tree<'a>> },
}

#[derive(Default)]
struct Builder<'a> {
    open: Vec<Open<'a>>,
    anchors: HashMap<usize, Tree<'a>>,
    copies: usize,
    root: Option<Tree<'a>>,
}

impl<'a> Builder<'a> {
    fn event(&mut self, event: Event<'a>, at: Mark) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar_value(text, style, tag.as_deref());
                self.node(Tree { value, at }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open.push(Open { at, anchor, kind: OpenKind::List(Vec::new()) });
                Ok(())
            }
            Event::MappingStart(_, anchor, _) => {
                let kind = OpenKind::Map { entries: Vec::new(), key: None, merges: Vec::new() };
                self.open.push(Open { at, anchor, kind });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => {
                let Some(size) = self.anchors.get(&id).map(size) else {
                    return Err(Fault { kind: FaultKind::Recursive, at });
                };
                self.count(size, at)?;
                match self.anchors.get(&id).cloned() {
                    Some(tree) => self.node(Tree { at, ..tree }, 0),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(Open { at, anchor, kind }) = self.open.pop() else { return Ok(()) };
        let value = match kind {
            OpenKind::List(items) => Value::List(items),
            OpenKind::Map { mut entries, merges, .. } => {
                for merge in &merges {
                    self.count(size(merge), merge.at)?;
                }
                if !merges.is_empty() {
                    let mut keys = entries.iter().map(|entry| entry.key.clone()).collect();
                    for merge in merges {
                        merge_into(&mut entries, &mut keys, merge);
                    }
                }
                Value::Map(entries)
            }
        };
        self.node(Tree { value, at }, anchor)
    }

    fn node(&mut self, tree: Tree<'a>, anchor: usize) -> Result<(), Fault> {
        if anchor != 0 {
            self.count(size(&tree), tree.at)?;
            self.anchors.insert(anchor, tree.clone());
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(tree),
            Some(OpenKind::List(items)) => items.push(tree),
            Some(OpenKind::Map { entries, key, merges }) => match key.take() {
                None => *key = Some((key_text(&tree), tree.at)),
                Some((name, _)) if name == "<<" => merges.push(tree),
                Some((key, at)) => entries.push(Entry { key, at, value: tree }),
            },
        }
        Ok(())
    }

    /// Counts a copy against the document's budget, before it can grow.
    fn count(&mut self, nodes: usize, at: Mark) -> Result<(), Fault> {
        self.copies = self.copies.saturating_add(nodes);
        if self.copies > COPIES { Err(Fault { kind: FaultKind::TooManyCopies, at }) } else { Ok(()) }
    }
}

fn size(tree: &Tree<'_>) -> usize {
    match &tree.value {
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|entry| size(&entry.value)).sum::<usize>(),
        _ => 1,
    }
}

/// Keys that a mapping has itself win; of a list of mappings the first that has the key.
fn merge_into<'a>(entries: &mut Vec<Entry<'a>>, keys: &mut HashSet<Cow<'a, str>>, merge: Tree<'a>) {
    match merge.value {
        Value::Map(more) => {
            for entry in more {
                if keys.insert(entry.key.clone()) {
                    entries.push(entry);
                }
            }
        }
        Value::List(items) => items.into_iter().for_each(|item| merge_into(entries, keys, item)),
        _ => {}
    }
}

/// Kubernetes turns keys that are no text into text, as JSON knows no other.
fn key_text<'a>(tree: &Tree<'a>) -> Cow<'a, str> {
    match &tree.value {
        Value::Text(text) => text.clone(),
        Value::Null => Cow::Borrowed("null"),
        Value::Bool(value) => Cow::Owned(value.to_string()),
        Value::Int(value) => Cow::Owned(value.to_string()),
        Value::Float(value) => Cow::Owned(value.to_string()),
        Value::List(_) | Value::Map(_) => Cow::Borrowed("(a collection)"),
    }
}

fn scalar_value<'a>(text: Cow<'a, str>, style: ScalarStyle, tag: Option<&Tag>) -> Value<'a> {
    match (tag.and_then(Tag::core_suffix), style) {
        (Some(tag), _) => scalar::resolve_tagged(text, tag),
        (None, ScalarStyle::Plain) if tag.is_none() => scalar::resolve(text),
        (None, _) => Value::Text(text),
    }
}

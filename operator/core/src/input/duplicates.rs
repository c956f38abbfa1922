//! Keys that one mapping has twice. YAML forbids it, most readers take one of them in silence.

use super::tree::{Mark, Tree, Value};
use crate::problem::{FieldPath, Step};
use std::collections::HashMap;

/// A key that stands a second time.
#[derive(Debug)]
pub struct Duplicate {
    /// The field.
    pub field: FieldPath,
    /// Where the first one stands.
    pub first: Mark,
    /// Where the second one stands.
    pub at: Mark,
}

/// Mappings up to this size are compared pair by pair, which needs no memory.
const SMALL: usize = 16;

/// All of them in a tree.
pub fn find(tree: &Tree<'_>) -> Vec<Duplicate> {
    let mut found = Vec::new();
    walk(tree, &mut Vec::new(), &mut found);
    found
}

/// Steps of the path on the way down, borrowed: most walks find nothing.
enum Way<'t> {
    Key(&'t str),
    Index(usize),
}

fn walk<'t>(tree: &'t Tree<'_>, way: &mut Vec<Way<'t>>, found: &mut Vec<Duplicate>) {
    match &tree.value {
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                way.push(Way::Index(index));
                walk(item, way, found);
                way.pop();
            }
        }
        Value::Map(entries) => {
            let mut large: HashMap<&str, Mark> = HashMap::new();
            for (position, entry) in entries.iter().enumerate() {
                let first = if entries.len() > SMALL {
                    let first = large.get(&*entry.key).copied();
                    large.entry(&entry.key).or_insert(entry.at);
                    first
                } else {
                    entries[..position].iter().find(|earlier| earlier.key == entry.key).map(|e| e.at)
                };
                way.push(Way::Key(&entry.key));
                if let Some(first) = first {
                    found.push(Duplicate { field: path(way), first, at: entry.at });
                }
                walk(&entry.value, way, found);
                way.pop();
            }
        }
        _ => {}
    }
}

fn path(way: &[Way<'_>]) -> FieldPath {
    let step = |way: &Way<'_>| match way {
        Way::Key(key) => Step::Key((*key).into()),
        Way::Index(index) => Step::Index(*index),
    };
    FieldPath(way.iter().map(step).collect())
}

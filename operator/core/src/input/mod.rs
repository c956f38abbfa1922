//! Manifests in, Snapshot and Problems out.

mod builtin;
mod custom;
mod de;
mod duplicates;
mod error;
mod folder;
mod index;
mod kinds;
mod names;
pub mod objects;
mod reader;
mod scalar;
mod schema;
mod shape;
mod texts;
mod tree;
mod yaml;

pub use error::InputError;
pub use folder::Folder;
pub use index::SourceIndex;

use crate::problem::Problem;
use crate::snapshot::Snapshot;
use std::sync::Arc;
use texts::Texts;

/// A text with manifests: YAML documents, or JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// How problems name it: a path, or `-` for standard input.
    pub file: Arc<str>,
    /// What it says; U+FFFD in place of what is not UTF-8.
    pub text: Arc<str>,
}

/// What to take of the manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Take objects of `metallb.io` and `frrk8s.metallb.io` only from this namespace, as MetalLB's
    /// `--namespace` does, and those that name none. Services, Nodes, Secrets and the like always count.
    pub namespace: Option<Arc<str>>,
}

/// What manifests say.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// Every object that could be read.
    pub snapshot: Snapshot,
    /// What could not, and what was read but looks wrong, with locations; in the order of the input.
    pub problems: Vec<Problem>,
    /// Finds the fields again that later problems name.
    pub index: SourceIndex,
}

/// Reads manifests. Never fails: what cannot be read is a Problem and nothing else suffers.
#[must_use]
pub fn parse(sources: &[SourceText], options: &Options) -> Parsed {
    parse_with(sources, options, &mut Texts::default())
}

/// Reads manifests that have texts in common with others.
fn parse_with(sources: &[SourceText], options: &Options, texts: &mut Texts) -> Parsed {
    let mut reader = reader::Reader::new(sources, options, std::mem::take(texts));
    for (position, source) in sources.iter().enumerate() {
        reader.source(position, source);
    }
    let (parsed, all) = reader.finish();
    *texts = all;
    parsed
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

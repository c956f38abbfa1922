//! Where objects and fields stand in the text.
//!
//! Trees are dropped after each document: the index keeps where each object's document stands and reads
//! it again when a problem has to be placed, which is rare.

use super::SourceText;
use super::tree::{Mark, Tree};
use super::yaml::Documents;
use crate::problem::{FieldPath, Location, ObjectRef, Problem, Step};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Where one object stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Index of the source.
    pub source: usize,
    /// Bytes of its document.
    pub range: Range<usize>,
    /// Line on which the document starts.
    pub line: u32,
    /// Indexes into `items`, for the objects of a List.
    pub items: Vec<usize>,
}

/// Finds objects and fields of a parsed input again.
#[derive(Debug, Clone, Default)]
pub struct SourceIndex {
    sources: Vec<SourceText>,
    places: HashMap<ObjectRef, Place>,
}

impl SourceIndex {
    pub(super) fn new(sources: &[SourceText]) -> Self {
        Self { sources: sources.to_vec(), places: HashMap::new() }
    }

    pub(super) fn insert(&mut self, object: ObjectRef, place: Place) {
        self.places.entry(object).or_insert(place);
    }

    /// All objects with their places.
    pub(super) fn places(&self) -> impl Iterator<Item = (&ObjectRef, &Place)> {
        self.places.iter()
    }

    /// The index of only these places, with no more of the texts than they need.
    pub(super) fn keep<'a>(&self, kept: impl Iterator<Item = (&'a ObjectRef, &'a Place)>) -> Self {
        let mut small = Self::default();
        // A List holds many objects in one document.
        let mut known: HashMap<(usize, usize), usize> = HashMap::new();
        for (object, place) in kept {
            let Some(text) = self.text(place) else { continue };
            let source = *known.entry((place.source, place.range.start)).or_insert_with(|| {
                small.sources.push(SourceText { file: self.file(place.source), text: text.into() });
                small.sources.len() - 1
            });
            let place = Place { source, range: 0..place.range.len(), ..place.clone() };
            small.places.insert(object.clone(), place);
        }
        small
    }

    pub(super) fn file(&self, source: usize) -> Arc<str> {
        self.sources.get(source).map(|s| s.file.clone()).unwrap_or_default()
    }

    /// Where the field stands, or the nearest part around it that is written, or the object.
    ///
    /// `None` for objects that are not in the input.
    #[must_use]
    pub fn locate(&self, object: &ObjectRef, field: &FieldPath) -> Option<Location> {
        let place = self.places.get(object)?;
        let text = self.text(place)?;
        let document = Documents::new(text).next()?.ok()?;
        self.location(place, &document.tree, field)
    }

    /// Fills in the location of every problem that has an object and no location yet.
    pub fn place(&self, problems: &mut [Problem]) {
        // By document, so that each is read once however many problems it has.
        let mut open: HashMap<(usize, usize), Vec<usize>> = HashMap::new();
        for (position, problem) in problems.iter().enumerate() {
            let place = problem.object.as_ref().and_then(|object| self.places.get(object));
            if let (None, Some(place)) = (&problem.location, place) {
                open.entry((place.source, place.range.start)).or_default().push(position);
            }
        }
        for positions in open.into_values() {
            self.place_in_document(problems, &positions);
        }
    }

    fn place_in_document(&self, problems: &mut [Problem], positions: &[usize]) {
        let place_of = |problem: &Problem| problem.object.as_ref().and_then(|object| self.places.get(object));
        let text =
            positions.first().and_then(|p| problems.get(*p)).and_then(place_of).and_then(|p| self.text(p));
        let Some(Ok(document)) = text.and_then(|text| Documents::new(text).next()) else { return };
        for position in positions {
            let Some(problem) = problems.get_mut(*position) else { continue };
            let Some(place) = place_of(problem) else { continue };
            problem.location = self.location(place, &document.tree, &problem.field);
        }
    }

    fn text(&self, place: &Place) -> Option<&str> {
        self.sources.get(place.source)?.text.get(place.range.clone())
    }

    fn location(&self, place: &Place, tree: &Tree<'_>, field: &FieldPath) -> Option<Location> {
        let object = place.items.iter().try_fold(tree, |tree, item| tree.get("items")?.items().get(*item))?;
        let Mark { line, column } = deepest(object, field);
        let line = line.saturating_add(place.line).saturating_sub(1);
        Some(Location { file: self.file(place.source), line: line as usize, column: column as usize })
    }
}

/// The place of a field, or of the deepest part of its path that is written.
pub(super) fn deepest(object: &Tree<'_>, field: &FieldPath) -> Mark {
    let (mut tree, mut at) = (object, object.at);
    for step in &field.0 {
        let next = match step {
            Step::Key(key) => tree.entry(key).map(|entry| (&entry.value, entry.at)),
            Step::Index(index) => tree.items().get(*index).map(|item| (item, item.at)),
        };
        let Some((below, mark)) = next else { break };
        (tree, at) = (below, mark);
    }
    at
}

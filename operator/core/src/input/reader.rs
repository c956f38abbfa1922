//! Documents to objects: lists unpacked, kinds told apart, duplicates found.

use super::error::InputError;
use super::index::{Place, SourceIndex, deepest};
use super::kinds::{self, Kind};
use super::texts::Texts;
use super::tree::{Mark, Tree, Value};
use super::yaml::{Document, Documents, Fault, FaultKind};
use super::{Options, Parsed, SourceText, names};
use crate::problem::{FieldPath, Location, ObjectRef, Problem, Reason, Severity};
use crate::snapshot::{Configuration, Snapshot};
use std::collections::HashMap;
use std::sync::Arc;

/// Reads sources one after the other into a Snapshot.
pub struct Reader {
    options: Options,
    pub(super) snapshot: Snapshot,
    problems: Vec<Problem>,
    index: SourceIndex,
    /// Where each object was first seen.
    seen: HashMap<ObjectRef, Location>,
    /// The first object of each name, of the kinds that are referred to by name.
    by_name: HashMap<(&'static str, Arc<str>), ObjectRef>,
    pub(super) texts: Texts,
}

/// An object of a kind that is read.
pub struct Object<'t, 'a> {
    /// Kind, namespace and name.
    pub id: ObjectRef,
    /// Version of its API group.
    pub version: &'t str,
    /// The whole object.
    pub tree: &'t Tree<'a>,
    kind: &'static Kind,
    source: usize,
}

/// What a List says for items that do not say it themselves.
#[derive(Clone, Copy, Default)]
struct Inherited<'t> {
    api_version: Option<&'t str>,
    kind: Option<&'t str>,
}

impl Reader {
    /// A reader of these sources. `texts` are those that others have too.
    pub fn new(sources: &[SourceText], options: &Options, texts: Texts) -> Self {
        Self {
            options: options.clone(),
            snapshot: Snapshot::default(),
            problems: Vec::new(),
            index: SourceIndex::new(sources),
            seen: HashMap::new(),
            by_name: HashMap::new(),
            texts,
        }
    }

    /// Reads all documents of a source.
    pub fn source(&mut self, source: usize, text: &SourceText) {
        if let Some(at) = not_utf8(&text.text) {
            let why = InputError::Syntax("it is not UTF-8, or was not once".to_owned());
            return self.report(source, at, None, FieldPath::default(), &why);
        }
        for document in Documents::new(&text.text) {
            match document {
                Ok(Document { tree, range, line }) => {
                    let place = Place { source, range, line, items: Vec::new() };
                    self.document(&tree, &place, Inherited::default());
                }
                Err(Fault { kind, at }) => self.report(source, at, None, FieldPath::default(), &fault(kind)),
            }
        }
    }

    /// Reads an object that stands in no text and does not say its kind: the items of an API server's lists do not.
    pub fn object_of(&mut self, api_version: &str, kind: &str, tree: &Tree<'_>) {
        let place = Place { source: 0, range: 0..0, line: 0, items: Vec::new() };
        if let Ok(Some(found)) = kinds::find(api_version, kind) {
            self.object(found, api_version, tree, &place);
        }
    }

    /// Everything that was read, in the order that the Snapshot promises, and the texts in it.
    pub fn finish(self) -> (Parsed, Texts) {
        let Self { mut snapshot, problems, index, texts, .. } = self;
        sort(&mut snapshot);
        // What came one by one takes up to twice the room that it needs.
        snapshot.services = std::mem::take(&mut snapshot.services).into_iter().collect();
        snapshot.endpoint_slices = std::mem::take(&mut snapshot.endpoint_slices).into_iter().collect();
        let errors = || problems.iter().filter(|problem| problem.severity == Severity::Error);
        snapshot.unreadable = errors().filter_map(|problem| problem.object.clone()).collect();
        // A document that is read and is no manifest hides none; text that cannot be read may.
        let hides = [InputError::Syntax(String::new()).reason(), InputError::Limit("").reason()];
        snapshot.incomplete = errors().any(|problem| hides.contains(&problem.reason));
        (Parsed { snapshot, problems, index }, texts)
    }

    fn document(&mut self, tree: &Tree<'_>, place: &Place, inherited: Inherited<'_>) {
        let field = |key, inherited| tree.get(key).and_then(Tree::text).or(inherited);
        let header = (field("apiVersion", inherited.api_version), field("kind", inherited.kind));
        let (Some(api_version), Some(kind)) = header else {
            if !self.is_kustomization(place.source) {
                self.report(place.source, tree.at, None, FieldPath::default(), &no_manifest(tree, header));
            }
            return;
        };
        let items = tree.get("items").filter(|items| matches!(items.value, Value::List(_)));
        if let (Some(items), Some(item_kind)) = (items, kind.strip_suffix("List")) {
            let below = match item_kind {
                "" => Inherited::default(),
                item_kind => Inherited { api_version: Some(api_version), kind: Some(item_kind) },
            };
            for (position, item) in items.items().iter().enumerate() {
                let mut place = place.clone();
                place.items.push(position);
                self.document(item, &place, below);
            }
            return;
        }
        match kinds::find(api_version, kind) {
            Ok(None) => {}
            Ok(Some(found)) => self.object(found, api_version, tree, place),
            Err(why) => {
                let field =
                    if matches!(why, InputError::UnknownVersion { .. }) { "apiVersion" } else { "kind" };
                let at = deepest(tree, &FieldPath::of(field));
                self.report(place.source, at, None, FieldPath::of(field), &why);
            }
        }
    }

    fn object(&mut self, kind: &'static Kind, api_version: &str, tree: &Tree<'_>, place: &Place) {
        let object = match names::object_ref(kind.name, tree, &mut |text| self.intern(text)) {
            Ok(object) => object,
            Err((field, why)) => {
                let at = deepest(tree, &field);
                return self.report(place.source, at, None, field, &why);
            }
        };
        if kind.is_ours() && !self.is_of_own_namespace(&object.namespace) {
            return;
        }
        if let Err(why) = self.first_of_its_name(kind, &object, place, tree.at) {
            return self.report(place.source, tree.at, Some(&object), FieldPath::default(), &why);
        }
        self.index.insert(object.clone(), place.clone());
        let version = api_version.rsplit('/').next().unwrap_or_default();
        (kind.read)(self, &Object { id: object, version, tree, kind, source: place.source });
    }

    fn first_of_its_name(
        &mut self,
        kind: &'static Kind,
        object: &ObjectRef,
        place: &Place,
        at: Mark,
    ) -> Result<(), InputError> {
        if let Some(first) = self.seen.get(object) {
            return Err(InputError::DuplicateObject { first: first.to_string() });
        }
        if kind.by_name {
            let key = (kind.name, object.name.clone());
            if let Some(other) = self.by_name.get(&key) {
                let at = self.seen.get(other).map(|l| format!(" at {l}")).unwrap_or_default();
                return Err(InputError::AmbiguousName { other: format!("{other}{at}") });
            }
            self.by_name.insert(key, object.clone());
        }
        self.seen.insert(object.clone(), location(&self.index, place.source, at));
        Ok(())
    }

    /// Whether objects of a namespace count, of the kinds of which only one's own do.
    pub(super) fn is_of_own_namespace(&self, namespace: &str) -> bool {
        let wanted = self.options.namespace.as_deref();
        namespace.is_empty() || wanted.is_none_or(|own| own == namespace)
    }

    /// kustomize itself fills in what a kustomization leaves out.
    fn is_kustomization(&self, source: usize) -> bool {
        let file = self.index.file(source);
        let name = file.rsplit('/').next().unwrap_or_default();
        matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
    }

    /// The one copy of a text that many objects repeat.
    pub(super) fn intern(&mut self, text: &str) -> Arc<str> {
        self.texts.intern(text)
    }

    /// Notes an error of an object's field: the object is left out.
    pub(super) fn error(&mut self, object: &Object<'_, '_>, field: FieldPath, why: &InputError) {
        let at = deepest(object.tree, &field);
        self.report(object.source, at, Some(&object.id), field, why);
    }

    /// Notes a warning about an object's field.
    pub(super) fn warning(&mut self, object: &Object<'_, '_>, field: FieldPath, why: &InputError) {
        self.error(object, field, why);
        if let Some(problem) = self.problems.last_mut() {
            problem.severity = Severity::Warning;
        }
    }

    /// Notes an error at a place that a field path does not tell.
    pub(super) fn error_at(&mut self, object: &Object<'_, '_>, field: FieldPath, at: Mark, why: &InputError) {
        self.report(object.source, at, Some(&object.id), field, why);
    }

    fn report(
        &mut self,
        source: usize,
        at: Mark,
        object: Option<&ObjectRef>,
        field: FieldPath,
        why: &InputError,
    ) {
        self.problems.push(Problem {
            severity: Severity::Error,
            object: object.cloned(),
            field,
            reason: why.reason(),
            message: why.to_string(),
            nodes: Vec::new(),
            location: Some(location(&self.index, source, at)),
        });
    }
}

impl Object<'_, '_> {
    /// Whether its kind is of Herald's own API groups.
    pub fn is_ours(&self) -> bool {
        self.kind.is_ours()
    }
}

fn location(index: &SourceIndex, source: usize, at: Mark) -> Location {
    Location { file: index.file(source), line: at.line as usize, column: at.column as usize }
}

/// Where the mark first stands that replaces what is not UTF-8.
fn not_utf8(text: &str) -> Option<Mark> {
    let (before, _) = text.split_once(char::REPLACEMENT_CHARACTER)?;
    let line = before.rsplit('\n').next().unwrap_or(before);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Some(Mark { line: count(before.matches('\n').count() + 1), column: count(line.chars().count() + 1) })
}

fn fault(kind: FaultKind) -> InputError {
    match kind {
        FaultKind::Syntax(words) => InputError::Syntax(words),
        FaultKind::TooManyCopies => InputError::Limit("the document's aliases copy more than 100,000 values"),
        FaultKind::Recursive => InputError::Limit("an alias stands inside the value that it repeats"),
    }
}

fn no_manifest(tree: &Tree<'_>, (api_version, kind): (Option<&str>, Option<&str>)) -> InputError {
    InputError::NoManifest(match (&tree.value, api_version, kind) {
        (Value::Map(_), None, None) => "it has no apiVersion and no kind".to_owned(),
        (Value::Map(_), None, Some(kind)) => format!("the {kind} has no apiVersion"),
        (Value::Map(_), ..) => "it has no kind".to_owned(),
        // A file with nothing but a password is one, too: its text is not repeated.
        (Value::Text(_), ..) => "it is a text".to_owned(),
        _ => format!("it is {}", tree.describe()),
    })
}

fn sort(snapshot: &mut Configuration) {
    let key = |object: &ObjectRef| (object.namespace.clone(), object.name.clone());
    snapshot.pools.sort_by_cached_key(|o| key(&o.meta.object));
    snapshot.l2_advertisements.sort_by_cached_key(|o| key(&o.meta.object));
    snapshot.bgp_advertisements.sort_by_cached_key(|o| key(&o.meta.object));
    snapshot.peers.sort_by_cached_key(|o| key(&o.meta.object));
    snapshot.bfd_profiles.sort_by_cached_key(|o| key(&o.meta.object));
    snapshot.communities.sort_by_cached_key(|o| key(&o.meta.object));
    snapshot.frr_configurations.sort_by_cached_key(|o| key(&o.meta.object));
    snapshot.settings.sort_by_cached_key(|o| key(&o.meta.object));
    snapshot.bgp_extras.sort_by_cached_key(|o| key(&o.meta.object));
    snapshot.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    snapshot.namespaces.sort_by(|a, b| a.name.cmp(&b.name));
    snapshot.secrets.sort_by_cached_key(|o| key(&o.object));
}

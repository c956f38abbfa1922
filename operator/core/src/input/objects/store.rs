//! What is known of an API server's objects now.

use super::place::Name;
use super::reports::Services;
use super::{Changed, Keep, Kind, View, facts, place};
use crate::input::reader::Reader;
use crate::input::texts::Texts;
use crate::input::tree::{Entry, Mark, Tree, Value as TreeValue};
use crate::input::{InputError, Options, Parsed};
use crate::problem::{ObjectRef, Problem, Reason, Severity};
use crate::snapshot::{Configuration, EndpointSlice, Service, ServiceKey, Snapshot};
use serde_json::Value;
use std::borrow::{Borrow, Cow};
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What decisions read of metadata. A newer API server may have more than this program knows.
const METADATA: [&str; 6] = ["name", "namespace", "labels", "annotations", "creationTimestamp", "generation"];

/// Texts are looked through again once there are twice as many as after the last time, and not before so many.
const FEW_TEXTS: usize = 4096;

/// The objects of an API server as its watches tell them.
///
/// Nothing is judged here but whether an object can be read. One that cannot is a Problem and is named in
/// `snapshot.unreadable`; of Services, EndpointSlices, Nodes, Namespaces and Secrets the last form that could be
/// read stays, and nothing else suffers.
#[derive(Debug)]
pub struct Objects {
    options: Options,
    keep: Keep,
    texts: Texts,
    texts_after_tidying: usize,
    view: View,
    problems: BTreeMap<ObjectRef, Vec<Problem>>,
    /// Every slice, by its own name: a Snapshot has them by their Services'.
    slices: HashSet<ByName>,
    /// The Service of each ServiceBGPStatus.
    announced: Services,
    /// What a list that is not at its end yet has named so far.
    listed: BTreeMap<Kind, HashSet<Name>>,
}

/// A slice that is found by its kind, namespace and name.
#[derive(Debug)]
struct ByName(Arc<EndpointSlice>);

impl Borrow<ObjectRef> for ByName {
    fn borrow(&self) -> &ObjectRef {
        &self.0.object
    }
}

impl Hash for ByName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.object.hash(state);
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.object == other.0.object
    }
}

impl Eq for ByName {}

impl Objects {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(options: &Options, keep: Keep) -> Self {
        Self {
            options: options.clone(),
            keep,
            texts: Texts::default(),
            texts_after_tidying: 0,
            view: View::default(),
            problems: BTreeMap::new(),
            slices: HashSet::new(),
            announced: Services::new(),
            listed: BTreeMap::new(),
        }
    }

    /// A complete list of a kind: what is not in it is gone.
    pub fn replace(&mut self, kind: Kind, all: impl IntoIterator<Item = Value>) {
        self.begin(kind);
        for object in all {
            self.apply(kind, &object);
        }
        self.finish(kind);
    }

    /// A list of a kind begins: what comes until [`Self::finish`] is all that there is.
    pub fn begin(&mut self, kind: Kind) {
        self.listed.insert(kind, HashSet::new());
    }

    /// The list of a kind is at its end: what was not in it is gone.
    pub fn finish(&mut self, kind: Kind) {
        let Some(listed) = self.listed.remove(&kind) else { return };
        let known = place::names(kind, &self.view.parsed.snapshot);
        let facts = self.view.objects.keys().filter(|object| object.kind == kind.name());
        let facts = facts.map(|object| (object.namespace.clone(), object.name.clone()));
        let ours = self.options.namespace.clone().unwrap_or_default();
        let reports = self.view.reports.names(kind, &ours);
        let gone = known.into_iter().chain(facts).chain(reports).filter(|name| !listed.contains(name));
        for (namespace, name) in gone.collect::<Vec<Name>>() {
            self.remove(kind, &namespace, &name);
        }
        self.view.changed.configuration |= self.view.synced.insert(kind);
    }

    /// All objects of a kind have to be told again before it counts as known in full; what is known stays.
    pub fn doubt(&mut self, kind: Kind) {
        self.listed.remove(&kind);
        self.view.changed.configuration |= self.view.synced.remove(&kind);
    }

    /// An object that is new or has changed.
    pub fn apply(&mut self, kind: Kind, object: &Value) {
        let id = self.id(kind, object);
        if let Some(listed) = self.listed.get_mut(&kind) {
            listed.insert((id.namespace.clone(), id.name.clone()));
        }
        let ours = kind.is_ours() && kind.is_namespaced();
        if ours && self.options.namespace.as_ref().is_some_and(|ours| *ours != id.namespace) {
            return;
        }
        let readable = kind.is_report() || self.read(kind, &id, object);
        if self.keep.facts {
            self.note_facts(kind, &id, object, readable);
            self.report(kind, &id, Some(object));
        }
        if self.texts.len() > FEW_TEXTS.max(2 * self.texts_after_tidying) {
            self.texts.keep_common();
            self.texts_after_tidying = self.texts.len();
        }
    }

    /// An object is gone.
    pub fn remove(&mut self, kind: Kind, namespace: &str, name: &str) {
        let id = ObjectRef { kind: kind.name(), namespace: namespace.into(), name: name.into() };
        self.note_problems(kind, &id, Vec::new());
        self.take_in(kind, &id, Snapshot::default());
        let View { facts, objects, changed, .. } = &mut self.view;
        let key = ServiceKey::of(&id);
        if kind == Kind::Service && facts.remove(&key).is_some() {
            changed.services.insert(key);
        } else if objects.remove(&id).is_some() {
            changed.objects.insert(id);
        } else if kind.is_report() {
            self.report(kind, &id, None);
        }
    }

    fn report(&mut self, kind: Kind, id: &ObjectRef, object: Option<&Value>) {
        let Self { view, texts, announced, .. } = self;
        let known = (announced, &mut view.changed);
        view.reports.take((kind, id), object, known, &mut |text| texts.intern(text));
    }

    /// What is known now, and what changed since the last call.
    pub fn view(&mut self) -> View {
        let mut view = self.view.clone();
        view.parsed.problems = self.problems.values().flatten().cloned().collect();
        self.view.changed = Changed::default();
        view
    }

    /// What is known of everything but Services and EndpointSlices.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.view.parsed.snapshot.configuration
    }

    /// Whether anything changed since the last [`Self::view`].
    #[must_use]
    pub fn has_changed(&self) -> bool {
        !self.view.changed.is_empty()
    }

    fn id(&mut self, kind: Kind, object: &Value) -> ObjectRef {
        let metadata = object.get("metadata").unwrap_or(&Value::Null);
        let mut text = |key| self.texts.intern(facts::text(metadata, key).unwrap_or_default());
        // The reader finds the same copies.
        ObjectRef { kind: kind.name(), namespace: text("namespace"), name: text("name") }
    }

    /// Whether it could be read.
    fn read(&mut self, kind: Kind, id: &ObjectRef, object: &Value) -> bool {
        let mut reader = Reader::new(&[], &self.options, std::mem::take(&mut self.texts));
        reader.object_of(&kind.api_version(), kind.name(), &tree(object));
        let (Parsed { snapshot, mut problems, .. }, texts) = reader.finish();
        self.texts = texts;
        // A field of Kubernetes' own kinds that this program does not know is no mistake of anybody.
        let unknown = InputError::UnknownField { nearest: None }.reason();
        problems.retain(|problem| kind.is_ours() || problem.reason != unknown);
        for problem in &mut problems {
            problem.location = None;
            problem.object.get_or_insert_with(|| id.clone());
        }
        let readable = problems.iter().all(|problem| problem.severity != Severity::Error);
        self.note_problems(kind, id, problems);
        if readable || kind.is_ours() {
            self.take_in(kind, id, snapshot);
        }
        readable
    }

    fn note_problems(&mut self, kind: Kind, id: &ObjectRef, problems: Vec<Problem>) {
        let same = self.problems.get(id).map_or(problems.is_empty(), |known| *known == problems);
        if same {
            return;
        }
        let View { parsed: Parsed { snapshot, .. }, changed, .. } = &mut self.view;
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            snapshot.unreadable.insert(id.clone());
        } else {
            snapshot.unreadable.remove(id);
        }
        changed.configuration = true;
        if kind == Kind::Service {
            changed.services.insert(ServiceKey::of(id));
        }
        if problems.is_empty() {
            self.problems.remove(id);
        } else {
            self.problems.insert(id.clone(), problems);
        }
    }

    /// Takes the one object in that was read, or out if there is none.
    fn take_in(&mut self, kind: Kind, id: &ObjectRef, mut one: Snapshot) {
        match kind {
            Kind::Service => self.take_in_service(id, &one),
            Kind::EndpointSlice => self.take_in_slice(id, &one),
            _ => {
                let one: Configuration = std::mem::take(&mut *one);
                let View { parsed: Parsed { snapshot, .. }, changed, .. } = &mut self.view;
                changed.configuration |= place::put(kind, snapshot, id, one);
            }
        }
    }

    fn take_in_service(&mut self, id: &ObjectRef, one: &Snapshot) {
        let View { parsed: Parsed { snapshot, .. }, changed, .. } = &mut self.view;
        let key = ServiceKey::of(id);
        let trim = |new: &Arc<Service>| if self.keep.plan_only { Service::trimmed(new) } else { new.clone() };
        let new = one.services.get(&key).map(trim);
        if snapshot.services.get(&key) == new.as_ref() {
            return;
        }
        match new {
            Some(new) => drop(snapshot.services.insert(key.clone(), new)),
            None => drop(snapshot.services.remove(&key)),
        }
        changed.services.insert(key);
    }

    fn take_in_slice(&mut self, id: &ObjectRef, one: &Snapshot) {
        let View { parsed: Parsed { snapshot, .. }, changed, .. } = &mut self.view;
        let new = one.endpoint_slices.iter().next();
        if self.slices.get(id).map(|ByName(before)| before) == new.map(|(_, new)| new) {
            return;
        }
        if let Some(ByName(before)) = self.slices.take(id) {
            let key = before.key();
            snapshot.endpoint_slices.remove(&key);
            changed.services.insert(key.service);
        }
        if let Some((key, new)) = new {
            snapshot.endpoint_slices.insert(key.clone(), new.clone());
            changed.services.insert(key.service.clone());
            self.slices.insert(ByName(new.clone()));
        }
    }

    fn note_facts(&mut self, kind: Kind, id: &ObjectRef, object: &Value, readable: bool) {
        let Self { view, texts, .. } = self;
        match kind {
            Kind::Service => {
                let key = ServiceKey::of(id);
                // Of one that cannot be read the type is not known: it counts if it has facts already.
                let service = view.parsed.snapshot.services.get(&key).filter(|_| readable);
                let was_known = !readable && view.facts.contains_key(&key);
                let new = facts::of_service(object, service.map(|s| &**s), was_known, &mut |text| {
                    texts.intern(text)
                });
                if view.facts.get(&key).map(|known| &**known) == new.as_ref() {
                    return;
                }
                match new {
                    Some(new) => drop(view.facts.insert(key.clone(), Arc::new(new))),
                    None => drop(view.facts.remove(&key)),
                }
                view.changed.services.insert(key);
            }
            Kind::IpAddressPool
            | Kind::L2Advertisement
            | Kind::BgpAdvertisement
            | Kind::BgpPeer
            | Kind::BfdProfile
            | Kind::Community
            | Kind::FrrConfiguration
            | Kind::ConfigurationState => {
                let new = facts::of_object(object);
                if view.objects.get(id).is_none_or(|known| **known != new) {
                    view.objects.insert(id.clone(), Arc::new(new));
                    view.changed.objects.insert(id.clone());
                }
            }
            _ => {}
        }
    }
}

/// The object as a tree, of its metadata only what decisions read.
fn tree(object: &Value) -> Tree<'_> {
    let at = Mark { line: 0, column: 0 };
    let mut tree = Tree::of_json(object, at);
    if let TreeValue::Map(entries) = &mut tree.value {
        for Entry { key, value, .. } in entries {
            if let (Cow::Borrowed("metadata"), TreeValue::Map(metadata)) = (&*key, &mut value.value) {
                metadata.retain(|entry| METADATA.contains(&&*entry.key));
            }
        }
    }
    tree
}

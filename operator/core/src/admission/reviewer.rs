//! Judges requests against one Snapshot, of which it keeps what all of them need.

use super::incoming::{self, Incoming, object_ref};
use super::nodes::{self, Keys};
use super::recent::{Millis, Recent};
use super::{AdmissionError, Operation, Options, Request, Verdict};
use super::{references, set, warnings};
use crate::model::{Built, InForce, Model};
use crate::problem::{FieldPath, ObjectRef, Problem, Severity};
use crate::snapshot::{Configuration, Snapshot};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

/// Kinds that are judged.
const KINDS: [&str; 7] = [
    "IPAddressPool",
    "L2Advertisement",
    "BGPAdvertisement",
    "BGPPeer",
    "BFDProfile",
    "Community",
    FRR_CONFIGURATION,
];
/// frr-k8s takes these from any namespace.
const FRR_CONFIGURATION: &str = "FRRConfiguration";
/// Kinds whose objects meet on nodes with those of others.
const MEET_ON_NODES: [&str; 3] = ["BGPPeer", "BFDProfile", FRR_CONFIGURATION];

/// Judges requests one after the other. What it admits counts from then on, until it is seen in a Snapshot or was not
/// stored after all.
#[derive(Debug)]
pub struct Reviewer {
    options: Options,
    whole: Arc<Configuration>,
    recent: Recent,
    base: Base,
}

/// What is there, all of it taken to be in force.
#[derive(Debug, Clone)]
struct Base {
    /// Without Services and what belongs to them, and with few nodes.
    snapshot: Snapshot,
    keys: Keys,
    in_force: InForce,
    /// What is wrong already.
    known: HashSet<Said>,
}

/// A problem without the nodes that it is said of.
type Said = (Option<ObjectRef>, FieldPath, &'static str, String);

fn said(problem: &Problem) -> Said {
    (problem.object.clone(), problem.field.clone(), problem.reason, problem.message.clone())
}

fn is_error(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}

/// What is there, and what was admitted and is not there yet.
fn base(whole: &Configuration, recent: &Recent, options: &Options) -> Base {
    let mut configuration = Configuration { nodes: Vec::new(), ..whole.clone() };
    recent.add_to(&mut configuration);
    configuration.nodes = nodes::representatives(&whole.nodes, &nodes::keys(&configuration));
    Base::of(configuration, options)
}

impl Base {
    fn of(configuration: Configuration, options: &Options) -> Self {
        let keys = nodes::keys(&configuration);
        let snapshot = Snapshot { configuration: Arc::new(configuration), ..Snapshot::default() };
        let Built { problems, in_force, .. } =
            Model::build_configuration(&snapshot, &InForce::default(), &options.model);
        Self { snapshot, keys, in_force, known: problems.iter().map(said).collect() }
    }
}

impl Reviewer {
    /// For a cluster in which this is.
    #[must_use]
    pub fn new(snapshot: &Snapshot, options: &Options) -> Self {
        let whole = snapshot.configuration.clone();
        let recent = Recent::default();
        let base = base(&whole, &recent, options);
        Self { options: options.clone(), whole, recent, base }
    }

    /// Takes in what is there now. Costs nothing while the configuration is the same.
    pub fn see(&mut self, snapshot: &Snapshot, now: Millis) {
        let is_new = !Arc::ptr_eq(&self.whole, &snapshot.configuration);
        if is_new {
            self.whole = snapshot.configuration.clone();
        }
        if self.recent.forget(&self.whole, now) || is_new {
            self.base = base(&self.whole, &self.recent, &self.options);
        }
    }

    /// When everything that was admitted will have been seen or forgotten; `None` where it is so. An answer that depends
    /// on others may be another then.
    #[must_use]
    pub fn settles(&self) -> Option<Millis> {
        self.recent.settles()
    }

    /// Judges a request.
    pub fn review(&mut self, request: &Request<'_>, now: Millis) -> Verdict {
        let Some(kind) = KINDS.into_iter().find(|kind| *kind == request.kind) else {
            return Verdict::default();
        };
        match (request.operation, request.object) {
            (Operation::Delete, _) if kind == "BFDProfile" => self.deletion(request),
            (Operation::Create | Operation::Update, Some(object)) if !is_going(object) => {
                self.storage(kind, request, object, now)
            }
            _ => Verdict::default(),
        }
    }

    /// Whether objects of this kind and namespace are configuration.
    fn counts(&self, kind: &str, namespace: &str) -> bool {
        kind == FRR_CONFIGURATION || self.options.namespace.as_deref().is_none_or(|ours| ours == namespace)
    }

    fn deletion(&self, request: &Request<'_>) -> Verdict {
        let users = self.base.snapshot.peers.iter().filter(|peer| {
            *peer.meta.object.namespace == *request.namespace
                && peer.spec.bfd_profile.as_deref() == Some(request.name)
        });
        let refusal = |peer: &str| {
            let why =
                AdmissionError::ProfileInUse { profile: request.name.to_owned(), peer: peer.to_owned() };
            let object = object_ref("BFDProfile", request.namespace, request.name);
            Problem::error(&object, FieldPath::default(), &why)
        };
        let errors: Vec<Problem> = users.map(|peer| refusal(&peer.meta.object.name)).collect();
        Verdict { depends_on_others: !errors.is_empty(), errors, warnings: Vec::new() }
    }

    fn storage(&mut self, kind: &'static str, request: &Request<'_>, object: &Value, now: Millis) -> Verdict {
        let new = incoming::read(object);
        let old = request.old.filter(|_| request.operation == Operation::Update).map(incoming::read);
        // Whatever is wrong with it was so before: nothing is gained by refusing a label or a finalizer.
        if old.as_ref().is_some_and(|old| old.counts_like(&new)) {
            return Verdict::default();
        }
        let old = old.unwrap_or_default();
        let id = object_ref(kind, request.namespace, request.name);
        let mut errors = self.place(&id, request.operation);
        let counts = self.counts(kind, request.namespace);
        errors.extend(new.errors().cloned());
        errors.extend(changed_for_good(&old, &new));
        let base = if counts { Cow::Borrowed(&self.base) } else { Cow::Owned(self.alone()) };
        let (judged, after) = self.judged(&new, &base);
        let (judged, notes): (Vec<_>, Vec<_>) = judged.into_iter().partition(is_error);
        let (dangling, judged): (Vec<_>, Vec<_>) = judged.into_iter().partition(references::is_reference);
        errors.extend(judged);
        errors.extend(self.beside(&new, &dangling, &base));
        let errors = joined(errors);
        let read = new.problems.iter().filter(|problem| !is_error(problem));
        let notes = joined(read.cloned().chain(notes).chain(dangling).collect());
        let verdict = Verdict {
            depends_on_others: counts && self.depends_on_others(&errors, &new),
            warnings: warnings::lines(&new.configuration, &old.configuration, &notes),
            errors,
        };
        if verdict.allowed() && counts && !request.dry_run && !request.name.is_empty() {
            self.recent.admit(id, new.configuration, &self.whole, now);
            self.base = after;
        }
        verdict
    }

    /// Whether the object is where it is read.
    fn place(&self, id: &ObjectRef, operation: Operation) -> Vec<Problem> {
        let wrong = operation == Operation::Create && !self.counts(id.kind, &id.namespace);
        let ours = self.options.namespace.iter().filter(|_| wrong);
        let why = |ours: &Arc<str>| AdmissionError::Namespace(ours.to_string());
        ours.map(|ours| Problem::error(id, FieldPath::of("metadata.namespace"), &why(ours))).collect()
    }

    /// What is wrong with an object beside references that lead nowhere, which may hide it.
    fn beside(&self, new: &Incoming, dangling: &[Problem], base: &Base) -> Vec<Problem> {
        if dangling.is_empty() {
            return Vec::new();
        }
        let configuration = references::without(&new.configuration, dangling);
        let (rest, _) = self.judged(&Incoming { configuration, problems: Vec::new() }, base);
        rest.into_iter().filter(|problem| is_error(problem) && !references::is_reference(problem)).collect()
    }

    /// No other object of ours; what else is in the cluster is there.
    fn alone(&self) -> Base {
        let Configuration { nodes, secrets, namespaces, .. } = self.base.snapshot.configuration.as_ref();
        let configuration = Configuration {
            nodes: nodes.clone(),
            secrets: secrets.clone(),
            namespaces: namespaces.clone(),
            ..Configuration::default()
        };
        let snapshot = Snapshot { configuration: Arc::new(configuration), ..Snapshot::default() };
        Base { snapshot, keys: self.base.keys.clone(), in_force: InForce::default(), known: HashSet::new() }
    }

    /// What is wrong with the object as it is to be, and what it would make wrong with others.
    /// And what is in force after it.
    fn judged(&self, new: &Incoming, base: &Base) -> (Vec<Problem>, Base) {
        let mut snapshot = base.snapshot.clone();
        set::put(&mut snapshot, &new.configuration);
        let keys: Keys = nodes::keys(&new.configuration).union(&base.keys).cloned().collect();
        if keys != base.keys {
            snapshot.nodes = nodes::representatives(&self.whole.nodes, &keys);
        }
        let Built { model, problems, in_force } =
            Model::build_configuration(&snapshot, &base.in_force, &self.options.model);
        let known = problems.iter().map(said).collect();
        let after = Base { snapshot, keys, in_force, known };
        let Some(id) = set::object(&new.configuration) else { return (Vec::new(), after) };
        let mine = |problem: &Problem| problem.object.as_ref() == Some(id);
        let is_new = |problem: &Problem| is_error(problem) && !base.known.contains(&said(problem));
        let mut problems: Vec<Problem> =
            problems.into_iter().filter(|problem| mine(problem) || is_new(problem)).collect();
        if MEET_ON_NODES.contains(&id.kind) {
            problems.extend(nodes::refusals(&model, id, &new.configuration, &self.options));
        }
        (problems, after)
    }

    /// Whether the object would be admitted, or refused for less, if it were the only one.
    fn depends_on_others(&self, errors: &[Problem], new: &Incoming) -> bool {
        let read: HashSet<Said> = new.errors().map(said).collect();
        let mut open = errors.iter().filter(|error| !read.contains(&said(error))).peekable();
        if open.peek().is_none() {
            return false;
        }
        let own: HashSet<Said> = self.judged(new, &self.alone()).0.iter().map(said).collect();
        open.any(|error| !own.contains(&said(error)))
    }
}

/// Whether the object is deleted and only waits for its finalizers.
fn is_going(object: &Value) -> bool {
    object["metadata"].get("deletionTimestamp").is_some_and(|time| !time.is_null())
}

/// What may not change, as the schema says of v1beta2.
fn changed_for_good(old: &Incoming, new: &Incoming) -> Option<Problem> {
    let (old, new) = (old.configuration.peers.first()?, new.configuration.peers.first()?);
    let (before, after) = (old.spec.enable_graceful_restart?, new.spec.enable_graceful_restart?);
    let field = FieldPath::of("spec.enableGracefulRestart");
    (before != after).then(|| Problem::error(&new.meta.object, field, &AdmissionError::GracefulRestart))
}

/// Each problem once, with all nodes that it is said of.
fn joined(problems: Vec<Problem>) -> Vec<Problem> {
    let mut joined: Vec<Problem> = Vec::with_capacity(problems.len());
    for problem in problems {
        match joined.iter_mut().find(|known| said(known) == said(&problem)) {
            // Without nodes it is said of all of them.
            Some(known) if known.nodes.is_empty() || problem.nodes.is_empty() => known.nodes.clear(),
            Some(known) => {
                let more = problem.nodes.into_iter().filter(|node| !known.nodes.contains(node));
                let more: Vec<_> = more.collect();
                known.nodes.extend(more);
            }
            None => joined.push(problem),
        }
    }
    joined
}

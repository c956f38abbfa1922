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

/// What a Snapshot says of requests. Cheap to ask, dear to make: keep it as long as the configuration is the same.
#[derive(Debug)]
pub struct Reviewer {
    options: Options,
    whole: Arc<Configuration>,
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
    /// Prepares for requests while the configuration is this one.
    #[must_use]
    pub fn new(snapshot: &Snapshot, options: &Options) -> Self {
        let whole = snapshot.configuration.clone();
        let mut configuration = Configuration { nodes: Vec::new(), ..whole.as_ref().clone() };
        configuration.nodes = nodes::representatives(&whole.nodes, &nodes::keys(&whole));
        Self { options: options.clone(), whole, base: Base::of(configuration, options) }
    }

    /// Whether it was made for the configuration of this Snapshot.
    #[must_use]
    pub fn is_for(&self, snapshot: &Snapshot) -> bool {
        Arc::ptr_eq(&self.whole, &snapshot.configuration)
    }

    /// Judges a request. `recent` is what was admitted before and is not in the Snapshot yet.
    #[must_use]
    pub fn review(&self, request: &Request<'_>, recent: &Recent, now: Millis) -> Verdict {
        let Some(kind) = KINDS.into_iter().find(|kind| *kind == request.kind) else {
            return Verdict::default();
        };
        match (request.operation, request.object) {
            (Operation::Delete, _) if kind == "BFDProfile" => self.deletion(request, recent, now),
            (Operation::Create | Operation::Update, Some(object)) if !is_going(object) => {
                self.storage(kind, request, object, &self.base(recent, now))
            }
            _ => Verdict::default(),
        }
    }

    /// Notes that an object was admitted and will be stored, if nobody else refuses it.
    pub fn admitted(&self, request: &Request<'_>, recent: &mut Recent, now: Millis) {
        let stored = matches!(request.operation, Operation::Create | Operation::Update) && !request.dry_run;
        let kind = KINDS.into_iter().find(|kind| *kind == request.kind && stored);
        if let (Some(kind), Some(object)) = (kind, request.object)
            && self.counts(kind, request.namespace)
            && !request.name.is_empty()
        {
            let id = object_ref(kind, request.namespace, request.name);
            recent.admit(id, incoming::read(object).configuration, &self.base.snapshot.configuration, now);
        }
    }

    fn base(&self, recent: &Recent, now: Millis) -> Cow<'_, Base> {
        let mut configuration = Cow::Borrowed(self.base.snapshot.configuration.as_ref());
        if recent.is_empty(now) || !recent.add_to(configuration.to_mut(), now) {
            return Cow::Borrowed(&self.base);
        }
        let mut configuration = configuration.into_owned();
        let keys = nodes::keys(&configuration);
        if !keys.is_subset(&self.base.keys) {
            configuration.nodes = nodes::representatives(&self.whole.nodes, &keys);
        }
        Cow::Owned(Base::of(configuration, &self.options))
    }

    /// Whether objects of this kind and namespace are configuration.
    fn counts(&self, kind: &str, namespace: &str) -> bool {
        kind == FRR_CONFIGURATION || self.options.namespace.as_deref().is_none_or(|ours| ours == namespace)
    }

    fn deletion(&self, request: &Request<'_>, recent: &Recent, now: Millis) -> Verdict {
        let base = self.base(recent, now);
        let users = base.snapshot.peers.iter().filter(|peer| {
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

    fn storage(&self, kind: &'static str, request: &Request<'_>, object: &Value, base: &Base) -> Verdict {
        let new = incoming::read(object);
        let old = request.old.filter(|_| request.operation == Operation::Update).map(incoming::read);
        // Whatever is wrong with it was so before: nothing is gained by refusing a label or a finalizer.
        if old.as_ref().is_some_and(|old| old.counts_like(&new)) {
            return Verdict::default();
        }
        let old = old.unwrap_or_default();
        let id = object_ref(kind, request.namespace, request.name);
        let counts = self.counts(kind, request.namespace);
        let mut errors: Vec<Problem> = Vec::new();
        if let (false, Operation::Create, Some(ours)) = (counts, request.operation, &self.options.namespace) {
            let why = AdmissionError::Namespace(ours.to_string());
            errors.push(Problem::error(&id, FieldPath::of("metadata.namespace"), &why));
        }
        errors.extend(new.errors().cloned());
        errors.extend(changed_for_good(&old, &new));
        let alone = self.alone();
        let judged = self.judged(&new, if counts { base } else { &alone });
        let (others, mut notes): (Vec<_>, Vec<_>) =
            judged.into_iter().partition(|problem| problem.severity == Severity::Error);
        let (dangling, others): (Vec<_>, Vec<_>) = others.into_iter().partition(references::is_reference);
        errors.extend(others);
        if !dangling.is_empty() {
            let configuration = references::without(&new.configuration, &dangling);
            let rest = Incoming { configuration, problems: Vec::new() };
            let rest = self.judged(&rest, if counts { base } else { &alone });
            errors.extend(
                rest.into_iter().filter(|p| p.severity == Severity::Error && !references::is_reference(p)),
            );
            notes.extend(dangling);
        }
        let notes: Vec<Problem> = joined(new.problems.iter().cloned().chain(notes).collect())
            .into_iter()
            .filter(|problem| references::is_reference(problem) || problem.severity == Severity::Warning)
            .collect();
        let errors = joined(errors);
        Verdict {
            depends_on_others: self.depends_on_others(&errors, &new, &alone),
            warnings: warnings::lines(&new.configuration, &old.configuration, &notes),
            errors,
        }
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
    fn judged(&self, new: &Incoming, base: &Base) -> Vec<Problem> {
        let mut snapshot = base.snapshot.clone();
        set::put(&mut snapshot, &new.configuration);
        let keys = nodes::keys(&new.configuration);
        if !keys.is_subset(&base.keys) {
            let all = keys.union(&base.keys).cloned().collect();
            snapshot.nodes = nodes::representatives(&self.whole.nodes, &all);
        }
        let Built { model, problems, .. } =
            Model::build_configuration(&snapshot, &base.in_force, &self.options.model);
        let Some(id) = set::object(&new.configuration) else { return Vec::new() };
        let mine = |problem: &Problem| problem.object.as_ref() == Some(id);
        let is_new = |p: &Problem| p.severity == Severity::Error && !base.known.contains(&said(p));
        let mut problems: Vec<Problem> =
            problems.into_iter().filter(|problem| mine(problem) || is_new(problem)).collect();
        if MEET_ON_NODES.contains(&id.kind) {
            problems.extend(nodes::refusals(&model, id, &new.configuration, &self.options));
        }
        problems
    }

    fn depends_on_others(&self, errors: &[Problem], new: &Incoming, alone: &Base) -> bool {
        if errors.is_empty() {
            return false;
        }
        let own: HashSet<Said> = self.judged(new, alone).iter().chain(&new.problems).map(said).collect();
        errors.iter().any(|error| !own.contains(&said(error)) && error.reason != "WrongNamespace")
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

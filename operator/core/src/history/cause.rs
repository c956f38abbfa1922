//! What changed between two Snapshots.

use super::manifest::{Extras, Object};
use super::pairs::pairs;
use super::{Counts, MASK, ObjectChange};
use crate::model::{self, InForce};
use crate::problem::ObjectRef;
use crate::snapshot::{Configuration, Custom, Labels, Meta, Snapshot};
use herald_frr::render::mask_passwords;
use herald_frr::shared::{Change, SharedMap};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many objects are kept with their manifests; further ones are counted.
const OBJECTS: usize = 50;

/// A manifest that takes more bytes than this as JSON is left out.
const MANIFEST_BYTES: usize = 16 << 10;

/// An object before and after.
type Forms<'a, T> = (Option<&'a T>, Option<&'a T>);

/// What changed in the objects.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Causes {
    /// The objects that changed, the first 50 of them: in the order of kinds, namespaces and names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectChange>,
    /// How many more changed, by kind.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub more: Counts,
}

impl Causes {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.more.is_empty()
    }

    /// Adds what changed later; no more than 50 objects are kept.
    pub fn then(&mut self, later: Self) {
        merge(&mut self.objects, later.objects);
        for change in self.objects.split_off(OBJECTS.min(self.objects.len())) {
            *self.more.entry(change.kind).or_default() += 1;
        }
        for (kind, count) in later.more {
            *self.more.entry(kind).or_default() += count;
        }
    }

    fn push(&mut self, change: ObjectChange) {
        if self.objects.len() < OBJECTS {
            self.objects.push(change);
        } else {
            *self.more.entry(change.kind).or_default() += 1;
        }
    }

    fn is_full(&self) -> bool {
        self.objects.len() >= OBJECTS
    }

    fn compare<T: Object>(&mut self, before: &[T], after: &[T]) {
        for (old, new) in pairs(before.iter(), after.iter(), |old, new| old.key().cmp(&new.key())) {
            if old != new {
                self.change(old, new);
            }
        }
    }

    fn compare_configuration(&mut self, before: &Configuration, after: &Configuration, node: &str) {
        self.compare(&before.frr_configurations, &after.frr_configurations);
        self.compare(&extras(before), &extras(after));
        self.compare(&before.settings, &after.settings);
        self.compare(&before.peers, &after.peers);
        self.compare(&before.bgp_advertisements, &after.bgp_advertisements);
        self.compare(&before.l2_advertisements, &after.l2_advertisements);
        self.compare(&before.bfd_profiles, &after.bfd_profiles);
        self.compare(&before.communities, &after.communities);
        self.compare(&before.pools, &after.pools);
        self.compare(&before.secrets, &after.secrets);
        self.compare(&before.namespaces, &after.namespaces);
        let own =
            |configuration: &Configuration| configuration.nodes.iter().find(|n| &*n.name == node).cloned();
        self.compare(own(before).as_slice(), own(after).as_slice());
    }

    /// Takes what changed, not what there is. Of one object that has another key now, both forms count as one change.
    fn compare_shared<K: Ord, T: Object>(
        &mut self,
        before: &SharedMap<K, Arc<T>>,
        after: &SharedMap<K, Arc<T>>,
    ) {
        let changes = before.changes(after);
        let mut objects: BTreeMap<(&str, &str), Forms<'_, T>> = BTreeMap::new();
        for Change { before, after, .. } in &changes {
            for old in before.iter().copied() {
                objects.entry(old.key()).or_default().0 = Some(old);
            }
            for new in after.iter().copied() {
                objects.entry(new.key()).or_default().1 = Some(new);
            }
        }
        for (old, new) in objects.into_values() {
            self.change(old, new);
        }
    }

    fn change<T: Object>(&mut self, old: Option<&T>, new: Option<&T>) {
        let Some(object) = new.or(old) else { return };
        if self.is_full() {
            *self.more.entry(T::KIND.to_owned()).or_default() += 1;
            return;
        }
        let (before, after) = (old.map(T::manifest), new.map(T::manifest));
        let hidden = matches!((old, new), (Some(old), Some(new)) if !old.same_secret(new));
        if before == after && !hidden {
            return;
        }
        let (mut old_secrets, mut new_secrets) = (Vec::new(), Vec::new());
        let before = before.map(|manifest| masked(manifest, &mut old_secrets));
        let after = after.map(|manifest| masked(manifest, &mut new_secrets));
        let secret = hidden || (before.is_some() && after.is_some() && old_secrets != new_secrets);
        let size = |value: &Option<Value>| value.as_ref().map_or(0, |value| value.to_string().len());
        let omitted = size(&before).max(size(&after)) > MANIFEST_BYTES;
        let keep = |value: Option<Value>| value.map(|value| if omitted { name_of(&value) } else { value });
        let (namespace, name) = object.key();
        self.push(ObjectChange {
            kind: T::KIND.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            generation: object.generation(),
            before: keep(before),
            after: keep(after),
            secret,
            omitted,
        });
    }
}

/// Adds what changed later: of an object, the first form before and the last form after count. One that is as it
/// was is no change.
pub(super) fn merge(known: &mut Vec<ObjectChange>, later: Vec<ObjectChange>) {
    for change in later {
        let name =
            |change: &ObjectChange| (change.kind.clone(), change.namespace.clone(), change.name.clone());
        match known.iter_mut().find(|known| name(known) == name(&change)) {
            Some(known) => {
                known.after = change.after;
                known.generation = change.generation;
                known.secret |= change.secret;
                known.omitted |= change.omitted;
            }
            None => known.push(change),
        }
    }
    known.retain(|change| {
        let unknown = (change.secret || change.omitted) && change.before.is_some() && change.after.is_some();
        change.before != change.after || unknown
    });
}

/// What changed for `node` from one Snapshot to the next; of Nodes only its own. Secrets count by name.
///
/// Of Services and EndpointSlices it costs what changed, of other kinds one comparison per object.
#[must_use]
pub fn causes(before: &Snapshot, after: &Snapshot, node: &str) -> Causes {
    let mut causes = Causes::default();
    if !Arc::ptr_eq(&before.configuration, &after.configuration) {
        causes.compare_configuration(before, after, node);
    }
    causes.compare_shared(&before.services, &after.services);
    causes.compare_shared(&before.endpoint_slices, &after.endpoint_slices);
    causes
}

/// What changed while nobody looked: since these forms were in force. Of other objects nothing is known, so they
/// count as they are.
#[must_use]
pub fn causes_since(in_force: &InForce, after: &Snapshot, node: &str) -> Causes {
    let mut before = after.clone();
    let kept = &mut *before;
    restore(&mut kept.frr_configurations, &in_force.frr_configurations);
    restore_as("ConfigMap", &mut kept.bgp_extras, &in_force.bgp_extras);
    restore(&mut kept.peers, &in_force.peers);
    restore(&mut kept.bgp_advertisements, &in_force.bgp_advertisements);
    restore(&mut kept.l2_advertisements, &in_force.l2_advertisements);
    restore(&mut kept.bfd_profiles, &in_force.bfd_profiles);
    restore(&mut kept.communities, &in_force.communities);
    restore(&mut kept.pools, &in_force.pools);
    causes(&before, after, node)
}

fn restore<S: Clone>(objects: &mut Vec<Custom<S>>, forms: &model::Forms<S>)
where
    Custom<S>: Object,
{
    restore_as(<Custom<S> as Object>::KIND, objects, forms);
}

fn restore_as<S: Clone>(kind: &'static str, objects: &mut Vec<Custom<S>>, forms: &model::Forms<S>)
where
    Custom<S>: Object,
{
    let now = std::mem::take(objects);
    for (key, form) in forms {
        let Some((namespace, name)) = key.split_once('/') else { continue };
        let same = now.iter().find(|object| object.key() == (namespace, name));
        let object = ObjectRef { kind, namespace: namespace.into(), name: name.into() };
        let unnamed = || Meta {
            object,
            labels: Labels::new(),
            annotations: Labels::new(),
            created: "".into(),
            generation: 0,
        };
        // What is not kept of the form counts as unchanged.
        let meta = same.map_or_else(unnamed, |object| object.meta.clone());
        objects.push(Custom { meta: Meta { labels: form.labels.clone(), ..meta }, spec: form.spec.clone() });
    }
    objects.sort_by(|one, other| one.key().cmp(&other.key()));
}

fn extras(configuration: &Configuration) -> Vec<Extras<'_>> {
    configuration.bgp_extras.iter().map(Extras).collect()
}

/// What is kept of a manifest that is too large.
fn name_of(manifest: &Value) -> Value {
    let metadata = &manifest["metadata"];
    json!({
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": {"namespace": metadata["namespace"], "name": metadata["name"]},
    })
}

/// The value with every password masked: of the fields of that name, and of hand-written lines of FRR. What was
/// masked is added to `secrets`.
fn masked(mut value: Value, secrets: &mut Vec<String>) -> Value {
    mask(&mut value, secrets);
    value
}

fn mask(value: &mut Value, secrets: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "password" && !text.is_empty() => {
                        secrets.push(std::mem::replace(text, MASK.to_owned()));
                    }
                    other => mask(other, secrets),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, secrets)),
        Value::String(text) => {
            if let Cow::Owned(masked) = mask_passwords(text) {
                secrets.push(std::mem::replace(text, masked));
            }
        }
        _ => {}
    }
}

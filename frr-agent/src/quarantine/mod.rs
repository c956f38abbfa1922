//! Objects of which FRR refused a line: held at the form that FRR took last, so that all else goes on.

mod passwords;

use crate::machine::RefusedLine;
use herald_core::model::{Forms, InForce};
use herald_core::problem::ObjectRef;
use herald_core::snapshot::{Custom, Snapshot};
use herald_crds::{frrk8s, metallb};
use herald_frr::value::Password;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use passwords::{NamesSecrets, Passwords};

/// The refused objects of each kind that has lines in FRR, each in the form that was refused.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Quarantine {
    frr_configurations: Refused<frrk8s::FRRConfigurationSpec>,
    bgp_extras: Refused<frrk8s::FRRConfigurationSpec>,
    peers: Refused<metallb::BGPPeerSpec>,
    bfd_profiles: Refused<metallb::BFDProfileSpec>,
    bgp_advertisements: Refused<metallb::BGPAdvertisementSpec>,
    /// What their Secrets held, by the same names: an object whose Secret changes has changed.
    passwords: BTreeMap<String, Passwords>,
}

/// Refused forms by the name that objects have in origins.
type Refused<S> = BTreeMap<String, S>;

impl Quarantine {
    /// Holds the objects behind refused lines, in the form that they have in `snapshot`. Returns whether
    /// there was any; if not, nothing but a change of the manifests helps.
    pub fn add(&mut self, lines: &[RefusedLine], snapshot: &Snapshot) -> bool {
        let origins: Vec<String> =
            lines.iter().flat_map(|line| &line.origins).map(ToString::to_string).collect();
        self.add_named(&origins, snapshot)
    }

    /// Holds an object, named as in origins, in the form that it has in `snapshot`.
    pub fn add_object(&mut self, object: &str, snapshot: &Snapshot) -> bool {
        self.add_named(&[object.to_owned()], snapshot)
    }

    /// Whether an object, named as in origins, is held.
    #[must_use]
    pub fn holds(&self, object: &str) -> bool {
        self.frr_configurations.contains_key(object)
            || self.bgp_extras.contains_key(object)
            || self.peers.contains_key(object)
            || self.bfd_profiles.contains_key(object)
            || self.bgp_advertisements.contains_key(object)
    }

    /// Whether no object is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        let Self { frr_configurations, bgp_extras, peers, bfd_profiles, bgp_advertisements, passwords: _ } =
            self;
        frr_configurations.len()
            + bgp_extras.len()
            + peers.len()
            + bfd_profiles.len()
            + bgp_advertisements.len()
    }

    fn add_named(&mut self, origins: &[String], snapshot: &Snapshot) -> bool {
        let added = [
            add(&mut self.frr_configurations, origins, &snapshot.frr_configurations),
            add(&mut self.bgp_extras, origins, &snapshot.bgp_extras),
            add(&mut self.peers, origins, &snapshot.peers),
            add(&mut self.bfd_profiles, origins, &snapshot.bfd_profiles),
            add(&mut self.bgp_advertisements, origins, &snapshot.bgp_advertisements),
        ];
        for (name, passwords) in self.passwords_now(snapshot) {
            if origins.iter().any(|origin| is_of(origin, &name)) {
                self.passwords.insert(name, passwords);
            }
        }
        added.contains(&true)
    }

    /// What the Secrets of refused objects hold now.
    fn passwords_now(&self, snapshot: &Snapshot) -> BTreeMap<String, Passwords> {
        let peers = passwords(&self.peers, &snapshot.peers, snapshot);
        let configurations = passwords(&self.frr_configurations, &snapshot.frr_configurations, snapshot);
        let extras = passwords(&self.bgp_extras, &snapshot.bgp_extras, snapshot);
        peers.chain(configurations).chain(extras).collect()
    }

    /// Puts the forms that FRR took last in the place of refused ones; without one the object is left out. An
    /// object that has changed since is let through and forgotten: it is a new attempt. Returns whether any was.
    pub fn hold(&mut self, snapshot: &mut Snapshot, taken: &InForce) -> bool {
        let before = self.len();
        if before == 0 {
            return false;
        }
        let now = self.passwords_now(snapshot);
        let mut held = Held { then: &self.passwords, now: &now, passwords: BTreeMap::new() };
        held.hold(&mut self.frr_configurations, &mut snapshot.frr_configurations, &taken.frr_configurations);
        held.hold(&mut self.bgp_extras, &mut snapshot.bgp_extras, &taken.bgp_extras);
        held.hold(&mut self.peers, &mut snapshot.peers, &taken.peers);
        held.hold(&mut self.bfd_profiles, &mut snapshot.bfd_profiles, &taken.bfd_profiles);
        held.hold(&mut self.bgp_advertisements, &mut snapshot.bgp_advertisements, &taken.bgp_advertisements);
        snapshot.held_passwords = held.passwords;
        let mut passwords = std::mem::take(&mut self.passwords);
        passwords.retain(|name, _| self.holds(name));
        self.passwords = passwords;
        self.len() < before
    }
}

fn add<S: Clone>(refused: &mut Refused<S>, origins: &[String], objects: &[Custom<S>]) -> bool {
    let before = refused.len();
    for object in objects {
        let name = object.meta.object.to_string();
        if origins.iter().any(|origin| is_of(origin, &name)) {
            refused.insert(name, object.spec.clone());
        }
    }
    refused.len() > before
}

/// An origin is the object, a blank and the field.
fn is_of(origin: &str, object: &str) -> bool {
    origin.strip_prefix(object).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// What the Secrets of refused objects of a kind hold now.
fn passwords<S: NamesSecrets>(
    refused: &Refused<S>,
    objects: &[Custom<S>],
    snapshot: &Snapshot,
) -> impl Iterator<Item = (String, Passwords)> {
    objects.iter().filter_map(|Custom { meta, spec }| {
        let name = meta.object.to_string();
        let passwords = || Passwords::now(&meta.object, spec, snapshot);
        refused.contains_key(&name).then(|| (name, passwords()))
    })
}

/// Objects at the form before, on the way into a Snapshot.
struct Held<'a> {
    then: &'a BTreeMap<String, Passwords>,
    now: &'a BTreeMap<String, Passwords>,
    /// See `Configuration::held_passwords`.
    passwords: BTreeMap<ObjectRef, BTreeMap<String, Password>>,
}

impl Held<'_> {
    fn hold<S: Clone + PartialEq + NamesSecrets>(
        &mut self,
        refused: &mut Refused<S>,
        objects: &mut Vec<Custom<S>>,
        taken: &Forms<S>,
    ) {
        if refused.is_empty() {
            return;
        }
        let (then, now) = (self.then, self.now);
        refused.retain(|name, form| {
            let same = then.get(name).is_none_or(|then| now.get(name) == Some(then));
            same && objects
                .iter()
                .any(|object| object.meta.object.to_string() == *name && object.spec == *form)
        });
        objects.retain_mut(|object| {
            let name = object.meta.object.to_string();
            if !refused.contains_key(&name) {
                return true;
            }
            let key = format!("{}/{}", object.meta.object.namespace, object.meta.object.name);
            let Some(form) = taken.get(&key) else { return false };
            let passwords = Passwords::from(form.resolved.clone());
            if form.spec == object.spec && (!S::ANY || now.get(&name) == Some(&passwords)) {
                return false;
            }
            if S::ANY {
                self.passwords.insert(object.meta.object.clone(), passwords.into_inner());
            }
            object.spec = form.spec.clone();
            object.meta.labels = form.labels.clone();
            true
        });
    }
}

#[cfg(test)]
mod tests;

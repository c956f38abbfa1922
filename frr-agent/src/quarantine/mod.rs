//! Objects of which FRR refused a line: held at the form that FRR took last, so that all else goes on.

use crate::machine::RefusedLine;
use herald_core::model::{Forms, InForce};
use herald_core::snapshot::{Custom, Snapshot};
use herald_crds::{frrk8s, metallb};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The refused objects of each kind that has lines in FRR, each in the form that was refused.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Quarantine {
    frr_configurations: Refused<frrk8s::FRRConfigurationSpec>,
    bgp_extras: Refused<frrk8s::FRRConfigurationSpec>,
    peers: Refused<metallb::BGPPeerSpec>,
    bfd_profiles: Refused<metallb::BFDProfileSpec>,
    bgp_advertisements: Refused<metallb::BGPAdvertisementSpec>,
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

    fn len(&self) -> usize {
        let Self { frr_configurations, bgp_extras, peers, bfd_profiles, bgp_advertisements } = self;
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
        added.contains(&true)
    }

    /// Puts the forms that FRR took last in the place of refused ones; without one the object is left out. An
    /// object that has changed since is let through and forgotten: it is a new attempt. Returns whether any was.
    pub fn hold(&mut self, snapshot: &mut Snapshot, taken: &InForce) -> bool {
        let before = self.len();
        if before == 0 {
            return false;
        }
        hold(&mut self.frr_configurations, &mut snapshot.frr_configurations, &taken.frr_configurations);
        hold(&mut self.bgp_extras, &mut snapshot.bgp_extras, &taken.bgp_extras);
        hold(&mut self.peers, &mut snapshot.peers, &taken.peers);
        hold(&mut self.bfd_profiles, &mut snapshot.bfd_profiles, &taken.bfd_profiles);
        hold(&mut self.bgp_advertisements, &mut snapshot.bgp_advertisements, &taken.bgp_advertisements);
        self.len() < before
    }
}

fn add<S: Clone>(refused: &mut Refused<S>, origins: &[String], objects: &[Custom<S>]) -> bool {
    let before = refused.len();
    for object in objects {
        let name = object.meta.object.to_string();
        // An origin is the object, a blank and the field.
        let is_named = |origin: &String| {
            origin.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        if origins.iter().any(is_named) {
            refused.insert(name, object.spec.clone());
        }
    }
    refused.len() > before
}

fn hold<S: Clone + PartialEq>(refused: &mut Refused<S>, objects: &mut Vec<Custom<S>>, taken: &Forms<S>) {
    if refused.is_empty() {
        return;
    }
    refused.retain(|name, form| {
        objects.iter().any(|object| object.meta.object.to_string() == *name && object.spec == *form)
    });
    objects.retain_mut(|object| {
        if !refused.contains_key(&object.meta.object.to_string()) {
            return true;
        }
        let key = format!("{}/{}", object.meta.object.namespace, object.meta.object.name);
        match taken.get(&key).filter(|form| form.spec != object.spec) {
            Some(form) => {
                object.spec = form.spec.clone();
                object.meta.labels = form.labels.clone();
                true
            }
            None => false,
        }
    });
}

#[cfg(test)]
mod tests;

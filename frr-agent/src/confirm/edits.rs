//! Which objects an edit changed, and whether they ask for commit-confirmed.

use herald_core::model::{Form, Forms, InForce, commit_confirmed};
use herald_core::snapshot::{Custom, Snapshot};
use herald_crds::{frrk8s, metallb};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An object that an edit changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The object, as in origins.
    pub object: String,
    /// How long the sessions have; `None` without the annotation.
    pub within: Option<Duration>,
    /// The object before the edit; `None` if it was not there.
    pub previous: Option<Kept>,
}

/// A form of an object that can be put in force again. It may hold a password: a file of it has mode 0600.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Kept {
    /// A BGPPeer.
    Peer(Box<Form<metallb::BGPPeerSpec>>),
    /// An FRRConfiguration.
    Configuration(Box<Form<frrk8s::FRRConfigurationSpec>>),
}

/// The BGPPeers and FRRConfigurations whose spec, or the Secrets behind it, differ between what was in
/// force `before` and what is `after`; `snapshot` has their annotations. A change of metadata is no edit.
#[must_use]
pub fn edits(before: &InForce, after: &InForce, snapshot: &Snapshot) -> Vec<Edit> {
    let keep = |form: &Form<_>| Kept::Peer(Box::new(form.clone()));
    let peers = changed(&before.peers, &after.peers, &snapshot.peers, keep);
    let keep = |form: &Form<_>| Kept::Configuration(Box::new(form.clone()));
    let configurations =
        changed(&before.frr_configurations, &after.frr_configurations, &snapshot.frr_configurations, keep);
    peers.chain(configurations).collect()
}

fn changed<'a, S: PartialEq>(
    before: &'a Forms<S>,
    after: &'a Forms<S>,
    objects: &'a [Custom<S>],
    keep: impl Fn(&Form<S>) -> Kept + 'a,
) -> impl Iterator<Item = Edit> + 'a {
    objects.iter().filter_map(move |Custom { meta, .. }| {
        let key = format!("{}/{}", meta.object.namespace, meta.object.name);
        let (old, new) = (before.get(&key), after.get(&key)?);
        if old.is_some_and(|old| old.spec == new.spec && old.resolved == new.resolved) {
            return None;
        }
        // A value that cannot be read is a problem of the object, which keeps its form then.
        let within = commit_confirmed(meta).unwrap_or_default();
        Some(Edit { object: meta.object.to_string(), within, previous: old.map(&keep) })
    })
}

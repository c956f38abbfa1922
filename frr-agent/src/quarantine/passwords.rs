//! What the Secrets of an object hold: an edit of a Secret is an edit of the objects that name it.

use herald_core::frr::Secrets;
use herald_core::problem::ObjectRef;
use herald_core::snapshot::Snapshot;
use herald_crds::{frrk8s, metallb};
use herald_frr::value::Password;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Passwords by the name of the Secret, in the object's namespace; never printed. A file of them has mode 0600.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Passwords(BTreeMap<String, Password>);

impl Passwords {
    /// What the Secrets that an object names hold now.
    pub fn now(object: &ObjectRef, spec: &impl NamesSecrets, snapshot: &Snapshot) -> Self {
        let secrets = Secrets::new(snapshot, true);
        let password = |name: &str| Some((name.to_owned(), secrets.now(object, name).ok()??));
        Self(spec.secrets().into_iter().filter_map(password).collect())
    }

    /// By name, as a Snapshot holds them.
    pub fn into_inner(self) -> BTreeMap<String, Password> {
        self.0
    }
}

/// Of what the references of an accepted form stood for, where those are Secrets.
impl From<BTreeMap<String, String>> for Passwords {
    fn from(resolved: BTreeMap<String, String>) -> Self {
        Self(resolved.into_iter().filter_map(|(name, text)| Some((name, text.parse().ok()?))).collect())
    }
}

impl From<Passwords> for BTreeMap<String, String> {
    fn from(passwords: Passwords) -> Self {
        passwords.0.into_iter().map(|(name, password)| (name, password.expose().to_owned())).collect()
    }
}

/// A spec that may name Secrets.
pub trait NamesSecrets {
    /// False for kinds that never do.
    const ANY: bool;
    /// Their names.
    fn secrets(&self) -> Vec<&str>;
}

impl NamesSecrets for metallb::BGPPeerSpec {
    const ANY: bool = true;
    fn secrets(&self) -> Vec<&str> {
        self.password_secret.iter().filter_map(|secret| secret.name.as_deref()).collect()
    }
}

impl NamesSecrets for frrk8s::FRRConfigurationSpec {
    const ANY: bool = true;
    fn secrets(&self) -> Vec<&str> {
        let neighbors = self.bgp.iter().flat_map(|bgp| &bgp.routers).flat_map(|router| &router.neighbors);
        let secrets = neighbors.filter_map(|neighbor| neighbor.password_secret.as_ref());
        secrets.filter_map(|secret| secret.name.as_deref()).collect()
    }
}

impl NamesSecrets for metallb::BFDProfileSpec {
    const ANY: bool = false;
    fn secrets(&self) -> Vec<&str> {
        Vec::new()
    }
}

impl NamesSecrets for metallb::BGPAdvertisementSpec {
    const ANY: bool = false;
    fn secrets(&self) -> Vec<&str> {
        Vec::new()
    }
}

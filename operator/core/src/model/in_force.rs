//! The last accepted form of each configuration object, so that a bad edit changes nothing.

use crate::guard;
use crate::problem::{ObjectRef, Problem, Severity};
use crate::snapshot::{Custom, Labels};
use herald_crds::{frrk8s, metallb};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What of the configuration is in force. The output of one `Model::build` is the input of the next;
/// an agent keeps it across restarts. It may hold passwords: a file of it has mode 0600.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InForce {
    /// IPAddressPools.
    pub pools: Forms<metallb::IPAddressPoolSpec>,
    /// L2Advertisements.
    pub l2_advertisements: Forms<metallb::L2AdvertisementSpec>,
    /// BGPAdvertisements.
    pub bgp_advertisements: Forms<metallb::BGPAdvertisementSpec>,
    /// BGPPeers.
    pub peers: Forms<metallb::BGPPeerSpec>,
    /// BFDProfiles.
    pub bfd_profiles: Forms<metallb::BFDProfileSpec>,
    /// Communities.
    pub communities: Forms<metallb::CommunitySpec>,
    /// FRRConfigurations.
    pub frr_configurations: Forms<frrk8s::FRRConfigurationSpec>,
    /// `ConfigMap`s `bgpextras`.
    pub bgp_extras: Forms<frrk8s::FRRConfigurationSpec>,
}

impl InForce {
    /// Takes back sessions and FRRConfigurations that were refused on some node after they had been
    /// found valid alone: what counts of them the next time is what counted before.
    ///
    /// Without this, an object that lost a conflict would be in force, too, and could win the next time.
    pub fn take_back(&mut self, before: &Self, problems: &[Problem]) {
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
        let errors = errors.filter(|problem| !guard::costs_only_prefixes(problem));
        for object in errors.filter_map(|problem| problem.object.as_ref()) {
            match object.kind {
                "BGPPeer" => take_back(&mut self.peers, &before.peers, object),
                "FRRConfiguration" => {
                    take_back(&mut self.frr_configurations, &before.frr_configurations, object);
                }
                "ConfigMap" => take_back(&mut self.bgp_extras, &before.bgp_extras, object),
                _ => {}
            }
        }
    }
}

fn take_back<S: Clone>(forms: &mut Forms<S>, before: &Forms<S>, object: &ObjectRef) {
    let key = key_of(object);
    match before.get(&key) {
        Some(form) => forms.insert(key, form.clone()),
        None => forms.remove(&key),
    };
}

/// The forms of one kind, by `namespace/name`.
pub type Forms<S> = BTreeMap<String, Form<S>>;

/// One object as it was when it was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Form<S> {
    /// Its labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Its annotations, as far as some rule reads them.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub annotations: Labels,
    /// Its spec.
    pub spec: S,
    /// What its references stood for then: a Secret's password, the value of a community alias.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resolved: BTreeMap<String, String>,
}

/// The key of an object in [`Forms`].
pub(crate) fn key<S>(custom: &Custom<S>) -> String {
    key_of(&custom.meta.object)
}

fn key_of(object: &ObjectRef) -> String {
    format!("{}/{}", object.namespace, object.name)
}

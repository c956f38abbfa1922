//! What the configuration names: nothing else is asked for of its kind.

use crate::snapshot::Configuration;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The Secrets of a namespace that BGPPeers and FRRConfigurations take passwords from, there or not.
#[must_use]
pub fn named_secrets(configuration: &Configuration, namespace: &str) -> BTreeSet<Arc<str>> {
    let peers = configuration.peers.iter().filter(|peer| &*peer.meta.object.namespace == namespace);
    let peers = peers.filter_map(|peer| peer.spec.password_secret.as_ref());
    let routers = configuration
        .frr_configurations
        .iter()
        .filter(|of| &*of.meta.object.namespace == namespace)
        .filter_map(|of| of.spec.bgp.as_ref())
        .flat_map(|bgp| &bgp.routers);
    let neighbors =
        routers.flat_map(|router| &router.neighbors).filter_map(|neighbor| neighbor.password_secret.as_ref());
    let names = peers.chain(neighbors).filter_map(|secret| secret.name.as_deref());
    names.filter(|name| !name.is_empty()).map(Into::into).collect()
}

//! What is said of an object that is admitted.

use crate::problem::{Problem, Severity};
use crate::snapshot::Configuration;
use herald_crds::frrk8s::{Neighbor, Router};
use std::collections::BTreeSet;

/// frr-k8s' words, which its users match.
const GRACEFUL_RESTART: &str =
    "Graceful restart configuration changed, it will be available on the next restart";
const DISABLE_MP: &str = "disableMP is deprecated, is ignored and will be removed in a future release";

/// What is only unfinished: said while a folder of manifests is being applied, it would be wrong a moment later.
const UNFINISHED: [&str; 5] = [
    "PoolNotAdvertised",
    "AdvertisementWithoutPool",
    "AdvertisementWithoutPeer",
    "PeerWithoutAdvertisement",
    "SeveralNamespaces",
];

/// All of them, each once: those in frr-k8s' words, then the problems that do not refuse the object.
pub(super) fn lines(incoming: &Configuration, old: &Configuration, problems: &[Problem]) -> Vec<String> {
    let mut lines = Vec::new();
    if neighbors(incoming).any(|(_, neighbor)| neighbor.disable_mp == Some(true)) {
        lines.push(DISABLE_MP.to_owned());
    }
    if restarts_otherwise(incoming, old) {
        lines.push(GRACEFUL_RESTART.to_owned());
    }
    let repeated = |problem: &Problem| problem.severity == Severity::Warning && problem.message == DISABLE_MP;
    let said = |problem: &&Problem| !UNFINISHED.contains(&problem.reason) && !repeated(problem);
    let mut known = BTreeSet::new();
    let problems = problems.iter().filter(said).map(ToString::to_string);
    lines.extend(problems.filter(|line| known.insert(line.clone())));
    lines
}

/// Whether a neighbor that is in both forms changes how it restarts.
fn restarts_otherwise(incoming: &Configuration, old: &Configuration) -> bool {
    let name = |router: &Router, neighbor: &Neighbor| {
        let Neighbor { asn, address, interface, .. } = neighbor.clone();
        (router.vrf.clone().unwrap_or_default(), asn, address, interface)
    };
    let flag = |neighbor: &Neighbor| neighbor.enable_graceful_restart.unwrap_or_default();
    neighbors(incoming).any(|(router, neighbor)| {
        let mut same = neighbors(old).filter(|(r, n)| name(r, n) == name(router, neighbor));
        same.any(|(_, before)| flag(before) != flag(neighbor))
    })
}

fn neighbors(configuration: &Configuration) -> impl Iterator<Item = (&Router, &Neighbor)> {
    let bgp = configuration.frr_configurations.iter().filter_map(|frr| frr.spec.bgp.as_ref());
    bgp.flat_map(|bgp| &bgp.routers).flat_map(|r| r.neighbors.iter().map(move |neighbor| (r, neighbor)))
}

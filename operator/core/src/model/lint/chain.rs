//! Pool, advertisement, peer: where one of the three is missing, nothing is announced.
//!
//! Where an object of a kind was refused, nobody can say what it would have selected, and its own
//! problem is the one to mend: nothing is said then.

use super::LintWarning;
use crate::model::{BgpAdvertisement, Model};
use crate::problem::{FieldPath, Problem};
use crate::snapshot::Snapshot;

pub(super) fn lint(snapshot: &Snapshot, model: &Model, warnings: &mut Vec<Problem>) {
    let all_advertisements = snapshot.bgp_advertisements.len() == model.bgp_advertisements.len()
        && snapshot.l2_advertisements.len() == model.l2_advertisements.len();
    if all_advertisements {
        pools(model, warnings);
    }
    if snapshot.pools.is_empty() {
        without_pool(model, warnings);
    }
    for advertisement in model.bgp_advertisements.values() {
        advertised_peers(snapshot, advertisement, warnings);
    }
    // Sessions of users who write FRRConfigurations may carry the prefixes of those.
    if all_advertisements && snapshot.frr_configurations.is_empty() {
        peers(model, warnings);
    }
}

fn pools(model: &Model, warnings: &mut Vec<Problem>) {
    let over_bgp = model.bgp_advertisements.values().map(|ad| &ad.pools);
    let over_l2 = model.l2_advertisements.values().map(|ad| &ad.pools);
    let selected: Vec<_> = over_bgp.chain(over_l2).collect();
    for (name, pool) in &model.pools {
        // A pool that one does not fit has a problem that says so.
        if !selected.iter().any(|pools| pools.contains(name)) {
            warnings.push(Problem::warning(
                &pool.object,
                FieldPath::default(),
                &LintWarning::PoolNotAdvertised,
            ));
        }
    }
}

fn without_pool(model: &Model, warnings: &mut Vec<Problem>) {
    let over_bgp = model.bgp_advertisements.values().map(|ad| &ad.object);
    let over_l2 = model.l2_advertisements.values().map(|ad| &ad.object);
    let why = LintWarning::AdvertisementWithoutPool;
    warnings
        .extend(over_bgp.chain(over_l2).map(|object| Problem::warning(object, FieldPath::default(), &why)));
}

fn advertised_peers(snapshot: &Snapshot, advertisement: &BgpAdvertisement, warnings: &mut Vec<Problem>) {
    let object = &advertisement.object;
    if snapshot.peers.is_empty() {
        let why = LintWarning::AdvertisementWithoutPeer;
        warnings.push(Problem::warning(object, FieldPath::default(), &why));
        return;
    }
    for name in &advertisement.peers {
        if !snapshot.peers.iter().any(|peer| peer.meta.object.name == *name) {
            let why = LintWarning::UnknownPeer(name.to_string());
            warnings.push(Problem::warning(object, FieldPath::of("spec.peers"), &why));
        }
    }
}

fn peers(model: &Model, warnings: &mut Vec<Problem>) {
    for (name, peer) in &model.peers {
        if !model.bgp_advertisements.values().any(|ad| ad.reaches(name)) {
            let why = LintWarning::PeerWithoutAdvertisement;
            warnings.push(Problem::warning(&peer.object, FieldPath::default(), &why));
        }
    }
}

//! Pool, advertisement, peer: where one of the three is missing, nothing is announced.
//!
//! Where an object of a kind was refused, nobody can say what it would have selected, and its own
//! problem is the one to mend: nothing is said then.

use super::LintWarning;
use crate::model::Model;
use crate::problem::{FieldPath, Problem};
use crate::snapshot::{Configuration, Custom};
use herald_crds::metallb::{BGPAdvertisementSpec, L2AdvertisementSpec};

pub(super) fn lint(snapshot: &Configuration, model: &Model, warnings: &mut Vec<Problem>) {
    let all_advertisements = snapshot.bgp_advertisements.len() == model.bgp_advertisements.len()
        && snapshot.l2_advertisements.len() == model.l2_advertisements.len();
    if all_advertisements {
        pools(model, warnings);
    }
    if snapshot.pools.is_empty() {
        without_pool(snapshot, warnings);
    }
    for advertisement in &snapshot.bgp_advertisements {
        advertised_peers(snapshot, advertisement, warnings);
    }
    // Sessions of users who write FRRConfigurations may carry the prefixes of those.
    if all_advertisements && snapshot.frr_configurations.is_empty() && snapshot.bgp_extras.is_empty() {
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

/// Those that name pools have a warning for each name.
fn without_pool(snapshot: &Configuration, warnings: &mut Vec<Problem>) {
    let over_bgp = snapshot.bgp_advertisements.iter().map(|ad| {
        let BGPAdvertisementSpec { ip_address_pools, ip_address_pool_selectors, .. } = &ad.spec;
        (&ad.meta.object, ip_address_pools.is_empty() && ip_address_pool_selectors.is_empty())
    });
    let over_l2 = snapshot.l2_advertisements.iter().map(|ad| {
        let L2AdvertisementSpec { ip_address_pools, ip_address_pool_selectors, .. } = &ad.spec;
        (&ad.meta.object, ip_address_pools.is_empty() && ip_address_pool_selectors.is_empty())
    });
    let why = LintWarning::AdvertisementWithoutPool;
    let of_all = over_bgp.chain(over_l2).filter(|(_, all)| *all);
    warnings.extend(of_all.map(|(object, _)| Problem::warning(object, FieldPath::default(), &why)));
}

fn advertised_peers(
    snapshot: &Configuration,
    advertisement: &Custom<BGPAdvertisementSpec>,
    warnings: &mut Vec<Problem>,
) {
    let object = &advertisement.meta.object;
    if snapshot.peers.is_empty() {
        let why = LintWarning::AdvertisementWithoutPeer;
        warnings.push(Problem::warning(object, FieldPath::default(), &why));
        return;
    }
    for (index, name) in advertisement.spec.peers.iter().enumerate() {
        if !snapshot.peers.iter().any(|peer| *peer.meta.object.name == **name) {
            let why = LintWarning::UnknownPeer(name.clone());
            warnings.push(Problem::warning(object, FieldPath::of("spec.peers").index(index), &why));
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

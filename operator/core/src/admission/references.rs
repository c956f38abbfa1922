//! References to what is not there, or not yet: manifests are applied in any order, so they never refuse an object.

use crate::problem::{Problem, Step};
use crate::snapshot::Configuration;

/// Whether only what an object refers to is wrong.
pub(super) fn is_reference(problem: &Problem) -> bool {
    match problem.reason {
        "SecretNotFound" | "InvalidSecretType" | "SecretWithoutPassword" | "UnknownCommunity" => true,
        // An FRRConfiguration has its profiles in itself.
        "UnknownBFDProfile" => problem.object.as_ref().is_some_and(|object| object.kind == "BGPPeer"),
        // What a Secret holds can change without the object.
        "InvalidPassword" => {
            matches!(problem.field.0.last(), Some(Step::Key(key)) if &**key == "passwordSecret")
        }
        _ => false,
    }
}

/// The objects without the references that lead nowhere, so that everything else about them can be judged.
pub(super) fn without(objects: &Configuration, dangling: &[Problem]) -> Configuration {
    let mut objects = objects.clone();
    let has = |reasons: &[&str]| dangling.iter().any(|problem| reasons.contains(&problem.reason));
    let secret = has(&["SecretNotFound", "InvalidSecretType", "SecretWithoutPassword", "InvalidPassword"]);
    for peer in &mut objects.peers {
        if has(&["UnknownBFDProfile"]) {
            peer.spec.bfd_profile = None;
        }
        if secret {
            peer.spec.password_secret = None;
        }
    }
    let routers = objects.frr_configurations.iter_mut().filter_map(|frr| frr.spec.bgp.as_mut());
    for neighbor in routers.flat_map(|bgp| &mut bgp.routers).flat_map(|router| &mut router.neighbors) {
        if secret {
            neighbor.password_secret = None;
        }
    }
    for advertisement in &mut objects.bgp_advertisements {
        for index in dangling.iter().filter_map(community) {
            if let Some(community) = advertisement.spec.communities.get_mut(index) {
                // Any value does that no other item has.
                *community = format!("large:4294967295:4294967295:{index}");
            }
        }
    }
    objects
}

fn community(problem: &Problem) -> Option<usize> {
    match problem.field.0.last() {
        Some(Step::Index(index)) if problem.reason == "UnknownCommunity" => Some(*index),
        _ => None,
    }
}

//! Selectors and names that match nothing of what the input holds. Where it holds no object of the
//! kind at all, as repositories hold no Nodes, nothing can be said.

use super::LintWarning;
use crate::model::Model;
use crate::problem::{FieldPath, ObjectRef, Problem};
use crate::selector::Selector;
use crate::snapshot::Configuration;

pub(super) fn lint(snapshot: &Configuration, model: &Model, warnings: &mut Vec<Problem>) {
    if !snapshot.nodes.is_empty() {
        nodes(model, warnings);
    }
    if !snapshot.namespaces.is_empty() {
        namespaces(snapshot, warnings);
    }
}

fn nodes(model: &Model, warnings: &mut Vec<Problem>) {
    let mut check = |object: &ObjectRef, field: &str, selectors: &mut dyn Iterator<Item = &Selector>| {
        for (index, selector) in selectors.enumerate() {
            if !model.nodes.values().any(|node| selector.matches(&node.labels)) {
                let why = LintWarning::NodeSelectorMatchesNothing(selector.to_string());
                warnings.push(Problem::warning(object, FieldPath::of(field).index(index), &why));
            }
        }
    };
    for peer in model.peers.values() {
        check(&peer.object, "spec.nodeSelectors", &mut peer.node_selectors.iter());
    }
    for ad in model.bgp_advertisements.values() {
        check(&ad.object, "spec.nodeSelectors", &mut ad.node_selectors.iter());
    }
    for ad in model.l2_advertisements.values() {
        check(&ad.object, "spec.nodeSelectors", &mut ad.node_selectors.iter());
        let preferred = &mut ad.preferred_nodes.iter().map(|(_, selector)| selector);
        check(&ad.object, "spec.preferredNodeSelectors", preferred);
    }
}

pub(super) fn services(model: &Model, selected: &dyn Fn(&Selector) -> bool, warnings: &mut Vec<Problem>) {
    let mut check = |object: &ObjectRef, field: &str, selectors: &[Selector]| {
        for (index, selector) in selectors.iter().enumerate() {
            if !selected(selector) {
                let why = LintWarning::ServiceSelectorMatchesNothing(selector.to_string());
                warnings.push(Problem::warning(object, FieldPath::of(field).index(index), &why));
            }
        }
    };
    for pool in model.pools.values() {
        let selectors = pool.pinned.as_ref().map(|pinned| &pinned.service_selectors[..]);
        check(&pool.object, "spec.serviceAllocation.serviceSelectors", selectors.unwrap_or_default());
    }
    for ad in model.bgp_advertisements.values() {
        check(&ad.object, "spec.serviceSelectors", &ad.service_selectors);
    }
    for ad in model.l2_advertisements.values() {
        check(&ad.object, "spec.serviceSelectors", &ad.service_selectors);
    }
}

fn namespaces(snapshot: &Configuration, warnings: &mut Vec<Problem>) {
    for pool in &snapshot.pools {
        let names = pool.spec.service_allocation.as_ref().map(|allocation| &allocation.namespaces[..]);
        for (index, name) in names.unwrap_or_default().iter().enumerate() {
            if !snapshot.namespaces.iter().any(|namespace| *namespace.name == **name) {
                let field = FieldPath::of("spec.serviceAllocation.namespaces").index(index);
                let why = LintWarning::UnknownNamespace(name.clone());
                warnings.push(Problem::warning(&pool.meta.object, field, &why));
            }
        }
    }
}

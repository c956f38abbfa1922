//! Services, nodes and namespaces as a whole.

use super::LintWarning;
use crate::model::Model;
use crate::problem::{FieldPath, ObjectRef, Problem};
use crate::snapshot::{Node, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Kubernetes "Labels, Annotations and Taints": no external load balancer sends to such a node.
const EXCLUDE: &str = "node.kubernetes.io/exclude-from-external-load-balancers";
/// Labels by which other load balancers take nodes (k3s "Networking Services").
const OTHERS: [(&str, &str); 1] = [("svccontroller.k3s.cattle.io/enablelb", "k3s' ServiceLB")];
/// So many Services of web ports only are worth a hint.
const MANY: usize = 10;

pub(super) fn lint(snapshot: &Snapshot, model: &Model, warnings: &mut Vec<Problem>) {
    nodes(snapshot, warnings);
    statuses(model, warnings);
    http(model, warnings);
    namespaces(snapshot, warnings);
}

fn nodes(snapshot: &Snapshot, warnings: &mut Vec<Problem>) {
    let object = |node: &Node| ObjectRef { kind: "Node", namespace: Arc::from(""), name: node.name.clone() };
    if let Some(first) = snapshot.nodes.first()
        && snapshot.nodes.iter().all(|node| node.labels.contains_key(EXCLUDE))
    {
        let field = FieldPath::of("metadata.labels").key(EXCLUDE);
        warnings.push(Problem::warning(&object(first), field, &LintWarning::EveryNodeExcluded));
    }
    for node in &snapshot.nodes {
        for (label, product) in OTHERS {
            if node.labels.contains_key(label) {
                let field = FieldPath::of("metadata.labels").key(label);
                let why = LintWarning::OtherLoadBalancer { label, product };
                warnings.push(Problem::warning(&object(node), field, &why));
            }
        }
    }
}

fn statuses(model: &Model, warnings: &mut Vec<Problem>) {
    for service in model.services.values() {
        let foreign = |address: &&std::net::IpAddr| {
            !model.pools.values().any(|pool| pool.ranges.iter().any(|range| range.contains(**address)))
        };
        if let Some(address) = service.status_ips.iter().find(foreign) {
            let field = FieldPath::of("status.loadBalancer.ingress");
            warnings.push(Problem::warning(&service.object, field, &LintWarning::ForeignAddress(*address)));
        }
    }
}

fn http(model: &Model, warnings: &mut Vec<Problem>) {
    let web = |port: &(Arc<str>, u16)| &*port.0 == "TCP" && matches!(port.1, 80 | 443);
    let alone = model.services.values().filter(|service| {
        service.sharing.sharing.is_empty() && !service.ports.is_empty() && service.ports.iter().all(web)
    });
    let alone: Vec<_> = alone.collect();
    if let (Some(first), true) = (alone.first(), alone.len() >= MANY) {
        let why = LintWarning::ManyHttpServices(alone.len());
        warnings.push(Problem::warning(&first.object, FieldPath::of("spec.ports"), &why));
    }
}

/// The configuration outside the namespace that most of it is in.
fn namespaces(snapshot: &Snapshot, warnings: &mut Vec<Problem>) {
    let mut by_namespace: BTreeMap<Arc<str>, Vec<&ObjectRef>> = BTreeMap::new();
    let objects = snapshot
        .pools
        .iter()
        .map(|o| &o.meta.object)
        .chain(snapshot.l2_advertisements.iter().map(|o| &o.meta.object))
        .chain(snapshot.bgp_advertisements.iter().map(|o| &o.meta.object))
        .chain(snapshot.peers.iter().map(|o| &o.meta.object))
        .chain(snapshot.bfd_profiles.iter().map(|o| &o.meta.object))
        .chain(snapshot.communities.iter().map(|o| &o.meta.object));
    for object in objects.filter(|object| !object.namespace.is_empty()) {
        by_namespace.entry(object.namespace.clone()).or_default().push(object);
    }
    let most = by_namespace.iter().max_by_key(|(_, objects)| objects.len());
    let Some((most, Some(other))) = most.map(|(namespace, objects)| (namespace, objects.first())) else {
        return;
    };
    for (namespace, objects) in by_namespace.iter().filter(|(namespace, _)| *namespace != most) {
        let why = LintWarning::SeveralNamespaces { mine: namespace.to_string(), other: (*other).clone() };
        let field = FieldPath::of("metadata.namespace");
        warnings.extend(objects.iter().map(|object| Problem::warning(object, field.clone(), &why)));
    }
}

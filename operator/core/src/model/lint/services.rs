//! Services, nodes and namespaces as a whole.

use super::LintWarning;
use crate::model::{Model, Service};
use crate::problem::{FieldPath, ObjectRef, Problem};
use crate::snapshot::{Configuration, Node};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Kubernetes "Labels, Annotations and Taints": no external load balancer sends to such a node.
const EXCLUDE: &str = "node.kubernetes.io/exclude-from-external-load-balancers";
/// Labels by which other load balancers take nodes (k3s "Networking Services").
const OTHERS: [(&str, &str); 1] = [("svccontroller.k3s.cattle.io/enablelb", "k3s' ServiceLB")];
/// So many Services of web ports only are worth a hint.
const MANY: usize = 10;

pub(super) fn lint(snapshot: &Configuration, warnings: &mut Vec<Problem>) {
    nodes(snapshot, warnings);
    namespaces(snapshot, warnings);
}

fn nodes(snapshot: &Configuration, warnings: &mut Vec<Problem>) {
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

/// The warning of a Service whose status says an address of no pool.
pub(crate) fn foreign_address(service: &Service, model: &Model) -> Option<Problem> {
    let foreign = |address: &&std::net::IpAddr| {
        !model.pools.values().any(|pool| pool.ranges.iter().any(|range| range.contains(**address)))
    };
    let address = service.status_ips.iter().find(foreign)?;
    let field = FieldPath::of("status.loadBalancer.ingress");
    Some(Problem::warning(&service.object, field, &LintWarning::ForeignAddress(*address)))
}

/// Whether a Service takes an address of its own only to serve web ports.
pub(crate) fn is_web_alone(service: &Service) -> bool {
    let web = |port: &(Arc<str>, u16)| &*port.0 == "TCP" && matches!(port.1, 80 | 443);
    service.sharing.sharing.is_empty() && !service.ports.is_empty() && service.ports.iter().all(web)
}

pub(super) fn http((count, first): (usize, Option<&ObjectRef>), warnings: &mut Vec<Problem>) {
    if let (Some(first), true) = (first, count >= MANY) {
        let why = LintWarning::ManyHttpServices(count);
        warnings.push(Problem::warning(first, FieldPath::of("spec.ports"), &why));
    }
}

/// The configuration outside the namespace that most of it is in.
fn namespaces(snapshot: &Configuration, warnings: &mut Vec<Problem>) {
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

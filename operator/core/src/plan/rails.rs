//! Takes out of a node's plan what a guard rail refuses (docs/guard-rails.md).

use super::{NodePlan, Planner, Refusal};
use crate::frr::Announced;
use crate::model::{BgpAdvertisement, Model};
use crate::problem::{FieldPath, ObjectRef, Problem};
use crate::snapshot::ServiceKey;
use herald_frr::value::Family;
use ipnet::IpNet;
use std::collections::BTreeMap;

impl Planner<'_> {
    /// Takes out the prefixes that the cluster's own traffic would follow. An aggregate is the
    /// advertisement's mistake, a single address the Service's.
    pub(crate) fn keep_rails(&self, model: &Model, plan: &mut NodePlan) -> Vec<Problem> {
        let is_refused = |net: &&IpNet| model.guard.refusal(net).is_some();
        let nets: Vec<IpNet> = plan.announced.keys().filter(is_refused).copied().collect();
        let refused: BTreeMap<IpNet, Announced> =
            nets.iter().filter_map(|net| Some((*net, plan.announced.remove(net)?))).collect();
        if refused.is_empty() {
            return Vec::new();
        }
        let mut problems: Vec<Problem> =
            refused.iter().flat_map(|(net, announced)| of_aggregate(model, net, announced)).collect();
        problems.extend(self.of_services(model, &refused, plan));
        problems
    }

    /// What single addresses are refused, and which Services have nothing left.
    fn of_services(
        &self,
        model: &Model,
        refused: &BTreeMap<IpNet, Announced>,
        plan: &mut NodePlan,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut left = vec![(false, false); plan.services.len()];
        for (address, position) in &self.addresses {
            let (Some((key, Ok(offer))), Some((lost, kept))) =
                (plan.services.get(*position), left.get_mut(*position))
            else {
                continue;
            };
            for (net, _) in offer.prefixes(*address) {
                let is_refused = refused.contains_key(&net);
                *lost |= is_refused;
                *kept |= !is_refused;
                if is_refused && net.prefix_len() == net.max_prefix_len() {
                    problems.extend(of_service(model, &net, key));
                }
            }
        }
        for ((_, decision), (lost, kept)) in plan.services.iter_mut().zip(left) {
            if lost && !kept {
                *decision = Err(Refusal::ClusterNetwork);
            }
        }
        problems
    }
}

/// What is said of a Service whose own address is refused.
pub(super) fn of_service(model: &Model, net: &IpNet, key: &ServiceKey) -> Option<Problem> {
    let object = ObjectRef { kind: "Service", namespace: key.namespace.clone(), name: key.name.clone() };
    let why = model.guard.refusal(net)?;
    Some(Problem::error(&object, FieldPath::of("status.loadBalancer.ingress"), &why))
}

/// What is said of the advertisements that ask for an aggregate.
pub(super) fn of_aggregate(model: &Model, net: &IpNet, announced: &Announced) -> Vec<Problem> {
    let why = model.guard.refusal(net).filter(|_| net.prefix_len() < net.max_prefix_len());
    let Some(why) = why else { return Vec::new() };
    let v4 = Family::of(net.addr()) == Family::V4;
    let length = |ad: &BgpAdvertisement| if v4 { ad.length_v4 } else { ad.length_v6 };
    let field = if v4 { "spec.aggregationLength" } else { "spec.aggregationLengthV6" };
    let ads = announced.advertisements.iter().filter_map(|name| model.bgp_advertisements.get(name));
    let asking = ads.filter(|ad| length(ad) == net.prefix_len());
    asking.map(|ad| Problem::error(&ad.object, FieldPath::of(field), &why)).collect()
}

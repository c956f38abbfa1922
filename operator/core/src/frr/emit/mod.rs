//! From what is merged and announced to FRR's configuration.

mod classes;
mod limit;
mod names;
mod policy;
mod session;

use super::class::{self, Class, ClassKey};
use super::contribution::family;
use super::merge::{Merged, MergedRouter, Vrf};
use super::{Announced, Options};
use crate::model::BgpAdvertisement;
use crate::problem::{Problem, Reason};
use classes::{ClassUse, RouterClasses};
use herald_frr::config::{
    Action, Evpn, FrrConfig, Match, Network, Origin, Origins, RouteMap, RouteMapEntry, Router, Sets,
};
use herald_frr::value::FrrName;
use ipnet::IpNet;
use limit::Withheld;
pub(crate) use limit::{Level, Load, Sizes};
use names::NeighborNames;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What there is more of than FRR can number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// A route-map has at most 65535 entries.
    #[error("route-map {0} would need more than 65535 entries; some classes are not announced")]
    TooManyEntries(String),
}

impl Reason for EmitError {
    fn reason(&self) -> &'static str {
        match self {
            Self::TooManyEntries(_) => "TooManyClasses",
        }
    }
}

/// What emitting needs besides what is merged.
pub(super) struct Inputs<'a> {
    pub merged: &'a Merged,
    pub advertisements: &'a BTreeMap<Arc<str>, BgpAdvertisement>,
    pub announced: &'a BTreeMap<IpNet, Announced>,
    pub options: &'a Options,
    /// Whether the node drains.
    pub draining: bool,
    /// What prefixes of `announced` stand for.
    pub sizes: &'a Sizes,
}

/// The configuration, without hand-written text, and how much neighbors are sent.
pub(super) fn emit(inputs: &Inputs<'_>) -> (FrrConfig, Vec<Problem>, Vec<Load>) {
    let merged = inputs.merged;
    let names = names::assign(merged);
    let sets = classes::AdvertisementSets::of(inputs);
    let (mut problems, mut loads) = (Vec::new(), Vec::new());
    let mut routers: BTreeMap<&Vrf, RouterClasses> = BTreeMap::new();
    for (vrf, router) in &merged.routers {
        let mut found = classes::of_router(inputs, &sets, vrf, router, &Withheld::new());
        let beyond = limit::beyond(inputs, vrf, router, &found);
        if !beyond.withheld.is_empty() {
            found = classes::of_router(inputs, &sets, vrf, router, &beyond.withheld);
        }
        routers.insert(vrf, found);
        problems.extend(beyond.problems);
        loads.extend(beyond.loads);
    }
    let keys = routers.values().flat_map(|r| r.classes.iter().map(|c| c.key.clone())).collect();
    let classes = class::assign(keys);

    let mut config = FrrConfig::default();
    let mut policies = policy::Policies::new(inputs.options);
    for (vrf, router) in &merged.routers {
        let Some(found) = routers.get(vrf) else { continue };
        for (id, neighbor) in &router.neighbors {
            let Some(names) = names.get(&(vrf, id)) else { continue };
            policies.neighbor(&policy::Subject { id, neighbor, router: found, classes: &classes, names });
        }
        let block = self::router(inputs, vrf, router, found, &classes, &names);
        config.routers.insert(vrf.clone(), block);
        if let (Some(vrf), Some(l3)) = (vrf, router.merged_evpn().and_then(|e| e.l3vni)) {
            config.vrf_vnis.insert(vrf.clone(), (l3.vni, origins(router)));
        }
    }
    class_maps(&mut policies, routers.values().flat_map(|r| &r.classes), &classes);
    config.bfd_profiles = merged.bfd_profiles.iter().map(|(n, (p, _))| (n.clone(), p.clone())).collect();
    problems.extend(policies.finish(&mut config));
    (config, problems, loads)
}

/// One map per class: it marks the prefixes of the class with the tag that the neighbors' maps match.
fn class_maps<'a>(
    policies: &mut policy::Policies<'_>,
    used: impl Iterator<Item = &'a ClassUse>,
    classes: &BTreeMap<ClassKey, Class>,
) {
    for class_use in used {
        let Some(class) = classes.get(&class_use.key) else { continue };
        let entry = RouteMapEntry {
            action: Action::Permit,
            matches: Match::default(),
            sets: Sets { tag: Some(class.tag), ..Sets::default() },
            origins: class_use.origins.clone(),
        };
        let map = RouteMap { entries: BTreeMap::from([(1, entry)]) };
        policies.add_map(class.name.clone(), map);
    }
}

fn router(
    inputs: &Inputs<'_>,
    vrf: &Vrf,
    router: &MergedRouter,
    found: &RouterClasses,
    classes: &BTreeMap<ClassKey, Class>,
    names: &BTreeMap<(&Vrf, &herald_frr::config::NeighborId), NeighborNames>,
) -> Router {
    let class_names: Vec<Option<&FrrName>> =
        found.classes.iter().map(|c| classes.get(&c.key).map(|class| &class.name)).collect();
    let network = |own: &classes::Own| Network {
        class: own.class.and_then(|at| class_names.get(at).copied().flatten()).cloned(),
        origins: own.origins.clone(),
    };
    let neighbors = router.neighbors.iter().filter_map(|(id, neighbor)| {
        let names = names.get(&(vrf, id))?;
        Some((id.clone(), session::neighbor(id, neighbor, router, names)?))
    });
    Router {
        asn: router.asn,
        router_id: router.router_id.as_ref().map(|(id, _)| *id).or(inputs.options.fallback_router_id),
        imports: router.imports.clone(),
        neighbors: neighbors.collect(),
        networks: found.own.iter().map(|(net, own)| (*net, network(own))).collect(),
        evpn: router.merged_evpn().map(|evpn| Evpn {
            advertise_all_vni: evpn.advertise_all_vni,
            advertise_svi_ip: evpn.advertise_svi_ip,
            l2vnis: evpn.l2vnis,
            l3vni: evpn.l3vni.map(|l3| l3.policy),
            origins: router.evpn.iter().map(|(_, by)| by.origin.clone()).collect(),
        }),
        origins: origins(router),
    }
}

fn origins(router: &MergedRouter) -> Origins {
    router.sources.iter().map(|s| s.origin.clone()).collect()
}

/// Objects as origins.
fn object_origin(object: &crate::problem::ObjectRef) -> Origin {
    Origin(object.to_string().into())
}

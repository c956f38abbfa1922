//! The FRR configuration: all of it but Services' networks, and how those are put in.

use super::super::Options;
use super::prefixes::{Kind, Prefixes};
use super::world::World;
use crate::frr::{self, Announced};
use crate::model::InForce;
use crate::problem::Problem;
use herald_frr::config::{FrrConfig, Network};
use herald_frr::value::{Family, FrrName, InterfaceName};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What depends on the kinds of prefixes, not on the prefixes.
#[derive(Debug)]
pub struct Policy {
    /// Has the networks that FRRConfigurations mention, and one of each kind.
    base: FrrConfig,
    /// By router, the class of each kind that it announces.
    classes: BTreeMap<Option<InterfaceName>, BTreeMap<Kind, Option<FrrName>>>,
    pub problems: Vec<Problem>,
    pub in_force: Arc<InForce>,
    mentioned: BTreeSet<IpNet>,
    /// `base` is everything: some neighbor is sent about as much as it may be, so each prefix counts.
    pub whole: bool,
}

impl Policy {
    pub fn new(world: &World, prefixes: &Prefixes, before: &InForce, options: &Options) -> Self {
        let World { model, node, mentioned, .. } = world;
        let whole = counts(world, prefixes);
        let (built_for, examples) =
            if whole { (prefixes.announced.clone(), BTreeMap::new()) } else { reduced(prefixes, mentioned) };
        let (peers, mut problems) = model.peers_on(node);
        let (base, refused) = frr::build(model, node, &peers, &built_for, &options.frr);
        problems.extend(refused);
        let mut in_force = world.in_force.clone();
        // What lost a conflict on this node must not count as in force: it could win the next time.
        in_force.take_back(before, &problems);
        let classes = base.routers.iter().map(|(vrf, router)| {
            let class =
                |(kind, net): (&Kind, &IpNet)| Some((kind.clone(), router.networks.get(net)?.class.clone()));
            (vrf.clone(), examples.iter().filter_map(class).collect())
        });
        let (classes, in_force, mentioned) = (classes.collect(), Arc::new(in_force), mentioned.clone());
        Self { base, classes, problems, in_force, mentioned, whole }
    }

    /// The whole configuration.
    pub fn config(&self, prefixes: &Prefixes) -> FrrConfig {
        let mut config = self.base.clone();
        if self.whole {
            return config;
        }
        for (vrf, router) in &mut config.routers {
            let kept =
                self.mentioned.iter().filter_map(|net| Some((*net, router.networks.get(net)?.clone())));
            let of_services = prefixes.announced.iter().filter(|(net, _)| !self.mentioned.contains(*net));
            let of_services = of_services
                .filter_map(|(net, announced)| Some((*net, self.network(vrf.as_ref(), net, announced)?)));
            router.networks = kept.chain(of_services).collect();
        }
        config
    }

    /// The configuration with some prefixes as they are announced now.
    pub fn patched(&self, config: &FrrConfig, changed: &BTreeSet<IpNet>, prefixes: &Prefixes) -> FrrConfig {
        let mut config = config.clone();
        for (vrf, router) in &mut config.routers {
            for net in changed {
                let announced = prefixes.announced.get(net);
                match announced.and_then(|announced| self.network(vrf.as_ref(), net, announced)) {
                    Some(network) => drop(router.networks.insert(*net, network)),
                    None => drop(router.networks.remove(net)),
                }
            }
        }
        config
    }

    /// A network that no FRRConfiguration mentions; `None` where the router does not announce it.
    fn network(&self, vrf: Option<&InterfaceName>, net: &IpNet, announced: &Announced) -> Option<Network> {
        let kind = (announced.advertisements.clone(), Family::of(net.addr()));
        let class = self.classes.get(&vrf.cloned())?.get(&kind)?.clone();
        Some(Network { class, origins: announced.origins.clone() })
    }
}

/// Whether a neighbor's maximum of prefixes may matter, of which a warning is given from 80 % on.
pub fn counts(world: &World, prefixes: &Prefixes) -> bool {
    let most = prefixes.announced.len() + world.mentioned.len();
    most.saturating_mul(5) >= world.lowest_maximum.saturating_mul(4)
}

/// The prefixes that FRRConfigurations mention, and one of each kind besides; and that one by its kind.
fn reduced(
    prefixes: &Prefixes,
    mentioned: &BTreeSet<IpNet>,
) -> (BTreeMap<IpNet, Announced>, BTreeMap<Kind, IpNet>) {
    let mut kept = BTreeMap::new();
    let mut examples: BTreeMap<Kind, IpNet> = BTreeMap::new();
    for (net, announced) in &prefixes.announced {
        if mentioned.contains(net) {
            kept.insert(*net, announced.clone());
            continue;
        }
        let kind = (announced.advertisements.clone(), Family::of(net.addr()));
        examples.entry(kind).or_insert_with(|| {
            kept.insert(*net, announced.clone());
            *net
        });
    }
    (kept, examples)
}

//! The FRR configuration: all of it but Services' networks, and how those are put in.

use super::super::Options;
use super::prefixes::{Kind, Prefixes};
use super::world::World;
use crate::frr::{self, Announced, Level, Load, Sizes};
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
    /// By the prefix of it that `base` has, each kind.
    examples: BTreeMap<IpNet, Kind>,
    /// How much each neighbor is sent, and what that leads to.
    loads: Vec<(Load, Level)>,
    /// `base` is everything: some neighbor would be sent more than it may be, so it depends on each prefix what it
    /// is sent.
    pub whole: bool,
}

impl Policy {
    pub fn new(world: &World, prefixes: &Prefixes, before: &InForce, options: &Options) -> Self {
        let World { model, node, mentioned, .. } = world;
        let (reduced, examples) = reduced(prefixes, mentioned);
        let (peers, mut problems) = model.peers_on(node);
        let sizes: Sizes = examples.iter().map(|(net, kind)| (*net, prefixes.count(kind))).collect();
        let (mut base, mut refused, loads) =
            frr::build_of_examples(model, node, &peers, &reduced, &sizes, &options.frr);
        let level = |load: Load| {
            let level = load.level(|example| sizes.get(example).copied().unwrap_or_default());
            (load, level)
        };
        let loads: Vec<(Load, Level)> = loads.into_iter().map(level).collect();
        let whole = loads.iter().any(|(_, level)| *level == Level::Over);
        if whole {
            (base, refused) = frr::build(model, node, &peers, &prefixes.announced, &options.frr);
        }
        problems.extend(refused);
        let mut in_force = world.in_force.clone();
        // What lost a conflict on this node must not count as in force: it could win the next time.
        in_force.take_back(before, &problems);
        let classes = base.routers.iter().map(|(vrf, router)| {
            let class =
                |(net, kind): (&IpNet, &Kind)| Some((kind.clone(), router.networks.get(net)?.class.clone()));
            (vrf.clone(), examples.iter().filter_map(class).collect())
        });
        let (classes, in_force, mentioned) = (classes.collect(), Arc::new(in_force), mentioned.clone());
        Self { base, classes, problems, in_force, mentioned, examples, loads, whole }
    }

    /// Whether it is to be made anew although the kinds of prefixes are the same: their numbers lead elsewhere.
    pub fn counts(&self, prefixes: &Prefixes) -> bool {
        let size = |example: &IpNet| self.examples.get(example).map_or(0, |kind| prefixes.count(kind));
        self.whole || self.loads.iter().any(|(load, level)| load.level(size) != *level)
    }

    /// Whether the whole configuration is the same.
    pub fn announces_as(&self, other: &Self) -> bool {
        self.base == other.base
            && self.classes == other.classes
            && self.mentioned == other.mentioned
            && self.whole == other.whole
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

/// The prefixes that FRRConfigurations mention, and one of each kind besides; and the kind by that one.
fn reduced(
    prefixes: &Prefixes,
    mentioned: &BTreeSet<IpNet>,
) -> (BTreeMap<IpNet, Announced>, BTreeMap<IpNet, Kind>) {
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
    (kept, examples.into_iter().map(|(kind, net)| (net, kind)).collect())
}

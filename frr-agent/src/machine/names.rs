//! What FRR may have been given since it was last read whole: names that are ours although no configuration that it
//! took whole holds them.

use herald_frr::config::{FrrConfig, RawSnippet, Router};
use herald_frr::diff::{ChangePlan, QUICK};
use herald_frr::value::{Family, FrrName, InterfaceName, RawConfig};
use std::sync::Arc;

/// Configurations whose apply was begun and not proved, without their prefixes.
#[derive(Debug, Default)]
pub struct Names {
    configs: Vec<Arc<FrrConfig>>,
}

impl Names {
    pub fn new(configs: Vec<FrrConfig>) -> Self {
        Self { configs: configs.into_iter().map(Arc::new).collect() }
    }

    pub fn configs(&self) -> &[Arc<FrrConfig>] {
        &self.configs
    }

    /// FRR was read whole and holds nothing but what is believed.
    pub fn clear(&mut self) {
        self.configs.clear();
    }

    /// What of `found` has a name that FRR may have been given, or that is `wanted`: the rest is not ours to bring back.
    pub fn part_of(&self, found: &FrrConfig, wanted: &FrrConfig) -> FrrConfig {
        let known = Known(self.configs.iter().map(AsRef::as_ref).chain([wanted]).collect());
        let mut part = found.clone();
        let lists = found.prefix_lists.keys().filter(|name| !known.list(name));
        lists.for_each(|name| drop(part.prefix_lists.remove(name)));
        let maps = found.route_maps.keys().filter(|name| !known.map(name));
        maps.for_each(|name| drop(part.route_maps.remove(name)));
        part.vrf_vnis.retain(|name, _| known.vrf(name));
        part.routers.retain(|vrf, router| known.router((vrf, router)));
        part.bfd_profiles.retain(|name, _| known.profile(name));
        part
    }

    /// Adds what `config` names, and what the plan to it gives FRR for a moment only. `Some`, to be recorded, if anything of it is new beside `known`.
    pub fn add(
        &mut self,
        config: &FrrConfig,
        plan: &ChangePlan,
        known: Option<&FrrConfig>,
    ) -> Option<Arc<FrrConfig>> {
        let mut config = without_prefixes(config);
        let stays = plan.lines.last().is_some_and(|line| line.text == QUICK);
        let passing = plan.lines.iter().find(|line| line.text == QUICK && !stays);
        config.raw.extend(
            passing
                .map(|line| RawSnippet { text: RawConfig::new(&line.text), origins: line.origins.clone() }),
        );
        let known = Known(known.into_iter().chain(self.configs.iter().map(AsRef::as_ref)).collect());
        if known.all_of(&config) {
            return None;
        }
        let names = Arc::new(config);
        self.configs.push(names.clone());
        Some(names)
    }
}

/// Configurations whose names are known.
struct Known<'c>(Vec<&'c FrrConfig>);

impl Known<'_> {
    fn any(&self, is: impl Fn(&FrrConfig) -> bool) -> bool {
        self.0.iter().any(|config| is(config))
    }

    fn router(&self, (vrf, router): (&Option<InterfaceName>, &Router)) -> bool {
        self.any(|known| known.routers.get(vrf).is_some_and(|other| other.asn == router.asn))
    }

    fn map(&self, name: &FrrName) -> bool {
        self.any(|known| known.route_maps.contains_key(name))
    }

    fn list(&self, name: &(FrrName, Family)) -> bool {
        self.any(|known| known.prefix_lists.contains_key(name))
    }

    fn profile(&self, name: &FrrName) -> bool {
        self.any(|known| known.bfd_profiles.contains_key(name))
    }

    fn vrf(&self, name: &InterfaceName) -> bool {
        self.any(|known| known.vrf_vnis.contains_key(name))
    }

    fn raw(&self, raw: &RawSnippet) -> bool {
        self.any(|known| known.raw.iter().any(|old| old.text == raw.text))
    }

    /// True if each name of `config` is known.
    fn all_of(&self, config: &FrrConfig) -> bool {
        config.routers.iter().all(|router| self.router(router))
            && config.route_maps.keys().all(|name| self.map(name))
            && config.prefix_lists.keys().all(|name| self.list(name))
            && config.bfd_profiles.keys().all(|name| self.profile(name))
            && config.vrf_vnis.keys().all(|name| self.vrf(name))
            && config.raw.iter().all(|raw| self.raw(raw))
    }
}

/// Prefixes are ours by the router that they stand in.
fn without_prefixes(config: &FrrConfig) -> FrrConfig {
    let mut names = config.clone();
    names.routers.values_mut().for_each(|router| router.networks.clear());
    names
}

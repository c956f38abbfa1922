//! What FRR may have been given since it was last read whole: names that are ours although no configuration that it
//! took whole holds them.

use herald_frr::config::{FrrConfig, Router};
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

    /// Adds what `config` names. `Some`, to be recorded, if anything of it is new beside `known`.
    pub fn add(&mut self, config: &FrrConfig, known: Option<&FrrConfig>) -> Option<Arc<FrrConfig>> {
        let known: Vec<&FrrConfig> =
            known.into_iter().chain(self.configs.iter().map(AsRef::as_ref)).collect();
        if is_known(config, &known) {
            return None;
        }
        let names = Arc::new(without_prefixes(config));
        self.configs.push(names.clone());
        Some(names)
    }
}

/// True if each name of `config` is one of `known`.
fn is_known(config: &FrrConfig, known: &[&FrrConfig]) -> bool {
    let any = |found: &dyn Fn(&FrrConfig) -> bool| known.iter().any(|config| found(config));
    let router = |(vrf, router): (&_, &Router)| {
        any(&|known| known.routers.get(vrf).is_some_and(|other| other.asn == router.asn))
    };
    config.routers.iter().all(router)
        && config.route_maps.keys().all(|name| any(&|known| known.route_maps.contains_key(name)))
        && config.prefix_lists.keys().all(|name| any(&|known| known.prefix_lists.contains_key(name)))
        && config.bfd_profiles.keys().all(|name| any(&|known| known.bfd_profiles.contains_key(name)))
        && config.vrf_vnis.keys().all(|name| any(&|known| known.vrf_vnis.contains_key(name)))
        && config.raw.iter().all(|raw| any(&|known| known.raw.iter().any(|old| old.text == raw.text)))
}

/// Prefixes are ours by the router that they stand in.
fn without_prefixes(config: &FrrConfig) -> FrrConfig {
    let mut names = config.clone();
    names.routers.values_mut().for_each(|router| router.networks.clear());
    names
}

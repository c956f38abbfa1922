//! What `/metrics` shows. Names, types and help texts that MetalLB has are MetalLB's.

mod page;

pub use page::{Page, PageError};

use herald_core::control::{Facts, PoolFacts};
use prometheus::{Gauge, GaugeVec, IntCounter, Opts, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// The families. What they show is what [`Metrics::update`] was given last.
pub struct Metrics {
    registry: Registry,
    /// As [`POOLS`].
    pools: Vec<GaugeVec>,
    leading: Gauge,
    services: [Gauge; 2],
    pending: GaugeVec,
    unannounced: GaugeVec,
    updates: [IntCounter; 2],
    configuration: [Gauge; 2],
    last: Mutex<Last>,
}

/// What the last update showed.
#[derive(Default)]
struct Last {
    pools: BTreeSet<String>,
    pending: BTreeSet<String>,
    unannounced: BTreeSet<String>,
    updates: [u64; 2],
}

/// `metallb_allocator_*`, each with the label `pool`. MetalLB registers the last one and never sets it.
const POOLS: [(&str, &str); 7] = [
    ("addresses_total", "Number of usable IP addresses, per pool"),
    ("ipv4_addresses_total", "Number of usable IPV4 addresses, per pool"),
    ("ipv6_addresses_total", "Number of usable IPV6 addresses, per pool"),
    ("addresses_in_use_total", "Number of IP addresses in use, per pool"),
    ("ipv4_addresses_in_use_total", "Number of IPV4 addresses in use, per pool"),
    ("ipv6_addresses_in_use_total", "Number of IPV6 addresses in use, per pool"),
    ("services_allocated_total", "Number of services allocated, per pool"),
];

impl Metrics {
    /// All families, in a registry of their own, beside those of the process.
    ///
    /// # Errors
    /// A name that is no name, or there twice: does not happen.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        herald_serving::process::Process::register(&registry)?;
        let gauge = |name: &str, help: &str| registered(&registry, Gauge::new(name, help)?);
        let counter = |name: &str, help: &str| registered(&registry, IntCounter::new(name, help)?);
        let by = |name: &str, help: &str, label: &str| {
            registered(&registry, GaugeVec::new(Opts::new(name, help), &[label])?)
        };
        let pools = POOLS.map(|(name, help)| by(&format!("metallb_allocator_{name}"), help, "pool"));
        Ok(Self {
            pools: pools.into_iter().collect::<Result<_, _>>()?,
            leading: gauge("herald_controller_leader", "1 if this replica gives out addresses.")?,
            services: [
                gauge("herald_services", "Services of type LoadBalancer that are Herald's to serve.")?,
                gauge("herald_services_allocated", "Services that have an address.")?,
            ],
            pending: by(
                "herald_services_pending",
                "Services without an address, by the reason of LoadBalancerAddressAllocated=False.",
                "reason",
            )?,
            unannounced: by(
                "herald_services_unannounced",
                "Services with an address that nothing announces, by the reason of LoadBalancerAdvertised=False.",
                "reason",
            )?,
            updates: [
                counter(
                    "metallb_k8s_client_updates_total",
                    "Number of k8s object updates that have been processed.",
                )?,
                counter(
                    "metallb_k8s_client_update_errors_total",
                    "Number of k8s object updates that failed for some reason.",
                )?,
            ],
            configuration: [
                gauge(
                    "metallb_k8s_client_config_loaded_bool",
                    "1 if the MetalLB configuration was successfully loaded at least once.",
                )?,
                gauge(
                    "metallb_k8s_client_config_stale_bool",
                    "1 if running on a stale configuration, because the latest config failed to load.",
                )?,
            ],
            last: Mutex::default(),
            registry,
        })
    }

    /// Where the families are.
    pub fn registry(&self) -> Registry {
        self.registry.clone()
    }

    /// Shows these facts. Pools and Services only while leading: of two replicas one shows each series, so that rules that
    /// match by `pool` find it once.
    pub fn update(&self, facts: &Facts) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = &mut *last;
        self.leading.set(truth(facts.leading));
        self.configuration[0].set(truth(facts.configuration_loaded));
        self.configuration[1].set(truth(facts.configuration_stale));
        let counted = [facts.updates, facts.update_errors];
        for ((counter, new), old) in self.updates.iter().zip(counted).zip(last.updates) {
            // A new leader's count begins anew, a counter of Prometheus goes on.
            counter.inc_by(new.checked_sub(old).unwrap_or(new));
        }
        last.updates = counted;
        let nothing = Facts::default();
        let facts = if facts.leading { facts } else { &nothing };
        self.services[0].set(number(facts.services));
        self.services[1].set(number(facts.allocated));
        show(&self.pending, &mut last.pending, &by_reason(&facts.pending));
        show(&self.unannounced, &mut last.unannounced, &by_reason(&facts.unannounced));
        let pools: Vec<_> =
            facts.pools.iter().map(|(name, pool)| (name.to_string(), pool_values(pool))).collect();
        for (place, family) in self.pools.iter().enumerate() {
            let values: Vec<_> = pools.iter().map(|(name, all)| (name.clone(), all[place])).collect();
            // All families show the same pools.
            let mut before = last.pools.clone();
            show(family, &mut before, &values);
        }
        last.pools = pools.into_iter().map(|(name, _)| name).collect();
    }
}

fn registered<C: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    family: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

/// Shows exactly these series; those of `last` that are not among them go.
fn show(family: &GaugeVec, last: &mut BTreeSet<String>, values: &[(String, f64)]) {
    for (label, value) in values {
        family.with_label_values(&[label]).set(*value);
        last.remove(label);
    }
    for gone in std::mem::take(last) {
        // It was shown, so it is there.
        let _ = family.remove_label_values(&[&gone]);
    }
    last.extend(values.iter().map(|(label, _)| label.clone()));
}

/// In the order of [`POOLS`].
fn pool_values(pool: &PoolFacts) -> [f64; 7] {
    let usage = &pool.usage;
    // A pool of an IPv6 /64 has as many addresses as the status can say.
    let v4 = usage.assigned_v4.saturating_add(usage.available_v4);
    let v6 = usage.assigned_v6.saturating_add(usage.available_v6);
    let [all, v4, v6, used, used_v4, used_v6] = [
        v4.saturating_add(v6),
        v4,
        v6,
        usage.assigned_v4.saturating_add(usage.assigned_v6),
        usage.assigned_v4,
        usage.assigned_v6,
    ]
    .map(whole);
    [all, v4, v6, used, used_v4, used_v6, number(pool.services)]
}

fn by_reason(counts: &BTreeMap<&'static str, u64>) -> Vec<(String, f64)> {
    counts.iter().map(|(reason, count)| ((*reason).to_owned(), number(*count))).collect()
}

const fn truth(value: bool) -> f64 {
    if value { 1.0 } else { 0.0 }
}

/// Prometheus' values are floating point; beyond 2^53 the nearest one is as good.
#[allow(clippy::cast_precision_loss)]
const fn whole(value: i64) -> f64 {
    value as f64
}

#[allow(clippy::cast_precision_loss)]
const fn number(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests;

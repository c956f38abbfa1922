//! What metrics show.

use crate::ledger::PoolUsage;
use crate::model::PoolName;
use std::collections::BTreeMap;

/// What is known of pools and Services; all zero while another one leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether this one leads.
    pub leading: bool,
    /// Pools by name.
    pub pools: BTreeMap<PoolName, PoolFacts>,
    /// Services of type LoadBalancer that are ours to serve.
    pub services: u64,
    /// Those that have addresses.
    pub allocated: u64,
    /// Those that have none, by the reason of their condition.
    pub pending: BTreeMap<&'static str, u64>,
    /// Those that have addresses that nothing announces, by the reason of their condition.
    pub unannounced: BTreeMap<&'static str, u64>,
    /// Services that were worked out, ever.
    pub updates: u64,
    /// Writes that failed, conflicts left out, ever.
    pub update_errors: u64,
    /// Whether any configuration has been read.
    pub configuration_loaded: bool,
    /// Whether some object that decides who gets which address is not in force as it is.
    pub configuration_stale: bool,
}

/// What is known of a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolFacts {
    /// Its addresses.
    pub usage: PoolUsage,
    /// Services that have addresses of it.
    pub services: u64,
}

/// Adds one to a count, or takes one off; counts of nothing are left out.
pub(super) fn count<K: Ord + Clone>(counts: &mut BTreeMap<K, u64>, key: &K, more: bool) {
    let value = counts.entry(key.clone()).or_default();
    *value = if more { *value + 1 } else { value.saturating_sub(1) };
    if *value == 0 {
        counts.remove(key);
    }
}

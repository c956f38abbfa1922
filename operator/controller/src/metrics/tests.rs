use super::*;
use herald_core::ledger::PoolUsage;

fn facts(leading: bool) -> Facts {
    let usage = PoolUsage { assigned_v4: 3, available_v4: 253, assigned_v6: 1, available_v6: i64::MAX - 1 };
    Facts {
        leading,
        pools: BTreeMap::from([("public".into(), PoolFacts { usage, services: 3 })]),
        services: 6,
        allocated: 3,
        pending: BTreeMap::from([("PoolExhausted", 2), ("NoPoolMatches", 1)]),
        unannounced: BTreeMap::from([("NoAdvertisement", 1)]),
        updates: 10,
        update_errors: 2,
        configuration_loaded: true,
        configuration_stale: false,
    }
}

/// The page without what the process says of itself.
fn page(metrics: &Metrics) -> String {
    let text = herald_serving::metrics::text(&metrics.registry()).unwrap();
    text.split_inclusive('\n').filter(|line| !line.contains("process_")).collect()
}

/// Byte for byte as MetalLB's page has them, and ours.
const PAGE: &str = "\
# HELP herald_controller_leader 1 if this replica gives out addresses.
# TYPE herald_controller_leader gauge
herald_controller_leader 1
# HELP herald_services Services of type LoadBalancer that are Herald's to serve.
# TYPE herald_services gauge
herald_services 6
# HELP herald_services_allocated Services that have an address.
# TYPE herald_services_allocated gauge
herald_services_allocated 3
# HELP herald_services_pending Services without an address, by the reason of LoadBalancerAddressAllocated=False.
# TYPE herald_services_pending gauge
herald_services_pending{reason=\"NoPoolMatches\"} 1
herald_services_pending{reason=\"PoolExhausted\"} 2
# HELP herald_services_unannounced Services with an address that nothing announces, by the reason of LoadBalancerAdvertised=False.
# TYPE herald_services_unannounced gauge
herald_services_unannounced{reason=\"NoAdvertisement\"} 1
# HELP metallb_allocator_addresses_in_use_total Number of IP addresses in use, per pool
# TYPE metallb_allocator_addresses_in_use_total gauge
metallb_allocator_addresses_in_use_total{pool=\"public\"} 4
# HELP metallb_allocator_addresses_total Number of usable IP addresses, per pool
# TYPE metallb_allocator_addresses_total gauge
metallb_allocator_addresses_total{pool=\"public\"} 9223372036854776000
# HELP metallb_allocator_ipv4_addresses_in_use_total Number of IPV4 addresses in use, per pool
# TYPE metallb_allocator_ipv4_addresses_in_use_total gauge
metallb_allocator_ipv4_addresses_in_use_total{pool=\"public\"} 3
# HELP metallb_allocator_ipv4_addresses_total Number of usable IPV4 addresses, per pool
# TYPE metallb_allocator_ipv4_addresses_total gauge
metallb_allocator_ipv4_addresses_total{pool=\"public\"} 256
# HELP metallb_allocator_ipv6_addresses_in_use_total Number of IPV6 addresses in use, per pool
# TYPE metallb_allocator_ipv6_addresses_in_use_total gauge
metallb_allocator_ipv6_addresses_in_use_total{pool=\"public\"} 1
# HELP metallb_allocator_ipv6_addresses_total Number of usable IPV6 addresses, per pool
# TYPE metallb_allocator_ipv6_addresses_total gauge
metallb_allocator_ipv6_addresses_total{pool=\"public\"} 9223372036854776000
# HELP metallb_allocator_services_allocated_total Number of services allocated, per pool
# TYPE metallb_allocator_services_allocated_total gauge
metallb_allocator_services_allocated_total{pool=\"public\"} 3
# HELP metallb_k8s_client_config_loaded_bool 1 if the MetalLB configuration was successfully loaded at least once.
# TYPE metallb_k8s_client_config_loaded_bool gauge
metallb_k8s_client_config_loaded_bool 1
# HELP metallb_k8s_client_config_stale_bool 1 if running on a stale configuration, because the latest config failed to load.
# TYPE metallb_k8s_client_config_stale_bool gauge
metallb_k8s_client_config_stale_bool 0
# HELP metallb_k8s_client_update_errors_total Number of k8s object updates that failed for some reason.
# TYPE metallb_k8s_client_update_errors_total counter
metallb_k8s_client_update_errors_total 2
# HELP metallb_k8s_client_updates_total Number of k8s object updates that have been processed.
# TYPE metallb_k8s_client_updates_total counter
metallb_k8s_client_updates_total 10
";

#[test]
fn the_page_is_upstreams_and_ours() {
    let metrics = Metrics::new().unwrap();
    metrics.update(&facts(true));
    assert_eq!(page(&metrics), PAGE);
}

#[test]
fn series_go_with_what_they_show() {
    let metrics = Metrics::new().unwrap();
    metrics.update(&facts(true));
    let mut later = facts(true);
    later.pools = BTreeMap::from([("private".into(), PoolFacts::default())]);
    later.pending.remove("PoolExhausted");
    metrics.update(&later);
    let text = page(&metrics);
    assert!(!text.contains("public") && !text.contains("PoolExhausted"), "{text}");
    assert!(text.contains("metallb_allocator_addresses_total{pool=\"private\"} 0\n"), "{text}");
    assert!(text.contains("herald_services_pending{reason=\"NoPoolMatches\"} 1\n"), "{text}");
}

#[test]
fn a_follower_shows_no_pool_so_that_each_is_shown_once() {
    let metrics = Metrics::new().unwrap();
    metrics.update(&facts(true));
    metrics.update(&facts(false));
    let text = page(&metrics);
    assert!(!text.contains("{pool=") && !text.contains("{reason="), "{text}");
    assert!(text.contains("herald_controller_leader 0\n"), "{text}");
    assert!(text.contains("metallb_k8s_client_config_loaded_bool 1\n"), "{text}");
}

#[test]
fn counters_never_fall() {
    let metrics = Metrics::new().unwrap();
    let count = |updates| {
        metrics.update(&Facts { updates, ..facts(true) });
        let text = page(&metrics);
        let line = text.lines().find_map(|line| line.strip_prefix("metallb_k8s_client_updates_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    assert_eq!([count(10), count(12), count(3), count(4)], [10, 12, 15, 16]);
}

//! Rows L13 to L17, and everything else that a Service can ask for.

use crate::ground::{Ground, Wish};
use anyhow::{Result, ensure};
use serde_json::json;

/// L13 to L16: a pool asked for by name, with `autoAssign` true and false, IPv4 and IPv6; who was there before keeps what
/// it has.
pub fn l13_to_l16(ground: &Ground) -> Result<()> {
    for (row, auto, v6) in
        [("l13", true, false), ("l14", true, true), ("l15", false, false), ("l16", false, true)]
    {
        let (first, second) =
            if v6 { ("fc00:81::/126", "fc00:82::/126") } else { ("10.81.0.0/30", "10.82.0.0/30") };
        ground.pool("a-first", &[first])?;
        ground.pool_with("b-second", &json!({"addresses": [second], "autoAssign": auto}))?;
        let families = json!([if v6 { "IPv6" } else { "IPv4" }]);
        let before = Wish::new(&format!("{row}-before")).spec("ipFamilies", families.clone());
        ground.service(&before)?;
        let address = |prefix: &str| prefix.split('/').next().unwrap_or_default().to_owned();
        ground.has(&format!("{row}-before"), &address(first))?;
        let asks =
            Wish::new(row).spec("ipFamilies", families).annotated("metallb.io/address-pool", "b-second");
        ground.service(&asks)?;
        ground.has(row, &address(second))?;
        let service = ground.get(row)?;
        let pool = &service["metadata"]["annotations"]["metallb.io/ip-allocated-from-pool"];
        ensure!(pool == "b-second", "{row}: {pool}");
        let ingress = &service["status"]["loadBalancer"]["ingress"];
        ensure!(*ingress == json!([{"ip": address(second), "ipMode": "VIP"}]), "{row}: {ingress}");
        ground.has(&format!("{row}-before"), &address(first))?;
        ground.clear()?;
    }
    Ok(())
}

/// L17: a Service of another class is left alone, status and all.
pub fn l17(ground: &Ground) -> Result<()> {
    ground.pool("pool", &["10.77.0.0/30"])?;
    ground.services(&[
        Wish::new("foreign").spec("loadBalancerClass", "example.com/other"),
        Wish::new("ours"),
    ])?;
    ground.has("ours", "10.77.0.0")?;
    let foreign = ground.get("foreign")?;
    ensure!(foreign["status"] == json!({"loadBalancer": {}}), "{}", foreign["status"]);
    Ok(())
}

/// Addresses by annotation and by `spec.loadBalancerIP`, one, two, wrong ones, and another one later.
pub fn addresses(ground: &Ground) -> Result<()> {
    ground.pool("a", &["10.77.0.0/29", "fc00:77::/126"])?;
    ground.pool_with(
        "b",
        &json!({"addresses": ["10.77.1.0/24"], "avoidBuggyIPs": true, "autoAssign": false}),
    )?;
    let asks = |name, addresses| Wish::new(name).annotated("metallb.io/loadBalancerIPs", addresses);
    ground.services(&[
        asks("one", "10.77.0.3"),
        Wish::new("spec").spec("loadBalancerIP", "10.77.0.4"),
        asks("two", "10.77.0.5, fc00:77::2").prefers_both(),
        asks("both", "10.77.0.6").spec("loadBalancerIP", "10.77.0.6"),
        asks("wrong", "10.77.0.300"),
        asks("outside", "10.78.0.1"),
        asks("family", "fc00:77::3"),
        asks("buggy", "10.77.1.255"),
        asks("pool", "10.77.0.6").annotated("metallb.io/address-pool", "b"),
        Wish::new("unknown").annotated("metallb.io/address-pool", "nowhere"),
    ])?;
    ground.has("one", "10.77.0.3")?;
    ground.has("spec", "10.77.0.4")?;
    ground.has_any("two", &["10.77.0.5,fc00:77::2"])?;
    for (name, reason, says) in [
        ("both", "ConflictingRequestedAddresses", "mutually exclusive"),
        ("wrong", "InvalidRequestedAddress", "10.77.0.300"),
        ("outside", "AddressNotInPool", "no IPAddressPool holds it"),
        ("family", "RequestedFamilyMismatch", "does not match the ipFamily of the service"),
        ("buggy", "AddressAvoided", "avoidBuggyIPs"),
        ("pool", "PoolMismatch", "is not compatible with requested address pool b: it belongs to pool a"),
        ("unknown", "UnknownPool", "nowhere"),
    ] {
        let message = ground.waits(name, reason)?;
        ensure!(message.contains(says), "{name}: {message}");
        ground.told("Service", name, &["AllocationFailed"])?;
    }
    // Another one later; and what cannot be read costs nothing that is there.
    ground.service(&asks("one", "10.77.1.1"))?;
    ground.has("one", "10.77.1.1")?;
    ground.service(&asks("one", "what?"))?;
    let says = |reason| ground.says("one", "LoadBalancerAddressAllocated", reason);
    let mut message = String::new();
    herald_e2e::wait_for("it is told", crate::ground::LIMIT, || {
        message = says("Allocated")?.1;
        ensure!(message.contains("invalid requested loadbalancer IPs"), "{message}");
        Ok(())
    })?;
    ground.has("one", "10.77.1.1")
}

/// Annotations of MetalLB before 0.15 work and are told of; the new ones win.
pub fn legacy(ground: &Ground) -> Result<()> {
    ground.pool("a", &["10.77.0.0/29"])?;
    ground.pool_with("b", &json!({"addresses": ["10.77.1.0/29"], "autoAssign": false}))?;
    let old = |name, suffix: &str, value| {
        Wish::new(name).annotated(&format!("metallb.universe.tf/{suffix}"), value)
    };
    ground.services(&[
        old("pool", "address-pool", "b"),
        old("address", "loadBalancerIPs", "10.77.1.5"),
        old("share1", "allow-shared-ip", "k").annotated("metallb.io/address-pool", "b"),
        old("share2", "allow-shared-ip", "k").port(81).annotated("metallb.io/address-pool", "b"),
        old("wins", "address-pool", "b").annotated("metallb.io/address-pool", "a"),
    ])?;
    ground.has_any("pool", &["10.77.1.0", "10.77.1.1"])?;
    ground.has("address", "10.77.1.5")?;
    let shared = ground.has_any("share1", &["10.77.1.0", "10.77.1.1"])?;
    ground.has("share2", &shared)?;
    ground.has("wins", "10.77.0.0")?;
    ground.told("Service", "pool", &["IPAllocated", "deprecatedAnnotation"])?;
    Ok(())
}

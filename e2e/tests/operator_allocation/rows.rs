//! Rows A1 to A12 of MetalLB's suite: freed addresses, restarts, sharing, and who may use which pool.

use crate::ground::{Ground, Wish};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

const ONE: &str = "10.77.0.1/32";
const TWO: &str = "10.77.0.2/32";
const THREE: &str = "10.77.0.3/32";

/// A1: a freed address goes to one that waits when the holder becomes a ClusterIP.
pub fn a1(ground: &Ground) -> Result<()> {
    ground.pool("pool", &[ONE])?;
    ground.service(&Wish::new("a"))?;
    ground.has("a", "10.77.0.1")?;
    ground.service(&Wish::new("b"))?;
    ground.waits("b", "NoAvailableIPs")?;
    ground.service(
        &Wish::new("a").spec("type", "ClusterIP").spec("allocateLoadBalancerNodePorts", Value::Null),
    )?;
    ground.has("b", "10.77.0.1")?;
    ground.has("a", "")?;
    let a = ground.get("a")?;
    ensure!(a["metadata"]["annotations"]["metallb.io/ip-allocated-from-pool"].is_null(), "{a}");
    ensure!(a["status"]["conditions"].as_array().is_none_or(Vec::is_empty), "{a}");
    Ok(())
}

/// A2: the same when the holder is deleted.
pub fn a2(ground: &Ground) -> Result<()> {
    ground.pool("pool", &[ONE])?;
    ground.service(&Wish::new("a"))?;
    ground.has("a", "10.77.0.1")?;
    ground.service(&Wish::new("b"))?;
    ground.waits("b", "NoAvailableIPs")?;
    ground.delete("a")?;
    ground.has("b", "10.77.0.1")
}

/// A3: two with an address and two that wait; five restarts change nothing, and write nothing to those that have one.
pub fn a3(ground: &mut Ground) -> Result<()> {
    ground.pool("pool", &["10.77.0.1-10.77.0.2"])?;
    for name in ["a", "b"] {
        ground.service(&Wish::new(name))?;
        ground.has_any(name, &["10.77.0.1", "10.77.0.2"])?;
    }
    ground.services(&[Wish::new("c"), Wish::new("d")])?;
    ground.waits("c", "NoAvailableIPs")?;
    ground.waits("d", "NoAvailableIPs")?;
    let before = [ground.get("a")?, ground.get("b")?];
    for round in 0..5 {
        ground.operator.stop()?;
        let name = format!("again{round}");
        ground.operator = herald_e2e::Operator::start(&ground.lab, &ground.kube, &name, &[])?;
        ground.operator.wait_ready()?;
        // It works: an address that is freed is given out.
        ground.service(&Wish::new(&name).annotated("metallb.io/loadBalancerIPs", "10.99.0.1"))?;
        ground.waits(&name, "AddressNotInPool")?;
        ensure!([ground.get("a")?, ground.get("b")?] == before, "a restart wrote to who has an address");
        ground.waits("c", "NoAvailableIPs")?;
        ground.waits("d", "NoAvailableIPs")?;
    }
    Ok(())
}

/// A4: whether two may share is looked at again with every change.
pub fn a4(ground: &Ground) -> Result<()> {
    let shared = |name, port| Wish::new(name).annotated("metallb.io/allow-shared-ip", "key").port(port);
    ground.pool("pool", &[ONE])?;
    ground.services(&[shared("a", 80), shared("b", 81)])?;
    ground.has("a", "10.77.0.1")?;
    ground.has("b", "10.77.0.1")?;
    // One goes Local: it loses the address, the other keeps it.
    ground.service(&shared("a", 80).local())?;
    let message = ground.waits("a", "NoAvailableIPs")?;
    ensure!(message.contains("pool pool has no free"), "{message}");
    ground.has("b", "10.77.0.1")?;
    // Both Local with one selector: both have it.
    ground.service(&shared("b", 81).local())?;
    ground.has("a", "10.77.0.1")?;
    ground.has("b", "10.77.0.1")?;
    // The selectors part: the first loses it. They meet again: both have it.
    ground.service(&shared("a", 80).local().spec("selector", json!({"app": "other"})))?;
    ground.has("a", "")?;
    ground.has("b", "10.77.0.1")?;
    ground.service(&shared("a", 80).local())?;
    ground.has("a", "10.77.0.1")
}

/// Two with one port, or with two keys, do not share; the message says why.
pub fn sharing_is_refused(ground: &Ground) -> Result<()> {
    let asks = |name, key| {
        let wish = Wish::new(name).annotated("metallb.io/allow-shared-ip", key);
        wish.annotated("metallb.io/loadBalancerIPs", "10.77.0.1")
    };
    ground.pool("pool", &["10.77.0.0/29"])?;
    ground.service(&asks("a", "key"))?;
    ground.has("a", "10.77.0.1")?;
    ground.services(&[asks("b", "key"), asks("c", "other").port(81), Wish::new("d").port(82)])?;
    let message = ground.waits("b", "PortInUse")?;
    ensure!(message.contains("in use by Service default/a: port TCP/80"), "{message}");
    let message = ground.waits("c", "SharingRefused")?;
    ensure!(
        message.contains("sharing key \"other\" does not match existing sharing key \"key\""),
        "{message}"
    );
    ground.has("d", "10.77.0.0")?;
    ground.service(&Wish::new("e").annotated("metallb.io/loadBalancerIPs", "10.77.0.0").port(83))?;
    let message = ground.waits("e", "AddressInUse")?;
    ensure!(message.contains("default/d"), "{message}");
    // TCP and UDP are two.
    ground.service(&asks("b", "key").spec("ports", json!([{"port": 80, "protocol": "UDP"}])))?;
    ground.has("b", "10.77.0.1")
}

/// A5: without any pool nobody keeps an address.
pub fn a5(ground: &Ground) -> Result<()> {
    ground.pool("pool", &[ONE])?;
    ground.service(&Wish::new("a"))?;
    ground.has("a", "10.77.0.1")?;
    ground.delete_pool("pool")?;
    ground.waits("a", "NoPools").map(drop)
}

/// A6: without its pool it gets an address of another.
pub fn a6(ground: &Ground) -> Result<()> {
    ground.pool("first", &[ONE])?;
    ground.service(&Wish::new("a"))?;
    ground.has("a", "10.77.0.1")?;
    ground.pool("second", &[TWO])?;
    ground.delete_pool("first")?;
    ground.has("a", "10.77.0.2")?;
    ground.told("Service", "a", &["ClearAssignment", "IPAllocated", "IPAllocated"])?;
    Ok(())
}

/// Three pools with one address each; three Services take them in the order of their priorities.
fn by_priority(ground: &Ground, allocation: &dyn Fn(Value) -> Value) -> Result<()> {
    let pool = |name: &str, address: &str, priority: Option<u32>| {
        let pinned = allocation(priority.map_or_else(|| json!({}), |priority| json!({"priority": priority})));
        ground.pool_with(name, &json!({"addresses": [address], "serviceAllocation": pinned}))
    };
    pool("a-unset", ONE, None)?;
    pool("b-twenty", TWO, Some(20))?;
    pool("c-ten", THREE, Some(10))?;
    for (name, address) in [("a", "10.77.0.3"), ("b", "10.77.0.2"), ("c", "10.77.0.1")] {
        ground.service(&Wish::new(name))?;
        ground.has(name, address)?;
    }
    Ok(())
}

/// A7: priorities 10, 20 and none, pinned to the namespace.
pub fn a7(ground: &Ground) -> Result<()> {
    by_priority(ground, &|mut allocation| {
        allocation["namespaces"] = json!(["default"]);
        allocation
    })
}

/// A8: priorities and nothing else.
pub fn a8(ground: &Ground) -> Result<()> {
    by_priority(ground, &|allocation| allocation)
}

/// Namespaces for the rows that follow.
pub fn namespaces(ground: &Ground) -> Result<()> {
    let namespace = |name: &str, team: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": team}}});
    ground.apply(&[namespace("red", "red"), namespace("blue", "blue"), namespace("grey", "grey")])
}

/// A9: namespaces by name and by label.
pub fn a9(ground: &Ground) -> Result<()> {
    ground.pool_with(
        "pinned",
        &json!({"addresses": ["10.77.0.8/30"], "serviceAllocation": {
            "priority": 1, "namespaces": ["red"], "namespaceSelectors": [{"matchLabels": {"team": "blue"}}]}}),
    )?;
    for (namespace, wanted) in [("red", "10.77.0.8"), ("blue", "10.77.0.9")] {
        ground.service(&Wish::new("a").namespace(namespace))?;
        ground.has(&format!("{namespace}/a"), wanted)?;
    }
    ground.service(&Wish::new("a").namespace("grey"))?;
    let message = ground.waits("grey/a", "NoAvailableIPs")?;
    ensure!(message.contains("serviceAllocation does not name its namespace"), "{message}");
    ground.service(&Wish::new("b").namespace("grey").annotated("metallb.io/address-pool", "pinned"))?;
    ground.waits("grey/b", "PoolNotAllowed").map(drop)
}

/// A10: Services by label.
pub fn a10(ground: &Ground) -> Result<()> {
    ground.pool_with(
        "pinned",
        &json!({"addresses": [ONE], "serviceAllocation": {
            "serviceSelectors": [{"matchExpressions": [{"key": "tier", "operator": "In", "values": ["gold"]}]}]}}),
    )?;
    ground.pool("rest", &[TWO])?;
    ground.service(&Wish::new("plain"))?;
    ground.has("plain", "10.77.0.2")?;
    ground.service(&Wish::new("gold").labelled("tier", "gold"))?;
    ground.has("gold", "10.77.0.1")?;
    // It may use the pool no longer, and the other one is full.
    ground.service(&Wish::new("gold").labelled("tier", "lead"))?;
    let message = ground.waits("gold", "NoAvailableIPs")?;
    ensure!(message.contains("no serviceSelector of serviceAllocation matches its labels"), "{message}");
    Ok(())
}

/// A11: both conditions have to hold.
pub fn a11(ground: &Ground) -> Result<()> {
    ground.pool_with(
        "pinned",
        &json!({"addresses": ["10.77.0.8/30"], "serviceAllocation": {
            "namespaces": ["red"], "serviceSelectors": [{"matchLabels": {"tier": "gold"}}]}}),
    )?;
    let gold = |namespace| Wish::new("gold").namespace(namespace).labelled("tier", "gold");
    ground.services(&[gold("red"), gold("blue"), Wish::new("plain").namespace("red")])?;
    ground.has("red/gold", "10.77.0.8")?;
    ground.waits("blue/gold", "NoAvailableIPs")?;
    ground.waits("red/plain", "NoAvailableIPs").map(drop)
}

/// A12: a namespace gets another label: new Services of it may use the preferred pool; who has an address keeps it.
pub fn a12(ground: &Ground) -> Result<()> {
    let pinned = |priority: u32, team: &str, addresses: &str| {
        json!({"addresses": [addresses], "serviceAllocation": {"priority": priority,
            "namespaceSelectors": [{"matchExpressions": [{"key": "team", "operator": "In", "values": ["grey", team]}]}]}})
    };
    ground.pool_with("low", &pinned(20, "green", "10.77.0.8/30"))?;
    ground.pool_with(
        "high",
        &json!({"addresses": ["10.77.0.16/30"], "serviceAllocation": {"priority": 10,
            "namespaceSelectors": [{"matchLabels": {"team": "green"}}]}}),
    )?;
    ground.service(&Wish::new("a").namespace("grey"))?;
    ground.has("grey/a", "10.77.0.8")?;
    ground.kube.run(&["label", "namespace", "grey", "team=green", "--overwrite"])?;
    ground.service(&Wish::new("b").namespace("grey"))?;
    ground.has("grey/b", "10.77.0.16")?;
    ground.has("grey/a", "10.77.0.8")?;
    ground.kube.run(&["label", "namespace", "grey", "team=grey", "--overwrite"])?;
    // It may use that pool no longer.
    ground.has("grey/b", "10.77.0.9")
}

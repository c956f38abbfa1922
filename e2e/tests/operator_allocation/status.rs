//! What is written, and how often.

use crate::ground::{Ground, LIMIT, Wish, addresses};
use anyhow::{Context, Result, ensure};
use herald_e2e::wait_for;
use k8s_openapi::jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A20: the counters of a pool follow everything, and nobody else's hand.
pub fn a20(ground: &Ground) -> Result<()> {
    let counts = |assigned: [i64; 2], available: [i64; 2]| {
        wait_for(&format!("the pool counts {assigned:?} and {available:?}"), LIMIT, || {
            let status = ground.get_pool("pool")?["status"].clone();
            let seen = |one: &str, other: &str| [status[one].as_i64(), status[other].as_i64()];
            ensure!(seen("assignedIPv4", "assignedIPv6") == assigned.map(Some), "{status}");
            ensure!(seen("availableIPv4", "availableIPv6") == available.map(Some), "{status}");
            Ok(())
        })
    };
    ground.pool("pool", &["10.77.0.0/30", "fc00:77::/126"])?;
    counts([0, 0], [4, 4])?;
    ground.service(&Wish::new("a").prefers_both())?;
    counts([1, 1], [3, 3])?;
    ground.pool("pool", &["10.77.0.0/29", "fc00:77::/126"])?;
    counts([1, 1], [7, 3])?;
    let forged = json!({"status": {"assignedIPv4": 7, "availableIPv4": 0}}).to_string();
    ground.kube.run(&[
        "patch",
        "ipaddresspool",
        "pool",
        "--namespace=metallb-system",
        "--subresource=status",
        "--type=merge",
        "--patch",
        &forged,
    ])?;
    counts([1, 1], [7, 3])?;
    ground.delete("a")?;
    counts([0, 0], [8, 4])
}

/// 80, 95 and 100 % of a pool: a condition and an Event each, and the way back.
pub fn levels(ground: &Ground) -> Result<()> {
    let says = |reason: &str| {
        wait_for(&format!("the pool is {reason}"), LIMIT, || {
            let pool = ground.get_pool("pool")?;
            let condition = &pool["status"]["conditions"][0];
            ensure!(condition["type"] == "NearlyExhausted" && condition["reason"] == reason, "{condition}");
            Ok(())
        })
    };
    let services = |numbers: std::ops::Range<usize>| -> Result<()> {
        ground.services(&numbers.map(|number| Wish::new(&format!("s{number}"))).collect::<Vec<_>>())
    };
    ground.pool("pool", &["10.77.0.1-10.77.0.20"])?;
    services(0..15)?;
    says("Available")?;
    services(15..16)?;
    says("Use80Percent")?;
    services(16..19)?;
    says("Use95Percent")?;
    services(19..20)?;
    says("Exhausted")?;
    let told = ["PoolExhausted", "PoolUse80Percent", "PoolUse95Percent"];
    ground.told("IPAddressPool", "pool", &told)?;
    let names: Vec<String> = (5..20).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    ground.kube.run(&[&["delete", "service"], &names[..]].concat())?;
    says("Available")
}

/// What an allocation costs: one write of its status, and one Event; one more write when it becomes announced.
pub fn one_write(ground: &Ground) -> Result<()> {
    ground.pool("pool", &["10.77.0.0/24"])?;
    ground.apply(&[json!({"apiVersion": "metallb.io/v1beta1", "kind": "L2Advertisement",
        "metadata": {"name": "all", "namespace": "metallb-system"}})])?;
    ground.apply(&[json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-a"}})])?;
    let before = writes(ground)?;
    let names: Vec<String> = (0..20).map(|number| format!("s{number}")).collect();
    ground.services(&names.iter().map(|name| Wish::new(name)).collect::<Vec<_>>())?;
    for name in &names {
        ground.says(name, "LoadBalancerAdvertised", "NoEndpoints")?;
    }
    let spent = writes(ground)? - before;
    ensure!(spent == names.len(), "{spent} writes for {} Services", names.len());
    let slice = |name: &str| {
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
            "endpoints": [{"addresses": ["10.1.0.1"], "nodeName": "node-a", "conditions": {"ready": true}}],
            "ports": [{"port": 80}]})
    };
    ground.apply(&names.iter().map(|name| slice(name)).collect::<Vec<_>>())?;
    for name in &names {
        let (status, message) = ground.says(name, "LoadBalancerAdvertised", "Planned")?;
        ensure!(status == "True" && message.contains("on layer 2 by L2Advertisement all"), "{message}");
        ground.told("Service", name, &["IPAllocated"])?;
    }
    let spent = writes(ground)? - before;
    ensure!(spent == 2 * names.len(), "{spent} writes for {} Services", names.len());
    nothing_is_written_without_a_change(ground, &names)?;
    advertised_follows(ground)?;
    ground.kube.run(&["delete", "endpointslices", "--all"])?;
    ground.kube.run(&["delete", "node", "node-a"]).map(drop)
}

/// Writes to Services so far, of all operators.
fn writes(ground: &Ground) -> Result<usize> {
    let asked = ground.kube.asked()?;
    Ok(asked.iter().filter(|asked| asked.what.starts_with("services") && asked.verb == "patch").count())
}

/// Not by time, nor by what does not matter to it.
fn nothing_is_written_without_a_change(ground: &Ground, names: &[String]) -> Result<()> {
    let all = |ground: &Ground| names.iter().map(|name| ground.get(name)).collect::<Result<Vec<Value>>>();
    let (before, count) = (all(ground)?, writes(ground)?);
    ground.kube.run(&["label", "node", "node-a", "colour=blue"])?;
    ground.pool_with("spare", &json!({"addresses": ["10.99.0.0/30"], "autoAssign": false}))?;
    ground.service(&Wish::new("another").annotated("metallb.io/address-pool", "spare"))?;
    ground.has("another", "10.99.0.0")?;
    sleep(Duration::from_secs(2));
    ensure!(all(ground)? == before, "a Service was written");
    let spent = writes(ground)? - count;
    ensure!(spent == 1, "{spent} writes for one Service");
    let managers: BTreeSet<String> = before
        .iter()
        .flat_map(|service| service["metadata"]["managedFields"].as_array().into_iter().flatten())
        .filter(|entry| entry["subresource"] == "status")
        .filter_map(|entry| entry["manager"].as_str().map(str::to_owned))
        .collect();
    ensure!(managers.len() <= 1, "{managers:?}");
    Ok(())
}

/// Why nothing announces a Service, one cause after the other.
fn advertised_follows(ground: &Ground) -> Result<()> {
    let says = |reason| ground.says("s0", "LoadBalancerAdvertised", reason).map(|(_, message)| message);
    ground.kube.run(&[
        "label",
        "node",
        "node-a",
        "node.kubernetes.io/exclude-from-external-load-balancers=",
    ])?;
    let message = says("NoEligibleNode")?;
    ensure!(message.contains("exclude-from-external-load-balancers"), "{message}");
    ground.kube.run(&[
        "label",
        "node",
        "node-a",
        "node.kubernetes.io/exclude-from-external-load-balancers-",
    ])?;
    says("Planned")?;
    ground.kube.run(&["delete", "l2advertisement", "all", "--namespace=metallb-system"])?;
    let message = says("NoAdvertisement")?;
    ensure!(message.contains("selects IPAddressPool pool"), "{message}");
    ground.apply(&[json!({"apiVersion": "metallb.io/v1beta1", "kind": "BGPAdvertisement",
        "metadata": {"name": "bgp", "namespace": "metallb-system"},
        "spec": {"serviceSelectors": [{"matchLabels": {"public": "yes"}}]}})])?;
    says("NoMatchingAdvertisement")?;
    ground.service(&Wish::new("s0").labelled("public", "yes"))?;
    says("NoPeer").map(drop)
}

/// A burst is counted at most once a second.
pub fn counters_are_gathered(ground: &Ground) -> Result<()> {
    ground.pool("pool", &["10.77.0.0/24"])?;
    wait_for("the pool is counted", LIMIT, || {
        let pool = ground.get_pool("pool")?;
        ensure!(pool["status"]["availableIPv4"] == 256, "{pool}");
        Ok(())
    })?;
    let writes = || -> Result<usize> {
        Ok(ground.kube.asked()?.iter().filter(|asked| asked.what == "ipaddresspools/status").count())
    };
    let (before, start) = (writes()?, Instant::now());
    for number in 0..12 {
        ground.service(&Wish::new(&format!("s{number}")))?;
    }
    wait_for("all of them are counted", LIMIT, || {
        let pool = ground.get_pool("pool")?;
        ensure!(pool["status"]["assignedIPv4"] == 12, "{pool}");
        Ok(())
    })?;
    let (spent, seconds) = (writes()? - before, start.elapsed().as_secs());
    ensure!(u64::try_from(spent)? <= seconds + 2, "{spent} writes in {seconds} s");
    Ok(())
}

/// One that gets nothing is told why at once.
pub fn why_not_within_a_second(ground: &Ground) -> Result<()> {
    ground.pool("pool", &["10.77.0.1/32"])?;
    ground.service(&Wish::new("a"))?;
    ground.has("a", "10.77.0.1")?;
    // No other row has one of this name: the audit log forgets nothing.
    ground.create(&Wish::new("waiting"))?;
    let message = ground.waits("waiting", "NoAvailableIPs")?;
    let (created, told) =
        wait_for("both stand in the audit log", LIMIT, || ground.kube.first_status("waiting"))?;
    let took = told.duration_since(created);
    println!("from the Service's create to the write of its condition, at the API server: {took:#}");
    ensure!(took < SignedDuration::from_secs(1), "{took:#}");
    ensure!(message.contains("extend spec.addresses"), "{message}");
    ground.told("Service", "waiting", &["AllocationFailed"])?;
    // Conditions of others stay.
    let other = json!({"status": {"conditions": [{"type": "example.com/Other", "status": "True", "reason": "Its",
        "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
    let patch = [
        "patch",
        "service",
        "waiting",
        "--subresource=status",
        "--type=strategic",
        "--patch",
        &other.to_string(),
    ];
    ground.kube.run(&patch)?;
    ground.delete("a")?;
    ground.has("waiting", "10.77.0.1")?;
    let service = ground.get("waiting")?;
    let conditions = service["status"]["conditions"].as_array().context("conditions")?;
    ensure!(conditions.iter().any(|it| it["type"] == "example.com/Other"), "{conditions:?}");
    ensure!(conditions.len() == 3 && addresses(&service) == "10.77.0.1", "{service}");
    Ok(())
}

/// The controller's ConfigurationState: Valid, MetalLB's words for one problem, and it comes back when it is deleted.
pub fn configuration_state(ground: &Ground) -> Result<()> {
    let says = |result: &str, summary: &str| {
        wait_for(&format!("the configuration is {result}"), LIMIT, || {
            let state =
                ground.kube.get(&["configurationstate", "controller", "--namespace=metallb-system"])?;
            let status = &state["status"];
            ensure!(status["result"] == result, "{status}");
            ensure!(status["errorSummary"].as_str().unwrap_or_default() == summary, "{status}");
            let labels = &state["metadata"]["labels"];
            ensure!(labels["metallb.io/component-type"] == "controller", "{labels}");
            ensure!(status["conditions"][0]["type"] == "poolReconcilerValid", "{status}");
            Ok(())
        })
    };
    ground.pool("pool", &["10.77.0.0/24"])?;
    says("Valid", "")?;
    ground.kube.run(&["delete", "configurationstate", "controller", "--namespace=metallb-system"])?;
    says("Valid", "")
}

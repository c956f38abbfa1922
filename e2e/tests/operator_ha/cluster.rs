//! A cluster with our manifests, a pool, and Services in it.

use anyhow::{Context, Result, ensure};
use herald_e2e::{Kube, Lab, Operator, wait_for};
use serde_json::{Value, json};
use std::time::Duration;

/// Enough for whatever is waited for, on a machine that has other things to do.
pub const LIMIT: Duration = Duration::from_mins(2);

/// A pool of these addresses that is announced.
pub fn pool(kube: &Kube, addresses: &str) -> Result<()> {
    let metadata = |name: &str| json!({"name": name, "namespace": "metallb-system"});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool", "metadata": metadata("pool"),
            "spec": {"addresses": [addresses]}},
        {"apiVersion": "metallb.io/v1beta1", "kind": "L2Advertisement", "metadata": metadata("all")},
    ]});
    // The webhooks come up with the first replica.
    wait_for("the pool is taken", LIMIT, || kube.apply(&list.to_string())).map(drop)
}

/// A Service of type LoadBalancer in the namespace default.
pub fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"port": 80}],
            "allocateLoadBalancerNodePorts": false},
    })
}

/// Its address, once it has one.
pub fn address(kube: &Kube, name: &str) -> Result<String> {
    let service = kube.get(&["service", name])?;
    let ip = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str();
    ip.map(ToOwned::to_owned).with_context(|| format!("{name} has no address: {}", service["status"]))
}

/// Who holds the Lease, once somebody does.
pub fn holder(kube: &Kube) -> Result<String> {
    let lease = kube.get(&["lease", "metallb-controller", "--namespace=metallb-system"])?;
    let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
    ensure!(!holder.is_empty(), "nobody holds the Lease");
    Ok(holder.to_owned())
}

/// Waits until one of the replicas leads, and gives it and the other one.
pub fn leader_first(kube: &Kube, mut replicas: Vec<Operator>) -> Result<Vec<Operator>> {
    let holder = wait_for("one leads", LIMIT, || holder(kube))?;
    replicas.sort_by_key(|replica| !holder.starts_with(replica.name()));
    Ok(replicas)
}

/// Two replicas that know everything.
pub fn replicas(lab: &Lab, kube: &Kube) -> Result<Vec<Operator>> {
    let both = ["first", "second"].map(|name| Operator::start(lab, kube, name, &[]));
    let both: Vec<Operator> = both.into_iter().collect::<Result<_>>()?;
    for replica in &both {
        wait_for("it is ready", LIMIT, || replica.ready()).with_context(|| replica.log())?;
    }
    Ok(both)
}

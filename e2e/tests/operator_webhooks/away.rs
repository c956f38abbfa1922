//! No operator is there.

use crate::cluster::{Cluster, NAMESPACE, SOON, object, peer, pool, says};
use anyhow::{Context, Result, ensure};
use herald_e2e::wait_for;
use serde_json::{Value, json};

/// Without an operator nothing of ours is created; everything can be deleted, and nobody else notices.
pub fn an_operator_that_is_away_blocks_only_what_must_be_judged() -> Result<()> {
    let mut cluster = Cluster::start()?;
    cluster.taken("before", &object("v1beta1", "BFDProfile", "fast", &json!({})))?;
    cluster.taken("before", &peer("user", "192.0.2.1", &json!({ "bfdProfile": "fast" })))?;
    let mut held: Value = serde_json::from_str(&pool("held", "192.0.2.0/24"))?;
    held["metadata"]["finalizers"] = json!(["example.com/held"]);
    cluster.taken("before", &held.to_string())?;
    cluster.replicas[0].stop()?;
    let kube = &cluster.kube;
    let refused = kube.apply(&pool("new", "198.51.100.0/24")).err().context("a pool that nobody judged")?;
    says("a new pool", &refused, "failed calling webhook \"ipaddresspoolvalidationwebhook.metallb.io\"")?;
    // Others go on.
    kube.run(&["create", "configmap", "other", "--namespace", NAMESPACE])?;
    kube.run(&["create", "service", "loadbalancer", "web", "--tcp=80"])?;
    // Also what the webhook would have kept.
    cluster.delete("bfdprofile", "fast")?;
    cluster.delete("bgppeer", "user")?;
    cluster.delete("ipaddresspool", "held")?;
    // Taking off the last finalizer is an update; it is not asked about.
    let patch = r#"{"metadata":{"finalizers":null}}"#;
    kube.run(&[
        "patch",
        "ipaddresspool",
        "held",
        "--namespace",
        NAMESPACE,
        "--type=merge",
        "--patch",
        patch,
    ])?;
    wait_for("everything is gone", SOON, || {
        let left = kube.get(&["bgppeers,bfdprofiles,ipaddresspools", "--namespace", NAMESPACE])?;
        ensure!(left["items"].as_array().is_some_and(Vec::is_empty), "{left}");
        Ok(())
    })?;
    Ok(())
}

//! BGPPeer v1beta1: converted, and migrated.

use crate::cluster::{Cluster, NAMESPACE, SOON, object, peer, piped};
use anyhow::{Context, Result, ensure};
use herald_e2e::{Kube, wait_for};
use serde_json::{Value, json};

/// kubectl speaks v1beta1, and nothing of v1beta2 is lost by it.
pub fn conversion_loses_nothing() -> Result<()> {
    let cluster = Cluster::start()?;
    let kube = &cluster.kube;
    let more = json!({ "vrf": "red", "connectTime": "10s", "passwordSecret": { "name": "s" }, "enableGracefulRestart": true });
    cluster.taken("v1beta2", &peer("new", "192.0.2.1", &more))?;
    let named = |version: &str| format!("bgppeers.{version}.metallb.io");
    let get = |version: &str, name: &str| kube.get(&[&named(version), name, "--namespace", NAMESPACE]);
    let (before, old) = (get("v1beta2", "new")?, get("v1beta1", "new")?);
    ensure!(old["apiVersion"] == "metallb.io/v1beta1" && old["spec"].get("vrf").is_none(), "{old}");
    // As `kubectl edit` does: the whole object comes back.
    let mut edited = old.clone();
    edited["spec"]["holdTime"] = json!("30s");
    piped(kube.kubectl(&["replace", "--filename=-"]), &edited.to_string())?;
    let mut wanted = before["spec"].clone();
    wanted["holdTime"] = json!("30s");
    let after = get("v1beta2", "new")?;
    ensure!(after["spec"] == wanted, "{after}");
    ensure!(after["metadata"].get("annotations").is_none(), "what v1beta1 keeps is not stored: {after}");

    // Timers that v1beta1 does not set are not set.
    let least =
        json!({ "myASN": 64512, "peerASN": 64513, "peerAddress": "192.0.2.9", "routerID": "10.0.0.1" });
    let mut all = least.clone();
    all["nodeSelectors"] = json!([{ "matchLabels": { "rack": "none" } }]);
    cluster.taken("v1beta1", &object("v1beta1", "BGPPeer", "old", &all))?;
    let stored = get("v1beta2", "old")?;
    ensure!(
        stored["spec"].get("holdTime").is_none() && stored["spec"].get("keepaliveTime").is_none(),
        "{stored}"
    );
    // And judged as what they are.
    cluster.refused(
        "v1beta1",
        &object("v1beta1", "BGPPeer", "worse", &json!({ "myASN": 1, "peerASN": 2, "peerAddress": "x" })),
        "invalid BGPPeer address",
    )?;
    let list = kube.get(&[&named("v1beta1"), "--namespace", NAMESPACE])?;
    ensure!(list["items"].as_array().map(Vec::len) == Some(2), "{list}");
    Ok(())
}

/// Objects that were stored as v1beta1 are stored as v1beta2 once an operator has started.
pub fn what_is_stored_as_v1beta1_is_migrated() -> Result<()> {
    let definition = "bgppeers.metallb.io";
    let stored_as = |kube: &Kube| -> Result<Value> {
        Ok(kube.get(&["crd", definition])?["status"]["storedVersions"].clone())
    };
    let cluster = Cluster::start_after(|kube| {
        // As before an upgrade: nobody is asked yet.
        kube.run(&["delete", "validatingwebhookconfigurations", "--all"])?;
        let store = |version: usize, other: usize| {
            let patch = json!([
                { "op": "replace", "path": format!("/spec/versions/{other}/storage"), "value": false },
                { "op": "replace", "path": format!("/spec/versions/{version}/storage"), "value": true },
            ]);
            kube.run(&["patch", "crd", definition, "--type=json", "--patch", &patch.to_string()])
        };
        store(0, 1)?;
        let spec = json!({ "myASN": 64512, "peerASN": 64513, "peerAddress": "192.0.2.1", "peerPort": 0 });
        // The server takes a moment to store in the other version.
        wait_for("v1beta1 is stored", SOON, || {
            kube.apply(&object("v1beta1", "BGPPeer", "old", &spec))?;
            let raw = etcd(kube, "old")?;
            ensure!(raw.contains("metallb.io/v1beta1"), "{raw}");
            Ok(())
        })?;
        store(1, 0)?;
        let stored = stored_as(kube)?;
        ensure!(stored.as_array().is_some_and(|stored| stored.contains(&json!("v1beta1"))), "{stored}");
        Ok(())
    })?;
    wait_for("the definition says so", SOON, || {
        let stored = stored_as(&cluster.kube)?;
        ensure!(stored == json!(["v1beta2"]), "{stored}");
        Ok(())
    })
    .with_context(|| cluster.log())?;
    let raw = etcd(&cluster.kube, "old")?;
    ensure!(raw.contains("metallb.io/v1beta2"), "{raw}");
    let old = cluster.kube.get(&["bgppeers.v1beta1.metallb.io", "old", "--namespace", NAMESPACE])?;
    ensure!(old["spec"]["peerPort"] == 0, "{old}");
    Ok(())
}

/// What etcd holds of a BGPPeer, by its HTTP gateway: keys and values are in base64.
fn etcd(kube: &Kube, name: &str) -> Result<String> {
    let key = format!("/registry/metallb.io/bgppeers/{NAMESPACE}/{name}");
    let script = format!(
        "curl -fsS --data \"{{\\\"key\\\":\\\"$(printf %s {key} | base64 -w0)\\\"}}\" http://127.0.0.1:2379/v3/kv/range | \
         python3 -c 'import base64, json, sys; print(base64.b64decode(json.load(sys.stdin)[\"kvs\"][0][\"value\"]).decode())'"
    );
    kube.namespace().run("sh", &["-c", &script])
}

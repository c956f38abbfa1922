//! A real API server asks the operator before it stores anything: MetalLB's rows W1 to W19, conversion, and what happens
//! without an operator.

use anyhow::{Context, Result, ensure};
use herald_e2e::{Kube, Lab, Operator, wait_for};
use serde_json::{Value, json};
use std::time::Duration;

const NAMESPACE: &str = "metallb-system";
const SOON: Duration = Duration::from_mins(1);

/// A cluster of two nodes with everything installed, and one replica that answers webhooks.
struct Cluster {
    operator: Operator,
    kube: Kube,
    _lab: Lab,
}

impl Cluster {
    fn start() -> Result<Self> {
        Self::start_after(|_| Ok(()))
    }

    fn start_after(prepare: impl FnOnce(&Kube) -> Result<()>) -> Result<Self> {
        let lab = Lab::new()?;
        let kube = Kube::installed(&lab)?;
        prepare(&kube)?;
        for (name, rack) in [("node-1", "1"), ("node-2", "2")] {
            let metadata = json!({ "name": name, "labels": { "rack": rack } });
            kube.apply(&json!({ "apiVersion": "v1", "kind": "Node", "metadata": metadata }).to_string())?;
        }
        kube.install("manifests/webhooks")?;
        let operator = Operator::start(&lab, &kube, "controller-a", &["--webhook-mode=onlywebhook"])?;
        let cluster = Self { operator, kube, _lab: lab };
        cluster.wait_until_asked()?;
        Ok(cluster)
    }

    /// Until the API server gets answers.
    fn wait_until_asked(&self) -> Result<()> {
        wait_for("the webhooks answer", SOON, || {
            self.kube.apply(&pool("probe", "203.0.113.0/30"))?;
            self.kube.run(&["delete", "ipaddresspool", "probe", "--namespace", NAMESPACE]).map(drop)
        })
        .with_context(|| self.operator.log())
    }

    fn taken(&self, row: &str, manifest: &str) -> Result<()> {
        self.kube.apply(manifest).map(drop).with_context(|| format!("{row}: {}", self.operator.log()))
    }

    fn refused(&self, row: &str, manifest: &str, words: &str) -> Result<()> {
        let refused =
            self.kube.apply(manifest).err().with_context(|| format!("{row}: it was taken: {manifest}"))?;
        says(row, &refused, words)
    }

    fn delete(&self, what: &str, name: &str) -> Result<String> {
        self.kube.run(&["delete", what, name, "--namespace", NAMESPACE, "--wait=false"])
    }

    /// Takes everything away that a row made.
    fn clear(&self) -> Result<()> {
        let kinds = "bgppeers,bgpadvertisements,l2advertisements,communities,bfdprofiles,ipaddresspools";
        for kind in kinds.split(',') {
            self.kube.run(&["delete", kind, "--all", "--namespace", NAMESPACE])?;
        }
        Ok(())
    }
}

fn says(row: &str, error: &anyhow::Error, words: &str) -> Result<()> {
    let text = format!("{error:#}");
    ensure!(text.contains(words), "{row}: {words:?} is not in: {text}");
    Ok(())
}

fn object(version: &str, kind: &str, name: &str, spec: &Value) -> String {
    let metadata = json!({ "name": name, "namespace": NAMESPACE });
    let version = format!("metallb.io/{version}");
    json!({ "apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec }).to_string()
}

fn pool(name: &str, addresses: &str) -> String {
    object("v1beta1", "IPAddressPool", name, &json!({ "addresses": [addresses] }))
}

fn advertisement(spec: &Value) -> String {
    object("v1beta1", "BGPAdvertisement", "adv", spec)
}

fn peer(name: &str, address: &str, more: &Value) -> String {
    let mut spec = json!({ "myASN": 64512, "peerASN": 64513, "peerAddress": address });
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    object("v1beta2", "BGPPeer", name, &spec)
}

fn community(name: &str, aliases: &[(&str, &str)]) -> String {
    let aliases: Vec<Value> =
        aliases.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    object("v1beta1", "Community", name, &json!({ "communities": aliases }))
}

/// MetalLB's acceptance list (webhookstests), each row by its number.
#[test]
fn rows_w1_to_w19() -> Result<()> {
    let cluster = Cluster::start()?;
    for row in [pools, advertisements, peers, communities, profiles, namespaces, what_upstream_misses] {
        row(&cluster)?;
        cluster.clear()?;
    }
    frr_configurations(&cluster)
}

fn pools(cluster: &Cluster) -> Result<()> {
    let overlaps = "overlaps with already defined CIDR";
    cluster.taken("W1", &pool("one", "192.0.2.10-192.0.2.20"))?;
    cluster.refused("W1", &pool("two", "192.0.2.15-192.0.2.30"), overlaps)?;
    cluster.taken("W1", &pool("two", "198.51.100.0/24"))?;
    cluster.refused("W1", &pool("two", "192.0.2.0/24"), overlaps)
}

fn advertisements(cluster: &Cluster) -> Result<()> {
    cluster.taken("W2", &pool("one", "192.0.2.0/28"))?;
    let wide = "invalid aggregation length 26: prefix 28 in this pool is more specific than the aggregation length for \
                addresses 192.0.2.0/28";
    cluster.refused(
        "W2",
        &advertisement(&json!({ "ipAddressPools": ["one"], "aggregationLength": 26 })),
        wide,
    )?;
    let some = json!({ "serviceSelectors": [{ "matchLabels": { "a": "b" } }], "aggregationLength": 28 });
    cluster.refused(
        "W3",
        &advertisement(&some),
        "serviceSelectors and aggregationLength are mutually exclusive",
    )
}

fn peers(cluster: &Cluster) -> Result<()> {
    let on = |rack: &str| json!({ "nodeSelectors": [{ "matchLabels": { "rack": rack } }] });
    cluster.refused("W4", &peer("bad", "1.1.1.400", &Value::Null), "invalid BGPPeer address")?;
    cluster.taken("W5", &peer("one", "192.0.2.1", &on("1")))?;
    cluster.refused("W5", &peer("two", "192.0.2.1", &Value::Null), "already exists")?;
    cluster.refused("W5", &peer("two", "192.0.2.1", &on("1")), "already exists")?;
    cluster.taken("W6", &peer("two", "192.0.2.1", &on("2")))
}

fn communities(cluster: &Cluster) -> Result<()> {
    let section = "invalid community value: invalid section";
    let large = "expected community to be of format large:<uint32>:<uint32>:<uint32>";
    let twice = "duplicate definition of community";
    cluster.refused("W7", &community("a", &[("x", "99999999:1")]), section)?;
    cluster.refused("W8", &community("a", &[("x", "lorge:1:2:3")]), large)?;
    cluster.taken("W9", &community("a", &[("x", "1111:2222")]))?;
    cluster.refused("W9", &community("a", &[("x", "99999999:1")]), section)?;
    cluster.refused("W10", &community("a", &[("x", "lorge:1:2:3")]), large)?;
    for (row, value) in [("W11", "1111:2222"), ("W12", "large:1111:2222:3333")] {
        cluster.refused(row, &community("b", &[("y", value), ("y", value)]), twice)?;
        cluster.refused(row, &community("b", &[("x", value)]), twice)?;
    }
    Ok(())
}

fn profiles(cluster: &Cluster) -> Result<()> {
    cluster.taken("W13", &object("v1beta1", "BFDProfile", "fast", &json!({ "receiveInterval": 100 })))?;
    cluster.taken("W13", &peer("user", "192.0.2.1", &json!({ "bfdProfile": "fast" })))?;
    let refused = cluster.delete("bfdprofile", "fast").err().context("W13: it was deleted")?;
    says("W13", &refused, "failed to delete BFDProfile fast, used by BGPPeer user")?;
    cluster.delete("bgppeer", "user")?;
    cluster.delete("bfdprofile", "fast").map(drop).context("W13: its user is gone")
}

fn namespaces(cluster: &Cluster) -> Result<()> {
    let elsewhere = |manifest: String| manifest.replace(NAMESPACE, "default");
    let rows = [
        ("W14", object("v1beta1", "BFDProfile", "p", &json!({}))),
        ("W15", pool("p", "192.0.2.0/24")),
        ("W16", peer("p", "192.0.2.1", &json!({ "disableMP": true }))),
        ("W17", advertisement(&json!({}))),
        ("W18", object("v1beta1", "L2Advertisement", "p", &json!({}))),
        ("W19", community("p", &[("x", "1:1")])),
    ];
    for (row, manifest) in rows {
        cluster.refused(row, &elsewhere(manifest), "resource must be created in metallb-system namespace")?;
    }
    Ok(())
}

fn what_upstream_misses(cluster: &Cluster) -> Result<()> {
    let passwords = json!({ "password": "hunter2", "passwordSecret": { "name": "s" }, "disableMP": true });
    cluster.refused(
        "two passwords",
        &peer("p", "192.0.2.1", &passwords),
        "can not have both password and secret ref",
    )?;
    cluster.refused(
        "disableMP",
        &peer("p", "1.1.1.400", &json!({ "disableMP": true })),
        "invalid BGPPeer address",
    )?;
    cluster.taken("shrinking", &pool("one", "192.0.2.0/24"))?;
    cluster.taken("shrinking", &advertisement(&json!({ "aggregationLength": 26 })))?;
    let shrunk = "BGPAdvertisement metallb-system/adv spec.aggregationLength: invalid aggregation length 26: prefix 28";
    cluster.refused("shrinking", &pool("one", "192.0.2.0/28"), shrunk)?;
    // All of it in one answer.
    let bad = json!({ "routerID": "x", "holdTime": "1s", "bfdProfile": "none" });
    for words in ["[InvalidPeerAddress]", "[InvalidRouterID]", "[InvalidHoldTime]"] {
        cluster.refused("together", &peer("p", "1.1.1.400", &bad), words)?;
    }
    // What is applied later is no mistake.
    let later = cluster.kube.kubectl(&["create", "--namespace", NAMESPACE, "--filename=-"]);
    let said = piped(later, &peer("p", "192.0.2.1", &json!({ "bfdProfile": "later" })))?;
    ensure!(
        said.contains("Warning: BGPPeer metallb-system/p spec.bfdProfile: peer p referencing non existing"),
        "{said}"
    );
    ensure!(!cluster.operator.log().contains("hunter2"), "a password is in the log");
    Ok(())
}

/// What a command says on standard error, given its standard input.
fn piped(mut command: std::process::Command, input: &str) -> Result<String> {
    use std::process::Stdio;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    std::io::Write::write_all(&mut child.stdin.take().context("no input")?, input.as_bytes())?;
    let done = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(done.status.success(), "{said}");
    Ok(said)
}

/// frr-k8s' own objects: from any namespace alone, in ours together.
fn frr_configurations(cluster: &Cluster) -> Result<()> {
    let configuration = |name: &str, namespace: &str, router: Value| {
        let metadata = json!({ "name": name, "namespace": namespace });
        let spec = json!({ "bgp": { "routers": [router] } });
        json!({ "apiVersion": "frrk8s.metallb.io/v1beta1", "kind": "FRRConfiguration", "metadata": metadata, "spec": spec })
            .to_string()
    };
    let nowhere = configuration("frr", "default", json!({ "asn": 64512, "neighbors": [{ "asn": 64513 }] }));
    cluster.refused("FRRConfiguration", &nowhere, "neighbor has no address and no interface")?;
    cluster.taken("FRRConfiguration", &configuration("frr", NAMESPACE, json!({ "asn": 64512 })))?;
    let other = configuration("other", NAMESPACE, json!({ "asn": 64999 }));
    cluster.refused("FRRConfiguration", &other, "64999")?;
    cluster.taken("beside it", &peer("p", "192.0.2.1", &Value::Null))?;
    let verb = json!({ "myASN": 64999 });
    cluster.refused("a peer of another AS", &peer("q", "192.0.2.2", &verb), "same myAsn")
}

/// kubectl speaks v1beta1, and nothing of v1beta2 is lost by it.
#[test]
fn conversion_loses_nothing() -> Result<()> {
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

/// Without an operator nothing of ours is created; everything can be deleted, and nobody else notices.
#[test]
fn an_operator_that_is_away_blocks_only_what_must_be_judged() -> Result<()> {
    let mut cluster = Cluster::start()?;
    cluster.taken("before", &object("v1beta1", "BFDProfile", "fast", &json!({})))?;
    cluster.taken("before", &peer("user", "192.0.2.1", &json!({ "bfdProfile": "fast" })))?;
    let mut held: Value = serde_json::from_str(&pool("held", "192.0.2.0/24"))?;
    held["metadata"]["finalizers"] = json!(["example.com/held"]);
    cluster.taken("before", &held.to_string())?;
    cluster.operator.stop()?;
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

/// Objects that were stored as v1beta1 are stored as v1beta2 once an operator has started.
#[test]
fn what_is_stored_as_v1beta1_is_migrated() -> Result<()> {
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
    .with_context(|| cluster.operator.log())?;
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

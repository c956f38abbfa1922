//! MetalLB's acceptance list (webhookstests), each row by its number, and what upstream misses.

use crate::cluster::{Cluster, NAMESPACE, SOON, advertisement, community, object, peer, piped, pool, says};
use anyhow::{Context, Result, ensure};
use herald_e2e::wait_for;
use serde_json::{Value, json};

/// All of them, each request answered by the other replica than the one before.
pub fn w1_to_w19() -> Result<()> {
    let cluster = Cluster::of_two(|kube| kube.service_account_kubeconfig(NAMESPACE, "controller"))?;
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
    // A Secret of another type is there, and of no use.
    let opaque = ["create", "secret", "generic", "opaque", "--from-literal=password=hunter2", "--namespace"];
    cluster.kube.run(&[&opaque[..], &[NAMESPACE]].concat())?;
    wait_for("the replicas see the Secret", SOON, || {
        cluster.turn()?;
        let again =
            cluster.kube.kubectl(&["create", "--dry-run=server", "--namespace", NAMESPACE, "--filename=-"]);
        let secret = json!({ "passwordSecret": { "name": "opaque" } });
        let said = piped(again, &peer("q", "192.0.2.9", &secret))?;
        let words = "secret type mismatch on \"metallb-system\"/\"opaque\", type \"kubernetes.io/basic-auth\" is expected";
        ensure!(said.contains(words), "{said}");
        Ok(())
    })?;
    ensure!(!cluster.log().contains("hunter2"), "a password is in the log");
    Ok(())
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

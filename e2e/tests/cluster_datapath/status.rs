//! What stands in the API about Services, and what each node thinks of its configuration, by MetalLB's rows.

use crate::ground::{Ground, Wish, advertisement, object, on, pool};
use anyhow::{Context, Result, ensure};
use herald_e2e::cluster::LIMIT;
use herald_e2e::{Logged, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NODES: [&str; 3] = ["node-1", "node-2", "node-3"];
/// Nobody answers there.
const NOBODY: &str = "172.30.0.200";

/// The items of a list of Herald's own namespace.
fn list(ground: &Ground, kind: &str, selector: &str) -> Result<Vec<Value>> {
    let answer = ground.cluster.kube.get(&[kind, "--namespace=metallb-system", "--selector", selector])?;
    Ok(answer["items"].as_array().context("no list")?.clone())
}

/// Waits until exactly these nodes say that they have sent the Service, each to exactly these peers.
fn sent(ground: &Ground, service: &str, nodes: &[&str], peers: &[&str]) -> Result<()> {
    let wanted: BTreeMap<&str, Value> = nodes.iter().map(|node| (*node, json!(peers))).collect();
    wait_for(&format!("{nodes:?} have sent {service} to {peers:?}"), LIMIT, || {
        let all = list(ground, "servicebgpstatuses", &format!("metallb.io/service-name={service}"))?;
        let told = all.iter().map(|one| {
            let status = &one["status"];
            ensure!(one["metadata"]["labels"]["metallb.io/node"] == status["node"], "{one}");
            Ok((status["node"].as_str().unwrap_or_default(), status["peers"].clone()))
        });
        let told: BTreeMap<&str, Value> = told.collect::<Result<_>>()?;
        ensure!(told == wanted && all.len() == told.len(), "{all:?}");
        Ok(())
    })
    .logged(|| ground.cluster.logs())
}

/// Every node tells to which peers it has sent each Service; a peer that does not exist is not among them.
// B34, B35, B36
pub fn of_services(ground: &mut Ground) -> Result<()> {
    let some =
        |peers: &[&str], nodes: Value| advertisement("some", json!({"peers": peers, "nodeSelectors": nodes}));
    let all = ["bird", "bird-v6", "frr", "frr-v6", "none-such"];
    ground.apply(&[pool("pool", &["198.51.100.0/24", "2001:db8:100::/120"]), some(&all, json!([]))])?;
    // A session carries the routes of its own family.
    let (four, six) = (["bird", "frr"], ["bird-v6", "frr-v6"]);
    let services: [(&str, &[&str], &[&str]); 3] = [
        ("four", &["198.51.100.95"], &four),
        ("six", &["2001:db8:100::95"], &six),
        ("both", &["198.51.100.96", "2001:db8:100::96"], &["bird", "bird-v6", "frr", "frr-v6"]),
    ];
    for (name, addresses, peers) in services {
        ground.services(&[Wish::new(name).at(addresses)])?;
        sent(ground, name, &NODES, peers)?;
    }
    ground.without_peer("frr")?;
    ground.without_peer("frr-v6")?;
    for (name, _, peers) in services {
        let left: Vec<&str> = peers.iter().copied().filter(|peer| !peer.starts_with("frr")).collect();
        sent(ground, name, &NODES, &left)?;
    }
    ground.apply(&[some(&all, on(&[1, 2]))])?;
    sent(ground, "four", &NODES[..2], &["bird"])?;
    sent(ground, "six", &NODES[..2], &["bird-v6"])?;
    sent(ground, "both", &NODES[..2], &["bird", "bird-v6"])?;
    for (name, ..) in services {
        ground.delete("service", name)?;
        sent(ground, name, &[], &[])?;
    }
    Ok(())
}

/// Waits until these states of the configuration are Invalid, each with its summary (or, where it is no whole one, those words in it), and
/// all others are Valid.
fn judged(ground: &Ground, invalid: &[(&str, &str)]) -> Result<()> {
    wait_for(&format!("only {invalid:?} are invalid"), LIMIT, || {
        let all = list(ground, "configurationstates", "")?;
        ensure!(all.len() == NODES.len() + 1, "{all:?}");
        for one in all {
            let (name, status) = (one["metadata"]["name"].as_str().unwrap_or_default(), &one["status"]);
            let summary = status["errorSummary"].as_str().unwrap_or_default();
            let is_it = match invalid.iter().find(|(invalid, _)| *invalid == name) {
                Some((_, words)) if words.starts_with("configuration error: ") => summary == *words,
                Some((_, words)) => summary.contains(words),
                None => summary.is_empty(),
            };
            let result =
                if invalid.iter().any(|(invalid, _)| *invalid == name) { "Invalid" } else { "Valid" };
            ensure!(is_it && status["result"] == result, "{name}: {status}");
        }
        Ok(())
    })
    .logged(|| ground.cluster.logs())
}

/// The same of every node's agent.
fn all_judged(ground: &Ground, words: &str) -> Result<()> {
    let names = NODES.map(|node| format!("speaker-{node}"));
    judged(ground, &names.each_ref().map(|name| (name.as_str(), words)))
}

fn lonely(name: &str, more: &Value) -> Value {
    let mut spec = json!({"myASN": 64500, "peerASN": 64513, "peerAddress": NOBODY});
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    object("BGPPeer", name, spec)
}

fn secret(kind: &str) -> Value {
    let metadata = json!({"name": "of-peer", "namespace": "metallb-system", "labels": {"row": "yes"}});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "stringData": {"password": "quiet"}})
}

/// Which nodes an object is wrong for, in MetalLB's words.
// C1, C6, C7, C9
pub fn of_single_nodes(ground: &mut Ground) -> Result<()> {
    judged(ground, &[])?;
    let with_secret = json!({"passwordSecret": {"name": "of-peer"}, "nodeSelectors": on(&[2])});
    ground.extra(&[secret("Opaque"), lonely("of-two", &with_secret)])?;
    let of_secret = "configuration error: parsing peer of-two secret type mismatch on \"metallb-system\"/\"of-peer\", type \
                     \"kubernetes.io/basic-auth\" is expected \nfailed to parse peer of-two password secret";
    judged(ground, &[("speaker-node-2", of_secret)])?;
    // Another node has a trouble of its own.
    let unknown = json!({"bfdProfile": "none-such", "nodeSelectors": on(&[3])});
    ground.extra(&[lonely("of-three", &unknown)])?;
    let of_profile = "configuration error: peer of-three referencing non existing bfd profile none-such";
    judged(ground, &[("speaker-node-2", of_secret), ("speaker-node-3", of_profile)])?;
    ground.delete("bgppeer", "of-three")?;
    ground.delete("secret", "of-peer")?;
    ground.extra(&[secret("kubernetes.io/basic-auth")])?;
    judged(ground, &[])?;
    // A node that is labelled gets two peers with one address.
    let twin = json!({"nodeSelectors": [{"matchLabels": {"meets": "yes"}}]});
    ground.extra(&[lonely("twin", &twin)])?;
    judged(ground, &[])?;
    ground.label(2, "meets=yes")?;
    let labelled = judged(ground, &[("speaker-node-2", "already exists")]);
    ground.label(2, "meets-")?;
    labelled?;
    judged(ground, &[])
}

/// What is wrong for all of them. Where several are wrong all are named here; MetalLB tells of one after the other.
// C2, C3, C4, C5, BM9
pub fn of_all_nodes(ground: &mut Ground) -> Result<()> {
    let of_profile = |peer: &str, profile: &str| {
        format!("configuration error: peer {peer} referencing non existing bfd profile {profile}")
    };
    ground.extra(&[lonely("early", &json!({"bfdProfile": "late"}))])?;
    all_judged(ground, &of_profile("early", "late"))?;
    ground.every_page("the configuration is stale", 9120, |page| {
        page.is("metallb_k8s_client_config_stale_bool", &[], 1.0)
    })?;
    ground.extra(&[object("BFDProfile", "late", json!({}))])?;
    judged(ground, &[])?;
    ground.every_page("the configuration is in force", 9120, |page| {
        page.is("metallb_k8s_client_config_stale_bool", &[], 0.0)?;
        page.is("metallb_k8s_client_config_loaded_bool", &[], 1.0)?;
        page.at_least("metallb_k8s_client_updates_total", &[], 1.0)
    })?;
    let patch = |profile: &str| {
        let patch = json!({"spec": {"bfdProfile": profile}}).to_string();
        let words = ["patch", "bgppeer", "early", "--namespace=metallb-system", "--type=merge", "--patch"];
        ground.cluster.kube.run(&[&words[..], &[&patch]].concat()).map(drop)
    };
    patch("none-such")?;
    all_judged(ground, &of_profile("early", "none-such"))?;
    let wrong = json!({"peerAddress": "172.30.0.201", "passwordSecret": {"name": "of-peer"}});
    ground.extra(&[secret("Opaque"), lonely("second", &wrong)])?;
    all_judged(ground, "second")?;
    all_judged(ground, "early")?;
    ground.delete("bgppeer", "second")?;
    all_judged(ground, &of_profile("early", "none-such"))?;
    ground.delete("bgppeer", "early")?;
    judged(ground, &[])?;
    ground.apply(&[advertisement("alias", json!({"communities": ["my-valid-alias"]}))])?;
    all_judged(
        ground,
        "configuration error: invalid community format: my-valid-alias\ninvalid community \"my-valid-alias\" in BGP \
         advertisement",
    )?;
    let alias = json!({"communities": [{"name": "my-valid-alias", "value": "64500:77"}]});
    ground.apply(&[object("Community", "aliases", alias)])?;
    judged(ground, &[])
}

/// A ConfigurationState that somebody deletes is there again, and says what holds.
// C8, C10
pub fn deleted(ground: &mut Ground) -> Result<()> {
    let delete = |ground: &Ground, names: &[&str]| -> Result<()> {
        let words = ["delete", "configurationstates", "--namespace=metallb-system"];
        ground.cluster.kube.run(&[&words[..], names].concat()).map(drop)
    };
    judged(ground, &[])?;
    delete(ground, &["speaker-node-1"])?;
    judged(ground, &[])?;
    ground.extra(&[lonely("wrong", &json!({"bfdProfile": "none-such"}))])?;
    let of_profile = "configuration error: peer wrong referencing non existing bfd profile none-such";
    all_judged(ground, of_profile)?;
    delete(ground, &["--all"])?;
    all_judged(ground, of_profile)?;
    ground.delete("bgppeer", "wrong")?;
    judged(ground, &[])?;
    delete(ground, &["--all"])?;
    judged(ground, &[])
}

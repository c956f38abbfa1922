//! What stands in the API about a node is what its FRR does: real API server, operator, agent with the rights of
//! `manifests/rbac`, FRR 10.3, and two neighbours.

mod ground;
mod logging;

use anyhow::{Context, Result, ensure};
use ground::{Ground, LIMIT, NAMESPACE, list};
use herald_e2e::{Logged, wait_for};
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// For so long nothing may be written: it is longer than anything waits.
const REST: Duration = Duration::from_secs(15);

/// So old may be what is told.
const AGE: Duration = Duration::from_secs(2);
/// So many writes at once, and one more for each second.
const BURST: usize = 300;

/// One cluster for all of it: what one part leaves behind is what the next one starts with.
#[test]
fn status_objects_say_what_frr_does() -> Result<()> {
    let mut ground = Ground::start()?;
    let told = all(&mut ground);
    told.logged(|| ground.logs())
}

fn all(ground: &mut Ground) -> Result<()> {
    who_was_sent_a_service(ground)?;
    sessions_and_node(ground)?;
    nothing_is_written_at_rest(ground)?;
    a_lost_neighbour_is_told_soon(ground)?;
    what_is_deleted_comes_back(ground)?;
    a_long_configuration_is_cut(ground)?;
    frr_refuses_a_line(ground)?;
    conversion_fails(ground)?;
    logging::follows_the_settings(ground)?;
    a_restart_writes_nothing(ground)?;
    so_many_writes_and_no_more(ground)?;
    without_objects_per_service(ground)
}

/// Both peers, no other; the unknown one of the advertisement is ignored.
fn who_was_sent_a_service(ground: &Ground) -> Result<()> {
    let object = ground.announced("web", &["bird", "gobgp"])?;
    let labels = json!({
        "metallb.io/node": "node1",
        "metallb.io/service-name": "web",
        "metallb.io/service-namespace": "default",
    });
    ensure!(object["metadata"]["labels"] == labels, "{object}");
    ensure!(object["status"]["node"] == "node1" && object["status"]["serviceName"] == "web", "{object}");
    let owner = &object["metadata"]["ownerReferences"][0];
    ensure!(owner["kind"] == "FRRNodeState" && owner["name"] == "node1", "{object}");
    let message = ground.says("web", "True", "Advertised")?;
    ensure!(message.starts_with("sent by 1 node on 2 sessions"), "{message}");
    wait_for("the Event is there", LIMIT, || {
        let events = ground.events("web", "nodeAssigned")?;
        ensure!(events.len() == 1, "{events:?}");
        ensure!(events[0]["message"] == "announcing from node \"node1\" with protocol \"bgp\"", "{events:?}");
        ensure!(events[0]["source"]["component"] == "metallb-speaker", "{events:?}");
        Ok(())
    })
}

// frr-k8s status: running config and reload result published
// frr-k8s bgp_session_status: Established, N/A without BFD
fn sessions_and_node(ground: &Ground) -> Result<()> {
    for neighbor in ["172.30.0.2", "172.30.0.3"] {
        let session = ground.session(neighbor, "Established")?;
        ensure!(session["status"]["bfdStatus"] == "N/A" && session["status"]["node"] == "node1", "{session}");
        ensure!(session["metadata"]["labels"]["frrk8s.metallb.io/vrf"] == "", "{session}");
    }
    wait_for("the node's state is told", LIMIT, || {
        let state = ground.kube.get(&["frrnodestate", "node1"])?;
        let status = &state["status"];
        let running = status["runningConfig"].as_str().context("no runningConfig")?;
        ensure!(status["lastReloadResult"] == "success", "{status}");
        ensure!(status["lastConversionResult"] == "success", "{status}");
        ensure!(running.contains("router bgp 64500") && running.contains("172.30.0.2 activate"), "{running}");
        ensure!(running.contains("password <retracted>") && !running.contains("quiet"), "{running}");
        Ok(())
    })?;
    ground.configuration("Valid", "")?;
    let state = ground.kube.get(&["configurationstate", "speaker-node1", NAMESPACE])?;
    let labels = json!({"metallb.io/component-type": "speaker", "metallb.io/node-name": "node1"});
    ensure!(state["metadata"]["labels"] == labels, "{state}");
    let state = ground.kube.run(&[
        "get",
        "configurationstate",
        "speaker-node1",
        NAMESPACE,
        "--show-managed-fields",
        "--output=json",
    ])?;
    ensure!(state.contains("configReconciler"), "{state}");
    Ok(())
}

fn nothing_is_written_at_rest(ground: &Ground) -> Result<()> {
    // What was begun ends first: the running configuration is told at most every 30 s.
    let mut before = ground.writes()?;
    wait_for("it is quiet", LIMIT, || {
        sleep(Duration::from_secs(5));
        let now = ground.writes()?;
        let quiet = now == before;
        before = now;
        ensure!(quiet, "{before:?}");
        Ok(())
    })?;
    sleep(REST);
    let now = ground.writes()?;
    ensure!(now == before, "before: {before:#?}, now: {now:#?}");
    Ok(())
}

/// The age of what is told is under 2 s. A machine that does other things may be late: of five times one must be in time, and
/// all are printed.
fn a_lost_neighbour_is_told_soon(ground: &Ground) -> Result<()> {
    let mut took = Vec::new();
    while took.len() < 5 && took.iter().all(|one| *one >= AGE) {
        ground.bird.ask("disable node")?;
        let lost = Instant::now();
        let object = ground.announced("web", &["gobgp"])?;
        took.push(lost.elapsed());
        ensure!(object["status"]["node"] == "node1", "{object}");
        // frr-k8s bgp_session_status: peer reset
        let session = ground.session_that("172.30.0.2", |state| state != "Established")?;
        let state = session["status"]["bgpStatus"].as_str().unwrap_or_default();
        ensure!(["Idle", "Connect", "Active"].contains(&state), "{session}");
        let message = ground.says("web", "True", "PartlyAdvertised")?;
        ensure!(message.contains("BGPPeer bird on node node1"), "{message}");
        ground.bird.ask("enable node")?;
        ground.announced("web", &["bird", "gobgp"])?;
        ground.says("web", "True", "Advertised")?;
    }
    println!("a lost neighbour was in the ServiceBGPStatus after {took:?}");
    ensure!(took.iter().any(|one| *one < AGE), "{took:?}");
    Ok(())
}

fn what_is_deleted_comes_back(ground: &Ground) -> Result<()> {
    for kind in ["configurationstates", "servicebgpstatuses", "bgpsessionstates", "frrnodestates"] {
        let ids = |ground: &Ground| -> Result<Vec<Value>> {
            let all = list(&ground.kube.get(&[kind, NAMESPACE])?);
            Ok(all.iter().map(|one| json!([one["metadata"]["name"], one["metadata"]["uid"]])).collect())
        };
        let before = ids(ground)?;
        ensure!(!before.is_empty(), "no {kind}");
        ground.kube.run(&["delete", kind, "--all", NAMESPACE])?;
        wait_for(&format!("{kind} are there again"), LIMIT, || {
            let now = ids(ground)?;
            let same =
                now.iter().zip(&before).all(|(now, before)| now[0] == before[0] && now[1] != before[1]);
            ensure!(now.len() == before.len() && same, "{now:?}");
            Ok(())
        })?;
    }
    ground.announced("web", &["bird", "gobgp"])?;
    ground.configuration("Valid", "")
}

/// 256 KiB of it, ended by a line that says so. It is read anew with the next result ([`frr_refuses_a_line`]).
fn a_long_configuration_is_cut(ground: &Ground) -> Result<()> {
    let prefixes: Vec<String> =
        (0..13_000).map(|number| format!("10.{}.{}.1/32", number / 250, number % 250)).collect();
    let object = json!({
        "apiVersion": "frrk8s.metallb.io/v1beta1", "kind": "FRRConfiguration",
        "metadata": {"name": "long", "namespace": "metallb-system"},
        "spec": {"bgp": {"routers": [{"asn": 64500, "prefixes": prefixes}]}},
    });
    ground.kube.apply(&object.to_string())?;
    wait_for("FRR has all of it", LIMIT, || {
        let running = ground.running()?;
        ensure!(running.len() > 300 * 1024, "{} bytes", running.len());
        Ok(())
    })
}

// frr-k8s status: invalid raw config reported
fn frr_refuses_a_line(ground: &Ground) -> Result<()> {
    ground.kube.apply(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {name: raw, namespace: metallb-system}\n\
         spec: {raw: {rawConfig: this is a non valid configuration}}\n",
    )?;
    ground
        .node_state("lastReloadResult", |result| result.contains("ERROR") && result.contains("non valid"))?;
    ground.node_state("runningConfig", |text| {
        let last = text.lines().next_back().unwrap_or_default();
        text.contains("router bgp 64500") && text.len() <= 256 * 1024 && last.starts_with("! cut here: ")
    })?;
    ground.kube.run(&["delete", "frrconfiguration", "raw", "long", NAMESPACE])?;
    ground.node_state("lastReloadResult", |result| result == "success")
}

// frr-k8s status: conversion errors reported
fn conversion_fails(ground: &Ground) -> Result<()> {
    ground.kube.apply(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {name: broken, namespace: metallb-system}\n\
         spec: {bgp: {routers: [{asn: 64500, neighbors: [{asn: 1234, address: 192.168.1.1, passwordSecret: \
         {name: nonexisting, namespace: metallb-system}}]}]}}\n",
    )?;
    ground.node_state("lastConversionResult", |result| {
        result.starts_with("failed: ") && result.contains("secret nonexisting not found")
    })?;
    ground.configuration("Valid", "")?;
    ground.kube.run(&["delete", "frrconfiguration", "broken", NAMESPACE])?;
    ground.node_state("lastConversionResult", |result| result == "success")
}

/// An agent that ends and one that starts change nothing of what is true.
fn a_restart_writes_nothing(ground: &mut Ground) -> Result<()> {
    ground.announced("web", &["bird", "gobgp"])?;
    let before = ground.writes_to("servicebgpstatuses")?;
    ground.restart_agent(&[])?;
    sleep(REST);
    ground.announced("web", &["bird", "gobgp"])?;
    let now = ground.writes_to("servicebgpstatuses")?;
    ensure!(now == before, "{now} writes, {before} before");
    // A double, and one that MetalLB left.
    ground.kube.apply(
        "apiVersion: metallb.io/v1beta1\nkind: ServiceBGPStatus\nmetadata: {name: bgp-x7k2p, namespace: metallb-system, labels: \
         {metallb.io/node: node1, metallb.io/service-name: web, metallb.io/service-namespace: default}}\n",
    )?;
    wait_for("the double is gone", LIMIT, || {
        let all = list(&ground.kube.get(&["servicebgpstatuses", NAMESPACE])?);
        ensure!(all.iter().all(|one| one["metadata"]["name"] != "bgp-x7k2p"), "{all:?}");
        Ok(())
    })
}

/// More Services at once than there are writes for: what a node writes stays below its share, and its FRR announces all the same.
fn so_many_writes_and_no_more(ground: &mut Ground) -> Result<()> {
    let before = ground.writes_of_agent()?;
    let started = Instant::now();
    ground.restart_agent(&[])?;
    let names: Vec<String> = (0..120).map(|number| format!("many-{number}")).collect();
    ground.services(&names)?;
    for name in &names {
        ground.route(name)?;
    }
    // An object, its status, an Event: for the last ones there is nothing left but one a second.
    wait_for("what may be written at once is written", LIMIT, || {
        let written = ground.writes_of_agent()? - before;
        ensure!(written >= BURST - 10, "{written} writes so far");
        Ok(())
    })?;
    sleep(REST);
    let (written, passed) = (ground.writes_of_agent()? - before, started.elapsed().as_secs());
    println!("{written} writes in the first {passed} s");
    // The next second may have begun between the two.
    ensure!(written <= BURST + usize::try_from(passed)? + 2, "{written} writes in {passed} s");
    Ok(())
}

fn without_objects_per_service(ground: &mut Ground) -> Result<()> {
    ground.restart_agent(&["--service-bgp-status=false"])?;
    ground.not_announced("web")?;
    wait_for("none is left", LIMIT, || {
        let all = list(&ground.kube.get(&["servicebgpstatuses", NAMESPACE])?);
        ensure!(all.is_empty(), "{} are left", all.len());
        Ok(())
    })?;
    ground.service("third")?;
    ground.route("third")?;
    wait_for("an Event tells of it all the same", LIMIT, || {
        let events = ground.events("third", "nodeAssigned")?;
        ensure!(events.len() == 1, "{events:?}");
        Ok(())
    })?;
    // The operator has to be told, too: then it says what is planned.
    ground.restart_operator(&["--service-bgp-status=false"])?;
    let message = ground.says("third", "True", "Planned")?;
    ensure!(message.contains("BGPAdvertisement public"), "{message}");
    Ok(())
}

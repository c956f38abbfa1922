//! BFD: profiles on both sides.

use crate::ground::{Ground, Wish, object, pool};
use crate::metrics;
use crate::sessions::{four, peer};
use anyhow::{Context, Result, ensure};
use herald_e2e::cluster::{LIMIT, NODES};
use herald_e2e::{Logged, wait_for};
use serde_json::{Value, json};

const ALL: &[u8] = &[1, 2, 3];

/// BFD profiles: the parameters are the routers', too, and a second Service costs no session.
// B37, B38, B39, B40, B41, B42, BM5, BM6, BM7, BM8
// frr-k8s bfd
pub fn profiles(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    ground.routers("bfd on;", &["bfd"])?;
    // Echo is IPv4's alone, and refused where an IPv6 address could be announced.
    ground.apply(&[pool("pool", &["198.51.100.0/24"])])?;
    let echo =
        json!({"echoMode": true, "receiveInterval": 180, "transmitInterval": 180, "echoInterval": 150});
    let with = json!({"bfdProfile": "echo"});
    let peers = [peer("frr", 253, false, &with), peer("bird", 254, false, &with)];
    profile(ground, "echo", echo, &peers, [180, 180, 3])?;
    ground.delete("service", "first")?;
    ground.peers(&[])?;
    ground.plain()?;
    let full = json!({"receiveInterval": 160, "transmitInterval": 170, "detectMultiplier": 5, "echoInterval": 180,
        "echoMode": false, "passiveMode": false, "minimumTtl": 254});
    for (name, spec, wanted) in [("defaults", json!({}), [300, 300, 3]), ("full", full, [160, 170, 5])] {
        profile(ground, name, spec, &four(&json!({"bfdProfile": name})), wanted)?;
    }
    Ok(())
}

/// The profile is in force at the FRR router for every session of its half of `peers`.
fn profile(
    ground: &mut Ground,
    name: &str,
    spec: Value,
    peers: &[Value],
    [receive, transmit, detect]: [u64; 3],
) -> Result<()> {
    let six = peers.len() > 2;
    let addresses: &[&str] = if six { &["198.51.100.37", "2001:db8:100::37"] } else { &["198.51.100.36"] };
    ground.apply(&[object("BFDProfile", name, spec)])?;
    ground.peers(peers)?;
    ground.services(&[Wish::new("first").at(addresses)])?;
    ground.announced(addresses, ALL)?;
    let count = usize::from(NODES) * peers.len() / 2;
    wait_for(&format!("BFD with the profile {name}"), LIMIT, || {
        let said = ground.cluster.router.json("show bfd peers json")?;
        // The router waits for all sessions, also for those that nobody asks for.
        let up = |peer: &&Value| peer["status"] == "up";
        let peers: Vec<&Value> = said.as_array().context("a list")?.iter().filter(up).collect();
        ensure!(peers.len() == count, "{} peers are up: {said}", peers.len());
        for peer in peers {
            ensure!(peer["remote-receive-interval"] == receive, "{name}: {peer}");
            ensure!(peer["remote-transmit-interval"] == transmit, "{name}: {peer}");
            ensure!(peer["remote-detect-multiplier"] == detect, "{name}: {peer}");
        }
        Ok(())
    })
    .logged(|| ground.cluster.logs())?;
    metrics::of_bfd(ground, six, name == "echo")?;
    let dropped = |ground: &Ground| -> Result<Vec<Value>> {
        Ok(ground.sessions()?.iter().map(|session| session["connectionsDropped"].clone()).collect())
    };
    let before = dropped(ground)?;
    ground.services(&[Wish::new("second").at(&["198.51.100.38"])])?;
    ground.announced(&["198.51.100.38"], ALL)?;
    ensure!(before == dropped(ground)?, "a second Service cost a session");
    ground.delete("service", "second")
}

/// A whole profile stands in FRR's configuration, once, beside the timers.
// B72
pub fn in_configuration(ground: &mut Ground) -> Result<()> {
    ground.routers("bfd on;", &["bfd"])?;
    let spec = json!({"receiveInterval": 60, "transmitInterval": 70, "detectMultiplier": 80, "echoInterval": 90,
        "echoMode": true, "passiveMode": true, "minimumTtl": 200});
    ground.apply(&[object("BFDProfile", "whole", spec)])?;
    ground.peers(&four(&json!({"bfdProfile": "whole", "holdTime": "90s", "keepaliveTime": "30s"})))?;
    for node in &ground.cluster.nodes {
        wait_for(&format!("{} runs the profile", node.name), LIMIT, || {
            let running = node.frr.running()?;
            ensure!(running.matches("\n profile whole\n").count() == 1, "{running}");
            for line in [
                "receive-interval 60",
                "transmit-interval 70",
                "detect-multiplier 80",
                "echo-mode",
                "passive-mode",
                "minimum-ttl 200",
                "neighbor 172.30.0.253 timers 30 90",
                "neighbor 172.30.0.253 bfd profile whole",
            ] {
                ensure!(running.contains(line), "no {line}: {running}");
            }
            ensure!(!running.contains("172.30.0.253 port"), "another port than 179: {running}");
            Ok(())
        })?;
    }
    Ok(())
}

//! FRRConfigurations beside the rest: what they advertise, from which nodes, and lines of one's own. Groups of frr-k8s' suite:
//! advertisement, `node_selector`, `raw_config`.

use crate::ground::{Ground, object};
use anyhow::{Result, ensure};
use herald_e2e::cluster::{LIMIT, Route, Router, addresses};
use herald_e2e::wait_for;
use serde_json::{Value, json};

const ALL: &[u8] = &[1, 2, 3];
const ONE: [&str; 2] = ["192.0.2.0/26", "2001:db8:91::/64"];
const TWO: [&str; 2] = ["192.0.2.64/26", "2001:db8:92::/64"];

/// A configuration whose router has these prefixes, and a neighbor for each family of the FRR router.
fn configuration(name: &str, prefixes: &[&str], advertise: impl Fn(usize) -> Value, more: &Value) -> Value {
    let neighbors: Vec<Value> = (0..2)
        .map(|family| {
            json!({"address": addresses(253)[family], "asn": 64500, "connectTime": "1s", "toAdvertise": advertise(family)})
        })
        .collect();
    let mut spec =
        json!({"bgp": {"routers": [{"asn": 64500, "prefixes": prefixes, "neighbors": neighbors}]}});
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    object("FRRConfiguration", name, spec)
}

/// All prefixes, some of them, with communities, large ones and local preferences for all and for one.
// frr-k8s advertisement
pub fn advertisement(ground: &mut Ground) -> Result<()> {
    let all = [&ONE[..], &TWO].concat();
    let mode_all = |_| json!({"allowed": {"mode": "all"}});
    ground.apply(&[configuration("some", &all, mode_all, &json!({}))])?;
    ground.only(Router::Frr, &all)?;
    let one = |family: usize| json!({"allowed": {"mode": "filtered", "prefixes": [ONE[family]]}});
    ground.apply(&[configuration("some", &all, one, &json!({}))])?;
    ground.only(Router::Frr, &ONE)?;
    // Attributes of one prefix of two.
    let marked = |family: usize| {
        json!({
            "allowed": {"mode": "all"},
            "withCommunity": [
                {"community": "64500:5", "prefixes": [ONE[family]]},
                {"community": "large:64500:6:7", "prefixes": [ONE[family]]},
            ],
            "withLocalPref": [{"localPref": 155, "prefixes": [ONE[family]]}],
        })
    };
    ground.apply(&[configuration("some", &all, marked, &json!({}))])?;
    for prefix in ONE {
        ground.routes(Router::Frr, prefix, ALL, |route: &Route| {
            route.local_pref == Some(155) && route.communities.iter().eq(["64500:5", "64500:6:7"])
        })?;
    }
    for prefix in TWO {
        ground.routes(Router::Frr, prefix, ALL, |route| {
            route.local_pref == Some(100) && route.communities.is_empty()
        })?;
    }
    // Nobody asked for BIRD.
    ground.only(Router::Bird, &[])
}

/// One for all nodes and one for a node: they add up there.
// frr-k8s node_selector
pub fn node_selector(ground: &mut Ground) -> Result<()> {
    let mode_all = |_| json!({"allowed": {"mode": "all"}});
    let second = json!({"nodeSelector": {"matchLabels": {"kubernetes.io/hostname": "node-2"}}});
    ground.apply(&[
        configuration("everywhere", &ONE, mode_all, &json!({})),
        configuration("second", &TWO, mode_all, &second),
    ])?;
    for (prefixes, nodes) in [(ONE, ALL), (TWO, &[2])] {
        for prefix in prefixes {
            ground.routes(Router::Frr, prefix, nodes, |_| true)?;
        }
    }
    ground.delete("frrconfiguration", "everywhere")?;
    ground.only(Router::Frr, &TWO)
}

/// Lines of one's own reach FRR, in the order of their priorities, and leave with their object.
// frr-k8s raw_config
pub fn raw_config(ground: &mut Ground) -> Result<()> {
    let raw = |name: &str, priority: u32, lines: &str| {
        object("FRRConfiguration", name, json!({"raw": {"priority": priority, "rawConfig": lines}}))
    };
    ground.apply(&[
        raw("later", 20, "router bgp 64500\n address-family ipv4 unicast\n  network 192.0.2.192/26\n exit-address-family\n"),
        raw("sooner", 10, "bgp as-path access-list empty seq 5 permit ^$\n"),
    ])?;
    let runs = |wanted: bool| {
        for node in &ground.cluster.nodes {
            wait_for(&format!("{} runs the lines: {wanted}", node.name), LIMIT, || {
                let running = node.frr.running()?;
                for line in ["network 192.0.2.192/26", "bgp as-path access-list empty seq 5 permit ^$"] {
                    ensure!(running.contains(line) == wanted, "{running}");
                }
                Ok(())
            })?;
        }
        anyhow::Ok(())
    };
    runs(true)?;
    ground.delete("frrconfiguration", "later")?;
    ground.delete("frrconfiguration", "sooner")?;
    runs(false)
}

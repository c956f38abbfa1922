//! A session over a cable without addresses, with and without BFD.

use crate::ground::{Ground, Wish, object, on};
use anyhow::{Context, Result, ensure};
use herald_e2e::cluster::{LIMIT, Router};
use herald_e2e::{Logged, wait_for};
use serde_json::json;

/// Both families by link-local next hops. The cable stays: zebra 10.3 ends with signal 11 when a link goes on which it sends
/// router advertisements.
// U1, U2, U3, U4, U5, U6
// frr-k8s unnumbered
pub fn cable(ground: &mut Ground) -> Result<()> {
    let router = ground.cluster.machine(Router::Frr).clone();
    let node = ground.cluster.node(1).namespace();
    node.ip(&format!("link add cable0 type veth peer name cable1 netns {}", router.name()))?;
    node.ip("link set cable0 up")?;
    router.ip("link set cable1 up")?;
    ground.plain()?;
    ground.services(&[
        Wish::new("four").at(&["198.51.100.91"]),
        Wish::new("six").at(&["2001:db8:100::91"]),
        Wish::new("both").at(&["198.51.100.92", "2001:db8:100::92"]),
    ])?;
    ground.apply(&[object("BFDProfile", "quick", json!({}))])?;
    for bfd in [false, true] {
        ground.routers("", &[])?;
        let lines = format!(
            "router bgp 64500\n neighbor cable1 interface remote-as 64500\n neighbor cable1 timers connect 1\n{} \
             address-family ipv4 unicast\n  neighbor cable1 activate\n exit-address-family\n \
             address-family ipv6 unicast\n  neighbor cable1 activate\n exit-address-family\nexit\n",
            if bfd { " neighbor cable1 bfd\n" } else { "" }
        );
        let loaded = ground.cluster.router.load(&lines)?;
        ensure!(loaded.accepted, "{}", loaded.output);
        let mut spec = json!({"myASN": 64500, "peerASN": 64500, "interface": "cable0", "connectTime": "1s",
            "nodeSelectors": on(&[1])});
        if bfd {
            spec["bfdProfile"] = json!("quick");
        }
        ground.peers(&[object("BGPPeer", "cable", spec)])?;
        for (family, prefix) in [
            ("ipv4", "198.51.100.91/32"),
            ("ipv6", "2001:db8:100::91/128"),
            ("ipv4", "198.51.100.92/32"),
            ("ipv6", "2001:db8:100::92/128"),
        ] {
            by_link_local(ground, family, prefix)?;
        }
        if bfd {
            wait_for("BFD over the cable", LIMIT, || {
                let said = ground.cluster.router.json("show bfd peers json")?;
                let up = |peer: &serde_json::Value| peer["interface"] == "cable1" && peer["status"] == "up";
                ensure!(said.as_array().is_some_and(|peers| peers.iter().any(up)), "{said}");
                Ok(())
            })
            .logged(|| ground.cluster.logs())?;
        }
    }
    Ok(())
}

fn by_link_local(ground: &Ground, family: &str, prefix: &str) -> Result<()> {
    wait_for(&format!("{prefix} over the cable"), LIMIT, || {
        let route = ground.cluster.router.json(&format!("show bgp {family} unicast {prefix} json"))?;
        let hops = route["paths"][0]["nexthops"].as_array().context("no next hops")?;
        let local = |hop: &serde_json::Value| hop["ip"].as_str().is_some_and(|ip| ip.starts_with("fe80:"));
        ensure!(hops.iter().any(local), "{route}");
        Ok(())
    })
    .logged(|| ground.cluster.logs())
}

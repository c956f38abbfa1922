//! What routers announce to nodes: nothing is taken that nobody asked for.

use crate::ground::{Ground, object};
use anyhow::{Result, ensure};
use herald_e2e::cluster::{LIMIT, PEERS, Router, addresses};
use herald_e2e::{Logged, wait_for};
use serde_json::{Value, json};

const WANTED: [&str; 2] = ["192.0.2.128/25", "2001:db8:61::/64"];
const OTHERS: [&str; 2] = ["192.0.2.0/25", "2001:db8:62::/64"];

impl Ground {
    /// Lets the FRR router announce [`WANTED`] and [`OTHERS`] to all nodes.
    fn announce_to_nodes(&mut self) -> Result<()> {
        self.routers("", &[])?;
        let mut lines = vec!["router bgp 64500".to_owned(), " no bgp network import-check".to_owned()];
        for (family, own) in ["ipv4", "ipv6"].iter().zip(WANTED.iter().zip(OTHERS)) {
            lines.push(format!(" address-family {family} unicast\n  network {}\n  network {}", own.0, own.1));
            lines.push(" exit-address-family".to_owned());
        }
        let loaded = self.cluster.router.load(&(lines.join("\n") + "\nexit\n"))?;
        ensure!(loaded.accepted, "{}", loaded.output);
        self.cluster.wait_sessions(true)?;
        wait_for("the router has told every node", LIMIT, || {
            let said = self.cluster.router.json("show bgp neighbors json")?;
            for node in 1..=3 {
                for (address, family) in addresses(node).iter().zip(["ipv4Unicast", "ipv6Unicast"]) {
                    let sent = &said[address]["addressFamilyInfo"][family]["sentPrefixCounter"];
                    ensure!(*sent == 2, "{address}: {sent}");
                }
            }
            Ok(())
        })
    }

    /// Every node has these prefixes of the router's and no others.
    fn taken(&self, wanted: &[&str]) -> Result<()> {
        for node in &self.cluster.nodes {
            wait_for(&format!("{} has taken {wanted:?}", node.name), LIMIT, || {
                let mut seen = Vec::new();
                for family in ["ipv4", "ipv6"] {
                    let said = node.frr.json(&format!("show bgp {family} unicast json"))?;
                    seen.extend(
                        said["routes"].as_object().into_iter().flatten().map(|(prefix, _)| prefix.clone()),
                    );
                }
                ensure!(seen == wanted, "{seen:?}");
                Ok(())
            })
            .logged(|| self.cluster.logs())?;
        }
        Ok(())
    }
}

/// Without being asked nodes take no route; an FRRConfiguration lets some in, and no others.
// B61, B62, B67, B68, B69, B70
pub fn routes_of_routers(ground: &mut Ground) -> Result<()> {
    ground.announce_to_nodes()?;
    ground.taken(&[])?;
    let one = WANTED.map(|prefix| json!({"mode": "filtered", "prefixes": [{ "prefix": prefix }]}));
    ground.apply(&[letting_in("let-in", one)])?;
    ground.taken(&WANTED)?;
    ground.delete("frrconfiguration", "let-in")?;
    ground.taken(&[])
}

/// An `FRRConfiguration` by which the FRR router's two addresses are neighbors, with these rules for each.
fn letting_in(name: &str, receive: [Value; 2]) -> Value {
    let neighbors: Vec<Value> = addresses(253)
        .iter()
        .zip(receive)
        .map(|(address, allowed)| {
            json!({"address": address, "asn": 64500, "connectTime": "1s", "toReceive": {"allowed": allowed}})
        })
        .collect();
    object("FRRConfiguration", name, json!({"bgp": {"routers": [{"asn": 64500, "neighbors": neighbors}]}}))
}

/// All routes; some by their lengths; and all in one configuration, whatever another one picks.
// frr-k8s receiving
pub fn picked(ground: &mut Ground) -> Result<()> {
    let everything = [OTHERS[0], WANTED[0], WANTED[1], OTHERS[1]];
    let all = || json!({"mode": "all"});
    let some = |prefixes: &Value| json!({"mode": "filtered", "prefixes": prefixes});
    ground.announce_to_nodes()?;
    ground.apply(&[letting_in("in", [all(), all()])])?;
    ground.taken(&everything)?;
    // Within these, and as long as said: IPv4 is, IPv6 is not.
    let long = [
        some(&json!([{"prefix": "192.0.2.0/24", "ge": 25, "le": 25}])),
        some(&json!([{"prefix": "2001:db8:60::/44", "ge": 48, "le": 63}])),
    ];
    ground.apply(&[letting_in("in", long)])?;
    ground.taken(&everything[..2])?;
    let one = WANTED.map(|prefix| some(&json!([{ "prefix": prefix }])));
    ground.apply(&[letting_in("in", one)])?;
    ground.taken(&WANTED)?;
    ground.apply(&[letting_in("more", [all(), all()])])?;
    ground.taken(&everything)?;
    ground.delete("frrconfiguration", "more")?;
    ground.taken(&WANTED)
}

/// One configuration announces, another one lets in, on the same sessions.
// frr-k8s advertise_and_receive
pub fn both_ways(ground: &mut Ground) -> Result<()> {
    const OWN: [&str; 2] = ["203.0.113.0/26", "2001:db8:91::/64"];
    ground.announce_to_nodes()?;
    let neighbors: Vec<Value> = addresses(253)
        .iter()
        .map(|address| {
            json!({"address": address, "asn": 64500, "connectTime": "1s", "toAdvertise": {"allowed": {"mode": "all"}}})
        })
        .collect();
    let out = json!({"bgp": {"routers": [{"asn": 64500, "prefixes": OWN, "neighbors": neighbors}]}});
    let one = WANTED.map(|prefix| json!({"mode": "filtered", "prefixes": [{ "prefix": prefix }]}));
    ground.apply(&[object("FRRConfiguration", "out", out), letting_in("in", one)])?;
    ground.taken(&[WANTED[0], OWN[0], WANTED[1], OWN[1]])?;
    for prefix in OWN {
        ground.routes(Router::Frr, prefix, &[1, 2, 3], |_| true)?;
    }
    Ok(())
}

/// MetalLB's `ConfigMap` `bgpextras` lets the same in, whether it is there before the sessions or comes after them.
// B63, B64, B65, B66
pub fn routes_by_bgpextras(ground: &mut Ground) -> Result<()> {
    ground.announce_to_nodes()?;
    ground.taken(&[])?;
    let [four, six] = addresses(253);
    let lines = format!(
        "ip prefix-list extras seq 5 permit {}\nipv6 prefix-list extras seq 5 permit {}\n\
         route-map {four}-in permit 20\n match ip address prefix-list extras\n\
         route-map {six}-in permit 20\n match ipv6 address prefix-list extras\n",
        WANTED[0], WANTED[1]
    );
    let metadata = json!({"name": "bgpextras", "namespace": "metallb-system"});
    let extras =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"extras": lines}});
    ground.apply(std::slice::from_ref(&extras))?;
    ground.taken(&WANTED)?;
    ground.delete("configmap", "bgpextras")?;
    ground.taken(&[])?;
    ground.peers(&[])?;
    ground.apply(&[extras])?;
    ground.cluster.kube.apply(PEERS)?;
    ground.taken(&WANTED)?;
    ground.delete("configmap", "bgpextras")?;
    ground.taken(&[])
}

//! Programs that are told to stop: agents, and FRR with graceful restart and without.

use crate::{Shop, service};
use anyhow::{Context, Result, ensure};
use herald_e2e::cluster::{LIMIT, PEERS, Router};
use herald_e2e::load::{Ask, Load, Outcome};
use herald_e2e::wait_for;
use std::thread::sleep;
use std::time::Duration;

/// Long enough for whatever a program that is not there might have kept up.
const AWAY: Duration = Duration::from_secs(6);
/// For each address of each Service.
const RATE: u32 = 25;
const NODES: &[u8] = &[1, 2];

/// Services of each family and of both, for the pods that are there.
const SERVICES: [(&str, &[&str]); 3] = [("four", &["IPv4"]), ("six", &["IPv6"]), ("both", &["IPv4", "IPv6"])];

/// An address of each Service and family.
fn addresses(shop: &Shop) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for (name, families) in SERVICES {
        let service = service(name, families, "Local").to_string();
        shop.cluster.kube.apply(&service)?;
        for family in families {
            let sign = if *family == "IPv4" { '.' } else { ':' };
            all.push(shop.cluster.wait_address(name, sign)?);
        }
    }
    all.iter().try_for_each(|address| shop.cluster.wait_routes(&host(address), NODES))?;
    Ok(all)
}

fn host(address: &str) -> String {
    format!("{address}/{}", if address.contains(':') { 128 } else { 32 })
}

fn load(shop: &Shop, address: &str) -> Result<Load> {
    let six = address.contains(':');
    let from = if six { ["2001:db8:c::10", "2001:db8:c::11"] } else { ["203.0.113.10", "203.0.113.11"] };
    let to = if six { format!("[{address}]:80") } else { format!("{address}:80") };
    let from = from.iter().map(|ip| Ok(ip.parse()?)).collect::<Result<_>>()?;
    let ask = Ask { to: to.parse()?, from, rate: RATE, deadline: Duration::from_secs(5) };
    Load::start(&shop.cluster.client, ask)
}

/// What came of requests to these addresses while this happened.
fn asked(
    shop: &mut Shop,
    addresses: &[String],
    happens: impl FnOnce(&mut Shop) -> Result<()>,
) -> Result<Vec<Outcome>> {
    for address in addresses {
        shop.cluster.wait_answers(address, &["web-4", "web-5"])?;
    }
    let loads = addresses.iter().map(|address| load(shop, address)).collect::<Result<Vec<_>>>()?;
    let happened = happens(shop);
    let outcomes = loads.into_iter().map(Load::stop).collect::<Result<Vec<_>>>()?;
    happened?;
    Ok(outcomes)
}

fn none_failed(outcomes: &[Outcome]) -> Result<()> {
    for outcome in outcomes {
        ensure!(outcome.failed.is_empty() && outcome.answered() > 0, "{outcome}: {:?}", outcome.failed);
    }
    Ok(())
}

/// FRR goes on announcing without them.
pub fn agents_leave_everything(shop: &mut Shop) -> Result<()> {
    let withdrawn = |shop: &Shop| {
        let each = (1..=3).map(|node| shop.cluster.bird.withdrawals(&format!("node{node}_v4")));
        each.collect::<Result<Vec<_>>>()
    };
    let before = withdrawn(shop)?;
    let address = shop.address.clone();
    let outcomes = asked(shop, &[address], |shop| {
        (1..=3).try_for_each(|node| shop.cluster.node_mut(node).stop_agent())?;
        sleep(AWAY);
        for router in [Router::Bird, Router::Frr] {
            shop.cluster.announced(router, &shop.prefix, NODES)?;
        }
        (1..=3).try_for_each(|node| shop.cluster.node_mut(node).start_agent())
    })?;
    none_failed(&outcomes)?;
    ensure!(before == withdrawn(shop)?, "a route was withdrawn");
    Ok(())
}

fn stop_frr(shop: &mut Shop) -> Result<()> {
    (1..=3).try_for_each(|node| shop.cluster.node_mut(node).frr.stop_all())
}

fn boot_frr(shop: &mut Shop) -> Result<()> {
    (1..=3).try_for_each(|node| shop.cluster.node_mut(node).frr.boot())
}

/// All sessions are up, and both routers have the addresses from the nodes that have pods.
fn all_is_back(shop: &Shop, addresses: &[String]) -> Result<()> {
    shop.cluster.wait_sessions(true)?;
    addresses.iter().try_for_each(|address| shop.cluster.wait_routes(&host(address), NODES))
}

/// Without graceful restart an outage is seen, and no route outlives its node.
// B9, B10, B11
pub fn frr_withdraws(shop: &mut Shop) -> Result<()> {
    // BIRD 2.0 takes FRR's offer of long-lived graceful restart for 0 s at its word (docs/draining.md).
    shop.cluster.set_routers("long lived graceful restart off;", &[])?;
    shop.cluster.wait_sessions(true)?;
    let addresses = addresses(shop)?;
    let outcomes = asked(shop, &addresses, |shop| {
        stop_frr(shop)?;
        addresses.iter().try_for_each(|address| shop.cluster.wait_routes(&host(address), &[]))?;
        sleep(Duration::from_secs(1));
        boot_frr(shop)?;
        all_is_back(shop, &addresses)
    })?;
    for outcome in &outcomes {
        ensure!(!outcome.failed.is_empty(), "no outage: {outcome}");
    }
    addresses.iter().try_for_each(|address| shop.cluster.wait_answers(address, &["web-4", "web-5"]))
}

/// With it no request fails, though FRR is away on all nodes at once for seconds.
// B6, B7, B8
// frr-k8s graceful_restart
pub fn frr_comes_back_unnoticed(shop: &mut Shop) -> Result<()> {
    let graceful = PEERS.replace("connectTime: 1s", "connectTime: 1s, enableGracefulRestart: true");
    shop.cluster.set_routers("", &[])?;
    shop.cluster.kube.apply(&graceful)?;
    for node in &shop.cluster.nodes {
        let file = node.frr.folder().join("etc/frr.conf");
        wait_for("FRR boots with graceful restart", LIMIT, || {
            let text = std::fs::read_to_string(&file)?;
            let count = text.matches(" graceful-restart\n").count();
            ensure!(count == 4, "{text}");
            Ok(())
        })?;
    }
    let addresses = addresses(shop)?;
    all_is_back(shop, &addresses)?;
    let outcomes = asked(shop, &addresses, |shop| {
        stop_frr(shop)?;
        wait_for("BIRD has seen the sessions end", LIMIT, || {
            let said = shop.cluster.bird.ask("show protocols")?;
            ensure!(!said.contains("Established"), "{said}");
            Ok(())
        })?;
        for address in &addresses {
            for router in [Router::Bird, Router::Frr] {
                shop.cluster.announced(router, &host(address), NODES).context("FRR is away")?;
            }
        }
        boot_frr(shop)?;
        all_is_back(shop, &addresses)?;
        // What was not announced again goes with the End-of-RIB marker: that must have come.
        sleep(Duration::from_secs(3));
        addresses.iter().try_for_each(|address| shop.cluster.wait_routes(&host(address), NODES))
    })?;
    none_failed(&outcomes)
}

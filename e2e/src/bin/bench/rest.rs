//! What looking at FRR costs while nothing changes: sessions asked for every 2 s, what each neighbor was sent spread over ten
//! minutes, the full configuration read back once a minute.

use crate::agent::Usage;
use crate::measure::Figure;
use anyhow::{Result, ensure};
use herald_e2e::many::{Many, announced};
use herald_e2e::{Agent, Bird, Frr, Lab, Logged, Release, wait_for};
use std::fmt::Write;
use std::fs;
use std::net::Ipv4Addr;
use std::thread::sleep;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_mins(3);
/// The limit.
const PERCENT_OF_A_CORE: f64 = 1.0;
const NODE: &str = "node-0";
/// After a start everything is asked for once.
const SETTLED: Duration = Duration::from_secs(10);

/// Neighbors, prefixes that each is sent, and how long is watched.
struct Extent {
    peers: u8,
    services: u16,
    watched: Duration,
}

pub fn figures(quick: bool) -> Result<Vec<Figure>> {
    let extent = if quick {
        Extent { peers: 5, services: 20, watched: Duration::from_secs(5) }
    } else {
        Extent { peers: 100, services: 2_000, watched: Duration::from_mins(5) }
    };
    let lab = Lab::new()?;
    let lan = lab.segment("lan")?;
    let (node, router) = (lab.namespace("node")?, lab.namespace("router")?);
    lan.attach(&node, "eth0", &["172.31.0.100/16"])?;
    let addresses: Vec<String> = (1..=extent.peers).map(|number| format!("172.31.1.{number}/16")).collect();
    lan.attach(&router, "eth0", &addresses.iter().map(String::as_str).collect::<Vec<_>>())?;
    let manifests = lab.folder("manifests")?;
    Many { services: 0, pools: 50, peers: 0, nodes: 1 }.write(&manifests)?;
    fs::write(manifests.join("peers.yaml"), peers(extent.peers))?;
    fs::write(manifests.join("services.yaml"), services(extent.services))?;
    let frr = Frr::start(&lab, &node, Release::V10, "")?;
    let neighbor = Bird::start(&lab, &router, &bird(extent.peers))?;
    let agent = Agent::start(&frr, NODE, &manifests)?;
    let wanted = u32::from(extent.peers) * u32::from(extent.services);
    wait_for("all neighbors have all", LIMIT, || {
        let said = neighbor.ask("show route count")?;
        ensure!(said.contains(&format!("{wanted} of ")), "{wanted} wanted: {said}");
        Ok(())
    })
    .logged(|| format!("{}\n{}", agent.log(), frr.logs()))?;
    sleep(SETTLED);
    at_rest(&extent, &frr, agent, quick)
}

fn at_rest(extent: &Extent, frr: &Frr, mut agent: Agent, quick: bool) -> Result<Vec<Figure>> {
    let bgpd = u32::try_from(frr.id("bgpd")?.as_raw())?;
    let pid = agent.process().id();
    let taken = || Ok::<_, anyhow::Error>((Usage::of(pid)?, Usage::of(bgpd)?));
    let (started, before) = (Instant::now(), taken()?);
    sleep(extent.watched);
    let (after, lasted) = (taken()?, started.elapsed());
    agent.process().stop()?;
    let percent = |milliseconds: f64| milliseconds / 10.0 / lasted.as_secs_f64();
    let own = percent(after.0.cpu_milliseconds - before.0.cpu_milliseconds);
    let children = percent(after.0.children_milliseconds - before.0.children_milliseconds);
    let bgpd = percent(after.1.cpu_milliseconds - before.1.cpu_milliseconds);
    let case = format!("at rest, {} neighbors, {} prefixes to each", extent.peers, extent.services);
    let limit = (!quick).then_some(PERCENT_OF_A_CORE);
    Ok(vec![
        Figure::new(&format!("{case}: agent, vtysh and bgpd"), "CPU", own + children + bgpd, "%", limit),
        Figure::new(&format!("{case}: the agent"), "CPU", own, "%", None),
        Figure::new(&format!("{case}: its vtysh"), "CPU", children, "%", None),
        Figure::new(&format!("{case}: bgpd"), "CPU", bgpd, "%", None),
    ])
}

fn peers(count: u8) -> String {
    let mut text = String::new();
    for number in 1..=count {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "---\napiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata:\n  name: peer-{number}\n  namespace: metallb-system\n\
             spec:\n  myASN: 64500\n  peerASN: 64501\n  peerAddress: 172.31.1.{number}\n"
        );
    }
    text
}

/// Services with addresses of the first pools.
fn services(count: u16) -> String {
    let mut text = String::new();
    for number in 0..count {
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 64, 0, 0)) + u32::from(number));
        let _ = write!(text, "---\n{}", announced(&number.to_string(), address, NODE));
    }
    text
}

fn bird(count: u8) -> String {
    let mut text = "log stderr all; router id 172.31.1.1; protocol device { }\n".to_owned();
    for number in 1..=count {
        let _ = writeln!(
            text,
            "protocol bgp node{number} {{ router id 172.31.1.{number}; local 172.31.1.{number} as 64501; strict bind yes; \
             neighbor 172.31.0.100 port {} as 64500; passive yes; ipv4 {{ import all; export none; }}; }}",
            // BIRD has one session at a time for an address and port of a neighbor; it calls none of these.
            1_000 + u16::from(number)
        );
    }
    text
}

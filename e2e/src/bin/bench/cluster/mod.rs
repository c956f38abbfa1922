//! From an object at the API server to a route at a neighbour, on the whole product; beside it what FRR alone needs.

mod objects;
mod watch;

use crate::measure::Figure;
use anyhow::{Context, Result, ensure};
use herald_e2e::cluster::{Cluster, NODES, Options, bird_config};
use herald_e2e::updates::{Prefix, Updates};
use herald_e2e::{Lab, Logged, wait_for};
use objects::{CONFIGURATION, address};
use std::fs;
use std::time::{Duration, Instant};
use watch::{Watch, prefix};

const LIMIT: Duration = Duration::from_mins(2);
const SESSIONS: usize = NODES as usize;
/// MetalLB with frr-k8s on a machine like CI's: created to announced at 0, 1,000 and 5,000, in ms.
const METALLB: [(u32, f64); 3] = [(0, 11_400.0), (1000, 11_800.0), (5000, 16_000.0)];
/// The same: 1,000 at once, in ms.
const METALLB_BURST: f64 = 27_000.0;
/// The same: the last endpoint gone to withdrawn, the quickest, in ms.
const METALLB_GONE: f64 = 6_300.0;

struct Extent {
    sizes: Vec<u32>,
    singles: u32,
    burst: u32,
}

/// Everything, in one run.
pub fn figures(quick: bool) -> Result<Vec<Figure>> {
    let extent = if quick {
        Extent { sizes: vec![0, 20], singles: 3, burst: 20 }
    } else {
        Extent { sizes: vec![0, 1000, 5000], singles: 100, burst: 1000 }
    };
    let lab = Lab::new()?;
    // Nobody's packets: kube-proxy of three nodes would share two cores with what is measured.
    let options = Options { agents: false, proxies: false, ..Options::default() };
    let mut cluster = Cluster::start(&lab, &options)?;
    let mrt = lab.root().join("bird.mrt");
    let dump = format!("mrtdump \"{}\";\nmrtdump protocols {{ states, messages }};\n", mrt.display());
    cluster.bird.configure(&(dump + &bird_config("")))?;
    wait_for("BIRD's record", LIMIT, || fs::metadata(&mrt).context("no file"))?;
    let mut watch = Watch::new(Updates::follow(&mrt)?);
    let mut figures = Vec::new();
    bare(&cluster, &mut watch, extent.singles, &mut figures)?;
    for node in &mut cluster.nodes {
        node.start_agent()?;
    }
    cluster.kube.apply(CONFIGURATION)?;
    let measured = measure(&cluster, &mut watch, &extent, &mut figures);
    measured.logged(|| cluster.logs())?;
    Ok(figures)
}

/// `network P` and `no network P` by `vtysh -c` on one node whose table is empty.
fn bare(cluster: &Cluster, watch: &mut Watch, runs: u32, figures: &mut Vec<Figure>) -> Result<()> {
    let frr = &cluster.node(1).frr;
    let loaded = frr.load(
        "router bgp 64500\n no bgp ebgp-requires-policy\n no bgp network import-check\n \
         neighbor 172.30.0.254 remote-as 64501\n neighbor 172.30.0.254 timers connect 1\nexit\n",
    )?;
    ensure!(loaded.accepted, "{}", loaded.output);
    let line = |words: &str| {
        frr.vtysh(&["configure terminal", "router bgp 64500", "address-family ipv4 unicast", words])
    };
    let own = address(60_000);
    let (there, gone) = (format!("network {own}/32"), format!("no network {own}/32"));
    // The session comes up before anything is timed.
    line(&there)?;
    watch.until(&[prefix(own)], 1)?;
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let started = Instant::now();
        line(&gone)?;
        removed.push(milliseconds(started, watch.until(&[prefix(own)], 0)?.1));
        let started = Instant::now();
        line(&there)?;
        added.push(milliseconds(started, watch.until(&[prefix(own)], 1)?.1));
    }
    line(&gone)?;
    watch.until(&[prefix(own)], 0)?;
    ensure!(frr.load("no router bgp 64500\n")?.accepted, "FRR keeps its router");
    spread("one network line by vtysh, empty table: until BIRD has it", added, None, figures);
    spread("no network by vtysh: until BIRD has lost it", removed, None, figures);
    Ok(())
}

fn measure(cluster: &Cluster, watch: &mut Watch, extent: &Extent, figures: &mut Vec<Figure>) -> Result<()> {
    // Sessions come up with the first Service: not timed.
    one(cluster, watch, 59_000)?;
    let mut had = 0;
    for size in &extent.sizes {
        fill(cluster, watch, had..*size)?;
        had = *size;
        let (mut first, mut all, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..extent.singles {
            let times = one(cluster, watch, 50_000 + number)?;
            first.push(times[0]);
            all.push(times[1]);
            lost.push(times[2]);
        }
        let against = METALLB.iter().find(|(peer, _)| peer == size).map(|(_, time)| *time);
        let with = format!("with {size} announced");
        spread(&format!("Service created, {with}: first node's route"), first, against, figures);
        spread(&format!("Service created, {with}: all nodes' routes"), all, against, figures);
        spread(&format!("last endpoint not ready, {with}: all withdrawn"), lost, Some(METALLB_GONE), figures);
    }
    let numbers = 20_000..20_000 + extent.burst;
    let prefixes: Vec<Prefix> = numbers.clone().map(|number| prefix(address(number))).collect();
    let started = cluster.kube.ask(async |client| {
        objects::many(&client, numbers.clone(), false).await?;
        let started = Instant::now();
        objects::many(&client, numbers.clone(), true).await?;
        Ok(started)
    })?;
    let (_, last) = watch.until(&prefixes, SESSIONS)?;
    let case = format!("{} Services at once, {had} there: all nodes' routes", extent.burst);
    figures.push(Figure::new(&case, "time", milliseconds(started, last), "ms", Some(METALLB_BURST)));
    Ok(())
}

/// One Service comes, loses its endpoint and goes: ms to the first node's route, to all nodes' routes, to the last withdrawal.
fn one(cluster: &Cluster, watch: &mut Watch, number: u32) -> Result<[f64; 3]> {
    let own = [prefix(address(number))];
    cluster.kube.ask(async |client| {
        objects::slice(&client, number).await?;
        let created = Instant::now();
        objects::service(&client, number).await?;
        let (first, all) = watch.until(&own, SESSIONS)?;
        let gone = Instant::now();
        objects::ready(&client, number, false).await?;
        let (_, lost) = watch.until(&own, 0)?;
        objects::delete(&client, number).await?;
        Ok([milliseconds(created, first), milliseconds(created, all), milliseconds(gone, lost)])
    })
}

/// These Services are there and announced.
fn fill(cluster: &Cluster, watch: &mut Watch, numbers: std::ops::Range<u32>) -> Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    let prefixes: Vec<Prefix> = numbers.clone().map(|number| prefix(address(number))).collect();
    cluster.kube.ask(async |client| {
        objects::many(&client, numbers.clone(), false).await?;
        objects::many(&client, numbers.clone(), true).await
    })?;
    watch.until(&prefixes, SESSIONS).map(drop)
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    to.duration_since(from).as_secs_f64() * 1000.0
}

/// The middle of the values, and the one that 99 of 100 do not exceed.
fn spread(case: &str, mut values: Vec<f64>, against: Option<f64>, figures: &mut Vec<Figure>) {
    values.sort_by(f64::total_cmp);
    for (name, part) in [("p50", 50), ("p99", 99)] {
        let place = (values.len() * part).div_ceil(100).max(1) - 1;
        let value = values.get(place).copied().unwrap_or_default();
        figures.push(Figure::new(case, name, value, "ms", against));
    }
}

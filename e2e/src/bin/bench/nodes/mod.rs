//! What many nodes are to an API server: requests at rest and for a change, connections, bytes, processor time and memory.

mod record;
mod simulated;
mod traffic;

use crate::agent_kubernetes::{Bed, LIMIT, grow};
use crate::measure::Figure;
use crate::operator::cost::more;
use anyhow::{Context, Result};
use herald_e2e::{Agent, Kube, Namespace, wait_for};
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use record::{Pattern, Requests, requests, wait_quiet};
use serde_json::json;
use simulated::{Counts, Nodes};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};
use traffic::{Connections, Moment, Spent, connections};

/// The number of nodes, which no machine of a developer carries.
const WANTED: f64 = 3000.0;
/// Changes of each kind, one after the other.
const CHANGES: usize = 3;

/// How much is measured.
pub struct Extent {
    /// So many Services are there while the real agent is watched: it tells of 150 at once.
    recorded: usize,
    /// And while nodes are simulated.
    services: usize,
    /// Numbers of simulated nodes, ascending.
    nodes: Vec<usize>,
    /// For how long nothing changes.
    rest: Duration,
    connections: Connections,
}

impl Extent {
    /// `--nodes=100,300`, `--connections=each`.
    pub fn new(quick: bool, arguments: &[String]) -> Result<Self> {
        let value = |name: &str| arguments.iter().find_map(|argument| argument.strip_prefix(name));
        let nodes = value("--nodes=").unwrap_or(if quick { "3,5" } else { "100,300" });
        let nodes: Result<Vec<usize>, _> = nodes.split(',').map(str::parse).collect();
        Ok(Self {
            recorded: if quick { 5 } else { 100 },
            services: if quick { 10 } else { 1_000 },
            nodes: nodes.context("--nodes=N,N")?,
            rest: Duration::from_secs(if quick { 5 } else { 60 }),
            connections: match value("--connections=") {
                None | Some("one") => Connections::One,
                Some("each") => Connections::Each,
                Some(other) => anyhow::bail!("--connections={other}: one or each"),
            },
        })
    }
}

/// Everything, in one run; prints each figure as it comes.
pub fn figures(extent: &Extent) -> Result<Vec<Figure>> {
    let bed = Bed::new()?;
    bed.grow(0..extent.recorded)?;
    let mut figures = Vec::new();
    let pattern = watch_real(&bed, extent, &mut figures)?;
    bed.grow(extent.recorded + 1..extent.services)?;
    let (kube, kubeconfig) = (&bed.kube, bed.kubeconfig.clone());
    let space = nodes_namespace(&bed)?;
    let runtime = runtime(&space)?;
    let config = runtime.block_on(config(&kubeconfig))?;
    let mut bench = Bench { kube, space, extent, figures, made: extent.services };
    let mut nodes = Nodes::new(pattern, config, extent.connections);
    for number in &extent.nodes {
        let entered = runtime.enter();
        nodes.grow(*number)?;
        drop(entered);
        if let Err(why) = bench.measure(*number, &nodes.counts) {
            // What was measured of fewer counts.
            println!("{number} simulated nodes are more than this machine carries: {why:#}");
            break;
        }
    }
    // Before what they ask.
    runtime.block_on(async { drop(nodes) });
    Ok(bench.figures)
}

/// What one real agent asks: at its start, at rest, and for a Service more.
fn watch_real(bed: &Bed, extent: &Extent, figures: &mut Vec<Figure>) -> Result<Pattern> {
    let kube = &bed.kube;
    let before = requests(kube)?;
    let mut agent = Agent::start_kubernetes(&bed.frr, record::NODE, &bed.kubeconfig, &[])?;
    bed.count(extent.recorded).with_context(|| agent.log())?;
    wait_quiet(kube)?;
    tell(figures, "a real agent, start", 1.0, &more(&before, &requests(kube)?));
    let standing = connections(bed.frr.namespace())?;
    push(figures, "a real agent", "connections", float(standing), "");
    let (asked, then) = (requests(kube)?, Moment::now(kube, bed.frr.namespace())?);
    sleep(extent.rest);
    let spent = Moment::now(kube, bed.frr.namespace())?.since(&then);
    let rate = spent.bytes / spent.seconds;
    push(figures, "a real agent at rest", "wire", rate, "B/s");
    tell(figures, "a real agent, while at rest", 1.0, &more(&asked, &requests(kube)?));
    let asked = requests(kube)?;
    bed.grow(extent.recorded..extent.recorded + 1)?;
    bed.count(extent.recorded + 1)?;
    wait_quiet(kube)?;
    tell(figures, "a real agent, one Service more", 1.0, &more(&asked, &requests(kube)?));
    let pattern = Pattern::of(kube)?;
    agent.process().stop()?;
    Ok(pattern)
}

/// Where all simulated nodes are: they have one address and many connections.
fn nodes_namespace(bed: &Bed) -> Result<Namespace> {
    let space = bed.lab.namespace("nodes")?;
    bed.kube.attach(&space, "pods0")?;
    Ok(space)
}

/// Threads that stay in the namespace.
fn runtime(space: &Namespace) -> Result<tokio::runtime::Runtime> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let space = space.clone();
    let enter = move || {
        // A thread that is elsewhere reaches nobody, and then nothing becomes ready.
        let _ = space.enter();
    };
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(enter)
        .enable_all()
        .build()?)
}

async fn config(kubeconfig: &Path) -> Result<Config> {
    let mut config =
        Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &KubeConfigOptions::default())
            .await?;
    (config.read_timeout, config.default_retry) = (None, false);
    Ok(config)
}

struct Bench<'a> {
    kube: &'a Kube,
    space: Namespace,
    extent: &'a Extent,
    figures: Vec<Figure>,
    /// Services so far.
    made: usize,
}

impl Bench<'_> {
    fn measure(&mut self, number: usize, counts: &Counts) -> Result<()> {
        let nodes = float(number);
        let then = Moment::now(self.kube, &self.space)?;
        reach("every node is ready", &counts.ready, number)?;
        let case = format!("{number} simulated nodes");
        let spent = Moment::now(self.kube, &self.space)?.since(&then);
        self.add(&format!("{case}, until all have started"), "time", spent.seconds, "s");
        // Lists and first writes have let go of what they took.
        sleep(self.extent.rest / 2);
        self.rest(&case, nodes)?;
        self.changes(&case, nodes, counts)?;
        self.heartbeats(&case, nodes, counts)?;
        self.add(&case, "requests that failed", float(counts.failed.load(Relaxed)), "");
        Ok(())
    }

    fn rest(&mut self, case: &str, nodes: f64) -> Result<()> {
        let asked = requests(self.kube)?;
        let then = Moment::now(self.kube, &self.space)?;
        sleep(self.extent.rest);
        let now = Moment::now(self.kube, &self.space)?;
        let spent = now.since(&then);
        let made: usize = more(&asked, &requests(self.kube)?).values().sum();
        let case = format!("{case} at rest");
        self.add(&case, "API server, memory", now.megabytes, "MB");
        self.add(&case, "API server, of a core", spent.api / spent.seconds / 10.0, "%");
        self.add(&case, "etcd, of a core", spent.store / spent.seconds / 10.0, "%");
        let standing = float(connections(&self.space)?);
        self.add(&case, "connections, each node", standing / nodes, "");
        let each = float(made) / spent.seconds / nodes;
        self.add(&case, "requests/s, each node", each, "");
        self.add(&case, "requests/s, 3,000 nodes", each * WANTED, "");
        let bytes = spent.bytes / spent.seconds / nodes;
        self.add(&case, "wire, each node", bytes, "B/s");
        self.add(&case, "wire, 3,000 nodes", bytes * WANTED / 1e6, "MB/s");
        Ok(())
    }

    /// A Service with an address and endpoints comes: every node hears of it three times, announces it and says so.
    fn changes(&mut self, case: &str, nodes: f64, counts: &Counts) -> Result<()> {
        let asked = requests(self.kube)?;
        let (mut heard, mut done, mut all) =
            (0.0, 0.0, Spent { seconds: 0.0, api: 0.0, store: 0.0, bytes: 0.0 });
        for _ in 0..CHANGES {
            let (events, announced) = (counts.events.load(Relaxed), counts.announced.load(Relaxed));
            let then = Moment::now(self.kube, &self.space)?;
            let started = Instant::now();
            self.grow_by_one()?;
            let number = number(nodes);
            // Made, its status, its slice; what nodes then write they hear of, too.
            reach("every node has heard", &counts.events, events + 3 * number)?;
            heard += started.elapsed().as_secs_f64() * 1e3;
            reach("every node has told", &counts.announced, announced + number)?;
            done += started.elapsed().as_secs_f64();
            sleep(Duration::from_secs(2));
            let spent = Moment::now(self.kube, &self.space)?.since(&then);
            (all.api, all.store, all.bytes) =
                (all.api + spent.api, all.store + spent.store, all.bytes + spent.bytes);
        }
        let changes = float(CHANGES);
        let case = format!("{case}, one Service more");
        self.add(&case, "all have heard", heard / changes, "ms");
        self.add(&case, "all have told", done / changes, "s");
        self.add(&case, "API server, each node", all.api / changes / nodes, "ms");
        self.add(&case, "etcd, each node", all.store / changes / nodes, "ms");
        self.add(&case, "wire, each node", all.bytes / changes / nodes / 1e3, "kB");
        let mut made = more(&asked, &requests(self.kube)?);
        // Renewals, which go with time.
        made.retain(|(verb, _), _| verb != "watch");
        tell(&mut self.figures, &format!("{case}, each node"), nodes * changes, &made);
        Ok(())
    }

    fn grow_by_one(&mut self) -> Result<()> {
        let number = self.made;
        self.made += 1;
        grow(self.kube, number..number + 1)
    }

    /// One Node's kubelet says that it lives, as each does every five minutes: every agent hears of it.
    fn heartbeats(&mut self, case: &str, nodes: f64, counts: &Counts) -> Result<()> {
        let then = Moment::now(self.kube, &self.space)?;
        for beat in 0..CHANGES {
            let events = counts.events.load(Relaxed);
            self.kube.ask(async |client: Client| {
                let api: Api<Node> = Api::all(client);
                let at = format!("2026-01-01T00:00:0{beat}Z");
                let condition = json!({ "type": "Ready", "status": "True", "reason": "KubeletReady",
                    "message": "kubelet is posting ready status", "lastHeartbeatTime": at, "lastTransitionTime": at });
                let images: Vec<_> = (0..50).map(image).collect();
                let patch = Patch::Merge(json!({ "status": { "conditions": [condition], "images": images } }));
                api.patch_status("node-1", &PatchParams::default(), &patch).await?;
                Ok(())
            })?;
            reach("every node has heard", &counts.events, events + number(nodes))?;
        }
        sleep(Duration::from_secs(1));
        let spent = Moment::now(self.kube, &self.space)?.since(&then);
        let case = format!("{case}, one Node's heartbeat");
        let each = nodes * float(CHANGES);
        self.add(&case, "API server, each node", spent.api / each, "ms");
        self.add(&case, "wire, each node", spent.bytes / each / 1e3, "kB");
        Ok(())
    }

    fn add(&mut self, case: &str, metric: &str, value: f64, unit: &str) {
        push(&mut self.figures, case, metric, value, unit);
    }
}

/// As a kubelet lists them: 50 at most.
fn image(number: usize) -> serde_json::Value {
    let digest = format!("{number:064x}");
    json!({ "names": [format!("docker.io/library/image-{number}@sha256:{digest}"), format!("docker.io/library/image-{number}:1.0")],
        "sizeBytes": 100_000_000 + number })
}

/// Notes a figure, and prints it at once: a run takes long.
fn push(figures: &mut Vec<Figure>, case: &str, metric: &str, value: f64, unit: &str) {
    let figure = Figure::new(case, metric, value, unit, None);
    println!("{}", figure.line());
    figures.push(figure);
}

/// How often each request was made, for one of `each`.
fn tell(figures: &mut Vec<Figure>, case: &str, each: f64, made: &Requests) {
    for ((verb, what), count) in made {
        push(figures, &format!("{case}: {verb} {what}"), "requests", float(*count) / each, "");
    }
}

fn reach(what: &str, count: &AtomicUsize, wanted: usize) -> Result<()> {
    wait_for(what, LIMIT, || {
        let now = count.load(Relaxed);
        anyhow::ensure!(now >= wanted, "{now} of {wanted}");
        Ok(())
    })
}

/// Counts of a benchmark are small.
fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was made of a small count")]
fn number(count: f64) -> usize {
    count as usize
}

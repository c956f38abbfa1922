//! What the agent costs on a real API server: memory with many announced Services of two endpoints each, at its peak and
//! steady, and processor time for one EndpointSlice event. A real FRR and a real neighbour take part, no operator does.

use crate::agent::Usage;
use crate::measure::Figure;
use crate::operator::client::{Status, burst};
use anyhow::{Context, Result};
use herald_e2e::{Agent, Bird, Frr, Kube, Lab, Release, wait_for};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use std::ops::Range;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use tokio::task::JoinSet;

/// Enough for whatever is waited for.
pub const LIMIT: Duration = Duration::from_mins(5);
/// Where the Services are.
pub const NAMESPACE: &str = "bench";
/// Services that are made and then waited for: a watch ends after five minutes.
const AT_A_TIME: usize = 1_000;
/// Requests at a time.
const WORKERS: usize = 16;
/// The limits: CPU per EndpointSlice event; steady memory and its peak, by the number of Services.
const MILLISECONDS: f64 = 5.0;
const MEGABYTES: [(usize, f64, f64); 2] = [(1_000, 30.0, 30.0), (10_000, 45.0, 60.0)];

const NEIGHBOUR: &str = "log stderr all; router id 172.31.0.1; protocol device { }\n\
    protocol bgp node { local 172.31.0.1 as 64501; neighbor 172.31.0.100 as 64500; connect delay time 1;\n\
    ipv4 { import all; export none; }; }\n";

const CONFIGURATION: &str = "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: bench, namespace: metallb-system}
spec: {addresses: [198.18.0.0/16]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: bench, namespace: metallb-system}
spec: {ipAddressPools: [bench]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: router, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.31.0.1, connectTime: 1s}
---
apiVersion: v1
kind: Node
metadata: {name: node-0}
---
apiVersion: v1
kind: Node
metadata: {name: node-1}
";

/// API server, FRR and a neighbour; no agent yet.
pub struct Bed {
    neighbour: Bird,
    pub frr: Frr,
    pub kube: Kube,
    /// Of the agents' `ServiceAccount`.
    pub kubeconfig: PathBuf,
    // Last, so that it outlives what runs in it.
    pub lab: Lab,
}

pub fn figures(quick: bool) -> Result<Vec<Figure>> {
    let bed = Bed::new()?;
    let (sizes, runs): (&[usize], u32) = if quick { (&[30], 4) } else { (&[1_000, 10_000], 100) };
    let (mut figures, mut made) = (Vec::new(), 0);
    for size in sizes {
        bed.grow(made..*size)?;
        made = *size;
        figures.extend(bed.measure(*size, runs)?);
    }
    Ok(figures)
}

/// Makes Services of these numbers with their addresses, and an EndpointSlice with two endpoints each.
pub fn grow(kube: &Kube, numbers: Range<usize>) -> Result<()> {
    kube.ask(async |client: Client| {
        for first in numbers.clone().step_by(AT_A_TIME) {
            let part = first..numbers.end.min(first + AT_A_TIME);
            burst(&client, NAMESPACE, part, Status::ByClient).await?;
        }
        let slices: Api<EndpointSlice> = Api::namespaced(client, NAMESPACE);
        let mut workers = JoinSet::new();
        for worker in 0..WORKERS {
            let (slices, numbers) = (slices.clone(), numbers.clone());
            workers.spawn(async move {
                for number in numbers.skip(worker).step_by(WORKERS) {
                    slices.create(&PostParams::default(), &slice(number)?).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = workers.join_next().await {
            done??;
        }
        Ok(())
    })
}

impl Bed {
    pub fn new() -> Result<Self> {
        let lab = Lab::new()?;
        let lan = lab.segment("lan")?;
        let (node, router) = (lab.namespace("node")?, lab.namespace("router")?);
        lan.attach(&node, "eth0", &["172.31.0.100/24"])?;
        lan.attach(&router, "eth0", &["172.31.0.1/24"])?;
        let kube = Kube::installed(&lab)?;
        kube.attach(&node, "pods0")?;
        // Nobody answers the webhooks, and nothing here is to be judged.
        kube.run(&["delete", "validatingwebhookconfigurations", "--all"])?;
        kube.run(&["create", "namespace", NAMESPACE])?;
        kube.apply(CONFIGURATION)?;
        let kubeconfig = kube.service_account_kubeconfig("metallb-system", "speaker")?;
        let frr = Frr::start(&lab, &node, Release::V10, "")?;
        let neighbour = Bird::start(&lab, &router, NEIGHBOUR)?;
        Ok(Self { neighbour, frr, kube, kubeconfig, lab })
    }

    /// The same as [`grow`].
    pub fn grow(&self, numbers: Range<usize>) -> Result<()> {
        grow(&self.kube, numbers)
    }

    fn measure(&self, size: usize, runs: u32) -> Result<Vec<Figure>> {
        let mut agent = Agent::start_kubernetes(&self.frr, "node-0", &self.kubeconfig, &[])?;
        self.count(size).with_context(|| agent.log())?;
        // What is done once in a while after a start is no part of a change.
        sleep(Duration::from_secs(5));
        let pid = agent.process().id();
        let started = Usage::of(pid)?;
        for run in 0..runs {
            let (number, ready) = (size / 2 + run as usize / 2, run % 2 == 1);
            self.set_ready(number, ready)?;
            self.count(size - usize::from(!ready))?;
        }
        sleep(Duration::from_secs(2));
        let after = Usage::of(pid)?;
        agent.process().stop()?;
        let case = format!("the agent on an API server, {size} Services, {} endpoints", 2 * size);
        let limits = MEGABYTES.iter().find(|(of, ..)| *of == size);
        let each = (after.cpu_milliseconds - started.cpu_milliseconds) / f64::from(runs);
        let limit = limits.map(|_| MILLISECONDS);
        Ok(vec![
            Figure::new(&format!("{case}: one EndpointSlice"), "CPU", each, "ms", limit),
            Figure::new(&case, "memory", after.megabytes, "MB", limits.map(|limits| limits.1)),
            Figure::new(&case, "peak", after.peak_megabytes, "MB", limits.map(|limits| limits.2)),
            Figure::new(&format!("{case}: start"), "CPU", started.cpu_milliseconds, "ms", None),
        ])
    }

    fn set_ready(&self, number: usize, ready: bool) -> Result<()> {
        let patch = Patch::Merge(json!({ "endpoints": endpoints(ready) }));
        self.kube.ask(async |client: Client| {
            let slices: Api<EndpointSlice> = Api::namespaced(client, NAMESPACE);
            slices.patch(&format!("service-{number}"), &PatchParams::default(), &patch).await?;
            Ok(())
        })
    }

    /// Waits until the neighbour has so many routes.
    pub fn count(&self, wanted: usize) -> Result<()> {
        wait_for("the neighbour's table", LIMIT, || {
            let text = self.neighbour.ask("show route count")?;
            let found = text.lines().find_map(|line| line.split_once(" of ")).context("no count")?.0.trim();
            anyhow::ensure!(found == wanted.to_string(), "{wanted} routes wanted: {text}");
            Ok(())
        })
    }
}

fn endpoints(ready: bool) -> Value {
    let endpoint = |node: u8| {
        json!({ "addresses": [format!("10.1.{node}.1")], "nodeName": format!("node-{node}"),
            "conditions": { "ready": ready, "serving": ready, "terminating": false },
            "targetRef": { "kind": "Pod", "name": "web-5d4f7c9b8-x2x7q", "namespace": NAMESPACE } })
    };
    json!([endpoint(0), endpoint(1)])
}

fn slice(number: usize) -> Result<EndpointSlice> {
    let name = format!("service-{number}");
    Ok(serde_json::from_value(json!({
        "metadata": { "name": name, "labels": { "kubernetes.io/service-name": name } },
        "addressType": "IPv4", "ports": [{ "port": 8080, "protocol": "TCP" }], "endpoints": endpoints(true),
    }))?)
}

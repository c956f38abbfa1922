//! A node: FRR, kube-proxy, the Node object, and an agent.

use super::LIMIT;
use super::agent::{Agent, Manifest, Recipe};
use super::api::{self, Request};
use super::pods;
use super::wires::{addresses, name, pod_networks};
use crate::frr::Frr;
use crate::kube::Kube;
use crate::kube::manifest::Pod;
use crate::lab::Lab;
use crate::network::Namespace;
use crate::process::Process;
use crate::wait::wait_for;
use anyhow::{Context, Result};
use serde_json::json;
use std::sync::atomic::AtomicU8;

/// What FRR boots with on a node that Herald has never seen.
pub(super) const FRESH: &str = "frr defaults traditional\n";

/// A node without an agent.
pub(super) struct Plain {
    pub name: String,
    number: u8,
    frr: Frr,
    proxy: Option<Process>,
    pods: Namespace,
}

impl Plain {
    /// Makes the Node object, and starts kube-proxy.
    pub fn join(
        kube: &Kube,
        number: u8,
        wires: &(Namespace, Namespace),
        frr: Frr,
        proxy: bool,
    ) -> Result<Self> {
        let (namespace, pods) = wires;
        kube.attach(namespace, "api0")?;
        let (name, networks) = (name(number), pod_networks(number));
        let addresses = addresses(number).map(|ip| json!({"type": "InternalIP", "address": ip}));
        let object = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {
                "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
            }},
            "spec": {"podCIDR": networks[0], "podCIDRs": networks},
            "status": {"addresses": addresses, "conditions": [{"type": "Ready", "status": "True"}]},
        });
        let made = Request::post("/api/v1/nodes".to_owned(), object);
        // A new Node is tainted as not ready until the node lifecycle controller, which no lab has, sees that it is.
        let ready = Request::merge(format!("/api/v1/nodes/{name}"), json!({"spec": {"taints": null}}));
        api::send(kube, vec![made, ready])?;
        let proxy = proxy.then(|| kube.start_proxy(namespace, &name)).transpose()?;
        Ok(Self { name, number, frr, proxy, pods: pods.clone() })
    }
}

/// A node of the cluster.
#[derive(Debug)]
pub struct Node {
    /// `node-1`.
    pub name: String,
    /// Its agent, while it runs.
    pub agent: Option<Agent>,
    /// Its FRR.
    pub frr: Frr,
    /// The name of its agent's pod.
    pub agent_pod: String,
    /// 1 to 3.
    pub number: u8,
    /// The namespace of its pods.
    pub(super) pods: Namespace,
    /// The last part of the next pod's addresses.
    pub(super) next_pod: AtomicU8,
    recipe: Recipe,
    proxy: Option<Process>,
}

impl Node {
    pub(super) fn new(
        lab: &Lab,
        kube: &Kube,
        manifest: &Manifest,
        plain: Plain,
        pod: &str,
        arguments: &[String],
    ) -> Result<Self> {
        let Plain { name, number, frr, proxy, pods } = plain;
        let recipe = Recipe::new(lab, kube, manifest, &frr, &name, arguments)?;
        let (next_pod, agent_pod) = (AtomicU8::new(10), pod.to_owned());
        Ok(Self { name, agent: None, frr, agent_pod, number, pods, next_pod, recipe, proxy })
    }

    /// Starts the agent; one that runs is ended first, as in a rolling update.
    pub fn start_agent(&mut self) -> Result<()> {
        self.stop_agent()?;
        let [address, _] = addresses(self.number);
        let pod = Pod { name: &self.agent_pod, address: &address, node: &self.name };
        self.agent = Some(self.recipe.start(&self.frr, &pod)?);
        Ok(())
    }

    /// Ends the agent as a crash does, and starts it again as a kubelet does then: in the same pod.
    pub fn crash_agent(&mut self) -> Result<()> {
        self.agent()?.kill()?;
        self.start_agent()
    }

    pub(super) fn replace_agent(&mut self, kube: &Kube) -> Result<()> {
        self.stop_agent()?;
        self.agent_pod = pods::replace(kube, "speaker", self.number, &self.agent_pod)?;
        self.start_agent()
    }

    /// Ends the agent as a kubelet does.
    pub fn stop_agent(&mut self) -> Result<()> {
        self.agent.take().map_or(Ok(()), |mut agent| agent.stop())
    }

    /// The running agent.
    pub fn agent(&mut self) -> Result<&mut Agent> {
        self.agent.as_mut().with_context(|| format!("no agent runs on {}", self.name))
    }

    /// Its network namespace.
    #[must_use]
    pub const fn namespace(&self) -> &Namespace {
        self.frr.namespace()
    }

    /// What its kube-proxy has logged.
    #[must_use]
    pub fn proxy_log(&self) -> String {
        self.proxy.as_ref().map(Process::log).unwrap_or_default()
    }

    pub(super) fn wait_proxy(&self) -> Result<()> {
        if self.proxy.is_none() {
            return Ok(());
        }
        wait_for(&format!("kube-proxy of {} is healthy", self.name), LIMIT, || {
            self.namespace().run("curl", &["-fsS", "--max-time", "2", "http://127.0.0.1:10256/healthz"])
        })
        .map(drop)
    }
}

//! One node with FRR, agent and a neighbour; an API server and an operator.

use anyhow::{Context, Result, ensure};
use herald_e2e::site::{BIRD_SESSION, MANIFESTS, NODE, Site};
use herald_e2e::{Agent, Bird, Kube, Operator, Release, wait_for};
use serde_json::json;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Enough for whatever is waited for, on a machine that has other things to do.
pub const LIMIT: Duration = Duration::from_mins(2);
/// For this long nothing may happen. The agent gives up waiting for the API server after 3 s.
pub const QUIET: Duration = Duration::from_secs(12);

const CONFIGURATION: &str = "
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: public, namespace: metallb-system}
spec: {ipAddressPools: [public]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: router, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, connectTime: 1s, passwordSecret: {name: router}}
";

/// Its parts end in this order.
pub struct Cluster {
    pub bird: Bird,
    pub operator: Operator,
    pub kube: Kube,
    pub kubeconfig: PathBuf,
    pub site: Site,
}

impl Cluster {
    /// Everything but the agent, and nothing configured.
    pub fn start() -> Result<Self> {
        let site = Site::new(Release::V10, "")?;
        let mut kube = Kube::installed(site.lab())?;
        // An API server that has just started knows no rights for a moment, and says no to everything.
        kube.allow_forbidden();
        kube.attach(site.frr.namespace(), "pods0")?;
        let kubeconfig = kube.service_account_kubeconfig("metallb-system", "speaker")?;
        let mut operator = Operator::start(site.lab(), &kube, "operator", &[])?;
        operator.wait_ready()?;
        let bird = site.bird(BIRD_SESSION)?;
        Ok(Self { bird, operator, kube, kubeconfig, site })
    }

    /// On the API server, with the rights of the `ServiceAccount` speaker.
    pub fn start_agent(&mut self) -> Result<()> {
        self.site.agent = Some(Agent::start_kubernetes(&self.site.frr, NODE, &self.kubeconfig, &[])?);
        Ok(())
    }

    /// A pool, an advertisement, and the neighbour as a peer with a password.
    pub fn configure(&self) -> Result<()> {
        wait_for("the configuration is admitted", LIMIT, || {
            self.kube.apply(&format!("{MANIFESTS}---{CONFIGURATION}"))
        })
        .map(drop)
    }

    /// A Service and the one endpoint that it has, on the node.
    pub fn service(&self, name: &str, ready: bool) -> Result<()> {
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
            "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": [{"port": 80}]},
        });
        wait_for("the Service is taken", LIMIT, || self.kube.apply(&service.to_string()))?;
        self.endpoints(name, ready)
    }

    /// The Service's one endpoint is ready or not.
    pub fn endpoints(&self, name: &str, ready: bool) -> Result<()> {
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4", "ports": [{"port": 8080}],
            "endpoints": [{"addresses": ["10.244.1.10"], "nodeName": NODE, "conditions": {"ready": ready}}],
        });
        self.kube.apply(&slice.to_string()).map(drop)
    }

    /// The prefix of a Service once it has its address.
    pub fn address(&self, name: &str) -> Result<String> {
        wait_for("the Service has an address", LIMIT, || {
            let service = self.kube.get(&["service", name])?;
            let ip = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str();
            ip.map(|ip| format!("{ip}/32")).with_context(|| service["status"].to_string())
        })
    }

    /// The prefix of a Service once the neighbour has it.
    pub fn route(&self, name: &str) -> Result<String> {
        let prefix = self.address(name)?;
        self.arrives(&prefix)?;
        Ok(prefix)
    }

    /// Waits until the neighbour has it.
    pub fn arrives(&self, prefix: &str) -> Result<()> {
        wait_for(&format!("the neighbour has {prefix}"), LIMIT, || self.bird.routes_to(prefix)).map(drop)
    }

    /// The neighbour has the route all the time, and is never told that it goes.
    pub fn stays(&self, prefix: &str) -> Result<()> {
        let (started, withdrawn) = (Instant::now(), self.bird.withdrawals("node")?);
        while started.elapsed() < QUIET {
            self.bird.routes_to(prefix)?;
            sleep(Duration::from_millis(200));
        }
        let now = self.bird.withdrawals("node")?;
        ensure!(now == withdrawn, "{} withdrawals", now - withdrawn);
        Ok(())
    }

    /// SIGKILL.
    pub fn kill_agent(&mut self) -> Result<()> {
        self.site.agent.take().context("no agent runs")?.process().kill()
    }
}

//! The quickstart, alive: docs/examples/quickstart on two nodes with FRR and agent, a BIRD router and a client.
//!
//! ```text
//! client 203.0.113.10 --- .1 router .254 --- 172.30.0.0/24 --- .1 node1 --- pod 10.244.1.10:8080
//!                            (BIRD)                        --- .2 node2 --- pod 10.244.2.10:8080
//! ```

use crate::bird::Bird;
use crate::frr::{Frr, Release};
use crate::herald::{Agent, Herald, repository};
use crate::http::HttpServer;
use crate::lab::Lab;
use crate::network::{Namespace, Segment};
use crate::wait::wait_for;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_yaml::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What an operator of a router would write for two nodes: a session each, all their routes taken, equal ones used together.
const ROUTER: &str = "
log stderr all;
router id 172.30.0.254;
protocol device { }
protocol direct { ipv4; interface \"eth*\"; }
protocol kernel { merge paths on; ipv4 { export where source = RTS_BGP; }; }
template bgp node {
    local 172.30.0.254 as 64501;
    connect delay time 1;
    ipv4 { import all; export none; };
}
protocol bgp node1 from node { neighbor 172.30.0.1 as 64500; }
protocol bgp node2 from node { neighbor 172.30.0.2 as 64500; }
";

/// What `vtysh` finds on a node before Herald's first apply.
const FRESH_FRR: &str = "frr defaults traditional\n";

/// A node of the quickstart.
#[derive(Debug)]
pub struct QuickstartNode {
    /// Its name, as in nodes.yaml.
    pub name: &'static str,
    /// Its FRR.
    pub frr: Frr,
    /// Its agent.
    pub agent: Option<Agent>,
    _server: HttpServer,
}

/// The whole network. Its lab removes it.
#[derive(Debug)]
pub struct Quickstart {
    /// The folder of manifests, a copy that may be edited.
    pub manifests: PathBuf,
    /// node1, node2.
    pub nodes: Vec<QuickstartNode>,
    /// The router.
    pub router: Bird,
    router_namespace: Namespace,
    /// The client's namespace.
    pub client: Namespace,
}

/// Copies the manifests into the lab and records the addresses in allocations.yaml. Returns the folder and the address.
pub fn prepare(lab: &Lab, herald: &Herald) -> Result<(PathBuf, String)> {
    let manifests = lab.folder("manifests")?;
    let example = repository().join("docs/examples/quickstart");
    for entry in fs::read_dir(&example).with_context(|| example.display().to_string())? {
        let path = entry?.path();
        if let (Some(name), Some("yaml")) = (path.file_name(), path.extension().and_then(|e| e.to_str())) {
            fs::copy(&path, manifests.join(name))?;
        }
    }
    let folder = manifests.display().to_string();
    herald.run(&["plan", "-f", &folder, "--write"])?;
    let ledger = manifests.join("allocations.yaml");
    let address = allocated(&fs::read_to_string(&ledger).with_context(|| ledger.display().to_string())?)?;
    Ok((manifests, address))
}

impl Quickstart {
    /// Wires the network and starts servers, router and FRR; agents come later ([`Quickstart::start_agents`]).
    pub fn start(lab: &Lab, manifests: PathBuf, address: &str) -> Result<Self> {
        let (lan, outside) = (lab.segment("lan")?, lab.segment("outside")?);
        let router_namespace = lab.namespace("router")?;
        lan.attach(&router_namespace, "eth0", &["172.30.0.254/24"])?;
        outside.attach(&router_namespace, "eth1", &["203.0.113.1/24"])?;
        let client = lab.namespace("client")?;
        outside.attach(&client, "eth0", &["203.0.113.10/24"])?;
        client.ip("route add default via 203.0.113.1")?;
        let nodes = vec![node(lab, &lan, "node1", 1, address)?, node(lab, &lan, "node2", 2, address)?];
        let router = Bird::start(lab, &router_namespace, ROUTER)?;
        Ok(Self { manifests, nodes, router, router_namespace, client })
    }

    /// Starts both agents on the folder of manifests.
    pub fn start_agents(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            node.agent = Some(Agent::start(&node.frr, node.name, &self.manifests)?);
        }
        Ok(())
    }

    /// The page at the address, as the client gets it.
    pub fn page(&self, address: &str) -> Result<String> {
        self.client.run("curl", &["-fsS", "--max-time", "3", &format!("http://{address}/")])
    }

    /// Waits until that many nodes announce `address` and the router's kernel uses as many.
    pub fn wait_for_routes(&self, address: &str, count: usize, limit: Duration) -> Result<()> {
        wait_for(&format!("{count} routes to {address}"), limit, || {
            let routes = self.router.routes_to(&format!("{address}/32"))?;
            ensure!(routes.len() == count, "{routes:?}");
            let kernel = self.kernel_route(address)?;
            ensure!(kernel.matches(" via ").count() == count, "{kernel}");
            Ok(())
        })
    }

    /// The router's kernel route to `address`.
    pub fn kernel_route(&self, address: &str) -> Result<String> {
        self.router_namespace.ip(&format!("route show {address}"))
    }

    /// What went wrong, told by everything that keeps a log.
    #[must_use]
    pub fn logs(&self) -> String {
        let mut logs = self.router.log();
        for node in &self.nodes {
            let agent = node.agent.as_ref().map(Agent::log).unwrap_or_default();
            logs.extend(["=== ", node.name, " herald-agent\n", &agent, "\n", &node.frr.logs()]);
        }
        logs
    }
}

/// A node, its pod with a web server, and the rules that kube-proxy would have made.
fn node(lab: &Lab, lan: &Segment, name: &'static str, number: u8, address: &str) -> Result<QuickstartNode> {
    let (host, pod) = (lab.namespace(name)?, lab.namespace(&format!("{name}-pod"))?);
    lan.attach(&host, "eth0", &[&format!("172.30.0.{number}/24")])?;
    host.ip("route add default via 172.30.0.254")?;
    host.ip(&format!("link add pod0 type veth peer name eth0 netns {}", pod.name()))?;
    host.ip(&format!("address add 10.244.{number}.1/24 dev pod0"))?;
    host.ip("link set pod0 up")?;
    pod.ip(&format!("address add 10.244.{number}.10/24 dev eth0"))?;
    pod.ip("link set eth0 up")?;
    pod.ip(&format!("route add default via 10.244.{number}.1"))?;
    let target = format!("10.244.{number}.10:8080");
    host.run("nft", &["add table ip services"])?;
    host.run("nft", &["add chain ip services prerouting { type nat hook prerouting priority dstnat; }"])?;
    host.run(
        "nft",
        &[&format!("add rule ip services prerouting ip daddr {address} tcp dport 80 dnat to {target}")],
    )?;
    let server = HttpServer::start(lab, &pod, target.parse()?, &format!("Hello from the pod on {name}\n"))?;
    let frr = Frr::start(lab, &host, Release::V10, FRESH_FRR)?;
    Ok(QuickstartNode { name, frr, agent: None, _server: server })
}

/// The first address of the first Service with one.
fn allocated(text: &str) -> Result<String> {
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = Value::deserialize(document)?;
        match value.get("items").and_then(Value::as_sequence) {
            Some(items) => documents.extend(items.clone()),
            None => documents.push(value),
        }
    }
    let address = |service: &Value| {
        let ingress = service.get("status")?.get("loadBalancer")?.get("ingress")?.get(0)?;
        ingress.get("ip")?.as_str().map(str::to_owned)
    };
    documents.iter().find_map(address).with_context(|| format!("no Service has an address:\n{text}"))
}

/// Takes a node's endpoints out of every `EndpointSlice` of a file, as Kubernetes does when its pod ends.
pub fn remove_endpoints(file: &Path, node: &str) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(&text) {
        let mut value = Value::deserialize(document)?;
        if let Some(endpoints) = value.get_mut("endpoints").and_then(Value::as_sequence_mut) {
            endpoints.retain(|endpoint| endpoint.get("nodeName").and_then(Value::as_str) != Some(node));
        }
        documents.push(serde_yaml::to_string(&value)?);
    }
    // In one step, as editors and Git do.
    let new = file.with_extension("new");
    fs::write(&new, documents.join("---\n"))?;
    fs::rename(&new, file).context("replace the manifest")
}

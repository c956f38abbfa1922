//! The Service that is asked, its pods, and what is done to its nodes.

use anyhow::{Context, Result, ensure};
use herald_e2e::cluster::{LIMIT, NODES, Options, PEERS, Pod, Router, keep_connections, name};
use herald_e2e::kube::Administrator;
use herald_e2e::load::{Ask, Load};
use herald_e2e::{Cluster, Lab, wait_for};
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::Duration;

/// The policy that docs/draining.md describes, with a short time.
const CONFIGURATION: &str = "
{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: pool, namespace: metallb-system},
 spec: {addresses: [198.51.100.0/24]}}
---
{apiVersion: metallb.io/v1beta1, kind: BGPAdvertisement, spec: {ipAddressPools: [pool], peers: [bird, frr]},
 metadata: {name: pool, namespace: metallb-system, annotations: {herald.metallb.io/drain: 2s}}}
";
/// How long a pod goes on serving after its end was asked for, as one with a `preStop` hook does: every kube-proxy knows then.
const GRACE: Duration = Duration::from_secs(3);
const RATE: u32 = 500;
const DEADLINE: Duration = Duration::from_secs(5);

pub struct Shop {
    pub cluster: Cluster,
    pub kube: Administrator,
    pub address: String,
    prefix: String,
    /// By node.
    pods: Vec<Pod>,
    made: u32,
    _lab: Lab,
}

impl Shop {
    pub fn open(policy: &str, stateful: bool) -> Result<Self> {
        let lab = Lab::new()?;
        let cluster = Cluster::start(&lab, &Options::default())?;
        wait_for("the configuration is admitted", LIMIT, || {
            cluster.kube.apply(&format!("{PEERS}---{CONFIGURATION}"))
        })?;
        if stateful {
            for router in [Router::Bird, Router::Frr] {
                keep_connections(cluster.machine(router))?;
            }
        }
        let pods = (1..=NODES).map(|node| cluster.pod(&format!("web-{node}"), "web", node));
        let pods = pods.collect::<Result<_>>()?;
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"type": "LoadBalancer", "externalTrafficPolicy": policy, "selector": {"app": "web"},
                "ports": [{"port": 80, "targetPort": 8080}]},
        });
        wait_for("the Service is taken", LIMIT, || cluster.kube.apply(&service.to_string()))?;
        let address = cluster.wait_address("web", '.')?;
        let (prefix, kube) = (format!("{address}/32"), cluster.kube.administrator());
        let shop = Self { cluster, kube, address, prefix, pods, made: u32::from(NODES), _lab: lab };
        shop.announced_by(&[1, 2, 3])?;
        shop.cluster.wait_answers(&shop.address, &["web-1", "web-2", "web-3"])?;
        Ok(shop)
    }

    /// The client's requests, half of them through each router.
    pub fn load(&self) -> Result<Load> {
        let ask = Ask {
            to: format!("{}:80", self.address).parse()?,
            from: vec!["203.0.113.10".parse()?, "203.0.113.11".parse()?],
            rate: RATE,
            deadline: DEADLINE,
        };
        Load::start(&self.cluster.client, ask)
    }

    /// Exactly these nodes announce the address, and the routers' kernels use exactly them.
    fn announced_by(&self, nodes: &[u8]) -> Result<()> {
        self.cluster.wait_routes(&self.prefix, nodes)?;
        for router in [Router::Bird, Router::Frr] {
            let machine = self.cluster.machine(router);
            wait_for(&format!("the kernel of {router:?} uses {nodes:?}"), LIMIT, || {
                let route = machine.ip(&format!("route show {}", self.address))?;
                // One way or several: the words are the same, but for the end of a line.
                let uses = |node: &u8| route.contains(&format!("via 172.30.0.{node} "));
                ensure!((1..=NODES).all(|node| uses(&node) == nodes.contains(&node)), "{route}");
                Ok(())
            })?;
        }
        Ok(())
    }

    fn cordon(&self, node: u8, cordoned: bool) -> Result<()> {
        let path = format!("/api/v1/nodes/{}", name(node));
        self.kube.merge(&path, &json!({"spec": {"unschedulable": cordoned}})).map(drop)
    }

    /// Drains a node as docs/draining.md says: cordon, wait until the routes are gone, end the pods. Then it comes back.
    pub fn drain(&mut self, node: u8, tell: impl Fn(&str)) -> Result<()> {
        let others: Vec<u8> = (1..=NODES).filter(|other| *other != node).collect();
        self.cordon(node, true)?;
        self.announced_by(&others)?;
        tell("its routes are gone");
        let place = usize::from(node) - 1;
        self.cluster.terminate(&self.pods[place])?;
        sleep(GRACE);
        self.made += 1;
        let next = format!("web-{}", self.made);
        self.cordon(node, false)?;
        tell("it is uncordoned");
        let next = self.cluster.pod(&next, "web", node)?;
        self.cluster.remove_pod(std::mem::replace(&mut self.pods[place], next))?;
        tell("it has a new pod");
        self.announced_by(&[1, 2, 3])?;
        tell("its routes are back");
        Ok(())
    }

    /// How often the agents of a node found FRR as it is to be, or made it so.
    fn in_sync(&mut self, node: u8) -> Result<usize> {
        let log = self.cluster.node_mut(node).agent()?.log();
        let ends =
            |line: &&str| line.contains("\"event\":\"InSync\"") || line.contains("\"event\":\"Applied\"");
        Ok(log.lines().filter(ends).count())
    }

    /// An agent dies, and a kubelet starts it again.
    pub fn crash(&mut self, node: u8) -> Result<()> {
        self.over_a_start(node, |shop| shop.cluster.node_mut(node).crash_agent())
    }

    /// Every agent's pod is replaced, one after the other.
    pub fn roll(&mut self) -> Result<()> {
        (1..=NODES).try_for_each(|node| self.over_a_start(node, |shop| shop.cluster.replace_agent(node)))
    }

    /// Waits until the agent that is started has read everything, and found FRR as it is to be.
    fn over_a_start(&mut self, node: u8, starts: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let before = self.in_sync(node)?;
        starts(self)?;
        wait_for(&format!("the agent of node {node} has decided"), LIMIT, || {
            ensure!(self.in_sync(node)? > before, "not InSync");
            Ok(())
        })
    }

    /// What is shown of the Service: itself, and the names and uids of its `ServiceBGPStatuses`.
    pub fn shown(&self) -> Result<(Value, Vec<Value>)> {
        let list = "/apis/metallb.io/v1beta1/namespaces/metallb-system/servicebgpstatuses";
        let list = self.kube.get(&format!("{list}?labelSelector=metallb.io%2Fservice-name%3Dweb"))?;
        let items = list["items"].as_array().context("no list")?;
        let said: Vec<&Value> = items.iter().map(|item| &item["status"]).collect();
        let uids: Vec<Value> = items.iter().map(|item| item["metadata"]["uid"].clone()).collect();
        let service = self.kube.get("/api/v1/namespaces/default/services/web")?;
        let condition = service["status"]["conditions"].to_string();
        ensure!(condition.contains("\"Advertised\""), "{condition}: {said:?}");
        ensure!(uids.len() == usize::from(NODES), "{list}");
        Ok((service["metadata"]["resourceVersion"].clone(), uids))
    }
}

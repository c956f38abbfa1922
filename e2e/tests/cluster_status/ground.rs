//! One node, two neighbours, an API server with operator and agent, and what a test asks of them.

use anyhow::{Context, Result, ensure};
use herald_e2e::kube::audit::{Asked, counts};
use herald_e2e::site::{BIRD_SESSION, MANIFESTS, NODE, Site};
use herald_e2e::{Agent, Bird, Gobgp, Kube, Operator, Release, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Enough for whatever is waited for, on a machine that has other things to do.
pub const LIMIT: Duration = Duration::from_mins(2);
pub const NAMESPACE: &str = "--namespace=metallb-system";

const GOBGP: &str = "[[neighbors]]\n[neighbors.config]\nneighbor-address = \"172.30.0.1\"\npeer-as = 64500\n";

const CONFIGURATION: &str = "
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: public, namespace: metallb-system}
spec: {ipAddressPools: [public], peers: [bird, gobgp, none-such]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, connectTime: 1s, passwordSecret: {name: router}}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: gobgp, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64502, peerAddress: 172.30.0.3, connectTime: 1s}
";

pub struct Ground {
    // They end in this order.
    pub bird: Bird,
    _gobgp: Gobgp,
    pub operator: Operator,
    pub kube: Kube,
    kubeconfig: PathBuf,
    pub site: Site,
}

/// A Service and its EndpointSlice.
fn objects(name: &str) -> (Value, Value) {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": [{"port": 80}]},
    });
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4", "ports": [{"port": 8080}],
        "endpoints": [{"addresses": ["10.244.1.10"], "nodeName": NODE, "conditions": {"ready": true}}],
    });
    (service, slice)
}

/// The items of a list.
pub fn list(answer: &Value) -> Vec<Value> {
    answer["items"].as_array().cloned().unwrap_or_default()
}

impl Ground {
    /// Everything runs, and one Service is announced.
    pub fn start() -> Result<Self> {
        let site = Site::new(Release::V10, "")?;
        let mut kube = Kube::installed(site.lab())?;
        // An API server that has just started knows no rights for a moment, and says no to everything.
        kube.allow_forbidden();
        kube.attach(site.frr.namespace(), "pods0")?;
        let kubeconfig = kube.service_account_kubeconfig("metallb-system", "speaker")?;
        let mut operator = Operator::start(site.lab(), &kube, "operator", &[])?;
        operator.wait_ready()?;
        let (bird, gobgp) = (site.bird(BIRD_SESSION)?, site.gobgp(64502, GOBGP)?);
        let mut ground = Self { bird, _gobgp: gobgp, operator, kube, kubeconfig, site };
        wait_for("the configuration is admitted", LIMIT, || {
            ground.kube.apply(&format!("{MANIFESTS}---{CONFIGURATION}"))
        })?;
        ground.restart_agent(&[])?;
        ground.service("web")?;
        Ok(ground)
    }

    /// Ends the agent, if one runs, and starts another one.
    pub fn restart_agent(&mut self, more: &[&str]) -> Result<()> {
        if let Some(mut agent) = self.site.agent.take() {
            agent.process().stop()?;
        }
        let agent = Agent::start_kubernetes(&self.site.frr, NODE, &self.kubeconfig, more)?;
        self.site.agent = Some(agent);
        Ok(())
    }

    /// The same with the operator.
    pub fn restart_operator(&mut self, more: &[&str]) -> Result<()> {
        self.operator.stop()?;
        self.operator = Operator::start(self.site.lab(), &self.kube, "operator-again", more)?;
        self.operator.wait_ready()
    }

    /// FRR's running configuration.
    pub fn running(&self) -> Result<String> {
        self.site.frr.running()
    }

    /// A Service and the one endpoint that it has, on the node.
    pub fn service(&self, name: &str) -> Result<()> {
        self.services(&[name.to_owned()])
    }

    /// The same for many at once.
    pub fn services(&self, names: &[String]) -> Result<()> {
        let (services, slices): (Vec<Value>, Vec<Value>) = names.iter().map(|name| objects(name)).unzip();
        let list =
            |items: Vec<Value>| json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
        let services = list(services);
        wait_for("the Services are taken", LIMIT, || self.kube.apply(&services))?;
        self.kube.apply(&list(slices)).map(drop)
    }

    /// Waits until the neighbour has the Service.
    pub fn route(&self, name: &str) -> Result<()> {
        wait_for("the neighbour has the route", LIMIT, || {
            let service = self.kube.get(&["service", name])?;
            let ip = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str();
            let ip = ip.with_context(|| service["status"].to_string())?;
            self.bird.routes_to(&format!("{ip}/32")).map(drop)
        })
    }

    fn statuses(&self, name: &str) -> Result<Vec<Value>> {
        let selector = format!("--selector=metallb.io/service-name={name}");
        Ok(list(&self.kube.get(&["servicebgpstatuses", NAMESPACE, &selector])?))
    }

    /// The ServiceBGPStatus of a Service once it names exactly these peers.
    pub fn announced(&self, name: &str, peers: &[&str]) -> Result<Value> {
        wait_for(&format!("{name} is told as sent to {peers:?}"), LIMIT, || {
            let all = self.statuses(name)?;
            ensure!(all.len() == 1 && all[0]["status"]["peers"] == json!(peers), "{all:?}");
            Ok(all[0].clone())
        })
    }

    pub fn not_announced(&self, name: &str) -> Result<()> {
        wait_for(&format!("nothing is told of {name}"), LIMIT, || {
            let all = self.statuses(name)?;
            ensure!(all.is_empty(), "{all:?}");
            Ok(())
        })
    }

    /// The message of a Service's condition once it is this.
    pub fn says(&self, name: &str, status: &str, reason: &str) -> Result<String> {
        wait_for(&format!("{name} is {reason}"), LIMIT, || {
            let service = self.kube.get(&["service", name])?;
            let conditions = service["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let said = conditions.iter().find(|one| one["type"] == "LoadBalancerAdvertised");
            let said = said.with_context(|| service["status"].to_string())?;
            ensure!(said["status"] == status && said["reason"] == reason, "{said}");
            Ok(said["message"].as_str().unwrap_or_default().to_owned())
        })
    }

    pub fn session(&self, neighbor: &str, state: &str) -> Result<Value> {
        self.session_that(neighbor, |is| is == state)
    }

    /// The BGPSessionState of a neighbour once its state is as wanted.
    pub fn session_that(&self, neighbor: &str, wanted: impl Fn(&str) -> bool) -> Result<Value> {
        let selector = format!("--selector=frrk8s.metallb.io/node=node1,frrk8s.metallb.io/peer={neighbor}");
        wait_for(&format!("the session to {neighbor} is told"), LIMIT, || {
            let all = list(&self.kube.get(&["bgpsessionstates", NAMESPACE, &selector])?);
            ensure!(all.len() == 1, "{all:?}");
            let state = all[0]["status"]["bgpStatus"].as_str().unwrap_or_default();
            ensure!(wanted(state) && all[0]["status"]["peer"] == neighbor, "{all:?}");
            Ok(all[0].clone())
        })
    }

    /// Waits until a field of the node's state is as wanted.
    pub fn node_state(&self, field: &str, wanted: impl Fn(&str) -> bool) -> Result<()> {
        wait_for(&format!("{field} of the node's state"), LIMIT, || {
            let state = self.kube.get(&["frrnodestate", NODE])?;
            let text = state["status"][field].as_str().unwrap_or_default();
            ensure!(wanted(text), "{text}");
            Ok(())
        })
    }

    /// Waits until the node's ConfigurationState says this.
    pub fn configuration(&self, result: &str, summary: &str) -> Result<()> {
        self.configuration_that(result, |text| text == summary)
    }

    pub fn configuration_that(&self, result: &str, wanted: impl Fn(&str) -> bool) -> Result<()> {
        wait_for(&format!("the configuration is {result}"), LIMIT, || {
            let state = self.kube.get(&["configurationstate", "speaker-node1", NAMESPACE])?;
            let status = &state["status"];
            let summary = status["errorSummary"].as_str().unwrap_or_default();
            ensure!(status["result"] == result && wanted(summary), "{status}");
            Ok(())
        })
    }

    pub fn events(&self, service: &str, reason: &str) -> Result<Vec<Value>> {
        let selector = format!("--field-selector=involvedObject.name={service},reason={reason}");
        Ok(list(&self.kube.get(&["events", &selector])?))
    }

    /// How often operator and agent wrote what so far, Leases left out.
    pub fn writes(&self) -> Result<BTreeMap<(String, String), usize>> {
        let mut all = counts(&self.kube.asked()?);
        all.retain(|(verb, what), _| {
            !["get", "list", "watch"].contains(&verb.as_str())
                && what != "leases"
                && !what.ends_with("reviews")
        });
        Ok(all)
    }

    /// How often the agent wrote so far, whatever it was.
    pub fn writes_of_agent(&self) -> Result<usize> {
        let is_write = |asked: &&Asked| {
            asked.user.ends_with(":speaker")
                && !["get", "list", "watch"].contains(&asked.verb.as_str())
                && !asked.what.ends_with("reviews")
        };
        Ok(self.kube.asked()?.iter().filter(is_write).count())
    }

    /// How often a kind was written, with its status.
    pub fn writes_to(&self, kind: &str) -> Result<usize> {
        let writes = self.writes()?;
        Ok(writes.iter().filter(|((_, what), _)| what.starts_with(kind)).map(|(_, count)| count).sum())
    }

    pub fn logs(&self) -> String {
        format!("{}\n=== operator\n{}", self.site.logs(), self.operator.log())
    }
}

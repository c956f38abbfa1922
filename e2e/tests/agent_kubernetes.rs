//! The agent on a real API server, with the rights of `manifests/rbac`: Services become routes, and nothing that becomes of
//! the API server takes one away.

use anyhow::{Context, Result, ensure};
use herald_e2e::site::{NODE, Site};
use herald_e2e::{Agent, Bird, Kube, Operator, Release, wait_for};
use serde_json::json;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Enough for whatever is waited for, on a machine that has other things to do.
const LIMIT: Duration = Duration::from_mins(2);
/// For this long nothing may happen. The agent gives up waiting for the API server after 3 s.
const QUIET: Duration = Duration::from_secs(12);

const BIRD: &str = "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; \
    password \"quiet\"; connect delay time 1; ipv4 { import all; export none; }; }\n";

const CONFIGURATION: &str = "
apiVersion: v1
kind: Node
metadata: {name: node1, labels: {kubernetes.io/hostname: node1}}
---
apiVersion: v1
kind: Secret
metadata: {name: router, namespace: metallb-system}
type: kubernetes.io/basic-auth
stringData: {username: '', password: quiet}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: public, namespace: metallb-system}
spec: {addresses: [198.51.100.0/24]}
---
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

struct Cluster {
    // They end in this order.
    bird: Bird,
    operator: Operator,
    kube: Kube,
    kubeconfig: PathBuf,
    site: Site,
}

/// One cluster for all of it: what one part leaves behind is what the next one starts with.
#[test]
fn services_become_routes_and_stay_routes_while_the_api_server_is_away() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let told = cluster.live();
    told.with_context(|| format!("{}\n=== operator\n{}", cluster.site.logs(), cluster.operator.log()))
}

impl Cluster {
    fn start() -> Result<Self> {
        let site = Site::new(Release::V10, "")?;
        let mut kube = Kube::installed(site.lab())?;
        // An API server that has just started knows no rights for a moment, and says no to everything.
        kube.allow_forbidden();
        kube.attach(site.frr.namespace(), "pods0")?;
        let kubeconfig = kube.service_account_kubeconfig("metallb-system", "speaker")?;
        let mut operator = Operator::start(site.lab(), &kube, "operator", &[])?;
        operator.wait_ready()?;
        let bird = site.bird(BIRD)?;
        Ok(Self { bird, operator, kube, kubeconfig, site })
    }

    fn start_agent(&mut self) -> Result<()> {
        self.site.agent = Some(Agent::start_kubernetes(&self.site.frr, NODE, &self.kubeconfig, &[])?);
        Ok(())
    }

    fn live(&mut self) -> Result<()> {
        wait_for("the configuration is admitted", LIMIT, || self.kube.apply(CONFIGURATION))?;
        self.start_agent()?;
        self.service("web", true)?;
        let web = self.route("web")?;
        self.endpoints_come_and_go(&web)?;
        self.kube.stop()?;
        self.stays(&web).context("the API server is away")?;
        self.kill_agent()?;
        self.start_agent()?;
        self.stays(&web).context("the agent started while the API server is away")?;
        self.kill_agent()?;
        self.site.frr.kill_all()?;
        wait_for("the route is gone with FRR", LIMIT, || self.bird.lacks(&web))?;
        self.site.frr.boot()?;
        self.start_agent()?;
        self.arrives(&web).context("FRR and agent started while the API server is away")?;
        self.stays(&web).context("FRR and agent started while the API server is away")?;
        self.kube.restart_api()?;
        self.service("later", true)?;
        self.route("later")?;
        self.stays(&web).context("the API server is back")
    }

    fn endpoints_come_and_go(&mut self, web: &str) -> Result<()> {
        self.endpoints("web", false)?;
        wait_for("it is withdrawn with its last endpoint", LIMIT, || self.bird.lacks(web))?;
        self.endpoints("web", true)?;
        self.arrives(web)
    }

    /// A Service and the one endpoint that it has, on the node.
    fn service(&self, name: &str, ready: bool) -> Result<()> {
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
            "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": [{"port": 80}]},
        });
        wait_for("the Service is taken", LIMIT, || self.kube.apply(&service.to_string()))?;
        self.endpoints(name, ready)
    }

    fn endpoints(&self, name: &str, ready: bool) -> Result<()> {
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4", "ports": [{"port": 8080}],
            "endpoints": [{"addresses": ["10.244.1.10"], "nodeName": NODE, "conditions": {"ready": ready}}],
        });
        self.kube.apply(&slice.to_string()).map(drop)
    }

    /// The prefix of a Service once the neighbour has it.
    fn route(&self, name: &str) -> Result<String> {
        let prefix = wait_for("the Service has an address", LIMIT, || {
            let service = self.kube.get(&["service", name])?;
            let ip = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str();
            ip.map(|ip| format!("{ip}/32")).with_context(|| service["status"].to_string())
        })?;
        self.arrives(&prefix)?;
        Ok(prefix)
    }

    fn arrives(&self, prefix: &str) -> Result<()> {
        wait_for(&format!("the neighbour has {prefix}"), LIMIT, || self.bird.routes_to(prefix)).map(drop)
    }

    /// The neighbour has the route all the time, and is never told that it goes.
    fn stays(&self, prefix: &str) -> Result<()> {
        let (started, withdrawn) = (Instant::now(), self.bird.withdrawals("node")?);
        while started.elapsed() < QUIET {
            self.bird.routes_to(prefix)?;
            sleep(Duration::from_millis(200));
        }
        let now = self.bird.withdrawals("node")?;
        ensure!(now == withdrawn, "{} withdrawals", now - withdrawn);
        Ok(())
    }

    fn kill_agent(&mut self) -> Result<()> {
        self.site.agent.take().context("no agent runs")?.process().kill()
    }
}

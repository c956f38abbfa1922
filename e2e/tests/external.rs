//! On a real API server: what the agent writes for a frr-k8s of somebody else, and what becomes of objects that MetalLB's
//! speakers left behind (docs/external-frr-k8s.md).

use anyhow::{Context, Result, ensure};
use herald_e2e::kube::audit::Asked;
use herald_e2e::scrape::Reader;
use herald_e2e::site::{BIRD_SESSION, MANIFESTS, NODE, Site};
use herald_e2e::{Agent, Kube, Logged, Operator, Release, wait_for};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(2);
const OBJECT: [&str; 3] = ["frrconfiguration", "metallb-node1", "--namespace=metallb-system"];

const CONFIGURATION: &str = "
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: public, namespace: metallb-system}
spec: {ipAddressPools: [public], communities: [\"64500:7\"]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: router, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, sourceAddress: 172.30.0.1, connectTime: 1s, passwordSecret: {name: router}}
";

/// What a speaker of this node has written; somebody gave it a label.
fn leftover(node: &str) -> String {
    let metadata =
        json!({"name": format!("metallb-{node}"), "namespace": "metallb-system", "labels": {"team": "net"}});
    let neighbor = json!({"asn": 64501, "address": "172.30.0.9", "port": 179});
    let bgp =
        json!({"routers": [{"asn": 64500, "neighbors": [neighbor], "prefixes": ["198.51.100.200/32"]}]});
    let selector = json!({"matchLabels": {"kubernetes.io/hostname": node}});
    json!({"apiVersion": "frrk8s.metallb.io/v1beta1", "kind": "FRRConfiguration", "metadata": metadata,
        "spec": {"bgp": bgp, "nodeSelector": selector}})
    .to_string()
}

struct Cluster {
    // They end in this order.
    operator: Operator,
    kube: Kube,
    kubeconfig: PathBuf,
    site: Site,
}

impl Cluster {
    fn start() -> Result<Self> {
        let site = Site::new(Release::V10, "")?;
        let mut kube = Kube::installed(site.lab())?;
        kube.install("manifests/external")?;
        // An API server that has just started knows no rights for a moment, and says no to everything.
        kube.allow_forbidden();
        kube.attach(site.frr.namespace(), "pods0")?;
        let kubeconfig = kube.service_account_kubeconfig("metallb-system", "speaker")?;
        let mut operator = Operator::start(site.lab(), &kube, "operator", &[])?;
        operator.wait_ready()?;
        let cluster = Self { operator, kube, kubeconfig, site };
        wait_for("the configuration is admitted", LIMIT, || {
            cluster.kube.apply(&format!("{MANIFESTS}---{CONFIGURATION}"))
        })?;
        Ok(cluster)
    }

    fn start_agent(&mut self, more: &[&str]) -> Result<()> {
        self.site.agent = Some(Agent::start_kubernetes(&self.site.frr, NODE, &self.kubeconfig, more)?);
        Ok(())
    }

    fn logs(&self) -> String {
        format!("{}\n=== operator\n{}", self.site.logs(), self.operator.log())
    }

    /// A Service with an endpoint on the node; returns its prefix.
    fn service(&self, name: &str) -> Result<String> {
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
            "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": [{"port": 80}]},
        });
        wait_for("the Service is taken", LIMIT, || self.kube.apply(&service.to_string()))?;
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4", "ports": [{"port": 8080}],
            "endpoints": [{"addresses": ["10.244.1.10"], "nodeName": NODE, "conditions": {"ready": true}}],
        });
        self.kube.apply(&slice.to_string())?;
        wait_for("the Service has an address", LIMIT, || {
            let service = self.kube.get(&["service", name])?;
            let ip = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str();
            ip.map(|ip| format!("{ip}/32")).with_context(|| service["status"].to_string())
        })
    }

    /// The object, once its only router has exactly these prefixes.
    fn written(&self, prefixes: &[&str]) -> Result<Value> {
        wait_for("the object is written", LIMIT, || {
            let object = self.kube.get(&OBJECT)?;
            ensure!(object["spec"]["bgp"]["routers"][0]["prefixes"] == json!(prefixes), "{object}");
            Ok(object)
        })
        .logged(|| self.logs())
    }

    /// How often the agent wrote or deleted objects of that kind.
    fn writes(&self, verbs: &[&str]) -> Result<usize> {
        let is_one = |asked: &&Asked| {
            asked.what == "frrconfigurations" && asked.code < 300 && verbs.contains(&asked.verb.as_str())
        };
        Ok(self.kube.asked()?.iter().filter(is_one).count())
    }
}

#[test]
fn a_frr_k8s_of_somebody_else_is_told_what_to_announce() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let told = cluster.external();
    told.logged(|| cluster.logs())
}

impl Cluster {
    fn external(&mut self) -> Result<()> {
        let web = self.service("web")?;
        self.kube.apply(&leftover(NODE))?;
        self.start_agent(&["--bgp-type=frr-k8s-external"])?;
        let object = self.written(&[&web])?;
        ensure!(object["metadata"]["labels"] == json!({"team": "net"}), "{object}");
        let neighbor = &object["spec"]["bgp"]["routers"][0]["neighbors"][0];
        ensure!(
            neighbor["passwordSecret"]["name"] == "router" && neighbor["password"].is_null(),
            "{neighbor}"
        );
        ensure!(neighbor["sourceaddress"] == "172.30.0.1" && neighbor["port"] == 179, "{neighbor}");
        ensure!(neighbor["toAdvertise"]["withCommunity"][0]["community"] == "64500:7", "{neighbor}");
        self.changes(&web)?;
        self.edits(&web)?;
        self.says_how_it_is(&web)?;
        self.restart(&web)?;
        self.on_a_real_frr(&web)
    }

    /// A change is one write.
    fn changes(&self, web: &str) -> Result<()> {
        let before = self.writes(&["create", "update", "patch"])?;
        let later = self.service("later")?;
        self.written(&[web, &later])?;
        self.kube.run(&["delete", "service", "later"])?;
        self.written(&[web])?;
        let after = self.writes(&["create", "update", "patch"])?;
        ensure!(after == before + 2, "{} writes for two changes", after - before);
        Ok(())
    }

    /// What others do to it is put right; what is theirs stays.
    fn edits(&self, web: &str) -> Result<()> {
        let edit = json!({"metadata": {"annotations": {"theirs": "yes"}}, "spec": {"bgp": {"routers": []}}});
        self.kube.run(&[&["patch", "--type=merge", "--patch", &edit.to_string()], &OBJECT[..]].concat())?;
        let object = self.written(&[web])?;
        ensure!(object["metadata"]["annotations"]["theirs"] == "yes", "{object}");
        self.kube.run(&[&["delete"], &OBJECT[..]].concat())?;
        self.written(&[web]).map(drop)
    }

    /// The speaker's metrics, health and ConfigurationState; all that tells of FRR is that frr-k8s' to serve and to write.
    fn says_how_it_is(&self, web: &str) -> Result<()> {
        let node = self.site.frr.namespace();
        let curl = |url: &str| node.run("curl", &["-sSk", "--fail", "--max-time", "5", url]);
        let ready = curl("http://127.0.0.1:17472/readyz?verbose")?;
        ensure!(ready.contains("[+]caches ok") && !ready.contains("frr"), "{ready}");
        for port in [9121, 9140, 9141, 7572] {
            let free = node.run("curl", &["-sSk", "--max-time", "5", &format!("https://127.0.0.1:{port}/")]);
            ensure!(free.is_err(), "{port} is taken from the node's frr-k8s");
        }
        let reader = Reader::new(&self.kube, &self.site.lab().folder("tokens")?)?;
        let stale = |value: f64| {
            reader.until("the page says how the configuration is", node, "127.0.0.1:9120", |page| {
                page.is("metallb_k8s_client_config_loaded_bool", &[], 1.0)?;
                page.is("metallb_k8s_client_config_stale_bool", &[], value)?;
                let labels = [("service", "default/web"), ("protocol", "bgp"), ("node", NODE)];
                let ip = web.trim_end_matches("/32");
                page.is("metallb_speaker_announced", &[&labels[..], &[("ip", ip)]].concat(), 1.0)
            })
        };
        stale(0.0)?;
        self.configuration("Valid", "")?;
        self.extras()?;
        let text = "bgpextras is not used with frr-k8s-external";
        self.configuration("Invalid", text)?;
        stale(1.0)?;
        self.kube.run(&["delete", "configmap", "bgpextras", "--namespace=metallb-system"])?;
        self.configuration("Valid", "")?;
        stale(0.0)?;
        for kind in ["frrnodestates", "bgpsessionstates", "servicebgpstatuses"] {
            let all = self.kube.get(&[kind, "--namespace=metallb-system"])?;
            ensure!(all["items"] == json!([]), "{all}");
        }
        Ok(())
    }

    fn extras(&self) -> Result<()> {
        let extras = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"extras": "ip prefix-list extras seq 5 permit any"},
            "metadata": {"name": "bgpextras", "namespace": "metallb-system"}});
        self.kube.apply(&extras.to_string()).map(drop)
    }

    /// Waits until the node's ConfigurationState is this and says that.
    fn configuration(&self, result: &str, words: &str) -> Result<()> {
        wait_for(&format!("the configuration is {result}"), LIMIT, || {
            let state =
                self.kube.get(&["configurationstate", "speaker-node1", "--namespace=metallb-system"])?;
            let status = &state["status"];
            let summary = status["errorSummary"].as_str().unwrap_or_default();
            let said = if words.is_empty() { summary.is_empty() } else { summary.contains(words) };
            ensure!(status["result"] == result && said, "{status}");
            Ok(())
        })
    }

    /// An agent that starts deletes nothing and writes nothing anew.
    fn restart(&mut self, web: &str) -> Result<()> {
        let before = self.kube.get(&OBJECT)?["metadata"]["resourceVersion"].clone();
        self.site.agent.take().context("no agent")?.process().kill()?;
        self.start_agent(&["--bgp-type=frr-k8s-external"])?;
        // Proof that it works: it takes up a change.
        let later = self.service("later")?;
        self.written(&[web, &later])?;
        ensure!(self.writes(&["delete", "deletecollection"])? == 0, "it deleted");
        let log = self.site.agent_log();
        let since = log.rsplit("\"event\":\"Started\"").next().unwrap_or_default();
        ensure!(since.matches("\"event\":\"Written\"").count() == 1, "since {before}: {log}");
        Ok(())
    }

    /// What frr-k8s does with it, done by `herald render`: the neighbour has the routes.
    fn on_a_real_frr(&self, web: &str) -> Result<()> {
        let objects = self.site.lab().folder("objects")?;
        let mut list = vec![self.kube.get(&OBJECT)?, self.kube.get(&["node", NODE])?];
        list.push(self.kube.get(&["secret", "router", "--namespace=metallb-system"])?);
        fs::write(
            objects.join("all.json"),
            json!({"apiVersion": "v1", "kind": "List", "items": list}).to_string(),
        )?;
        let folder = objects.display().to_string();
        let text = self.site.herald.run(&["render", "-f", &folder, "--node", NODE, "--show-secrets"])?;
        let loaded = self.site.frr.load(&text)?;
        ensure!(loaded.accepted, "{}\n{text}", loaded.output);
        let bird = self.site.bird(BIRD_SESSION)?;
        wait_for("the neighbour has the route", LIMIT, || bird.routes_to(web)).map(drop)
    }
}

#[test]
fn what_a_speaker_left_behind_goes_once_the_agents_own_plan_is_applied() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let told = cluster.migrate();
    told.logged(|| cluster.logs())
}

impl Cluster {
    fn migrate(&mut self) -> Result<()> {
        let web = self.service("web")?;
        self.kube.apply(&leftover(NODE))?;
        self.kube.apply(&leftover("node2"))?;
        self.extras()?;
        self.start_agent(&[])?;
        let bird = self.site.bird(BIRD_SESSION)?;
        wait_for("the neighbour has the route", LIMIT, || bird.routes_to(&web))?;
        wait_for("this node's is deleted", LIMIT, || {
            let left = self.kube.run(&[
                "get",
                "frrconfigurations",
                "--namespace=metallb-system",
                "--output=name",
            ])?;
            ensure!(left.trim() == "frrconfiguration.frrk8s.metallb.io/metallb-node2", "{left}");
            Ok(())
        })?;
        let running = self.site.frr.running()?;
        ensure!(!running.contains("172.30.0.9"), "what the speaker wrote was applied: {running}");
        ensure!(running.contains("ip prefix-list extras"), "{running}");
        let log = self.site.agent_log();
        ensure!(log.contains("SpeakerLeftover") && log.contains("DeprecatedBGPExtras"), "{log}");
        self.node_says(
            "Ignored",
            Some(("SpeakerLeftover", "FRRConfiguration metallb-system/metallb-node2")),
        )?;
        self.node_says("Deprecated", Some(("DeprecatedBGPExtras", "ConfigMap metallb-system/bgpextras")))?;
        self.configuration("Valid", "")?;
        // It is said as long as it holds.
        self.kube.run(&["delete", "configmap", "bgpextras", "--namespace=metallb-system"])?;
        self.node_says("Deprecated", None)?;
        self.kube.run(&["delete", "frrconfiguration", "metallb-node2", "--namespace=metallb-system"])?;
        self.node_says("Ignored", None)
    }

    /// Waits until the FRRNodeState has a condition of this type with a reason, True, that names an object; or none.
    fn node_says(&self, kind: &str, wanted: Option<(&str, &str)>) -> Result<()> {
        wait_for(&format!("the node says {kind} {wanted:?}"), LIMIT, || {
            let state = self.kube.get(&["frrnodestate", NODE])?;
            let conditions = state["status"]["conditions"].as_array().context("no conditions")?;
            let found = conditions.iter().find(|condition| condition["type"] == kind);
            let is_it = match (found, wanted) {
                (Some(found), Some((reason, object))) => {
                    let message = found["message"].as_str().unwrap_or_default();
                    found["reason"] == reason && found["status"] == "True" && message.starts_with(object)
                }
                (found, wanted) => found.is_none() && wanted.is_none(),
            };
            ensure!(is_it, "{conditions:?}");
            Ok(())
        })
    }
}

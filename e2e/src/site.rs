//! One node with FRR and agent, and neighbours on its segment: what most tests need.
//!
//! ```text
//! node 172.30.0.1 fd30::1 --- segment --- bird 172.30.0.2 fd30::2
//!                                     \-- gobgp 172.30.0.3 fd30::3
//! ```

use crate::bird::Bird;
use crate::frr::{Frr, Release};
use crate::gobgp::Gobgp;
use crate::herald::{Agent, Herald};
use crate::lab::Lab;
use crate::network::{Namespace, Segment};
use crate::updates::Updates;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;

/// The name of the node, in manifests and to the agent.
pub const NODE: &str = "node1";

/// The node in the API, a Secret with the password of [`BIRD_SESSION`], and a pool: where a site stands beside an API server.
pub const MANIFESTS: &str = "
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
";
/// BIRD's side of the node's session, with that password.
pub const BIRD_SESSION: &str = "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; \
    password \"quiet\"; connect delay time 1; ipv4 { import all; export none; }; }\n";

/// A node, its folder of manifests, and room for two neighbours.
#[derive(Debug)]
pub struct Site {
    /// The command.
    pub herald: Herald,
    /// The folder that the agent watches.
    pub manifests: PathBuf,
    /// The node's FRR.
    pub frr: Frr,
    /// The node's agent, when it runs.
    pub agent: Option<Agent>,
    bird: Namespace,
    gobgp: Namespace,
    lan: Segment,
    // Last, so that it outlives what runs in it.
    lab: Lab,
}

impl Site {
    /// Starts FRR with `saved` as its configuration; the folder of manifests holds one Node.
    pub fn new(release: Release, saved: &str) -> Result<Self> {
        Self::on(Lab::new()?, release, saved, &[])
    }

    /// The same with FRR 10.3, and one more namespace that FRR has for a VRF of this name.
    pub fn with_vrf(vrf: &str) -> Result<(Self, Namespace)> {
        let lab = Lab::new()?;
        let namespace = lab.namespace(vrf)?;
        let site = Self::on(lab, Release::V10, "", &[(vrf, &namespace)])?;
        Ok((site, namespace))
    }

    fn on(lab: Lab, release: Release, saved: &str, vrfs: &[(&str, &Namespace)]) -> Result<Self> {
        let lan = lab.segment("lan")?;
        let (node, bird, gobgp) = (lab.namespace(NODE)?, lab.namespace("bird")?, lab.namespace("gobgp")?);
        for (namespace, number) in [(&node, 1), (&bird, 2), (&gobgp, 3)] {
            let addresses = [format!("172.30.0.{number}/24"), format!("fd30::{number}/64")];
            lan.attach(namespace, "eth0", &addresses.each_ref().map(String::as_str))?;
        }
        let manifests = lab.folder("manifests")?;
        let frr = Frr::start_with_vrfs(&lab, &node, release, saved, vrfs)?;
        let site = Self { herald: Herald::new()?, manifests, frr, agent: None, bird, gobgp, lan, lab };
        site.write(
            "node.yaml",
            "apiVersion: v1\nkind: Node\nmetadata:\n  name: node1\n  labels: {kubernetes.io/hostname: node1}\n\
             status:\n  conditions:\n    - {type: Ready, status: \"True\"}\n",
        )?;
        Ok(site)
    }

    /// Puts a manifest into the folder in one step, as Git and editors do.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let new = self.lab.root().join(name);
        fs::write(&new, text)?;
        fs::rename(&new, self.manifests.join(name)).with_context(|| format!("write {name}"))
    }

    /// Records addresses for the Services of the folder.
    pub fn record(&self) -> Result<()> {
        self.herald.run(&["plan", "-f", &self.manifests.display().to_string(), "--write"]).map(drop)
    }

    /// Starts the agent.
    pub fn start_agent(&mut self) -> Result<()> {
        self.start_agent_with(&[])
    }

    /// Starts the agent with more arguments.
    pub fn start_agent_with(&mut self, more: &[&str]) -> Result<()> {
        self.start_agent_after("", more)
    }

    /// The same after lines of a shell ([`Agent::start_after`]).
    pub fn start_agent_after(&mut self, before: &str, more: &[&str]) -> Result<()> {
        self.agent = Some(Agent::start_after(before, &self.frr, NODE, &self.manifests, more)?);
        Ok(())
    }

    /// What the agent has logged.
    #[must_use]
    pub fn agent_log(&self) -> String {
        self.agent.as_ref().map(Agent::log).unwrap_or_default()
    }

    /// The text of what the manifests ask of the node.
    pub fn rendered(&self) -> Result<String> {
        self.herald.run(&["render", "-f", &self.manifests.display().to_string(), "--node", NODE])
    }

    /// Starts BIRD; `sessions` follows what every BIRD needs.
    pub fn bird(&self, sessions: &str) -> Result<Bird> {
        Bird::start(&self.lab, &self.bird, &bird_config("172.30.0.2", sessions))
    }

    /// The same, and a record of every message that it receives.
    pub fn recorded_bird(&self, sessions: &str) -> Result<(Bird, Updates)> {
        let record = self.lab.root().join("bird.mrt");
        let dump = format!("mrtdump \"{}\"; mrtdump protocols {{ states, messages }};\n", record.display());
        let bird = self.bird(&(dump + sessions))?;
        Ok((bird, Updates::follow(&record)?))
    }

    /// Starts `GoBGP` of this AS; `neighbors` follows its global part.
    pub fn gobgp(&self, asn: u32, neighbors: &str) -> Result<Gobgp> {
        let config = format!("[global.config]\nas = {asn}\nrouter-id = \"172.30.0.3\"\n{neighbors}");
        Gobgp::start(&self.lab, &self.gobgp, &config)
    }

    /// The agent's state folder.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.frr.folder().join("herald-state")
    }

    /// Its lab: for what else a test needs.
    #[must_use]
    pub const fn lab(&self) -> &Lab {
        &self.lab
    }

    /// BIRD's namespace.
    #[must_use]
    pub const fn bird_namespace(&self) -> &Namespace {
        &self.bird
    }

    /// One more machine on the segment: 172.30.0.`number`, `fd30::number`.
    pub fn machine(&self, name: &str, number: u8) -> Result<Namespace> {
        let namespace = self.lab.namespace(name)?;
        let (v4, v6) = (format!("172.30.0.{number}/24"), format!("fd30::{number}/64"));
        self.lan.attach(&namespace, "eth0", &[&v4, &v6])?;
        Ok(namespace)
    }

    /// FRR 10.3 as a neighbour.
    pub fn frr_in(&self, namespace: &Namespace, config: &str) -> Result<Frr> {
        Frr::start(&self.lab, namespace, Release::V10, config)
    }

    /// Gives BIRD other sessions; those that are the same stay.
    pub fn configure(&self, bird: &Bird, sessions: &str) -> Result<()> {
        bird.configure(&bird_config("172.30.0.2", sessions))
    }

    /// BIRD in any namespace; `sessions` follows what every BIRD needs.
    pub fn bird_in(&self, namespace: &Namespace, router_id: &str, sessions: &str) -> Result<Bird> {
        Bird::start(&self.lab, namespace, &bird_config(router_id, sessions))
    }

    /// Everything that keeps a log: for the message of a test that fails.
    #[must_use]
    pub fn logs(&self) -> String {
        let agent = self.agent_log();
        let running = self.frr.running().unwrap_or_default();
        format!("=== herald-agent\n{agent}\n=== running-config\n{running}\n=== FRR\n{}", self.frr.logs())
    }
}

/// What every BIRD needs, and sessions.
fn bird_config(router_id: &str, sessions: &str) -> String {
    format!("log stderr all; router id {router_id}; protocol device {{ }}\n{sessions}")
}

/// A Service of type `LoadBalancer` with these addresses, and an `EndpointSlice` per family with one endpoint on the node,
/// ready or not.
#[must_use]
pub fn service(name: &str, addresses: &[&str], ready: bool) -> String {
    let policy = if addresses.len() > 1 { "RequireDualStack" } else { "SingleStack" };
    let families: Vec<&str> =
        addresses.iter().map(|a| if a.contains(':') { "IPv6" } else { "IPv4" }).collect();
    let mut text = format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n  namespace: default\n  annotations:\n    \
         metallb.io/loadBalancerIPs: \"{}\"\nspec:\n  type: LoadBalancer\n  externalTrafficPolicy: Local\n  \
         ipFamilyPolicy: {policy}\n  ipFamilies: [{}]\n  selector: {{app: {name}}}\n  ports:\n    - {{port: 80, protocol: TCP}}\n",
        addresses.join(","),
        families.join(", "),
    );
    for family in families {
        let endpoint = if family == "IPv6" { "fd10::10" } else { "10.244.1.10" };
        text += "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: ";
        text.extend([
            name,
            "-",
            &family.to_lowercase(),
            "\n  namespace: default\n  labels: {kubernetes.io/service-name: ",
        ]);
        text.extend([
            name,
            "}\naddressType: ",
            family,
            "\nports:\n  - {port: 8080, protocol: TCP}\nendpoints:\n",
        ]);
        text.extend([
            "  - addresses: [\"",
            endpoint,
            "\"]\n    conditions: {ready: ",
            if ready { "true" } else { "false" },
        ]);
        text += "}\n    nodeName: node1\n";
    }
    text
}

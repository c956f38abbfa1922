//! A cluster whose API server asks replicas of the operator.

use anyhow::{Context, Result, ensure};
use herald_e2e::kube::Relay;
use herald_e2e::{Kube, Lab, Logged, Operator, wait_for};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub const NAMESPACE: &str = "metallb-system";
pub const SOON: Duration = Duration::from_mins(1);
/// Nobody allocates here.
const MODE: &[&str] = &["--webhook-mode=onlywebhook"];

/// A cluster of two nodes with everything installed, and replicas that answer webhooks: one, or two by turns.
pub struct Cluster {
    pub replicas: Vec<Operator>,
    relay: Option<(Relay, AtomicUsize)>,
    pub kube: Kube,
    _lab: Lab,
}

impl Cluster {
    pub fn start() -> Result<Self> {
        Self::start_after(|_| Ok(()))
    }

    /// One replica, in a cluster where that was done before there were webhooks.
    pub fn start_after(prepare: impl FnOnce(&Kube) -> Result<()>) -> Result<Self> {
        let (lab, kube) = Self::installed(prepare)?;
        let operator = Operator::start(&lab, &kube, "controller-a", MODE)?;
        let cluster = Self { replicas: vec![operator], relay: None, kube, _lab: lab };
        cluster.wait_until_asked()?;
        Ok(cluster)
    }

    /// Two replicas; every request is answered by the one that did not answer the last one. `kubeconfig` is what the
    /// second one reaches the API server by.
    pub fn of_two(kubeconfig: impl FnOnce(&Kube) -> Result<PathBuf>) -> Result<Self> {
        let (lab, kube) = Self::installed(|_| Ok(()))?;
        let one = Operator::start(&lab, &kube, "controller-a", MODE)?;
        let two = Operator::start_with(&lab, &kube, "controller-b", &kubeconfig(&kube)?, &[], MODE)?;
        let mut replicas = vec![one, two];
        replicas.iter_mut().try_for_each(Operator::wait_ready)?;
        let relay = Relay::between(&lab, &kube, &[&replicas[0], &replicas[1]])?;
        let cluster = Self { replicas, relay: Some((relay, AtomicUsize::new(0))), kube, _lab: lab };
        for _ in 0..2 {
            cluster.wait_until_asked()?;
            cluster.turn()?;
        }
        Ok(cluster)
    }

    fn installed(prepare: impl FnOnce(&Kube) -> Result<()>) -> Result<(Lab, Kube)> {
        let lab = Lab::new()?;
        let kube = Kube::installed(&lab)?;
        prepare(&kube)?;
        for (name, rack) in [("node-1", "1"), ("node-2", "2")] {
            let metadata = json!({ "name": name, "labels": { "rack": rack } });
            kube.apply(&json!({ "apiVersion": "v1", "kind": "Node", "metadata": metadata }).to_string())?;
        }
        kube.install("manifests/webhooks")?;
        Ok((lab, kube))
    }

    /// The next request is the other replica's, if there is one.
    pub fn turn(&self) -> Result<()> {
        let Some((relay, turn)) = &self.relay else { return Ok(()) };
        relay.turn_to(turn.fetch_add(1, Ordering::Relaxed) % 2)
    }

    /// Until the API server gets answers.
    pub fn wait_until_asked(&self) -> Result<()> {
        wait_for("the webhooks answer", SOON, || {
            self.kube.apply(&pool("probe", "203.0.113.0/30"))?;
            self.kube.run(&["delete", "ipaddresspool", "probe", "--namespace", NAMESPACE]).map(drop)
        })
        .logged(|| self.log())
    }

    pub fn log(&self) -> String {
        self.replicas.iter().map(Operator::log).collect::<Vec<_>>().join("\n---\n")
    }

    pub fn taken(&self, row: &str, manifest: &str) -> Result<()> {
        self.turn()?;
        self.kube.apply(manifest).map(drop).with_context(|| format!("{row}: {}", self.log()))
    }

    pub fn refused(&self, row: &str, manifest: &str, words: &str) -> Result<()> {
        self.turn()?;
        let refused =
            self.kube.apply(manifest).err().with_context(|| format!("{row}: it was taken: {manifest}"))?;
        says(row, &refused, words)
    }

    pub fn delete(&self, what: &str, name: &str) -> Result<String> {
        self.turn()?;
        self.kube.run(&["delete", what, name, "--namespace", NAMESPACE, "--wait=false"])
    }

    /// Takes everything away that a row made.
    pub fn clear(&self) -> Result<()> {
        let kinds = "bgppeers,bgpadvertisements,l2advertisements,communities,bfdprofiles,ipaddresspools";
        for kind in kinds.split(',') {
            self.kube.run(&["delete", kind, "--all", "--namespace", NAMESPACE])?;
        }
        Ok(())
    }
}

pub fn says(row: &str, error: &anyhow::Error, words: &str) -> Result<()> {
    let text = format!("{error:#}");
    ensure!(text.contains(words), "{row}: {words:?} is not in: {text}");
    Ok(())
}

pub fn object(version: &str, kind: &str, name: &str, spec: &Value) -> String {
    let metadata = json!({ "name": name, "namespace": NAMESPACE });
    let version = format!("metallb.io/{version}");
    json!({ "apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec }).to_string()
}

pub fn pool(name: &str, addresses: &str) -> String {
    object("v1beta1", "IPAddressPool", name, &json!({ "addresses": [addresses] }))
}

pub fn advertisement(spec: &Value) -> String {
    object("v1beta1", "BGPAdvertisement", "adv", spec)
}

pub fn peer(name: &str, address: &str, more: &Value) -> String {
    let mut spec = json!({ "myASN": 64512, "peerASN": 64513, "peerAddress": address });
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    object("v1beta2", "BGPPeer", name, &spec)
}

pub fn community(name: &str, aliases: &[(&str, &str)]) -> String {
    let aliases: Vec<Value> =
        aliases.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    object("v1beta1", "Community", name, &json!({ "communities": aliases }))
}

/// What a command says on standard error, given its standard input.
pub fn piped(mut command: std::process::Command, input: &str) -> Result<String> {
    use std::process::Stdio;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    std::io::Write::write_all(&mut child.stdin.take().context("no input")?, input.as_bytes())?;
    let done = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(done.status.success(), "{said}");
    Ok(said)
}

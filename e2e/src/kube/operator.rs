//! `herald-operator`, started as the manifests say and with the rights that they give.

use super::manifest::{self, NAMESPACE};
use super::{Kube, Kubectl};
use crate::herald::program;
use crate::lab::Lab;
use crate::network::Namespace;
use crate::process::Process;
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longer than any start takes on a busy machine.
const READY: Duration = Duration::from_mins(1);
const WEBHOOKS: &str = "metallb-webhook-service";

/// One replica of the Deployment `controller`: a process in a namespace with an address of its own, as a pod has it. While
/// it runs it stands in the webhook Service's endpoints.
#[derive(Debug)]
pub struct Operator {
    name: String,
    address: String,
    namespace: Namespace,
    kubectl: Kubectl,
    process: Process,
}

impl Operator {
    /// Starts a replica with the manifest's arguments and variables. Flags in `arguments` (`--flag=value`) replace those of the
    /// same name.
    pub fn start(lab: &Lab, kube: &Kube, name: &str, arguments: &[&str]) -> Result<Self> {
        let kubeconfig = kube.service_account_kubeconfig(NAMESPACE, "controller")?;
        Self::start_with(lab, kube, name, &kubeconfig, &[], arguments)
    }

    /// The same with another kubeconfig (of a [`super::Proxy`]) and more variables.
    pub fn start_with(
        lab: &Lab,
        kube: &Kube,
        name: &str,
        kubeconfig: &Path,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Result<Self> {
        let (namespace, address) = kube.pod(lab, name)?;
        let folder = lab.folder(name)?;
        let objects = manifest::objects(kube)?;
        let container = manifest::container(manifest::object(&objects, "Deployment", "controller")?)?;
        let program = program("herald-operator")?.display().to_string();
        let mut command = namespace.command(&program);
        // What the Secret of the webhooks' certificates is mounted at; replicas of the lab share the machine's files.
        let certificates = format!("--cert-dir={}", lab.folder(&format!("{name}/certificates"))?.display());
        let own = [&[certificates.as_str()], arguments].concat();
        command.args(manifest::arguments(container, &own)?);
        let pod = manifest::Pod { name, address: &address, node: "" };
        command.env("KUBECONFIG", kubeconfig).envs(manifest::environment(container, &pod)?);
        command.envs(variables.iter().copied());
        let process = Process::spawn("herald-operator", command, &folder.join("herald-operator.log"))?;
        let kubectl = kube.kubectl.clone();
        let operator = Self { name: name.to_owned(), address, namespace, kubectl, process };
        operator.join_webhooks()?;
        Ok(operator)
    }

    /// Its process.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Its name, as of a pod.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address, as of a pod.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its namespace, where its ports listen.
    #[must_use]
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Where it logs to.
    #[must_use]
    pub fn log_file(&self) -> &Path {
        self.process.log_file()
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Whether its readiness probe succeeds.
    pub fn ready(&self) -> Result<String> {
        self.namespace.run("curl", &["-fsS", "--max-time", "1", "http://127.0.0.1:17472/readyz"])
    }

    /// Waits until its readiness probe succeeds; fails with its log, at once if it has ended.
    pub fn wait_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY;
        loop {
            self.process.check_running()?;
            match self.ready() {
                Ok(_) => return Ok(()),
                Err(why) if Instant::now() >= deadline => {
                    return Err(why.context(format!(
                        "{} is not ready within {READY:?}:\n{}",
                        self.name,
                        self.log()
                    )));
                }
                Err(_) => sleep(Duration::from_millis(25)),
            }
        }
    }

    /// Ends it as a kubelet does: SIGTERM, and it leaves the endpoints.
    pub fn stop(&mut self) -> Result<()> {
        self.process.stop()?;
        self.leave_webhooks()
    }

    /// SIGKILL: its connections end, its Lease stays; it leaves the endpoints.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.leave_webhooks()
    }

    /// Stops it in its tracks, as a machine that hangs.
    pub fn pause(&self) -> Result<()> {
        self.process.signal(Signal::SIGSTOP)
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        self.process.signal(Signal::SIGCONT)
    }

    /// Cuts its cable, or plugs it in again.
    pub fn connect(&self, connected: bool) -> Result<()> {
        self.namespace.ip(&format!("link set eth0 {}", if connected { "up" } else { "down" })).map(drop)
    }

    /// What the kubelet and the controller of `EndpointSlices` do for a ready pod that the Service selects.
    fn join_webhooks(&self) -> Result<()> {
        join_webhooks(&self.kubectl, &self.slice(), &self.address)
    }

    pub(super) fn leave_webhooks(&self) -> Result<()> {
        let slice = self.slice();
        let words = ["delete", "endpointslice", &slice, "--namespace", NAMESPACE, "--ignore-not-found"];
        self.kubectl.run(&words).map(drop)
    }

    fn slice(&self) -> String {
        format!("webhooks-{}", self.name)
    }
}

/// Puts an address into the webhook Service's endpoints.
pub(super) fn join_webhooks(kubectl: &Kubectl, slice: &str, address: &str) -> Result<()> {
    let service = ["get", "service", WEBHOOKS, "--namespace", NAMESPACE, "--output=json"];
    // A test may install without webhooks.
    let Ok(service) = kubectl.run(&service) else { return Ok(()) };
    let service: Value = serde_json::from_str(&service)?;
    let ports: Vec<Value> = service["spec"]["ports"]
        .as_array()
        .context("the webhook Service has no ports")?
        .iter()
        .map(|port| serde_json::json!({ "name": port["name"], "protocol": "TCP", "port": 9443 }))
        .collect();
    let slice = serde_json::json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": slice,
            "namespace": NAMESPACE,
            "labels": {
                "kubernetes.io/service-name": WEBHOOKS,
                "endpointslice.kubernetes.io/managed-by": "lab",
            },
        },
        "addressType": "IPv4",
        "endpoints": [{ "addresses": [address], "conditions": { "ready": true } }],
        "ports": ports,
    });
    kubectl.apply(&slice.to_string()).map(drop)
}

//! A real Kubernetes API server, with etcd behind it, in a namespace of a lab.

mod account;
mod administrator;
pub mod audit;
mod lines;
pub(crate) mod manifest;
mod operator;
mod programs;
mod proxy;
mod relay;
mod servers;

pub use administrator::{Administrator, client};
pub use lines::Line;
pub use operator::Operator;
pub use proxy::{Fate, Proxy};
pub use relay::Relay;

use crate::herald::repository;
use crate::lab::Lab;
use crate::network::{Namespace, Segment};
use crate::process::{Process, output};
use crate::wait::wait_for;
use anyhow::{Context, Result, ensure};
use audit::Asked;
use k8s_openapi::jiff::Timestamp;
use nix::sys::signal::Signal;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// Where pods of the lab reach the API server, and the segment that they stand on.
pub const ADDRESS: &str = "10.250.0.1";
/// From its start to the first answer takes 5 s on a free machine.
const READY: Duration = Duration::from_mins(2);

/// An API server: it stores, checks and serves objects. Controllers only when asked for; no scheduler, no kubelet.
#[derive(Debug)]
pub struct Kube {
    kubectl: Kubectl,
    programs: PathBuf,
    folder: PathBuf,
    segment: Segment,
    pods: AtomicU16,
    forbidden_allowed: bool,
    // The controllers end before the server, and that before the store that it writes to.
    controllers: Option<Process>,
    api: Process,
    etcd: Process,
}

/// `kubectl` as administrator.
#[derive(Debug, Clone)]
pub struct Kubectl {
    namespace: Namespace,
    words: Vec<String>,
}

impl Kube {
    /// Starts both, and waits until the server is ready. The first call on a machine builds them, which takes minutes.
    pub fn start(lab: &Lab) -> Result<Self> {
        Self::start_in(lab, lab.namespace("kube")?)
    }

    /// The same in a namespace with something else, which then reaches the server by the loopback interface.
    pub fn start_in(lab: &Lab, namespace: Namespace) -> Result<Self> {
        let programs = programs::programs()?;
        let folder = lab.folder("kube")?;
        let segment = lab.segment("pods")?;
        segment.attach(&namespace, "pods0", &[&format!("{ADDRESS}/16")])?;
        servers::prepare(&folder)?;
        let etcd = servers::etcd(&namespace, &folder)?;
        let api = servers::api(&namespace, &folder, &programs)?;
        let kubectl = Kubectl::new(namespace, &programs, &folder);
        let (pods, controllers, forbidden_allowed) = (AtomicU16::new(10), None, false);
        let mut kube =
            Self { kubectl, programs, folder, segment, pods, forbidden_allowed, controllers, api, etcd };
        kube.wait_ready()?;
        Ok(kube)
    }

    /// The same with what `manifests/` installs: CRDs, namespace, RBAC, operator, webhooks. No operator runs yet.
    pub fn installed(lab: &Lab) -> Result<Self> {
        let kube = Self::start(lab)?;
        kube.install("manifests")?;
        Ok(kube)
    }

    /// Applies a kustomization of this repository, with strict checking of fields, and waits until its CRDs are served.
    pub fn install(&self, kustomization: &str) -> Result<()> {
        let folder = repository().join(kustomization).display().to_string();
        // As server-side apply: a CRD is larger than what the annotation of the other way holds.
        self.run(&["apply", "--server-side", "--validate=strict", "--kustomize", &folder])?;
        self.run(&[
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "customresourcedefinitions",
            "--all",
        ])?;
        Ok(())
    }

    /// Applies the CRDs of this repository and waits until they are served.
    pub fn apply_definitions(&self) -> Result<()> {
        self.install("crds/yaml")
    }

    /// Starts kube-controller-manager: endpoints, garbage collection, Deployments to Pods (that nothing schedules).
    pub fn start_controllers(&mut self) -> Result<()> {
        let namespace = &self.kubectl.namespace;
        let started = servers::controllers(namespace, &self.folder, &self.programs)?;
        let controllers = self.controllers.insert(started);
        wait_for("the controllers run", READY, || {
            controllers.check_running()?;
            namespace.run("curl", &["-fsSk", "--max-time", "2", "https://127.0.0.1:10257/healthz"])
        })?;
        Ok(())
    }

    /// Starts kube-proxy for the Node `name`, whose namespace reaches the server ([`Kube::attach`]).
    pub fn start_proxy(&self, node: &Namespace, name: &str) -> Result<Process> {
        servers::proxy(node, name, &self.folder, &self.programs)
    }

    /// `kubectl` as administrator of this cluster.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str]) -> Command {
        self.kubectl.command(arguments)
    }

    /// The same as words of a shell, for programs that take such a command.
    #[must_use]
    pub fn kubectl_words(&self) -> String {
        format!("ip netns exec {} {}", self.namespace().name(), self.kubectl.words.join(" "))
    }

    /// Runs `kubectl` to its end and returns what it printed; a failure fails.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        output(&mut self.kubectl(arguments))
    }

    /// Applies manifests given as text, with strict checking of fields.
    pub fn apply(&self, manifests: &str) -> Result<String> {
        self.kubectl.apply(manifests)
    }

    /// An object, or a list, as JSON: `get(&["services", "--all-namespaces"])`.
    pub fn get(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.run(&[&["get", "--output=json"], arguments].concat())?;
        serde_json::from_str(&text).with_context(|| text)
    }

    fn wait_ready(&mut self) -> Result<()> {
        wait_for("the API server is ready", READY, || {
            self.run(&["get", "--raw", "/readyz"]).map(drop)?;
            // the server makes it, and refuses objects in it until then
            self.run(&["get", "namespace", "default"]).map(drop)
        })
        .or_else(|error| self.api.check_running().and(Err(error)))
    }

    /// Ends the API server.
    pub fn stop(&mut self) -> Result<()> {
        self.api.stop()
    }

    /// Ends the API server, if it runs, starts it again on the same store and waits until it is ready.
    pub fn restart_api(&mut self) -> Result<()> {
        self.api.stop()?;
        self.api = servers::api(&self.kubectl.namespace, &self.folder, &self.programs)?;
        self.wait_ready()
    }

    /// Stops the API server in its tracks: connections stay, nothing is answered. [`Kube::resume_api`] ends it.
    pub fn pause_api(&self) -> Result<()> {
        self.api.signal(Signal::SIGSTOP)
    }

    /// Lets the API server go on.
    pub fn resume_api(&self) -> Result<()> {
        self.api.signal(Signal::SIGCONT)
    }

    /// Makes etcd forget every revision but the last: a watch that asks for an older one is answered 410.
    pub fn compact(&self) -> Result<()> {
        let ask = |path: &str, body: &str| {
            let url = format!("http://127.0.0.1:2379/v3/kv/{path}");
            self.namespace().run("curl", &["-fsS", "--max-time", "10", "--data", body, &url])
        };
        // "AA==" is a key of one zero byte, which is not there: only the answer's header is of interest.
        let answer: Value = serde_json::from_str(&ask("range", r#"{"key":"AA=="}"#)?)?;
        let revision = answer["header"]["revision"].as_str().context("etcd tells no revision")?;
        ask("compaction", &format!(r#"{{"revision":"{revision}","physical":true}}"#)).map(drop)
    }

    /// What `ServiceAccounts` of the namespace metallb-system asked so far.
    pub fn asked(&self) -> Result<Vec<Asked>> {
        audit::read(&self.folder)
    }

    /// The same as they began, watches too: verb, and path with query.
    pub fn begun(&self) -> Result<Vec<(String, String)>> {
        audit::begun(&self.folder)
    }

    /// When a Service of the namespace `default` was created, and when its status was written first.
    pub fn first_status(&self, name: &str) -> Result<(Timestamp, Timestamp)> {
        audit::first_status(&self.folder, name)
    }

    /// For a test that takes rights away on purpose: a forbidden request is no failure then.
    pub const fn allow_forbidden(&mut self) {
        self.forbidden_allowed = true;
    }

    /// The administrator's kubeconfig, good in [`Kube::namespace`].
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// The certificate of the API server, with that of who signed it.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("certificates/apiserver.crt")
    }

    /// Where the server runs.
    #[must_use]
    pub const fn namespace(&self) -> &Namespace {
        &self.kubectl.namespace
    }

    /// The API server's process id.
    #[must_use]
    pub fn api_id(&self) -> u32 {
        self.api.id()
    }

    /// The process id of the store behind it.
    #[must_use]
    pub fn store_id(&self) -> u32 {
        self.etcd.id()
    }

    /// A namespace that reaches the API server as a pod does, and its address.
    pub fn pod(&self, lab: &Lab, name: &str) -> Result<(Namespace, String)> {
        let namespace = lab.namespace(name)?;
        let address = self.attach(&namespace, "eth0")?;
        Ok((namespace, address))
    }

    /// Gives a namespace an interface by which it reaches the API server, and returns its address there.
    pub fn attach(&self, namespace: &Namespace, device: &str) -> Result<String> {
        let [high, low] = self.pods.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let address = format!("10.250.{high}.{low}");
        self.segment.attach(namespace, device, &[&format!("{address}/16")])?;
        Ok(address)
    }
}

impl Drop for Kube {
    fn drop(&mut self) {
        // Of a test that fails anyway the first failure is the one to read.
        if self.forbidden_allowed || std::thread::panicking() {
            return;
        }
        let mut refused = self.asked().unwrap_or_default();
        refused.retain(|asked| asked.forbidden);
        assert!(refused.is_empty(), "RBAC of manifests/ refused: {refused:#?}");
    }
}

impl Kubectl {
    fn new(namespace: Namespace, programs: &Path, folder: &Path) -> Self {
        let path = |name: &str| folder.join(name).display().to_string();
        let words = vec![
            programs.join("kubectl").display().to_string(),
            "--kubeconfig".to_owned(),
            path("kubeconfig"),
            "--cache-dir".to_owned(),
            path("cache"),
        ];
        Self { namespace, words }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.namespace.command(&self.words[0]);
        command.args(&self.words[1..]).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        output(&mut self.command(arguments))
    }

    fn apply(&self, manifests: &str) -> Result<String> {
        let mut command = self.command(&["apply", "--server-side", "--validate=strict", "--filename=-"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().context("kubectl has no input")?;
        std::io::Write::write_all(&mut input, manifests.as_bytes())?;
        drop(input);
        let done = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "kubectl apply: {said}");
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    /// Writes a file that only its owner reads.
    fn secret_file(path: &Path, text: &str) -> Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut file = fs::File::options().create(true).write(true).truncate(true).mode(0o600).open(path)?;
        std::io::Write::write_all(&mut file, text.as_bytes()).with_context(|| path.display().to_string())
    }
}

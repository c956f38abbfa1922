//! A real Kubernetes API server, with etcd behind it, in a namespace of a lab.

use crate::herald::repository;
use crate::lab::Lab;
use crate::network::Namespace;
use crate::process::{Process, output};
use crate::wait::wait_for;
use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Kubernetes' version, as in kube/go.mod.
const VERSION: &str = "v1.34.4";
const PROGRAMS: [&str; 2] = ["kube-apiserver", "kubectl"];
/// From its start to the first answer takes 5 s on a free machine.
const READY: Duration = Duration::from_mins(2);

/// An API server without controllers, schedulers or nodes: it stores, checks and serves objects.
#[derive(Debug)]
pub struct Kube {
    namespace: Namespace,
    programs: PathBuf,
    folder: PathBuf,
    // The server ends before the store that it writes to.
    api: Process,
    _etcd: Process,
}

impl Kube {
    /// Starts both, and waits until the server is ready. The first call on a machine builds them, which takes minutes.
    pub fn start(lab: &Lab) -> Result<Self> {
        Self::start_in(lab, lab.namespace("kube")?)
    }

    /// The same in a namespace with something else, which then reaches the server by the loopback interface.
    pub fn start_in(lab: &Lab, namespace: Namespace) -> Result<Self> {
        let programs = programs()?;
        let folder = lab.folder("kube")?;
        let etcd = start_etcd(&namespace, &folder)?;
        let api = start_api(&namespace, &folder, &programs)?;
        fs::write(folder.join("kubeconfig"), KUBECONFIG)?;
        let mut kube = Self { namespace, programs, folder, api, _etcd: etcd };
        kube.wait_ready()?;
        Ok(kube)
    }

    /// `kubectl` as administrator of this cluster.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut command = self.namespace.command(&self.kubectl_program());
        command.arg("--kubeconfig").arg(self.kubeconfig()).arg("--cache-dir").arg(self.folder.join("cache"));
        command.args(arguments);
        command
    }

    /// The same as words of a shell, for programs that take such a command.
    #[must_use]
    pub fn kubectl_words(&self) -> String {
        format!(
            "ip netns exec {} {} --kubeconfig {} --cache-dir {}",
            self.namespace.name(),
            self.kubectl_program(),
            self.kubeconfig().display(),
            self.folder.join("cache").display(),
        )
    }

    /// Runs `kubectl` to its end and returns what it printed; a failure fails.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        output(&mut self.kubectl(arguments))
    }

    /// Applies the CRDs of this repository and waits until they are served.
    pub fn apply_definitions(&self) -> Result<()> {
        let folder = repository().join("crds/yaml");
        self.run(&["apply", "--filename", &folder.display().to_string()])?;
        self.run(&[
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "customresourcedefinitions",
            "--all",
        ])?;
        Ok(())
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

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// The certificate of the API server, with that of who signed it.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("certificates/apiserver.crt")
    }

    fn kubectl_program(&self) -> String {
        self.programs.join("kubectl").display().to_string()
    }
}

/// The namespace's loopback is all that reaches the server, so the token is no secret and the certificate is not checked.
const TOKENS: &str = "lab,admin,admin,system:masters\n";
const KUBECONFIG: &str = "apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: 'https://127.0.0.1:6443', insecure-skip-tls-verify: true}}]
users: [{name: lab, user: {token: lab}}]
contexts: [{name: lab, context: {cluster: lab, user: lab}}]
current-context: lab
";

fn start_etcd(namespace: &Namespace, folder: &Path) -> Result<Process> {
    let mut command = namespace.command("etcd");
    command.arg("--data-dir").arg(folder.join("etcd"));
    for (what, url) in [
        ("--listen-client-urls", "http://127.0.0.1:2379"),
        ("--advertise-client-urls", "http://127.0.0.1:2379"),
        ("--listen-peer-urls", "http://127.0.0.1:2380"),
        ("--initial-advertise-peer-urls", "http://127.0.0.1:2380"),
        ("--initial-cluster", "default=http://127.0.0.1:2380"),
    ] {
        command.args([what, url]);
    }
    Process::spawn("etcd", command, &folder.join("etcd.log"))
}

fn start_api(namespace: &Namespace, folder: &Path, programs: &Path) -> Result<Process> {
    let key = folder.join("service-accounts.key");
    output(Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048"))?;
    let tokens = folder.join("tokens.csv");
    fs::write(&tokens, TOKENS)?;
    let mut command = namespace.command(&programs.join("kube-apiserver").display().to_string());
    command
        .args(["--etcd-servers=http://127.0.0.1:2379", "--secure-port=6443", "--bind-address=127.0.0.1"])
        // Without a default route it finds no address of its own to tell, and there is nobody to tell it to.
        .args(["--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"])
        .args(["--authorization-mode=RBAC", "--service-account-issuer=https://lab.invalid"])
        .args(["--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true"])
        .arg("--cert-dir")
        .arg(folder.join("certificates"))
        .arg("--token-auth-file")
        .arg(&tokens)
        .arg("--service-account-key-file")
        .arg(&key)
        .arg("--service-account-signing-key-file")
        .arg(&key);
    Process::spawn("kube-apiserver", command, &folder.join("kube-apiserver.log"))
}

/// The folder with [`PROGRAMS`]: `$HERALD_KUBE_BIN`, or built from kube/go.mod and kept in target/kube.
fn programs() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("HERALD_KUBE_BIN").map(PathBuf::from) {
        ensure!(complete(&folder), "HERALD_KUBE_BIN={}: not all of {PROGRAMS:?} are there", folder.display());
        return Ok(folder);
    }
    let module = repository().join("e2e/kube");
    let cache = repository().join("target/kube");
    let folder = cache.join(fingerprint(&module)?);
    fs::create_dir_all(&cache).with_context(|| format!("make {}", cache.display()))?;
    // One build at a time, whoever asks for it; the lock ends with the file.
    let lock = File::create(cache.join("lock"))?;
    lock.lock()?;
    if !complete(&folder) {
        build(&module, &folder)?;
    }
    Ok(folder)
}

fn complete(folder: &Path) -> bool {
    PROGRAMS.iter().all(|program| folder.join(program).is_file())
}

/// Says which versions of which modules the programs are made of.
fn fingerprint(module: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for file in ["go.mod", "go.sum"] {
        fs::read(module.join(file)).with_context(|| format!("read e2e/kube/{file}"))?.hash(&mut hasher);
    }
    Ok(format!("{VERSION}-{:016x}", hasher.finish()))
}

fn build(module: &Path, folder: &Path) -> Result<()> {
    eprintln!("building kube-apiserver and kubectl {VERSION}: minutes, once");
    let new = folder.with_extension("new");
    fs::create_dir_all(&new)?;
    let mut command = Command::new("nice");
    command
        .current_dir(module)
        .env("CGO_ENABLED", "0")
        .args(["go", "build", "-trimpath", "-buildvcs=false", "-ldflags"])
        .arg(format!("-s -w -X k8s.io/component-base/version.gitVersion={VERSION}"))
        .arg("-o")
        .arg(format!("{}/", new.display()))
        .args(PROGRAMS.map(|program| format!("k8s.io/kubernetes/cmd/{program}")));
    output(&mut command).context("build Kubernetes' programs (Go is needed)")?;
    fs::rename(&new, folder).with_context(|| format!("make {}", folder.display()))
}

//! An agent, started as the container of the `DaemonSet` `speaker` is: its arguments, variables, user, groups and capabilities,
//! and its `ServiceAccount`'s token.

use crate::frr::Frr;
use crate::herald::program;
use crate::kube::Kube;
use crate::kube::manifest::{self, NAMESPACE, Pod};
use crate::lab::Lab;
use crate::process::{Process, output};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

/// What `manifests/` say of the node's part.
pub(super) struct Manifest {
    agent: Value,
    startup: Value,
}

impl Manifest {
    pub fn read(kube: &Kube) -> Result<Self> {
        let objects = manifest::objects(kube)?;
        let agent = manifest::object(&objects, "DaemonSet", "speaker")?.clone();
        let startup = manifest::object(&objects, "ConfigMap", "frr-startup")?.clone();
        Ok(Self { agent, startup })
    }
}

/// What every start of a node's agent shares.
#[derive(Debug)]
pub(super) struct Recipe {
    /// setpriv, the agent, and its arguments.
    words: Vec<String>,
    container: Value,
    kubeconfig: String,
}

impl Recipe {
    /// Prepares what a kubelet mounts, and reads the container. `more` replaces arguments of the same flag.
    pub fn new(
        lab: &Lab,
        kube: &Kube,
        manifest: &Manifest,
        frr: &Frr,
        node: &str,
        more: &[String],
    ) -> Result<Self> {
        let container = manifest::container(&manifest.agent)?;
        let inside = |path: &Path| anyhow::Ok(frr.inside(path)?.display().to_string());
        let startup = lab.folder(&format!("startup-{node}"))?;
        for (name, text) in manifest.startup["data"].as_object().context("frr-startup has no data")? {
            fs::write(startup.join(name), text.as_str().context("frr-startup has other than text")?)?;
        }
        // A hostPath that a kubelet makes is root's; there the agent keeps the file that FRR boots from.
        chown(frr.folder().join("etc"), Some(0), Some(0))?;
        chown(frr.folder().join("etc/frr.conf"), Some(0), Some(0))?;
        let state = lab.folder(&format!("state-{node}"))?;
        // The root folder is shared by the nodes: what stands outside of /etc/frr and /run/frr is elsewhere for each.
        let own = [
            format!("--state-dir={}", inside(&state)?),
            format!("--base-file={}", inside(&startup.join("frr.conf"))?),
        ];
        let own: Vec<&str> = own.iter().chain(more).map(String::as_str).collect();
        let copy = frr.folder().join("herald-agent");
        let built = program("herald-agent")?;
        // Copied by a process of its own: a child that another test is starting cannot hold it open for writing.
        output(Command::new("cp").args(["--link", "--force"]).args([&built, &copy]))
            .or_else(|_| output(Command::new("cp").args([&built, &copy])))?;
        let mut words = privileges(&manifest.agent, container)?;
        words.push(inside(&copy)?);
        words.extend(manifest::arguments(container, &own)?);
        let account = manifest.agent["spec"]["template"]["spec"]["serviceAccountName"].as_str();
        let account = account.context("speaker has no account")?;
        // A file for each node: one that is being written again would be read half.
        let kubeconfig = kube.service_account_kubeconfig(NAMESPACE, account)?;
        let own = kubeconfig.with_extension(node);
        fs::rename(kubeconfig, &own)?;
        Ok(Self { words, container: container.clone(), kubeconfig: inside(&own)? })
    }

    pub fn start(&self, frr: &Frr, pod: &Pod<'_>) -> Result<Agent> {
        let mut command = frr.command(&self.words[0]);
        command.args(&self.words[1..]).envs(manifest::environment(&self.container, pod)?);
        command.env("KUBECONFIG", &self.kubeconfig);
        let process = Process::spawn("herald-agent", command, &frr.folder().join("herald-agent.log"))?;
        Ok(Agent { process })
    }
}

/// `setpriv` with what the manifest's security contexts mean, and nothing else.
fn privileges(daemonset: &Value, container: &Value) -> Result<Vec<String>> {
    let pod = &daemonset["spec"]["template"]["spec"]["securityContext"];
    let own = &container["securityContext"];
    ensure!(own["privileged"] != true && own["capabilities"]["drop"] == serde_json::json!(["ALL"]), "{own}");
    ensure!(own["allowPrivilegeEscalation"] == false, "{own}");
    let user = own["runAsUser"].as_u64().or_else(|| pod["runAsUser"].as_u64()).context("no user")?;
    let groups = pod["supplementalGroups"].as_array().map(Vec::as_slice).unwrap_or_default();
    // The image's number of the group; FRR's root folder in the lab has another one by the same name.
    let groups = match groups {
        [] => "--clear-groups".to_owned(),
        [_] => "--groups=frrvty".to_owned(),
        more => anyhow::bail!("the lab does not know the groups {more:?}"),
    };
    let mut bounding = "--bounding-set=-all".to_owned();
    for capability in own["capabilities"]["add"].as_array().into_iter().flatten() {
        let name = capability.as_str().context("a capability that is no text")?;
        bounding.extend([",+", &name.to_lowercase()]);
    }
    let mut words = vec!["/usr/bin/setpriv".to_owned(), format!("--reuid={user}"), "--regid=0".to_owned()];
    words.extend([groups, bounding]);
    words.extend(["--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"].map(str::to_owned));
    Ok(words)
}

/// A running agent.
#[derive(Debug)]
pub struct Agent {
    process: Process,
}

impl Agent {
    /// Its process.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Ends it as a kubelet does.
    pub fn stop(&mut self) -> Result<()> {
        self.process.stop()
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }
}

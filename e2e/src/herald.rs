//! Herald's own programs, as built.

use crate::frr::Frr;
use crate::process::{Process, output};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

static BUILT: OnceLock<Result<(), String>> = OnceLock::new();

/// The repository's root folder.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/")).to_owned()
}

/// The program `name` of this workspace, of the same build profile as the caller. A test builds it first, so that it never
/// runs an old one; other callers find it beside themselves.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("find this program")?;
    let mut folder = own.parent().context("this program has no folder")?;
    if folder.ends_with("deps") {
        BUILT
            .get_or_init(|| build().map_err(|error| format!("{error:#}")))
            .clone()
            .map_err(anyhow::Error::msg)?;
        folder = folder.parent().context("deps has no parent")?;
    }
    let path = folder.join(name);
    anyhow::ensure!(path.exists(), "no program {}: run cargo build --workspace", path.display());
    Ok(path)
}

fn build() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Of this package, set by the cargo that runs the test: build scripts that look at it (ring's) would be run again, here and
    // by the next cargo that is called by hand, and all that needs them built again.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name == "CARGO_MANIFEST_DIR" || name.starts_with("CARGO_PKG_") {
            command.env_remove(&*name);
        }
    }
    command.current_dir(repository()).args([
        "build",
        "--quiet",
        "-p",
        "herald-operator",
        "-p",
        "herald-agent",
        "-p",
        "herald-controller",
    ]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    output(&mut command).map(drop)
}

/// The `herald` command.
#[derive(Debug)]
pub struct Herald {
    path: PathBuf,
}

impl Herald {
    /// Finds it.
    pub fn new() -> Result<Self> {
        Ok(Self { path: program("herald")? })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it to its end; a failure fails.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        output(Command::new(&self.path).args(arguments))
    }

    /// Runs it to its end, however it ends.
    pub fn try_run(&self, arguments: &[&str]) -> Result<Output> {
        Command::new(&self.path).args(arguments).stdin(Stdio::null()).output().context("start herald")
    }
}

/// A `herald-agent` on a node with FRR, as shipped: on FRR's root folder, beside its sockets.
#[derive(Debug)]
pub struct Agent {
    process: Process,
}

impl Agent {
    /// Starts it for `node` on the folder `manifests` of the lab.
    pub fn start(frr: &Frr, node: &str, manifests: &Path) -> Result<Self> {
        Self::start_with(frr, node, manifests, &[])
    }

    /// The same with more arguments.
    pub fn start_with(frr: &Frr, node: &str, manifests: &Path, more: &[&str]) -> Result<Self> {
        Self::start_after("", frr, node, manifests, more)
    }

    /// The same after `before`, lines of a shell that runs as on the node and is then the agent.
    pub fn start_after(before: &str, frr: &Frr, node: &str, manifests: &Path, more: &[&str]) -> Result<Self> {
        let source = format!("--source=dir:{}", frr.inside(manifests)?.display());
        Self::start_on(before, frr, node, &[&[source.as_str()], more].concat())
    }

    /// Starts it for `node` on the API server of a kubeconfig in the lab's folder.
    pub fn start_kubernetes(frr: &Frr, node: &str, kubeconfig: &Path, more: &[&str]) -> Result<Self> {
        let kubeconfig = format!("--kubeconfig={}", frr.inside(kubeconfig)?.display());
        let own = ["--source=kubernetes", "--namespace=metallb-system", &kubeconfig];
        Self::start_on("", frr, node, &[&own, more].concat())
    }

    fn start_on(before: &str, frr: &Frr, node: &str, arguments: &[&str]) -> Result<Self> {
        let own = frr.folder().join("herald-agent");
        if !own.exists() {
            let built = program("herald-agent")?;
            // Copied by a process of its own: a child that another test is starting cannot hold it open for writing.
            output(Command::new("cp").args(["--link", "--force"]).args([&built, &own]))
                .or_else(|_| output(Command::new("cp").args([&built, &own])))?;
        }
        let mut command = frr.command("/bin/sh");
        command.args(["-ec", &format!("{before}\nexec \"$@\""), "sh"]).arg(frr.inside(&own)?);
        // The root folder is shared by nodes and stays as it is: what the agent keeps stands with its node.
        let state = frr.inside(&frr.folder().join("herald-state"))?.display().to_string();
        command.args(["--node", node, "--state-dir", &state]).args(arguments);
        Ok(Self { process: Process::spawn("herald-agent", command, &frr.folder().join("herald-agent.log"))? })
    }

    /// Its process.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }
}

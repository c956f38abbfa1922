//! Real FRR daemons in a namespace, each node with its own configuration and sockets.

use crate::herald::repository;
use crate::lab::Lab;
use crate::network::Namespace;
use crate::process::{Process, output};
use crate::wait::wait_for;
use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// Enters a node: its network namespace, the root folder of its FRR, and in a private mount namespace its own /etc/frr,
/// /run/frr, /var/tmp/frr, and the lab's folder as /mnt. Nothing is written to the root folder itself.
const ENTER: &str = r#"#!/bin/sh
# Runs a command as on this node, e.g.: enter vtysh
exec ip netns exec NAMESPACE /bin/sh -ec 'R=ROOT; D=FOLDER
mkdir -p $R/run/frr $R/var/tmp/frr
VRFS
mount --bind $D/etc $R/etc/frr; mount --bind $D/run $R/run/frr; mount --bind $D/tmp $R/var/tmp/frr; mount --bind LAB $R/mnt
[ "$R" = / ] || { mount --rbind /dev $R/dev; mount -t proc proc $R/proc; mount -t tmpfs tmpfs $R/tmp; }
exec chroot $R "$@"' sh "$@"
"#;

/// Which FRR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// FRR 10.3, from Debian trixie: the supported line.
    V10,
    /// FRR 8.4, from Debian bookworm: works for what it can express.
    V8,
}

impl Release {
    /// Its root folder; an error says how to get it.
    fn root(self) -> Result<PathBuf> {
        let root = match self {
            Self::V10 => std::env::var_os("HERALD_FRR_ROOT")
                .map_or_else(|| repository().join("target/lab/frr-10.3"), PathBuf::from),
            Self::V8 => PathBuf::from("/"),
        };
        if !root.join("usr/lib/frr/bgpd").exists() {
            bail!("no FRR in {}: run scripts/lab-setup", root.display());
        }
        root.canonicalize().with_context(|| format!("find {}", root.display()))
    }

    /// In the order of their start.
    const fn daemons(self) -> &'static [&'static str] {
        match self {
            Self::V10 => &["mgmtd", "zebra", "staticd", "bgpd", "bfdd"],
            Self::V8 => &["zebra", "staticd", "bgpd", "bfdd"],
        }
    }
}

/// FRR's daemons on a node.
#[derive(Debug)]
pub struct Frr {
    namespace: Namespace,
    lab: PathBuf,
    folder: PathBuf,
    release: Release,
    /// What zebra is told beside the usual.
    zebra: &'static [&'static str],
    daemons: BTreeMap<&'static str, Process>,
    answered: SystemTime,
}

/// What `vtysh -f` said of a text.
#[derive(Debug)]
pub struct Loaded {
    /// Whether every line was taken.
    pub accepted: bool,
    /// Standard output and error.
    pub output: String,
}

impl Frr {
    /// Starts FRR in `namespace` with `config` as its saved configuration, and waits until it has it.
    pub fn start(lab: &Lab, namespace: &Namespace, release: Release, config: &str) -> Result<Self> {
        Self::start_with_vrfs(lab, namespace, release, config, &[])
    }

    /// The same, with other namespaces as its VRFs (`zebra -n`), each by the name that it has there.
    pub fn start_with_vrfs(
        lab: &Lab,
        namespace: &Namespace,
        release: Release,
        config: &str,
        vrfs: &[(&str, &Namespace)],
    ) -> Result<Self> {
        let root = release.root()?;
        let folder = lab.folder(&format!("frr-{}", namespace.label()))?;
        let (user, group) = frr_account(&root)?;
        for name in ["etc", "run", "tmp"] {
            fs::create_dir_all(folder.join(name))?;
            chown(folder.join(name), Some(user), Some(group))?;
        }
        for (name, text) in
            [("vtysh.conf", "service integrated-vtysh-config\n"), ("frr.conf", config), ("daemons", "")]
        {
            let path = folder.join("etc").join(name);
            fs::write(&path, text)?;
            chown(&path, Some(user), Some(group))?;
        }
        let enter = folder.join("enter");
        let text = ENTER.replace("NAMESPACE", namespace.name()).replace("ROOT", &root.display().to_string());
        let text = text.replace("VRFS", &vrf_mounts(vrfs));
        let text = text
            .replace("FOLDER", &folder.display().to_string())
            .replace("LAB", &lab.root().display().to_string());
        fs::write(&enter, text)?;
        fs::set_permissions(&enter, fs::Permissions::from_mode(0o755))?;
        let mut frr = Self {
            namespace: namespace.clone(),
            lab: lab.root().to_owned(),
            folder,
            release,
            zebra: if vrfs.is_empty() { &[] } else { &["-n"] },
            daemons: BTreeMap::new(),
            answered: SystemTime::UNIX_EPOCH,
        };
        frr.boot()?;
        Ok(frr)
    }

    /// Starts every daemon that does not run and loads the saved configuration, as a restart of FRR does.
    pub fn boot(&mut self) -> Result<()> {
        for daemon in self.release.daemons() {
            if self.daemons.contains_key(daemon) {
                continue;
            }
            let mut command = self.command(&format!("/usr/lib/frr/{daemon}"));
            command.args(["--log", "stdout"]);
            if *daemon == "zebra" {
                command.args(self.zebra);
            }
            // Sockets of a killed daemon would look like those of the new one.
            let _ = fs::remove_file(self.folder.join("run").join(format!("{daemon}.vty")));
            let process = Process::spawn(daemon, command, &self.folder.join(format!("{daemon}.log")))?;
            self.daemons.insert(daemon, process);
        }
        for (daemon, process) in &mut self.daemons {
            let socket = self.folder.join("run").join(format!("{daemon}.vty"));
            wait_for(&format!("{daemon} listens"), Duration::from_secs(20), || {
                process.check_running()?;
                fs::metadata(&socket).with_context(|| socket.display().to_string())
            })?;
        }
        // bgpd refuses `neighbor X graceful-restart` (though it keeps it) as long as zebra does not know it.
        wait_for("bgpd and zebra have met", Duration::from_secs(20), || {
            let clients = self.vtysh(&["show zebra client summary"])?;
            anyhow::ensure!(clients.lines().any(|line| line.starts_with("bgp ")), "{clients}");
            Ok(())
        })?;
        self.answered = SystemTime::now();
        output(self.command("vtysh").arg("-b"))?;
        Ok(())
    }

    /// When the daemons of the last [`Frr::boot`] answered; the saved configuration was loaded after that.
    #[must_use]
    pub const fn answered(&self) -> SystemTime {
        self.answered
    }

    /// Ends one daemon as a crash does.
    pub fn kill(&mut self, daemon: &str) -> Result<()> {
        self.daemons.remove(daemon).with_context(|| format!("{daemon} does not run"))?.kill()
    }

    /// Ends all daemons as crashes do.
    pub fn kill_all(&mut self) -> Result<()> {
        std::mem::take(&mut self.daemons).into_values().try_for_each(|mut daemon| daemon.kill())
    }

    /// Ends all daemons as their container's end does: SIGTERM for each.
    pub fn stop_all(&mut self) -> Result<()> {
        for daemon in self.daemons.values() {
            daemon.signal(Signal::SIGTERM)?;
        }
        std::mem::take(&mut self.daemons).into_values().try_for_each(|mut daemon| daemon.stop())
    }

    /// The process id of a daemon that runs.
    pub fn id(&self, daemon: &str) -> Result<Pid> {
        let process = self.daemons.get(daemon).with_context(|| format!("{daemon} does not run"))?;
        Ok(Pid::from_raw(i32::try_from(process.id())?))
    }

    /// The process ids of the daemons that run.
    #[must_use]
    pub fn ids(&self) -> Vec<u32> {
        self.daemons.values().map(Process::id).collect()
    }

    /// `program` as on this node: in its namespace, on FRR's root folder.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        // Read by a shell, not executed: another test's child that is just being started may still hold the file open
        // for writing, and then the kernel does not execute it (ETXTBSY).
        let mut command = Command::new("/bin/sh");
        command.arg(self.enter()).arg(program);
        command
    }

    /// The node's own folder, within the lab's.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the node calls a path of the lab's folder.
    pub fn inside(&self, path: &Path) -> Result<PathBuf> {
        let below =
            path.strip_prefix(&self.lab).with_context(|| format!("{} is not of the lab", path.display()))?;
        Ok(Path::new("/mnt").join(below))
    }

    /// The script that runs a command as on this node.
    #[must_use]
    pub fn enter(&self) -> PathBuf {
        self.folder.join("enter")
    }

    /// The node's namespace.
    #[must_use]
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Runs vtysh commands, one after the other, and returns what they print.
    pub fn vtysh(&self, commands: &[&str]) -> Result<String> {
        output(self.command("vtysh").args(commands.iter().flat_map(|command| ["-c", command])))
    }

    /// A `show ... json` command's answer.
    pub fn json(&self, command: &str) -> Result<serde_json::Value> {
        let text = self.vtysh(&[command])?;
        serde_json::from_str(&text).with_context(|| format!("{command}: {text}"))
    }

    /// `show running-config` without its banner.
    pub fn running(&self) -> Result<String> {
        let text = self.vtysh(&["show running-config"])?;
        Ok(text.split_once("Current configuration:\n").map_or(text.clone(), |(_, config)| config.to_owned()))
    }

    /// Loads `text` into the daemons by `vtysh -f`.
    pub fn load(&self, text: &str) -> Result<Loaded> {
        self.vtysh_file(&[], text)
    }

    /// Checks `text` by `vtysh -C -f`, which asks no daemon.
    pub fn check(&self, text: &str) -> Result<Loaded> {
        self.vtysh_file(&["-C"], text)
    }

    fn vtysh_file(&self, options: &[&str], text: &str) -> Result<Loaded> {
        let file = self.folder.join("load.conf");
        fs::write(&file, text)?;
        let mut command = self.command("vtysh");
        command.args(options).arg("-f").arg(self.inside(&file)?).stdin(Stdio::null());
        let done = command.output().context("start vtysh")?;
        let output = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
        // The exit code is that of one line, and 8.4 loses it: every refused line is named in the output.
        let refused = output.lines().any(|line| line.starts_with("line ") && line.contains(": "));
        Ok(Loaded { accepted: done.status.success() && !refused, output: output.into_owned() })
    }

    /// The end of what each daemon has logged: for the message of a test that failed.
    #[must_use]
    pub fn logs(&self) -> String {
        let mut logs = String::new();
        for (name, process) in &self.daemons {
            let log = process.log();
            let lines: Vec<&str> = log.lines().collect();
            logs.extend(["--- ", name, "\n", &lines[lines.len().saturating_sub(20)..].join("\n"), "\n"]);
        }
        logs
    }
}

/// Shell text that gives the node a /run/netns of its own with these namespaces: FRR finds VRFs there by name.
fn vrf_mounts(vrfs: &[(&str, &Namespace)]) -> String {
    if vrfs.is_empty() {
        return String::new();
    }
    // The namespaces' own files are hidden once the folder is covered, so they are reached through the old one.
    let mut text =
        "mkdir -p $R/run/netns $D/netns; mount --rbind /run/netns $D/netns; mount -t tmpfs tmpfs $R/run/netns"
            .to_owned();
    for (name, namespace) in vrfs {
        let file = format!("$R/run/netns/{name}");
        text.extend(["; touch ", &file, "; mount --bind $D/netns/", namespace.name(), " ", &file]);
    }
    text
}

/// FRR's user and group in its root folder: not the same numbers on every Debian.
fn frr_account(root: &Path) -> Result<(u32, u32)> {
    let path = root.join("etc/passwd");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let line = text.lines().find(|line| line.starts_with("frr:")).context("no user frr")?;
    let mut numbers = line.split(':').skip(2).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(user)), Some(Ok(group))) => Ok((user, group)),
        _ => bail!("{line}: no user and group"),
    }
}

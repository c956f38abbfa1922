//! The measured node: FRR and its neighbours, what they heard, and what processes cost.

use super::world::{ASNS, World, neighbour};
use anyhow::{Context, Result, bail, ensure};
use herald_e2e::updates::{Prefix, Table, Updates};
use herald_e2e::{Bird, Frr, Lab, Release, wait_for};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// Longer than the slowest case of the slowest way takes.
pub const LIMIT: Duration = Duration::from_mins(5);

/// How often the neighbours' files are read: the granularity of times.
const POLL: Duration = Duration::from_millis(1);

/// Neighbours that the node may have; those that it does not configure wait.
const NEIGHBOURS: u8 = 3;

/// FRR on a node, and BIRD as each of its neighbours.
pub struct Bed {
    pub frr: Frr,
    pub manifests: PathBuf,
    /// A folder of the same file system, from which files move into `manifests` in one step.
    pub beside: PathBuf,
    neighbours: Vec<Bird>,
    updates: Vec<Updates>,
    tables: Vec<Table>,
    shell: NodeShell,
    // Last, so that it outlives what runs in it.
    _lab: Lab,
}

impl Bed {
    pub fn new() -> Result<Self> {
        let lab = Lab::new()?;
        let lan = lab.segment("lan")?;
        let node = lab.namespace("node")?;
        lan.attach(&node, "eth0", &["172.31.0.100/24"])?;
        let (manifests, beside) = (lab.folder("manifests")?, lab.folder("beside")?);
        let (mut neighbours, mut updates) = (Vec::new(), Vec::new());
        for number in 0..NEIGHBOURS {
            let router = lab.namespace(&format!("router{number}"))?;
            lan.attach(&router, "eth0", &[&format!("{}/24", neighbour(number))])?;
            let mrt = lab.root().join(format!("router{number}.mrt"));
            neighbours.push(Bird::start(&lab, &router, &router_config(number, &mrt))?);
            updates.push(Updates::follow(&mrt)?);
        }
        let frr = Frr::start(&lab, &node, Release::V10, "frr defaults traditional\n")?;
        let shell = NodeShell::start(&frr)?;
        Ok(Self {
            frr,
            manifests,
            beside,
            neighbours,
            updates,
            tables: (0..NEIGHBOURS).map(|_| Table::default()).collect(),
            shell,
            _lab: lab,
        })
    }

    /// Waits until every neighbour's table holds exactly what `world` announces; returns when the last message came.
    pub fn exactly(&mut self, world: &World) -> Result<Instant> {
        let wanted: HashSet<Prefix> = world.addresses.iter().map(|a| Prefix(IpAddr::V4(*a), 32)).collect();
        let count = usize::from(world.neighbours);
        let deadline = Instant::now() + LIMIT;
        let mut look = true;
        loop {
            for (updates, table) in self.updates.iter_mut().zip(&mut self.tables) {
                let messages = updates.read()?;
                look |= !messages.is_empty();
                for message in &messages {
                    table.take(&message.heard);
                }
            }
            let now = Instant::now();
            if look && self.tables.iter().take(count).all(|table| table.routes == wanted) {
                return Ok(now);
            }
            if now >= deadline {
                let have: Vec<_> = self.tables.iter().map(|table| table.routes.len()).collect();
                bail!("{} prefixes wanted, {have:?} are there\n{}", wanted.len(), self.frr.logs());
            }
            look = false;
            sleep(POLL);
        }
    }

    /// BIRD's own word for it, outside of what is timed: its tables hold as many routes as the messages say. It writes a
    /// message down before it works on it.
    pub fn confirm(&self, world: &World) -> Result<()> {
        for number in 0..world.neighbours {
            let wanted = format!("{} of ", world.addresses.len());
            wait_for("BIRD's table is as its messages", Duration::from_secs(5), || {
                let text = self.neighbours[usize::from(number)].ask("show route count")?;
                ensure!(text.lines().any(|line| line.starts_with(&wanted)), "{wanted}: {text}");
                Ok(())
            })?;
        }
        Ok(())
    }

    /// How often a session of the neighbours that stay went down since the start.
    pub fn downs(&self) -> usize {
        self.tables.iter().take(World::STAYING.into()).map(|table| table.downs).sum()
    }

    /// Starts a command on the node; the receiver gets the time of its end.
    pub fn run(&mut self, command: &str) -> Result<()> {
        self.shell.begin(command)
    }

    /// Waits for the end of what [`Self::run`] started.
    pub fn ended(&mut self) -> Result<Instant> {
        self.shell.ended.recv_timeout(LIMIT).context("the command did not end")
    }

    /// CPU of all FRR daemons so far.
    pub fn frr_cpu(&self) -> Result<Duration> {
        self.frr.ids().into_iter().map(|id| Ok(cpu(id)?.0)).sum()
    }

    /// A file that FRR's tools on the node can read.
    pub fn file(&self, text: &str) -> Result<String> {
        let path = self.beside.with_file_name("text.conf");
        fs::write(&path, text)?;
        Ok(self.frr.inside(&path)?.display().to_string())
    }
}

/// A session that FRR opens: how soon it comes up is FRR's doing alone.
fn router_config(number: u8, mrt: &Path) -> String {
    format!(
        "log stderr all; router id {own}; protocol device {{ }}\nmrtdump \"{}\"; \
         mrtdump protocols {{ states, messages }};\nprotocol bgp node {{ local {own} as {}; \
         neighbor 172.31.0.100 as {}; passive on; ipv4 {{ import all; export none; }}; }}\n",
        mrt.display(),
        ASNS.1,
        ASNS.0,
        own = neighbour(number),
    )
}

/// CPU time of a process, its ended threads included, by its clock; and that of its ended children, to 10 ms (proc(5),
/// cutime and cstime).
pub fn cpu(id: u32) -> Result<(Duration, Duration)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).with_context(|| format!("process {id}"))?;
    let fields = stat.rsplit_once(") ").context("stat has no name")?.1;
    let ticks: Vec<u64> = fields.split(' ').skip(13).take(2).map(str::parse).collect::<Result<_, _>>()?;
    ensure!(ticks.len() == 2, "stat is short");
    let own = clock_getcpuclockid(Pid::from_raw(i32::try_from(id)?))?;
    Ok((clock_gettime(own)?.into(), Duration::from_millis(ticks.iter().sum::<u64>() * 10)))
}

/// The resident set of a process now, in MB (10^6 bytes).
pub fn resident(id: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kibibytes: u32 = line.split_whitespace().next().context("no size")?.parse()?;
    Ok(f64::from(kibibytes) * 1024.0 / 1e6)
}

/// A shell on the node that waits for commands: entering the node (namespaces, chroot) is not in the times.
struct NodeShell {
    child: Child,
    input: ChildStdin,
    ended: Receiver<Instant>,
}

impl NodeShell {
    fn start(frr: &Frr) -> Result<Self> {
        let mut child = frr.command("/bin/sh").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().context("no input")?;
        let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let (sender, ended) = channel();
        thread::spawn(move || lines.map_while(Result::ok).all(|_| sender.send(Instant::now()).is_ok()));
        let mut shell = Self { child, input, ended };
        shell.begin("true")?;
        shell.ended.recv_timeout(LIMIT)?;
        Ok(shell)
    }

    fn begin(&mut self, command: &str) -> Result<()> {
        writeln!(self.input, "{command} >/dev/null 2>&1 </dev/null; echo ended")
            .context("the node's shell is gone")
    }
}

impl Drop for NodeShell {
    fn drop(&mut self) {
        // What it runs ends with the lab's namespaces.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

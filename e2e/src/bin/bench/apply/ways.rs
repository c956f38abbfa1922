//! The ways to bring a change to FRR that are held against each other.

use super::bed::{Bed, cpu, resident};
use super::world::World;
use anyhow::{Context, Result, ensure};
use herald_e2e::{Agent, Herald};
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long nothing may be logged before a change counts as over.
const CALM: Duration = Duration::from_millis(400);

/// What one change took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// From the change until every neighbour's table is exactly right.
    pub visible: Duration,
    /// Until the command that made the change has ended; of the agent nothing.
    pub whole: Option<Duration>,
    /// CPU of the agent, its threads' sum.
    pub agent: Duration,
    /// CPU of the vtysh runs that the agent started.
    pub vtysh: Duration,
    /// CPU of FRR's daemons.
    pub frr: Duration,
    /// Lines that the agent sent.
    pub lines: u64,
}

/// What follows a cold load by itself (proof, the first looks at what neighbours were sent) is over after this time.
const SETTLED: Duration = Duration::from_secs(8);

/// Herald's agent on the folder.
pub struct ByAgent {
    agent: Agent,
    logged: usize,
}

impl ByAgent {
    /// A cold load: FRR has nothing, the folder holds `world`.
    pub fn cold(bed: &mut Bed, world: &World) -> Result<(Self, Cost)> {
        world.write(&bed.manifests)?;
        let frr = bed.frr_cpu()?;
        let started = Instant::now();
        let agent = Agent::start(&bed.frr, "node-0", &bed.manifests)?;
        let mut way = Self { agent, logged: 0 };
        let cost = way.finish(bed, world, started, (Duration::ZERO, Duration::ZERO), frr)?;
        Ok((way, cost))
    }

    /// Moves the changed files into the folder.
    pub fn change(&mut self, bed: &mut Bed, from: &World, to: &World) -> Result<Cost> {
        let (arriving, leaving) = from.changed_files(to, &bed.beside)?;
        let (before, frr) = (cpu(self.agent.process().id())?, bed.frr_cpu()?);
        self.logged = self.agent.log().len();
        let started = Instant::now();
        for name in &arriving {
            fs::rename(bed.beside.join(name), bed.manifests.join(name))?;
        }
        for name in &leaving {
            fs::remove_file(bed.manifests.join(name))?;
        }
        self.finish(bed, to, started, before, frr)
    }

    fn finish(
        &mut self,
        bed: &mut Bed,
        to: &World,
        started: Instant,
        before: (Duration, Duration),
        frr: Duration,
    ) -> Result<Cost> {
        let exact = bed.exactly(to).with_context(|| self.agent.log())?;
        let lines = self.calm()?;
        bed.confirm(to)?;
        let after = cpu(self.agent.process().id())?;
        Ok(Cost {
            visible: exact.saturating_duration_since(started),
            whole: None,
            agent: after.0.saturating_sub(before.0),
            vtysh: after.1.saturating_sub(before.1),
            frr: bed.frr_cpu()?.saturating_sub(frr),
            lines,
        })
    }

    /// Waits until the agent has said what it applied and has been quiet; returns how many lines that were.
    fn calm(&mut self) -> Result<u64> {
        let (mut length, mut since) = (0, Instant::now());
        let begun = Instant::now();
        loop {
            let log = self.agent.log();
            if log.len() != length {
                (length, since) = (log.len(), Instant::now());
            }
            let new = log.get(self.logged..).unwrap_or_default();
            let applied: Vec<u64> = new.lines().filter_map(applied_lines).collect();
            if !applied.is_empty() && since.elapsed() >= CALM {
                return Ok(applied.iter().sum());
            }
            ensure!(begun.elapsed() < Duration::from_secs(30), "the agent says nothing of an apply: {new}");
            self.agent.process().check_running()?;
            sleep(Duration::from_millis(20));
        }
    }

    /// Waits until nothing of the cold load is left to do; returns the CPU of the agent for it.
    pub fn settle(&mut self) -> Result<Duration> {
        let before = cpu(self.agent.process().id())?.0;
        sleep(SETTLED);
        Ok(cpu(self.agent.process().id())?.0.saturating_sub(before))
    }

    pub fn memory(&mut self) -> Result<f64> {
        resident(self.agent.process().id())
    }

    pub fn stop(mut self) -> Result<()> {
        self.agent.process().stop()
    }
}

/// The lines that an apply sent, of a line of the agent's log.
fn applied_lines(line: &str) -> Option<u64> {
    let event: serde_json::Value = serde_json::from_str(line).ok()?;
    (event["event"] == "Applied").then(|| event["lines"].as_u64()).flatten()
}

/// A command on the node brings the change.
pub fn by_command(bed: &mut Bed, command: &str, to: &World) -> Result<Cost> {
    let frr = bed.frr_cpu()?;
    let started = Instant::now();
    bed.run(command)?;
    let exact = bed.exactly(to).with_context(|| command.to_owned())?;
    let ended = bed.ended()?;
    bed.confirm(to)?;
    Ok(Cost {
        visible: exact.saturating_duration_since(started),
        whole: Some(ended.saturating_duration_since(started)),
        frr: bed.frr_cpu()?.saturating_sub(frr),
        ..Cost::default()
    })
}

/// `frr-reload.py`, given a whole text. `twice` is how frr-k8s runs it: `--test`, then `--reload`.
pub fn by_reload(bed: &mut Bed, text: &str, twice: bool, to: &World) -> Result<Cost> {
    let file = bed.file(text)?;
    let reload = "python3 /usr/lib/frr/frr-reload.py";
    let first = if twice { format!("{reload} --test {file} && ") } else { String::new() };
    by_command(bed, &format!("({first}{reload} --reload --overwrite {file})"), to)
}

/// The text that Herald renders of `world`.
pub fn rendered(bed: &Bed, herald: &Herald, world: &World) -> Result<String> {
    let folder = bed.beside.with_file_name("rendered");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder)?;
    world.write(&folder)?;
    herald.run(&["render", "-f", &folder.display().to_string(), "--node", "node-0"])
}

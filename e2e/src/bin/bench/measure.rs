//! Taking figures, and telling them.

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// One measured value.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What was done, and to how much.
    pub case: String,
    /// What was measured: `time`, `memory`.
    pub metric: String,
    /// The median of the runs.
    pub value: f64,
    /// `s`, `ms`, `us`, `MB`.
    pub unit: String,
    /// The limit or the peer's figure that it is held against, in the same unit.
    pub against: Option<f64>,
    /// value / against: below 1 is better than it.
    pub ratio: Option<f64>,
}

impl Figure {
    /// A figure, with what it is held against.
    pub fn new(case: &str, metric: &str, value: f64, unit: &str, against: Option<f64>) -> Self {
        let ratio = against.filter(|against| *against > 0.0).map(|against| value / against);
        let (case, metric, unit) = (case.to_owned(), metric.to_owned(), unit.to_owned());
        Self { case, metric, value, unit, against, ratio }
    }

    /// A line of the table.
    pub fn line(&self) -> String {
        let held = match (self.against, self.ratio) {
            (Some(against), Some(ratio)) => format!("{against:>10.2} {:<3} {ratio:>6.2}", self.unit),
            _ => String::new(),
        };
        format!("{:<66} {:<8} {:>10.2} {:<3} {held}", self.case, self.metric, self.value, self.unit)
    }
}

/// What one run of a program cost.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// Wall clock, in seconds.
    pub seconds: f64,
    /// The largest resident set, in MB (10^6 bytes).
    pub megabytes: f64,
}

/// The median cost of `runs` runs of a program; its output is thrown away.
pub fn cost(program: &Path, arguments: &[&str], runs: usize) -> Result<Cost> {
    let own = std::env::current_exe().context("find this program")?;
    let mut costs = Vec::new();
    for _ in 0..runs {
        // A process of its own, because the kernel tells the memory of all children together.
        let done = Command::new(&own)
            .arg("--cost-of")
            .arg(program)
            .args(arguments)
            .output()
            .context("start itself")?;
        anyhow::ensure!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        costs.push(serde_json::from_slice::<Cost>(&done.stdout)?);
    }
    Ok(Cost {
        seconds: median(costs.iter().map(|cost| cost.seconds).collect()),
        megabytes: median(costs.iter().map(|cost| cost.megabytes).collect()),
    })
}

/// The other half of [`cost`]: runs one program and prints what it cost.
pub fn print_cost_of(words: &[String]) -> Result<()> {
    let (program, arguments) = words.split_first().context("--cost-of wants a program")?;
    let started = Instant::now();
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    let seconds = started.elapsed().as_secs_f64();
    // Exit code 1 is a folder with problems: the work was done.
    anyhow::ensure!(matches!(status.code(), Some(0 | 1)), "{program}: {status}");
    let kibibytes = u32::try_from(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())?;
    println!("{}", serde_json::to_string(&Cost { seconds, megabytes: f64::from(kibibytes) * 1024.0 / 1e6 })?);
    Ok(())
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

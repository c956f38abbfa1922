//! What a process takes, and what it asked the API server.

use anyhow::{Context, Result};
use herald_e2e::Kube;
use herald_e2e::kube::audit::counts;
use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

/// Ticks of a second in /proc (proc(5): `sysconf(_SC_CLK_TCK)`, 100 on Linux).
const TICKS: f64 = 100.0;
/// An API server that was asked nothing for this long has been asked everything.
const QUIET: Duration = Duration::from_secs(2);

/// What the kernel counts of a process.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Processor time, in seconds.
    pub seconds: f64,
    /// Resident memory, in MB (10^6 bytes).
    pub megabytes: f64,
}

/// What process `id` takes now.
pub fn usage(id: u32) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).context("the operator is gone")?;
    let fields: Vec<&str> = stat.rsplit_once(") ").context("/proc/PID/stat")?.1.split(' ').collect();
    let ticks = |place: usize| -> Result<f64> { Ok(fields.get(place).context("a short stat")?.parse()?) };
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kibibytes: f64 = resident.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(Usage { seconds: (ticks(11)? + ticks(12)?) / TICKS, megabytes: kibibytes * 1024.0 / 1e6 })
}

/// How often each verb was asked of each resource by our accounts; reads and Leases, which go with time, left out.
pub type Writes = BTreeMap<(String, String), usize>;

/// All writes so far, once nothing more comes.
pub fn writes(kube: &Kube) -> Result<Writes> {
    let mut before = now(kube)?;
    loop {
        sleep(QUIET);
        let after = now(kube)?;
        if after == before {
            return Ok(after);
        }
        before = after;
    }
}

fn now(kube: &Kube) -> Result<Writes> {
    let mut all = counts(&kube.asked()?);
    all.retain(|(verb, what), _| {
        !matches!(verb.as_str(), "get" | "list" | "watch")
            && !matches!(what.as_str(), "leases" | "tokenreviews" | "subjectaccessreviews")
    });
    Ok(all)
}

/// What `after` has more than `before`.
pub fn more(before: &Writes, after: &Writes) -> Writes {
    let added = |(key, count): (&(String, String), &usize)| {
        let more = count - before.get(key).copied().unwrap_or_default();
        (more > 0).then(|| (key.clone(), more))
    };
    after.iter().filter_map(added).collect()
}

//! What Prometheus' client libraries say of every process, under the same names: processor time, memory, files, start.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge};
use std::fs;

/// The kernel counts processor time for programs in these parts of a second, on every architecture (`USER_HZ`).
const TICKS: f64 = 100.0;

/// A collector of this process' figures, read from `/proc` when it is asked.
#[derive(Debug, Clone)]
pub struct Process {
    processor: Counter,
    resident: Gauge,
    addresses: Gauge,
    started: Gauge,
    files: Gauge,
    files_most: Gauge,
}

impl Process {
    /// Registers it.
    ///
    /// # Errors
    /// The registry has such names already.
    pub fn register(registry: &prometheus::Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(Self {
            processor: Counter::new(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
            )?,
            resident: Gauge::new("process_resident_memory_bytes", "Resident memory size in bytes.")?,
            addresses: Gauge::new("process_virtual_memory_bytes", "Virtual memory size in bytes.")?,
            started: Gauge::new(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
            )?,
            files: Gauge::new("process_open_fds", "Number of open file descriptors.")?,
            files_most: Gauge::new("process_max_fds", "Maximum number of open file descriptors.")?,
        }))
    }

    /// What cannot be read keeps its last value.
    fn look(&self) {
        if let Some((seconds, started)) = times() {
            self.processor.inc_by((seconds - self.processor.get()).max(0.0));
            self.started.set(started);
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bytes = |name| Some(number(line(&status, name)?)? * 1024.0);
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let files =
            fs::read_dir("/proc/self/fd").ok().and_then(|entries| u32::try_from(entries.count()).ok());
        for (gauge, value) in [
            (&self.resident, bytes("VmRSS:")),
            (&self.addresses, bytes("VmSize:")),
            (&self.files, files.map(f64::from)),
            (&self.files_most, line(&limits, "Max open files").and_then(number)),
        ] {
            if let Some(value) = value {
                gauge.set(value);
            }
        }
    }

    fn all(&self) -> [&dyn Collector; 6] {
        [&self.processor, &self.resident, &self.addresses, &self.started, &self.files, &self.files_most]
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.look();
        self.all().into_iter().flat_map(Collector::collect).collect()
    }
}

/// Seconds of processor time, and the start as seconds since 1970.
fn times() -> Option<(f64, f64)> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name in the second field may hold spaces.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let field = |place: usize| fields.get(place)?.parse::<f64>().ok();
    let (user, system, started) = (field(11)?, field(12)?, field(19)?);
    let boot = number(line(&fs::read_to_string("/proc/stat").ok()?, "btime")?)?;
    Some(((user + system) / TICKS, boot + started / TICKS))
}

/// What follows a name at the start of a line.
fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))
}

fn number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::Registry;

    #[test]
    fn names_and_types_are_those_of_other_programs() {
        let registry = Registry::new();
        Process::register(&registry).unwrap();
        let text = crate::metrics::text(&registry).unwrap();
        for family in [
            "process_cpu_seconds_total counter",
            "process_resident_memory_bytes gauge",
            "process_virtual_memory_bytes gauge",
            "process_start_time_seconds gauge",
            "process_open_fds gauge",
            "process_max_fds gauge",
        ] {
            assert!(text.contains(&format!("# TYPE {family}\n")), "{family}: {text}");
        }
        let value = |name: &str| number(line(&text, &format!("{name} ")).unwrap()).unwrap();
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_start_time_seconds") > 1.7e9);
        assert!(value("process_open_fds") >= 3.0 && value("process_max_fds") >= value("process_open_fds"));
    }
}

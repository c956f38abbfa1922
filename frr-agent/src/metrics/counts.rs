//! What the loop tells, as families of Prometheus.

use super::stages::Stages;
use herald_core::problem::{Problem, Severity};
use herald_frr::config::FrrConfig;
use herald_serving::process::Process;
use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Upper bounds, seconds: FRR takes a prefix within tens of milliseconds; what takes a minute waits for something.
const BOUNDS: [f64; 13] = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// What the loop tells, and the registries that show it.
pub struct Metrics {
    speaker: Registry,
    daemon: Registry,
    process: Registry,
    metallb: Client,
    frrk8s: Client,
    applied: Histogram,
    seen: Histogram,
    stages: Stages,
    /// Whether the newest configuration could not be used as it is.
    stale: Stale,
}

#[derive(Debug, Default, Clone, Copy)]
struct Stale {
    problems: bool,
    refused: bool,
}

/// `*_k8s_client_*`, which MetalLB and frr-k8s have alike.
struct Client {
    updates: IntCounter,
    errors: IntCounter,
    loaded: IntGauge,
    stale: IntGauge,
}

impl Client {
    fn new(prefix: &str, registry: &Registry) -> Result<Self, prometheus::Error> {
        let name = |name: &str| format!("{prefix}_k8s_client_{name}");
        let counter = |short, help: &str| registered(registry, IntCounter::new(name(short), help)?);
        let gauge = |short, help: &str| registered(registry, IntGauge::new(name(short), help)?);
        Ok(Self {
            updates: counter("updates_total", "Number of k8s object updates that have been processed.")?,
            errors: counter(
                "update_errors_total",
                "Number of k8s object updates that failed for some reason.",
            )?,
            loaded: gauge(
                "config_loaded_bool",
                "1 if the MetalLB configuration was successfully loaded at least once.",
            )?,
            stale: gauge(
                "config_stale_bool",
                "1 if running on a stale configuration, because the latest config failed to load.",
            )?,
        })
    }
}

impl Metrics {
    /// All families, none of which was told anything yet.
    ///
    /// # Errors
    /// A name that is no name, or there twice: does not happen.
    pub fn new() -> Result<Self, prometheus::Error> {
        let (speaker, daemon, process) = (Registry::new(), Registry::new(), Registry::new());
        for registry in [&speaker, &daemon, &process] {
            Process::register(registry)?;
        }
        let histogram = |name: &str, help: &str| {
            let options = HistogramOpts::new(name, help).buckets(BOUNDS.to_vec());
            registered(&speaker, Histogram::with_opts(options)?)
        };
        Ok(Self {
            metallb: Client::new("metallb", &speaker)?,
            frrk8s: Client::new("frrk8s", &daemon)?,
            applied: histogram(
                "herald_event_applied_seconds",
                "From a change that the agent saw to FRR having taken all lines of it.",
            )?,
            seen: histogram(
                "herald_event_seen_seconds",
                "From a change that the agent saw to FRR answering that it has it.",
            )?,
            stages: Stages::default(),
            stale: Stale::default(),
            speaker,
            daemon,
            process,
        })
    }

    /// Families of MetalLB's speaker and our own.
    pub fn speaker(&self) -> Registry {
        self.speaker.clone()
    }

    /// Families of frr-k8s' daemon.
    pub fn daemon(&self) -> Registry {
        self.daemon.clone()
    }

    /// Families of any process.
    pub fn process(&self) -> Registry {
        self.process.clone()
    }

    /// What was seen at `event` was decided: this configuration, and these problems of `node`.
    pub fn decided(&mut self, node: &str, config: &Arc<FrrConfig>, problems: &[Problem], event: Instant) {
        self.stages.decided(config, event);
        self.planned(node, problems);
    }

    /// Something was decided, with these problems of `node`.
    pub fn planned(&mut self, node: &str, problems: &[Problem]) {
        self.stale.problems = problems.iter().any(|problem| is_of_configuration(problem, node));
        for client in [&self.metallb, &self.frrk8s] {
            client.updates.inc();
            client.errors.inc_by(u64::from(self.stale.problems));
        }
        // Each object is judged alone: with the rest of them the configuration is in force.
        self.metallb.loaded.set(1);
        self.show_stale();
    }

    /// FRR took all of this configuration. Objects of which it refused lines may still be held back.
    pub fn taken(&mut self, config: &Arc<FrrConfig>, held: bool, now: Instant) {
        observe(&self.applied, &self.stages.taken(config, now));
        self.stale.refused = held;
        if !config.routers.is_empty() || !config.raw.is_empty() {
            self.frrk8s.loaded.set(1);
        }
        self.show_stale();
    }

    /// FRR refused this configuration.
    pub fn refused(&mut self, config: &Arc<FrrConfig>) {
        self.stages.refused(config);
        self.stale.refused = true;
        for client in [&self.metallb, &self.frrk8s] {
            client.errors.inc();
        }
        self.show_stale();
    }

    /// FRR was asked and has this configuration.
    pub fn seen(&mut self, config: &Arc<FrrConfig>, now: Instant) {
        observe(&self.seen, &self.stages.seen(config, now));
    }

    fn show_stale(&self) {
        let stale = i64::from(self.stale.problems || self.stale.refused);
        self.metallb.stale.set(stale);
        self.frrk8s.stale.set(stale);
    }
}

/// A Service that cannot be served is no fault of the configuration.
fn is_of_configuration(problem: &Problem, node: &str) -> bool {
    const NOT: [&str; 2] = ["Service", "EndpointSlice"];
    let here = problem.nodes.is_empty() || problem.nodes.iter().any(|on| **on == *node);
    let kind = problem.object.as_ref().map(|object| object.kind);
    problem.severity == Severity::Error && here && kind.is_none_or(|kind| !NOT.contains(&kind))
}

fn observe(histogram: &Histogram, times: &[Duration]) {
    for time in times {
        histogram.observe(time.as_secs_f64());
    }
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    family: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

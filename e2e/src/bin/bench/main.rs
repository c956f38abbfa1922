//! `make bench` and, with the word `apply`, `operator` or `e2e`, `make bench-apply`, `bench-operator` and `bench-e2e`; with the
//! word `agent-kubernetes`, `nodes` or `rest`, `make bench-agent`, `make bench-nodes` and `make bench-rest`: write
//! target/bench/*.json and print a table. `--quick` runs everything once and small, as CI does; `apply --size=N` measures
//! one size, `--without-frr-k8s` leaves its way out, and `--agent-alone` frr-reload.py too; `nodes --nodes=N,N` says how many,
//! and `--connections=each` gives each of their requests a connection; `operator --admissions` measures these alone.

mod agent;
mod agent_kubernetes;
mod allocation;
mod apply;
mod cluster;
mod folder;
mod measure;
mod nodes;
mod operator;
mod rest;

use anyhow::{Context, Result};
use herald_e2e::repository;
use measure::Figure;
use std::fs;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == "--cost-of"
    {
        return measure::print_cost_of(rest);
    }
    let asked = |word: &str| arguments.iter().any(|argument| argument == word);
    if asked("--agent") {
        return report("agent", &agent::figures(false)?);
    }
    let quick = asked("--quick");
    println!("{}", conditions(quick)?);
    // A quick run must not pass for a measurement.
    let prefix = if quick { "quick-" } else { "" };
    if asked("apply") {
        let figures = apply::print(&apply::measure(&apply::Extent::new(quick, &arguments)?)?);
        return write(&format!("{prefix}apply"), &figures);
    }
    println!("{:<66} {:<8} {:>14} {:>14} {:>6}", "case", "metric", "value", "against", "ratio");
    if asked("agent-kubernetes") {
        return report(&format!("{prefix}agent-kubernetes"), &agent_kubernetes::figures(quick)?);
    }
    if asked("nodes") {
        return write(&format!("{prefix}nodes"), &nodes::figures(&nodes::Extent::new(quick, &arguments)?)?);
    }
    if asked("operator") {
        let alone = asked("--admissions");
        return report(&format!("{prefix}operator"), &operator::figures(quick, alone)?);
    }
    if asked("rest") {
        return report(&format!("{prefix}rest"), &rest::figures(quick)?);
    }
    if asked("e2e") {
        return report(&format!("{prefix}e2e"), &cluster::figures(quick)?);
    }
    if !quick {
        report("allocation", &allocation::figures()?)?;
    }
    report(&format!("{prefix}folder"), &folder::figures(quick)?)?;
    report(&format!("{prefix}agent"), &agent::figures(quick)?)
}

/// Prints a group of figures and writes its file.
fn report(name: &str, figures: &[Figure]) -> Result<()> {
    for figure in figures {
        println!("{}", figure.line());
    }
    write(name, figures)
}

fn write(name: &str, figures: &[Figure]) -> Result<()> {
    let into = repository().join("target/bench");
    fs::create_dir_all(&into)?;
    let path = into.join(format!("{name}.json"));
    fs::write(&path, serde_json::to_string_pretty(figures)?)
        .with_context(|| format!("write {}", path.display()))
}

/// What a reader needs to know of the machine and the moment.
fn conditions(quick: bool) -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("")
        .trim_matches(['\t', ':', ' ']);
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let kind = if quick { "; quick run: one small run each, no figure to quote" } else { "" };
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    Ok(format!("{count} x {model}, load {load}, {profile} build, medians{kind}\n"))
}

//! Every golden `frr.conf` of the repository is loaded into real FRR, which then runs what the file says.

use anyhow::{Context, Result, bail, ensure};
use herald_e2e::{Frr, Lab, Release, repository};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDERS: [&str; 2] = ["frr-agent/frr/tests/golden", "operator/core/tests/scenarios"];

#[test]
fn frr_10_runs_every_golden() -> Result<()> {
    every_golden(Release::V10, &|frr, text| {
        let checked = frr.check(text)?;
        ensure!(checked.accepted, "vtysh -C refuses it: {}", checked.output);
        Ok(true)
    })
}

#[test]
fn frr_8_runs_every_golden_that_it_can_express() -> Result<()> {
    // What FRR 8.4 has no words for, its own parser says without asking a daemon.
    every_golden(Release::V8, &|frr, text| Ok(frr.check(text)?.accepted))
}

/// Loads each golden that `expressible` lets through into fresh daemons; fails naming every one that is not the same.
fn every_golden(release: Release, expressible: &dyn Fn(&Frr, &str) -> Result<bool>) -> Result<()> {
    let mut goldens = Vec::new();
    for folder in FOLDERS {
        collect(&repository().join(folder), &mut goldens)?;
    }
    goldens.sort();
    let (mut wrong, mut same, mut beyond) = (Vec::new(), 0, Vec::new());
    for golden in &goldens {
        let name = golden.strip_prefix(repository()).unwrap_or(golden).display().to_string();
        match load_and_compare(release, golden, expressible).with_context(|| name.clone()) {
            Ok(true) => same += 1,
            Ok(false) => beyond.push(name),
            Err(error) => wrong.push(format!("{error:#}")),
        }
    }
    println!("{release:?}: {same} goldens run as written; beyond this release: {beyond:?}");
    ensure!(wrong.is_empty(), "{} of {} goldens:\n{}", wrong.len(), goldens.len(), wrong.join("\n\n"));
    ensure!(goldens.is_empty() || same > 0, "no golden was loaded");
    Ok(())
}

fn load_and_compare(
    release: Release,
    golden: &Path,
    expressible: &dyn Fn(&Frr, &str) -> Result<bool>,
) -> Result<bool> {
    let text = fs::read_to_string(golden)?;
    let lab = Lab::new()?;
    let frr = Frr::start(&lab, &lab.namespace("node")?, release, "")?;
    if !expressible(&frr, &text)? {
        return Ok(false);
    }
    let loaded = frr.load(&text)?;
    ensure!(loaded.accepted, "refused: {}", loaded.output);
    let running = lab.root().join("running.conf");
    fs::write(&running, frr.running()?)?;
    same_meaning(golden, &running)?;
    Ok(true)
}

/// By `frrsem.py`, which executes policies instead of comparing text.
fn same_meaning(wanted: &Path, got: &Path) -> Result<()> {
    let tool = repository().join("e2e/conformance/frrsem.py");
    let done = Command::new("python3").arg(tool).arg(wanted).arg(got).output().context("start frrsem.py")?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    bail!("means something else when it runs: {said}\n{}", fs::read_to_string(got)?);
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "conf") {
            into.push(path);
        }
    }
    Ok(())
}

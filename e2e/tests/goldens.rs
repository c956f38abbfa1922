//! Every golden `frr.conf` of the repository is loaded into real FRR, which then runs what the file says.

use anyhow::{Context, Result, bail, ensure};
use herald_e2e::{Frr, Lab, Release, repository};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDERS: [&str; 2] = ["frr-agent/frr/tests/golden", "operator/core/tests/scenarios"];

/// FRR 10 follows the default route to a next hop unless told not to, and does not print its default.
const DEFAULTS_10: &str = "ip nht resolve-via-default\nipv6 nht resolve-via-default\n";

/// Goldens that FRR 8.4 cannot express, and why.
const BEYOND_8: [(&str, &str); 2] = [
    ("golden/frr10-evpn-any-as.conf", "a wildcard route target (*:500) is not taken"),
    ("golden/frr10-vrf-other-as.conf", "import vrf makes the other instance, with the importer's ASN"),
];

#[test]
fn frr_10_runs_every_golden() -> Result<()> {
    every_golden(Release::V10, DEFAULTS_10, &[])
}

#[test]
fn frr_8_runs_every_golden_that_it_can_express() -> Result<()> {
    every_golden(Release::V8, "", &BEYOND_8)
}

/// Loads each golden into fresh daemons; fails naming every one that does not run as written, or does although `beyond` says
/// that it cannot.
fn every_golden(release: Release, defaults: &str, beyond: &[(&str, &str)]) -> Result<()> {
    let mut goldens = Vec::new();
    for folder in FOLDERS {
        collect(&repository().join(folder), &mut goldens)?;
    }
    goldens.sort();
    let (mut wrong, mut same) = (Vec::new(), 0);
    for golden in &goldens {
        let name = golden.strip_prefix(repository()).unwrap_or(golden).display().to_string();
        let reason = beyond.iter().find(|(end, _)| name.ends_with(end)).map(|(_, reason)| reason);
        match (load_and_compare(release, defaults, golden), reason) {
            (Ok(()), None) => same += 1,
            (Err(_), Some(reason)) => println!("{release:?} cannot express {name}: {reason}"),
            (Err(error), None) => wrong.push(format!("{name}: {error:#}")),
            (Ok(()), Some(reason)) => wrong.push(format!("{name}: runs as written, though listed: {reason}")),
        }
    }
    println!("{release:?}: {same} of {} goldens run as written", goldens.len());
    ensure!(wrong.is_empty(), "{} of {} goldens:\n{}", wrong.len(), goldens.len(), wrong.join("\n\n"));
    ensure!(same > 0, "no golden was loaded");
    Ok(())
}

fn load_and_compare(release: Release, defaults: &str, golden: &Path) -> Result<()> {
    let text = fs::read_to_string(golden)?;
    let lab = Lab::new()?;
    let frr = Frr::start(&lab, &lab.namespace("node")?, release, "")?;
    let checked = frr.check(&text)?;
    ensure!(checked.accepted, "vtysh -C refuses it: {}", checked.output);
    let loaded = frr.load(&text)?;
    ensure!(loaded.accepted, "refused: {}", loaded.output);
    let running = lab.root().join("running.conf");
    fs::write(&running, frr.running()? + defaults)?;
    same_meaning(golden, &running)
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

//! What MetalLB's own unit tests say of FRR's configuration, from manifests through the public command line.
//!
//! `e2e/conformance/metallb.py` says each case by manifests, compares, and lists the cases that manifests cannot say. A hold time of
//! 1 s, which BGP forbids, is 6 s on both sides: see its head.

use anyhow::{Context, Result, ensure};
use herald_e2e::{Herald, repository};
use std::path::PathBuf;
use std::process::Command;

#[test]
fn frr_is_told_what_metallb_tells_it() -> Result<()> {
    let cases = std::env::var_os("HERALD_CONFORMANCE")
        .map(PathBuf::from)
        .or_else(|| Some(repository().parent()?.join("shared/conformance")))
        .filter(|folder| folder.join("metallb-frr").is_dir());
    let Some(cases) = cases else {
        eprintln!("conformance: no $HERALD_CONFORMANCE, so none of MetalLB's cases");
        return Ok(());
    };
    let herald = Herald::new()?;
    // Its output is not captured: the counts are what a reader of the log looks for.
    let status = Command::new("python3")
        .arg("-B")
        .arg(repository().join("e2e/conformance/metallb.py"))
        .arg("--herald")
        .arg(herald.path())
        .arg("--cases")
        .arg(&cases)
        .status()
        .context("start metallb.py")?;
    ensure!(status.success(), "cases failed; they are listed above");
    Ok(())
}

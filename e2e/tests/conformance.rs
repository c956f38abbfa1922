//! Upstream's behaviour, case by case, through the public command line.

use anyhow::{Context, Result, ensure};
use herald_e2e::{Herald, repository};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The whole pack, when this machine has it.
fn pack() -> Option<PathBuf> {
    let given = std::env::var_os("HERALD_CONFORMANCE").map(PathBuf::from);
    given
        .or_else(|| Some(repository().parent()?.join("shared/conformance")))
        .filter(|folder| folder.join("frr-k8s").is_dir())
}

#[test]
fn the_suite_passes() -> Result<()> {
    let ours = repository().join("e2e/conformance");
    let cases = pack().unwrap_or_else(|| {
        eprintln!(
            "conformance: no $HERALD_CONFORMANCE, so only the suites of this repository: extra, random"
        );
        ours.clone()
    });
    let herald = Herald::new()?;
    // Its output is not captured: the counts are what a reader of the log looks for.
    let status = Command::new("python3")
        .arg(ours.join("run.py"))
        .arg("--herald")
        .arg(herald.path())
        .arg("--cases")
        .arg(&cases)
        .arg("--deviations")
        .arg(ours.join("deviations.txt"))
        .status()
        .context("start run.py")?;
    ensure!(status.success(), "cases failed; they are listed above");
    Ok(())
}

#[test]
fn the_judge_of_meaning_passes_its_own_tests() -> Result<()> {
    let judge = repository().join("e2e/conformance/test_frrsem.py");
    let done = Command::new("python3").arg("-B").arg(judge).output().context("start test_frrsem.py")?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

#[test]
fn every_sample_is_taken_as_it_is() -> Result<()> {
    let Some(samples) = pack().map(|pack| pack.join("samples")) else {
        eprintln!("conformance: no $HERALD_CONFORMANCE, so no sample manifests");
        return Ok(());
    };
    let herald = Herald::new()?;
    let mut wrong = Vec::new();
    let mut taken = 0;
    for entry in fs::read_dir(&samples).with_context(|| samples.display().to_string())? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let file = path.display().to_string();
        // A password lives in a Secret, which no repository of manifests holds.
        let absent: &[&str] =
            if text.contains("passwordSecret") { &["--allow-missing-secrets"] } else { &[] };
        for command in [&["validate", "-f", &file][..], &["render", "-f", &file, "--node", "node1"]] {
            let done = herald.try_run(&[command, absent].concat())?;
            if !done.status.success() {
                let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
                wrong.push(format!("{command:?}: {}\n{said}", done.status));
            }
        }
        taken += 1;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{taken} samples validated and rendered");
    Ok(())
}

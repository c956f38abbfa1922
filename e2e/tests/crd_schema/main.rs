//! A real API server takes our CRDs, and takes and refuses objects as upstream's CRDs make it do.

mod rules;

use anyhow::{Context, Result, ensure};
use herald_e2e::{Kube, Lab, repository};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SUITES: [&str; 2] = ["frr-k8s/crd-validation", "frr-k8s/crd-extra"];

/// The whole pack when this machine has it, else the suites of this repository.
fn cases() -> PathBuf {
    let given = std::env::var_os("HERALD_CONFORMANCE").map(PathBuf::from);
    given
        .or_else(|| Some(repository().parent()?.join("shared/conformance")))
        .filter(|folder| folder.join("frr-k8s").is_dir())
        .unwrap_or_else(|| {
            eprintln!("crd_schema: no $HERALD_CONFORMANCE, so only the suite of this repository: crd-extra");
            repository().join("e2e/conformance")
        })
}

// One test, so that one server serves all of it.
#[test]
fn a_real_api_server_agrees() -> Result<()> {
    let lab = Lab::new()?;
    let kube = Kube::start(&lab)?;
    kube.apply_definitions()?;
    definitions_are_structural(&kube)?;
    kube.run(&["create", "namespace", "frr-k8s-system"])?;
    kube.run(&["create", "namespace", "metallb-system"])?;
    let cases = cases();
    the_suites_pass(&kube, &cases)?;
    defaults_are_upstreams(&kube, &cases)?;
    samples_are_taken(&kube, &cases.join("samples"))?;
    immutable_fields_stay(&kube)?;
    rules::each_refuses(&kube)
}

fn definitions_are_structural(kube: &Kube) -> Result<()> {
    let all: Value =
        serde_json::from_str(&kube.run(&["get", "customresourcedefinitions", "--output=json"])?)?;
    let all = all["items"].as_array().context("a list of definitions")?;
    ensure!(all.len() == 14, "{} definitions are served", all.len());
    for crd in all {
        for condition in crd["status"]["conditions"].as_array().into_iter().flatten() {
            let (kind, status) = (&condition["type"], &condition["status"]);
            let good = match kind.as_str() {
                Some("NamesAccepted" | "Established") => "True",
                // NonStructuralSchema, Terminating
                _ => "False",
            };
            ensure!(status == good, "{}: {condition}", crd["metadata"]["name"]);
        }
    }
    Ok(())
}

fn the_suites_pass(kube: &Kube, cases: &Path) -> Result<()> {
    let ours = repository().join("e2e/conformance");
    for suite in SUITES.iter().filter(|suite| cases.join(suite).is_dir()) {
        // Its output is not captured: the counts are what a reader of the log looks for.
        let status = Command::new("python3")
            .arg(ours.join("run.py"))
            .args(["--kubectl", &kube.kubectl_words(), "--suite", &format!("{suite}/*")])
            .arg("--cases")
            .arg(cases)
            .arg("--deviations")
            .arg(ours.join("deviations.txt"))
            .status()
            .context("start run.py")?;
        ensure!(status.success(), "cases of {suite} failed; they are listed above");
    }
    Ok(())
}

/// What is stored of an object is what upstream's schema makes of it: defaults added, unknown fields gone.
fn defaults_are_upstreams(kube: &Kube, cases: &Path) -> Result<()> {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for suite in SUITES.iter().filter(|suite| cases.join(suite).is_dir()) {
        for entry in fs::read_dir(cases.join(suite))? {
            let case = entry?.path();
            let Ok(wanted) = fs::read_to_string(case.join("defaulted.yaml")) else { continue };
            let wanted: Value = serde_yaml::from_str(&wanted)?;
            let input = case.join("input.yaml").display().to_string();
            let stored: Value = serde_json::from_str(&kube.run(&[
                "create",
                "--dry-run=server",
                "--validate=ignore",
                "--output=json",
                "--filename",
                &input,
            ])?)?;
            if stored["spec"] != wanted["spec"] {
                wrong.push(format!("{}: {} instead of {}", case.display(), stored["spec"], wanted["spec"]));
            }
            compared += 1;
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{compared} objects are stored as with upstream's definitions");
    Ok(())
}

/// Every sample manifest, with strict checking of fields.
fn samples_are_taken(kube: &Kube, samples: &Path) -> Result<()> {
    if !samples.is_dir() {
        return Ok(());
    }
    let folder = samples.display().to_string();
    kube.run(&["create", "--dry-run=server", "--validate=strict", "--filename", &folder]).map(drop)
}

/// `enableGracefulRestart` cannot change, and the refusal says so in upstream's words.
fn immutable_fields_stay(kube: &Kube) -> Result<()> {
    let mut fields = BTreeMap::from([("myASN", 65000.into()), ("peerASN", 65001.into())]);
    fields.insert("enableGracefulRestart", Value::Bool(true));
    let peer = |fields: &BTreeMap<&str, Value>| {
        serde_json::json!({
            "apiVersion": "metallb.io/v1beta2",
            "kind": "BGPPeer",
            "metadata": { "name": "peer", "namespace": "metallb-system" },
            "spec": fields,
        })
    };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("peer.json");
    let name = file.display().to_string();
    fs::write(&file, peer(&fields).to_string())?;
    kube.run(&["create", "--filename", &name])?;
    fields.insert("enableGracefulRestart", Value::Bool(false));
    fs::write(&file, peer(&fields).to_string())?;
    let refused = kube.run(&["replace", "--filename", &name]).err().context("the change was taken")?;
    ensure!(
        format!("{refused:#}").contains("EnableGracefulRestart cannot be changed after creation"),
        "refused, but with: {refused:#}"
    );
    Ok(())
}

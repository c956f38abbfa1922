//! frr-k8s' own suites through a real API server that asks the operator: what its webhook answers, and what the schema
//! takes and refuses.
//!
//! The cases are looked for in `$HERALD_CONFORMANCE`, else beside the repository; without them only those of this one run.

use crate::cluster::Cluster;
use anyhow::{Context, Result, bail, ensure};
use herald_e2e::{Kube, repository};
use kube::Client;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SCHEMA: [&str; 2] = ["frr-k8s/crd-validation", "frr-k8s/crd-extra"];

/// One case.
struct Case {
    folder: PathBuf,
    expected: Value,
}

impl Case {
    fn name(&self) -> String {
        self.folder.display().to_string()
    }

    fn read(&self, file: &str) -> Result<Value> {
        let text = fs::read_to_string(self.folder.join(file))?;
        serde_yaml::from_str(&text).with_context(|| format!("{}/{file}", self.name()))
    }
}

fn root() -> PathBuf {
    let given = std::env::var_os("HERALD_CONFORMANCE").map(PathBuf::from);
    given
        .or_else(|| Some(repository().parent()?.join("shared/conformance")))
        .filter(|folder| folder.join("frr-k8s").is_dir())
        .unwrap_or_else(|| {
            eprintln!("no $HERALD_CONFORMANCE, so only the suite of this repository: crd-extra");
            repository().join("e2e/conformance")
        })
}

fn cases(suite: &str) -> Result<Vec<Case>> {
    let Ok(entries) = fs::read_dir(root().join(suite)) else { return Ok(Vec::new()) };
    let mut cases = Vec::new();
    for entry in entries {
        let folder = entry?.path();
        let Ok(text) = fs::read_to_string(folder.join("case.json")) else { continue };
        cases.push(Case { expected: serde_json::from_str(&text)?, folder });
    }
    cases.sort_by_key(Case::name);
    Ok(cases)
}

pub fn through_the_api_server() -> Result<()> {
    let webhook = cases("frr-k8s/webhook")?;
    let cluster = Cluster::start_after(|kube| {
        // What is there was stored when nobody was asked.
        kube.run(&["delete", "validatingwebhookconfigurations", "--all"])?;
        kube.run(&["create", "namespace", "frr-k8s-system"])?;
        for (number, case) in webhook.iter().enumerate() {
            kube.run(&["create", "namespace", &format!("case-{number}")])?;
            for node in case.expected["nodes"].as_array().into_iter().flatten() {
                let metadata = json!({ "name": node["name"], "labels": node["labels"] });
                kube.apply(&json!({ "apiVersion": "v1", "kind": "Node", "metadata": metadata }).to_string())?;
            }
            if let Ok(existing) = case.read("existing.yaml") {
                kube.apply(&moved(existing, number).to_string())?;
            }
        }
        Ok(())
    })?;
    for (number, case) in webhook.iter().enumerate() {
        answers_like_upstream(&cluster.kube, number, case).with_context(|| case.name())?;
    }
    println!("frr-k8s/webhook: {} passed", webhook.len());
    for suite in SCHEMA {
        let cases = cases(suite)?;
        let judged = cluster.kube.ask(async |client| {
            let mut judged = 0;
            for case in &cases {
                judged += usize::from(is_taken_or_refused(&client, case).await.with_context(|| case.name())?);
            }
            Ok(judged)
        })?;
        println!(
            "{suite}: {} passed, of which the webhook refused {judged} that the schema takes",
            cases.len()
        );
    }
    Ok(())
}

/// In the namespace of its case.
fn moved(mut object: Value, number: usize) -> Value {
    object["metadata"]["namespace"] = json!(format!("case-{number}"));
    object
}

/// Verdict and warnings of frr-k8s' webhook.
fn answers_like_upstream(kube: &Kube, number: usize, case: &Case) -> Result<()> {
    let incoming = moved(case.read("incoming.yaml")?, number).to_string();
    let verb = if case.expected["operation"] == "UPDATE" { "replace" } else { "create" };
    let mut child = kube
        .kubectl(&[verb, "--filename=-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    std::io::Write::write_all(&mut child.stdin.take().context("no input")?, incoming.as_bytes())?;
    let done = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let denied = said.contains("denied the request");
    // A case that creates what is there is admitted, and then refused by the store.
    let admitted = done.status.success() || said.contains("already exists");
    ensure!(admitted != denied && admitted == (case.expected["allowed"] == true), "{said}");
    let warned: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("Warning: ")).collect();
    let wanted: Vec<String> = serde_json::from_value(case.expected["warnings"].clone()).unwrap_or_default();
    ensure!(warned == wanted, "{said}");
    Ok(())
}

/// What the schema refuses is refused; what it takes is taken, unless `herald validate` refuses it too, and in the same
/// words. Says whether that was so.
async fn is_taken_or_refused(client: &Client, case: &Case) -> Result<bool> {
    let object = case.read("input.yaml")?;
    let (version, namespace) = (&object["apiVersion"], &object["metadata"]["namespace"]);
    let plural = format!("{}s", object["kind"].as_str().unwrap_or_default().to_lowercase());
    let checked = if case.expected["unknownFieldsPruned"].is_array() { "Warn" } else { "Strict" };
    let path = format!(
        "/apis/{}/namespaces/{}/{plural}?dryRun=All&fieldValidation={checked}",
        version.as_str().unwrap_or_default(),
        namespace.as_str().unwrap_or("default")
    );
    let request = http::Request::post(path)
        .header("content-type", "application/json")
        .body(object.to_string().into_bytes())?;
    let refused = client.request::<Value>(request).await.err().map(|why| why.to_string());
    match (case.expected["accept"] == true, refused) {
        (true, None) | (false, Some(_)) => Ok(false),
        (false, None) => bail!("it was taken"),
        (true, Some(why)) => {
            let said = validate(&case.folder.join("input.yaml"))?;
            ensure!(why.contains("denied the request"), "{why}");
            let same = said.iter().any(|problem| why.contains(problem));
            ensure!(same, "the webhook says {why}, and herald validate {said:?}");
            Ok(true)
        }
    }
}

/// The errors that `herald validate` names, without their places.
fn validate(input: &Path) -> Result<Vec<String>> {
    let done = Command::new(herald_e2e::program("herald")?).args(["validate", "-f"]).arg(input).output()?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    Ok(said.lines().filter_map(|line| Some(line.split_once("error: ")?.1.to_owned())).collect())
}

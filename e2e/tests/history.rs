//! What a node's FRR was given, when and why; and how it is undone.

use anyhow::{Context, Result, ensure};
use herald_e2e::site::{Site, service};
use herald_e2e::{Logged, Release, wait_for};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);
const PASSWORD: &str = "s3cret-of-the-fabric";

const FABRIC: &str = "
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: tor, namespace: metallb-system}
spec:
  myASN: 64500
  peerASN: 64501 # the fabric's
  peerAddress: 172.30.0.2
  password: s3cret-of-the-fabric
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [192.0.2.0/24]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: all, namespace: metallb-system}
";

/// The history as JSON.
fn entries(site: &Site) -> Result<Vec<Value>> {
    let state = site.state().display().to_string();
    let json = site.herald.run(&["history", "node1", "--state-dir", &state, "-o", "json"])?;
    ensure!(!json.contains(PASSWORD), "the password is in {json}");
    Ok(serde_json::from_str(&json)?)
}

/// Waits for an entry after `revision` that ended well, and gives its number.
fn applied(site: &Site, revision: u64, object: &str) -> Result<u64> {
    let mut found = 0;
    wait_for(&format!("{object} is in the history"), LIMIT, || {
        let entries = entries(site)?;
        let last = entries.last().context("no entry")?;
        let names: Vec<String> = last["cause"]["objects"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|o| {
                format!(
                    "{} {}",
                    o["kind"].as_str().unwrap_or_default(),
                    o["name"].as_str().unwrap_or_default()
                )
            })
            .collect();
        found = last["revision"].as_u64().context("no number")?;
        ensure!(found > revision && names.iter().any(|name| name == object), "{last}");
        ensure!(last["outcome"] == "Applied", "{last}");
        Ok(())
    })
    .logged(|| site.logs())?;
    Ok(found)
}

fn render(site: &Site, folder: &Path) -> Result<String> {
    site.herald.run(&["render", "-f", &folder.display().to_string(), "--node", "node1", "--endpoints=strict"])
}

fn show(site: &Site, revision: u64) -> Result<String> {
    let (state, revision) = (site.state().display().to_string(), revision.to_string());
    site.herald.run(&["show", "node1", "--state-dir", &state, "--rev", &revision])
}

/// The folder as it would be after `herald rollback --to`.
fn rolled_back(site: &Site, to: u64) -> Result<tempfile::TempDir> {
    let (state, to) = (site.state().display().to_string(), to.to_string());
    let manifests = site.manifests.display().to_string();
    let diff =
        site.herald.run(&["rollback", "node1", "--state-dir", &state, "--to", &to, "-f", &manifests])?;
    ensure!(!diff.contains("<masked>"), "a mask would be written: {diff}");
    let folder = tempfile::tempdir()?;
    for entry in fs::read_dir(&site.manifests)? {
        let path = entry?.path();
        fs::copy(&path, folder.path().join(path.file_name().context("no name")?))?;
    }
    let patch = folder.path().join("undo.patch");
    fs::write(&patch, &diff)?;
    // Nothing to undo is no patch to git.
    let done = Command::new("git")
        .args(["apply", "-p1", "--allow-empty"])
        .arg(&patch)
        .current_dir(folder.path())
        .output()?;
    ensure!(done.status.success(), "{}\n{diff}", String::from_utf8_lossy(&done.stderr));
    fs::remove_file(&patch)?;
    Ok(folder)
}

#[test]
fn three_changes_are_told_shown_and_undone() -> Result<()> {
    let mut site = Site::new(Release::V10, "")?;
    site.write("fabric.yaml", FABRIC)?;
    site.write("web.yaml", &service("web", &["192.0.2.10"], true))?;
    site.record()?;
    site.start_agent()?;
    let mut known = vec![(applied(&site, 0, "BGPPeer tor")?, render(&site, &site.manifests)?)];
    // A second session, another AS number after the agent was killed, and one Service more.
    let second = FABRIC.split("---").next().context("a document")?;
    let second = second.replace("name: tor", "name: second").replace("172.30.0.2", "172.30.0.3");
    site.write("second.yaml", &second)?;
    known.push((applied(&site, known[0].0, "BGPPeer second")?, render(&site, &site.manifests)?));
    site.agent.take().context("no agent")?.process().kill()?;
    site.write("fabric.yaml", &FABRIC.replace("64501 #", "64502 #"))?;
    site.start_agent()?;
    known.push((applied(&site, known[1].0, "BGPPeer tor")?, render(&site, &site.manifests)?));
    site.write("dns.yaml", &service("dns", &["192.0.2.11"], true))?;
    site.record()?;
    known.push((applied(&site, known[2].0, "Service dns")?, render(&site, &site.manifests)?));

    for (revision, text) in &known {
        let shown = show(&site, *revision)?;
        ensure!(shown == *text, "revision {revision}: {shown}\ninstead of\n{text}");
        ensure!(shown.contains("password <masked>") && !shown.contains(PASSWORD));
    }
    for (revision, text) in &known {
        let folder = rolled_back(&site, *revision)?;
        let again = render(&site, folder.path())?;
        ensure!(again == *text, "back to {revision}: {again}\ninstead of\n{text}");
        let fabric = fs::read_to_string(folder.path().join("fabric.yaml"))?;
        ensure!(fabric.contains("# the fabric's") && fabric.contains(PASSWORD), "{fabric}");
    }
    let list = site.herald.run(&["history", "node1", "--state-dir", &site.state().display().to_string()])?;
    ensure!(list.contains("AgentStarted: BGPPeer metallb-system/tor changed"), "{list}");
    ensure!(list.contains("Service default/dns added"), "{list}");
    no_password_in(&site.state().join("history"))
}

fn no_password_in(folder: &Path) -> Result<()> {
    let mut files = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        ensure!(!fs::read_to_string(&path)?.contains(PASSWORD), "the password is in {}", path.display());
        files += 1;
    }
    ensure!(files > 0, "{} is empty", folder.display());
    Ok(())
}

#[test]
fn a_refusal_and_what_somebody_typed_are_told_with_their_reasons() -> Result<()> {
    let mut site = Site::new(Release::V10, "")?;
    site.write("fabric.yaml", FABRIC)?;
    site.start_agent()?;
    let first = applied(&site, 0, "BGPPeer tor")?;
    let good = render(&site, &site.manifests)?;
    let bad = "
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: mistyped, namespace: frr-k8s-system}
spec: {raw: {rawConfig: \"router bgp 64500\\n bgp bestpath frobnicate\\nexit\"}}
";
    // Past the first seconds, in which FRR may refuse what it takes later.
    std::thread::sleep(Duration::from_secs(6));
    site.write("bad.yaml", bad)?;
    wait_for("the refusal is in the history", LIMIT, || {
        let entries = entries(&site)?;
        let refused = entries.last().context("no entry")?;
        ensure!(refused["outcome"] == "Refused", "{refused}");
        ensure!(
            refused["message"].as_str().is_some_and(|m| m.contains("bgp bestpath frobnicate")),
            "{refused}"
        );
        ensure!(refused["cause"]["objects"][0]["name"] == "mistyped", "{refused}");
        Ok(())
    })
    .logged(|| site.logs())?;
    let state = site.state().display().to_string();
    let shown = site.herald.run(&["show", "node1", "--state-dir", &state])?;
    ensure!(shown == good, "{shown}\ninstead of\n{good}");
    // Undone in the folder, the object is gone.
    let folder = rolled_back(&site, first)?;
    ensure!(!folder.path().join("bad.yaml").exists());
    // Somebody types in FRR; an agent that starts finds it.
    site.agent.take().context("no agent")?.process().kill()?;
    site.frr.load("router bgp 64500\n neighbor 172.30.0.2 description typed\nexit\n")?;
    site.start_agent()?;
    wait_for("what was typed is undone, and told", LIMIT, || {
        let entries = entries(&site)?;
        let last = entries.last().context("no entry")?;
        ensure!(last["cause"]["trigger"] == "AgentStarted" && last["outcome"] == "Applied", "{last}");
        ensure!(last["plan"]["lines"].to_string().contains("description"), "{last}");
        Ok(())
    })
    .logged(|| site.logs())
}

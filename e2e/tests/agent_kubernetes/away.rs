//! An API server that is away for long, once with every connection refused and once with no answer on any; meanwhile the agent's
//! token expires, and the neighbour's session is lost and comes back. `HERALD_AWAY` says for how many seconds each time.

use super::ground::{Cluster, LIMIT};
use anyhow::{Context, Result, ensure};
use herald_e2e::{Logged, wait_for};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// In CI; the token of a file is read again within a minute, so what becomes of an expired one is seen in longer runs only.
const AWAY: u64 = 10;
const TOKEN_IS_READ_AGAIN: Duration = Duration::from_secs(65);
/// What an agent may learn to need meanwhile, in KiB.
const GROWTH: u64 = 4096;

#[test]
fn nothing_changes_on_the_node_while_the_api_server_is_away() -> Result<()> {
    let away = std::env::var("HERALD_AWAY").ok().and_then(|text| text.parse().ok()).unwrap_or(AWAY);
    let mut cluster = Cluster::start()?;
    let told = cluster.long_away(Duration::from_secs(away));
    told.logged(|| format!("{}\n=== operator\n{}", cluster.site.logs(), cluster.operator.log()))
}

/// The kubeconfig with the token in a file beside it, as a pod has it.
fn with_token_file(kubeconfig: &Path) -> Result<(PathBuf, PathBuf, String)> {
    let mut config: Value = serde_json::from_str(&fs::read_to_string(kubeconfig)?)?;
    let user = &mut config["users"][0]["user"];
    let token = user["token"].as_str().context("no token")?.to_owned();
    let (file, path) = (kubeconfig.with_extension("token"), kubeconfig.with_extension("by-file"));
    let name = file.file_name().and_then(|name| name.to_str()).context("a name")?;
    *user = serde_json::json!({"tokenFile": name});
    fs::write(&file, &token)?;
    fs::write(&path, config.to_string())?;
    Ok((path, file, token))
}

impl Cluster {
    fn long_away(&mut self, away: Duration) -> Result<()> {
        self.configure()?;
        let (kubeconfig, file, token) = with_token_file(&self.kubeconfig)?;
        self.kubeconfig = kubeconfig;
        self.start_agent()?;
        self.service("web", true)?;
        let web = self.route("web")?;
        self.kube.stop()?;
        // What a kubelet renews, and cannot now.
        fs::write(&file, "expired")?;
        self.nothing_happens(&web, away).context("every connection is refused")?;
        self.kube.restart_api()?;
        if away > TOKEN_IS_READ_AGAIN {
            wait_for("the agent is not known", LIMIT, || {
                let log = self.site.agent_log();
                ensure!(log.contains("Unauthorized"), "{log}");
                Ok(())
            })?;
            self.stays(&web).context("the token has expired")?;
        }
        fs::write(&file, token)?;
        self.service("first", true)?;
        self.route("first").context("after every connection was refused")?;
        self.kube.pause_api()?;
        self.nothing_happens(&web, away).context("nothing is answered")?;
        self.kube.resume_api()?;
        self.service("second", true)?;
        self.route("second").context("after nothing was answered")?;
        self.stays(&web)
    }

    /// The route stays; lost with the session, it is back with the session. The agent neither grows nor tells much.
    fn nothing_happens(&mut self, web: &str, away: Duration) -> Result<()> {
        let (until, size) = (Instant::now() + away, self.resident()?);
        let told = self.site.agent_log().lines().count();
        self.bird.ask("restart node")?;
        self.arrives(web)?;
        let withdrawn = self.bird.withdrawals("node")?;
        while Instant::now() < until {
            self.bird.routes_to(web)?;
            sleep(Duration::from_millis(500));
        }
        ensure!(self.bird.withdrawals("node")? == withdrawn, "a route was withdrawn");
        let (grown, lines) =
            (self.resident()?.saturating_sub(size), self.site.agent_log().lines().count() - told);
        println!("away for {away:?}: the agent grew by {grown} KiB and told {lines} lines");
        ensure!(grown < GROWTH, "the agent grew by {grown} KiB");
        // Once each for what it cannot reach, and something for the session; not once for each try.
        ensure!(lines < 200, "{lines} lines");
        Ok(())
    }

    /// What the agent holds in memory, in KiB.
    fn resident(&mut self) -> Result<u64> {
        let id = self.site.agent.as_mut().context("no agent runs")?.process().id();
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context(status.clone())?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
    }
}

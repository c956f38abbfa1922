//! What FRR, `vtysh` and the disk do to the agent: each time FRR ends exactly as wanted, and the log says what happened.

use anyhow::{Context, Result, ensure};
use herald_e2e::many::announced;
use herald_e2e::site::{NODE, Site};
use herald_e2e::updates::{Heard, Prefix, Updates};
use herald_e2e::{Bird, Logged, Release, as_frr_runs, statements, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

/// Shorter than the full read-back of once a minute: nothing may have to wait for that.
const LIMIT: Duration = Duration::from_secs(40);

/// 200 ms is the limit on a quiet machine (docs/performance.md has the figures); tests share theirs.
const DETECTED: Duration = Duration::from_secs(2);

const BGP: &str = "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [10.64.0.0/16]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, connectTime: 1s}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: all, namespace: metallb-system}
";

const BIRD: &str = "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; connect delay time 1; \
    error wait time 1, 2; graceful restart off; ipv4 { import all; export none; }; }\n";

/// A node whose FRR and neighbour have the first Services.
struct Chaos {
    site: Site,
    bird: Bird,
    updates: Updates,
    /// What FRR runs without us.
    first: BTreeSet<String>,
    services: u16,
}

impl Chaos {
    fn start(services: u16, options: &[&str], before: &str) -> Result<Self> {
        let mut site = Site::new(Release::V10, "")?;
        site.write("bgp.yaml", BGP)?;
        let first = statements(&site.frr.running()?);
        let (bird, updates) = site.recorded_bird(BIRD)?;
        write(&site, services)?;
        site.start_agent_after(before, options)?;
        let chaos = Self { site, bird, updates, first, services };
        chaos.right()?;
        Ok(chaos)
    }

    fn services(&mut self, services: u16) -> Result<()> {
        self.services = services;
        write(&self.site, services)
    }

    /// Waits until FRR runs exactly what the manifests ask for, and the neighbour has it.
    fn right(&self) -> Result<()> {
        let mut wanted = as_frr_runs(&self.site.rendered()?);
        wanted.extend(self.first.iter().cloned());
        wait_for("FRR is exactly as wanted", LIMIT, || {
            let running = statements(&self.site.frr.running()?);
            let differing: Vec<_> = wanted.symmetric_difference(&running).take(10).collect();
            ensure!(differing.is_empty(), "missing or too many: {differing:?}");
            Ok(())
        })
        .logged(|| self.site.logs())?;
        wait_for("the neighbour has the routes", LIMIT, || {
            let found = self.bird.ask("show route count")?;
            ensure!(found.contains(&format!("{} of ", self.services)), "{} wanted: {found}", self.services);
            Ok(())
        })
        .logged(|| {
            let shown = self.site.frr.vtysh(&["show bgp summary", "show bgp ipv4 unicast statistics"]);
            format!("{}\n{}", shown.unwrap_or_default(), self.site.logs())
        })
    }

    /// The events of the agent's log since a place in it.
    fn events(&self, since: usize) -> Vec<Value> {
        let log = self.site.agent_log();
        log.get(since..)
            .unwrap_or_default()
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Waits until the agent logs one of `names`; returns that event.
    fn logged(&self, since: usize, names: &[&str]) -> Result<Value> {
        wait_for(&format!("the agent logs {names:?}"), LIMIT, || {
            let events = self.events(since);
            let found = events.iter().find(|event| names.iter().any(|name| event["event"] == *name));
            found.cloned().with_context(|| format!("{events:?}"))
        })
    }

    /// The agent's `vtysh -f`, as soon as there is one.
    fn applying(&mut self) -> Result<Pid> {
        let agent = self.site.agent.as_mut().context("no agent")?.process().id();
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            for id in threads_children(agent)? {
                let command = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
                if command.split('\0').any(|word| word == "-f") {
                    return Ok(Pid::from_raw(id.parse()?));
                }
            }
        }
        anyhow::bail!("no vtysh -f within {LIMIT:?}: {}", self.site.logs())
    }
}

/// A process is its parent's thread's child.
fn threads_children(id: u32) -> Result<Vec<String>> {
    let mut children = Vec::new();
    for task in fs::read_dir(format!("/proc/{id}/task"))? {
        let text = fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        children.extend(text.split_whitespace().map(str::to_owned));
    }
    Ok(children)
}

/// So many Services, in one file.
fn write(site: &Site, services: u16) -> Result<()> {
    let one = |n: u16| {
        let [high, low] = n.to_be_bytes();
        announced(&n.to_string(), Ipv4Addr::new(10, 64, high, low), NODE)
    };
    site.write("services.yaml", &(0..services).map(one).collect::<Vec<_>>().join("---\n"))
}

/// The time of an event of the agent's log.
fn time_of(event: &Value) -> Result<String> {
    Ok(event["ts"].as_str().context("no timestamp")?.to_owned())
}

/// Seconds of the day, of RFC 3339 in UTC.
fn seconds(timestamp: &str) -> Result<f64> {
    let clock = timestamp.split_once('T').context("no time")?.1.trim_end_matches('Z');
    clock.split(':').try_fold(0.0, |sum, part| Ok(sum * 60.0 + part.parse::<f64>()?))
}

/// How long after `at` the event was logged.
fn after(event: &Value, at: SystemTime) -> Result<Duration> {
    let day = at.duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64() % 86_400.0;
    // Past midnight a day begins again.
    Ok(Duration::from_secs_f64((seconds(&time_of(event)?)? - day).rem_euclid(86_400.0)))
}

#[test]
fn daemons_that_are_killed_come_back_with_everything() -> Result<()> {
    let mut chaos = Chaos::start(300, &[], "")?;
    for daemons in [&["bgpd"][..], &["zebra"], &["mgmtd", "zebra", "staticd", "bgpd", "bfdd"]] {
        let (since, killed) = (chaos.site.agent_log().len(), SystemTime::now());
        for daemon in daemons {
            chaos.site.frr.kill(daemon)?;
        }
        let detected = after(&chaos.logged(since, &["FRRDown"])?, killed)?;
        chaos.site.frr.boot()?;
        let answered = Instant::now();
        chaos.right().with_context(|| format!("after {daemons:?}"))?;
        println!(
            "{daemons:?}: detected after {detected:?}, right {:?} after it answered",
            answered.elapsed()
        );
        ensure!(detected < DETECTED, "{daemons:?}: {detected:?}");
    }
    Ok(())
}

#[test]
fn end_of_rib_follows_the_last_prefix_of_a_cold_load() -> Result<()> {
    let mut chaos = Chaos::start(2000, &[], "")?;
    chaos.site.frr.kill_all()?;
    chaos.updates.read()?;
    chaos.site.frr.boot()?;
    chaos.right()?;
    let mut heard = Vec::new();
    wait_for("End-of-RIB", LIMIT, || {
        heard.extend(chaos.updates.read()?.into_iter().map(|message| message.heard));
        ensure!(heard.contains(&Heard::EndOfRib(1)), "{} messages", heard.len());
        Ok(())
    })?;
    let end = heard.iter().position(|heard| *heard == Heard::EndOfRib(1)).context("no End-of-RIB")?;
    // FRR may say everything twice, but it says everything before the end.
    let before: BTreeSet<Prefix> = heard[..end].iter().flat_map(announced_by).copied().collect();
    ensure!(before.len() == 2000, "{} of 2000 prefixes before End-of-RIB", before.len());
    Ok(())
}

fn announced_by(heard: &Heard) -> &[Prefix] {
    if let Heard::Update { announced, .. } = heard { announced } else { &[] }
}

#[test]
fn a_hung_daemon_is_reported_and_not_waited_for() -> Result<()> {
    let mut chaos = Chaos::start(50, &["--deadline", "2"], "")?;
    let bgpd = chaos.site.frr.id("bgpd")?;
    let since = chaos.site.agent_log().len();
    kill(bgpd, Signal::SIGSTOP)?;
    let told = chaos.services(60).and_then(|()| chaos.logged(since, &["FRRHung"]));
    kill(bgpd, Signal::SIGCONT)?;
    let event = told?;
    ensure!(event.to_string().contains("bgpd"), "{event}");
    chaos.right()?;
    wait_for("no vtysh is left", LIMIT, || {
        let processes = chaos.site.frr.namespace().processes()?;
        ensure!(processes.iter().all(|(_, name)| name != "vtysh"), "{processes:?}");
        Ok(())
    })
}

/// bgpd hangs in an apply, so its vtysh would wait for ten minutes; then zebra dies, and the apply means nothing any more.
#[test]
fn a_vtysh_that_still_waits_when_frr_goes_away_is_ended() -> Result<()> {
    let mut chaos = Chaos::start(50, &["--deadline", "600"], "")?;
    let bgpd = chaos.site.frr.id("bgpd")?;
    let since = chaos.site.agent_log().len();
    kill(bgpd, Signal::SIGSTOP)?;
    let ended = chaos.services(60).and_then(|()| {
        let vtysh = chaos.applying()?;
        chaos.site.frr.kill("zebra")?;
        chaos.logged(since, &["FRRDown"])?;
        wait_for("the vtysh is gone", LIMIT, || {
            ensure!(!Path::new(&format!("/proc/{vtysh}")).exists(), "vtysh {vtysh} still runs");
            Ok(())
        })
    });
    kill(bgpd, Signal::SIGCONT)?;
    ended?;
    chaos.site.frr.boot()?;
    chaos.right()
}

#[test]
fn a_vtysh_that_dies_in_an_apply_leaves_nothing_half_done() -> Result<()> {
    let mut chaos = Chaos::start(10, &[], "")?;
    for services in [3000, 10] {
        let since = chaos.site.agent_log().len();
        chaos.services(services)?;
        let vtysh = chaos.applying()?;
        sleep(Duration::from_millis(30));
        // It may have ended by itself.
        let killed = kill(vtysh, Signal::SIGKILL).is_ok();
        chaos.right()?;
        let events = chaos.events(since);
        let told = events.iter().any(|event| event.to_string().contains("signal"));
        println!("killed: {killed}, told: {told}");
        let blamed = events.iter().any(|event| event["event"] == "LineRefused");
        ensure!(!blamed, "{events:?}");
    }
    Ok(())
}

#[test]
fn an_frr_that_dies_in_an_apply_is_right_afterwards() -> Result<()> {
    let mut chaos = Chaos::start(10, &[], "")?;
    let since = chaos.site.agent_log().len();
    chaos.services(4000)?;
    chaos.applying()?;
    sleep(Duration::from_millis(40));
    chaos.site.frr.kill("bgpd")?;
    chaos.logged(since, &["FRRDown"])?;
    chaos.site.frr.boot()?;
    chaos.right()?;
    let blamed = chaos.events(since).iter().any(|event| event["event"] == "LineRefused");
    ensure!(!blamed, "an object was blamed for a daemon that died: {}", chaos.site.agent_log());
    Ok(())
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() -> Result<()> {
    let mount = format!(
        "mkdir -p /mnt/frr-{NODE}/herald-state; mount -t tmpfs -o size=2m none /mnt/frr-{NODE}/herald-state"
    );
    let mut chaos = Chaos::start(50, &[], &mount)?;
    let agent = chaos.site.agent.as_mut().context("no agent")?.process().id();
    let filler = format!("/proc/{agent}/root/mnt/frr-{NODE}/herald-state/filler");
    let full = fs::write(&filler, vec![0; 4 << 20]);
    ensure!(full.is_err(), "4 MB went into a disk of 2");
    let since = chaos.site.agent_log().len();
    chaos.services(60)?;
    let event = chaos.logged(since, &["StateFailed", "ApplyFailed"])?;
    ensure!(event.to_string().contains("No space left"), "{event}");
    // What was announced stays announced.
    let found = chaos.bird.ask("show route count")?;
    ensure!(found.contains("50 of ") || found.contains("60 of "), "{found}");
    fs::remove_file(&filler)?;
    chaos.right()?;
    // And the agent is well: it takes the next change.
    chaos.services(55)?;
    chaos.right()
}

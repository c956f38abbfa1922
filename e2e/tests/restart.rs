//! Restarts, other people's configuration, and lines that FRR refuses.

use anyhow::{Context, Result, ensure};
use herald_e2e::many::announced;
use herald_e2e::site::{NODE, Site, service};
use herald_e2e::updates::Heard;
use herald_e2e::{Bird, Logged, Release, wait_for};
use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

const PEER: &str = "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [192.0.2.0/24]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, connectTime: 1s, enableGracefulRestart: true}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: all, namespace: metallb-system}
";

/// A neighbour that keeps routes while FRR restarts (RFC 4724), as routers in data centres are set up.
const BIRD: &str = "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; connect delay time 1; \
    graceful restart on; ipv4 { import all; export none; }; }\n";

/// What somebody else runs in the same FRR.
const FOREIGN: &str = "\
ip route 198.18.0.0/15 Null0
ip prefix-list theirs seq 5 permit 198.18.0.0/15
route-map theirs permit 10
 match ip address prefix-list theirs
exit
router bgp 64999 vrf theirs
 bgp router-id 10.9.9.9
 no bgp ebgp-requires-policy
 neighbor 10.9.9.1 remote-as 64998
exit
";

fn running_site(saved: &str) -> Result<(Site, Bird)> {
    let mut site = Site::new(Release::V10, saved)?;
    site.write("bgp.yaml", PEER)?;
    site.write("web.yaml", &service("web", &["192.0.2.10"], true))?;
    site.record()?;
    site.start_agent()?;
    let bird = site.bird(BIRD)?;
    wait_for("BIRD has the route", LIMIT, || bird.routes_to("192.0.2.10/32")).logged(|| site.logs())?;
    Ok((site, bird))
}

#[test]
fn a_restarted_agent_changes_nothing() -> Result<()> {
    let (mut site, bird) = running_site("")?;
    let (before, session) = (site.frr.running()?, bird.session("node")?);
    let withdrawals = bird.withdrawals("node")?;
    site.agent.take().context("no agent")?.process().kill()?;
    site.start_agent()?;
    // Proof that the new agent works: it takes up a change made after its start.
    site.write("dns.yaml", &service("dns", &["192.0.2.11"], true))?;
    site.record()?;
    wait_for("the new Service's route", LIMIT, || bird.routes_to("192.0.2.11/32")).logged(|| site.logs())?;
    ensure!(bird.withdrawals("node")? == withdrawals, "a route was withdrawn: {}", site.logs());
    ensure!(bird.session("node")?.is_still(&session), "the session was reset: {session:?}");
    let after = site.frr.running()?;
    let added: Vec<&str> = after.lines().filter(|line| !before.lines().any(|known| known == *line)).collect();
    ensure!(added.len() == 1 && added[0].contains("network 192.0.2.11/32"), "{added:?}");
    Ok(())
}

#[test]
fn a_restarted_frr_gets_everything_back_and_no_route_leaves() -> Result<()> {
    let (mut site, bird) = running_site("")?;
    let before = site.frr.running()?;
    site.frr.kill_all()?;
    site.frr.boot()?;
    let started = Instant::now();
    wait_for("FRR has its configuration back", LIMIT, || {
        ensure!(!bird.routes_to("192.0.2.10/32")?.is_empty());
        let running = site.frr.running()?;
        ensure!(running == before, "{running}");
        Ok(())
    })
    .logged(|| site.logs())?;
    while started.elapsed() < Duration::from_secs(8) {
        bird.routes_to("192.0.2.10/32").context("the route left").logged(|| site.logs())?;
    }
    let session = bird.ask("show protocols node")?;
    ensure!(session.contains("Established"), "{session}");
    Ok(())
}

/// FRR comes back while neither agent nor manifests are there: the file has everything, and End-of-RIB is its last word, so that the
/// neighbour keeps the routes (RFC 4724). The agent that comes later finds nothing to do.
#[test]
fn an_frr_that_boots_from_the_file_needs_no_agent() -> Result<()> {
    const SERVICES: u8 = 200;
    const OPTIONS: [&str; 2] = ["--owns=all", "--boot-file=/etc/frr/frr.conf"];
    let mut site = Site::new(Release::V10, "")?;
    site.write("bgp.yaml", PEER)?;
    let services = (1..=SERVICES).map(|n| announced(&format!("s{n}"), Ipv4Addr::new(192, 0, 2, n), NODE));
    site.write("services.yaml", &services.collect::<Vec<_>>().join("---\n"))?;
    site.start_agent_with(&OPTIONS)?;
    let (bird, mut updates) = site.recorded_bird(BIRD)?;
    let all_there = || ensure_all(&bird, SERVICES);
    wait_for("BIRD has the routes", LIMIT, all_there).logged(|| site.logs())?;
    let file = site.frr.folder().join("etc/frr.conf");
    wait_for("the file is complete", LIMIT, || {
        let text = fs::read_to_string(&file)?;
        ensure!(text.matches("\n  network ").count() == usize::from(SERVICES), "{text}");
        Ok(())
    })?;
    let mode = fs::metadata(&file)?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "{mode:o}");
    let before = site.frr.running()?;
    site.agent.take().context("no agent")?.process().kill()?;
    let manifests = site.manifests.with_extension("away");
    fs::rename(&site.manifests, &manifests)?;
    site.frr.kill_all()?;
    updates.read()?;
    site.frr.boot()?;
    let mut heard = Vec::new();
    wait_for("End-of-RIB", LIMIT, || {
        all_there()?;
        heard.extend(updates.read()?.into_iter().map(|message| message.heard));
        ensure!(heard.contains(&Heard::EndOfRib(1)), "{} messages", heard.len());
        Ok(())
    })
    .logged(|| site.logs())?;
    let end = heard.iter().position(|heard| *heard == Heard::EndOfRib(1)).context("no End-of-RIB")?;
    let told = heard[..end].iter().filter_map(|heard| match heard {
        Heard::Update { announced, .. } => Some(announced),
        _ => None,
    });
    let told: BTreeSet<_> = told.flatten().collect();
    ensure!(told.len() == usize::from(SERVICES), "{} prefixes before End-of-RIB", told.len());
    all_there().context("what was not told again before End-of-RIB left")?;
    ensure!(site.frr.running()? == before, "{}", site.frr.running()?);
    let session = bird.session("node")?;
    fs::rename(&manifests, &site.manifests)?;
    site.start_agent_with(&OPTIONS)?;
    wait_for("the agent finds nothing to do", LIMIT, || {
        ensure!(site.agent_log().contains("\"event\":\"InSync\""));
        Ok(())
    })
    .logged(|| site.logs())?;
    ensure!(site.frr.running()? == before, "{}", site.frr.running()?);
    ensure!(bird.session("node")?.is_still(&session), "the session was reset");
    all_there()
}

fn ensure_all(bird: &Bird, count: u8) -> Result<()> {
    let found = bird.ask("show route count")?;
    ensure!(found.contains(&format!("{count} of {count} routes")), "{found}");
    Ok(())
}

#[test]
fn the_configuration_of_others_stays() -> Result<()> {
    let (site, bird) = running_site(FOREIGN)?;
    let theirs = |text: &str| -> Vec<String> {
        let ours = ["64500", "172.30.0.2", "192.0.2.10"];
        text.split("\n!\n")
            .filter(|block| !ours.iter().any(|word| block.contains(word)))
            .map(str::to_owned)
            .collect()
    };
    let wanted =
        ["ip route 198.18.0.0/15 Null0", "route-map theirs permit 10", "router bgp 64999 vrf theirs"];
    let holds = |when: &str| -> Result<()> {
        let running = site.frr.running()?;
        let kept = theirs(&running).join("\n");
        for line in wanted {
            ensure!(kept.contains(line), "{when}: {line} is lost:\n{running}");
        }
        Ok(())
    };
    holds("after the first apply")?;
    fs::remove_file(site.manifests.join("bgp.yaml"))?;
    // BIRD would keep the routes of a session that broke (RFC 4724): this one was ended.
    wait_for("our peer is gone", LIMIT, || {
        let running = site.frr.running()?;
        ensure!(!running.contains("neighbor 172.30.0.2"), "{running}");
        let routes = bird.routes()?;
        ensure!(routes.is_empty(), "{routes:?} {}", bird.ask("show protocols all node")?);
        Ok(())
    })
    .logged(|| site.logs())?;
    holds("after everything of ours is gone")
}

#[test]
fn a_refused_line_names_its_object_and_the_last_good_configuration_stays() -> Result<()> {
    let (mut site, bird) = running_site("")?;
    let before = site.frr.running()?;
    let bad = "
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: mistyped, namespace: frr-k8s-system}
spec:
  raw:
    rawConfig: |
      router bgp 64500
       bgp bestpath frobnicate
      exit
";
    site.write("bad.yaml", bad)?;
    wait_for("the agent names the object", LIMIT, || {
        let log = site.agent.as_ref().map(herald_e2e::Agent::log).unwrap_or_default();
        ensure!(log.contains("frr-k8s-system/mistyped"), "{log}");
        ensure!(log.contains("bgp bestpath frobnicate"), "{log}");
        Ok(())
    })
    .logged(|| site.logs())?;
    ensure!(site.frr.running()? == before, "after a refused line:\n{}", site.frr.running()?);
    bird.routes_to("192.0.2.10/32")?;
    // Once the object is gone, changes are taken again.
    fs::remove_file(site.manifests.join("bad.yaml"))?;
    site.write("web.yaml", &service("web", &["192.0.2.10"], false))?;
    wait_for("the route leaves", LIMIT, || bird.lacks("192.0.2.10/32")).logged(|| site.logs())?;
    site.agent.as_mut().context("no agent")?.process().check_running()
}

/// One object asks for everything, and FRR refuses a line of it: nothing of ours is left, nor any claim to its names.
#[test]
fn a_first_configuration_that_is_refused_leaves_neither_lines_nor_claims() -> Result<()> {
    let bad = "
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: mistyped, namespace: frr-k8s-system}
spec:
  bgp:
    routers:
      - {asn: 64500, neighbors: [{address: 172.30.0.2, asn: 64501}]}
  raw:
    rawConfig: |
      router bgp 64500
       bgp bestpath frobnicate
      exit
";
    let mut site = Site::new(Release::V10, "")?;
    let before = site.frr.running()?;
    site.write("bad.yaml", bad)?;
    site.start_agent()?;
    wait_for("the agent names the object", LIMIT, || {
        let log = site.agent_log();
        ensure!(log.contains("LineRefused") && log.contains("frr-k8s-system/mistyped"), "{log}");
        Ok(())
    })
    .logged(|| site.logs())?;
    wait_for("FRR runs what it ran, and no record is left", LIMIT, || {
        let running = site.frr.running()?;
        ensure!(running == before, "{running}");
        let files = fs::read_dir(site.state())?.collect::<std::io::Result<Vec<_>>>()?;
        let records = files.iter().filter(|file| file.file_name().to_string_lossy().starts_with("intent-"));
        ensure!(records.count() == 0, "{files:?}");
        Ok(())
    })
    .logged(|| site.logs())?;
    fs::remove_file(site.manifests.join("bad.yaml"))?;
    site.agent.take().context("no agent")?.process().kill()?;
    // Now somebody else takes the names.
    site.frr.vtysh(&["configure terminal", "router bgp 64500", "neighbor 172.30.0.9 remote-as 64999"])?;
    site.start_agent()?;
    wait_for("the new agent has looked", LIMIT, || {
        ensure!(site.agent_log().contains("\"event\":\"InSync\""), "{}", site.agent_log());
        Ok(())
    })
    .logged(|| site.logs())?;
    let running = site.frr.running()?;
    ensure!(running.contains("neighbor 172.30.0.9 remote-as 64999"), "{running}");
    Ok(())
}

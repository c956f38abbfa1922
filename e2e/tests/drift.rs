//! What somebody types into FRR by hand, and an FRR that boots without the agent.

use anyhow::{Context, Result, ensure};
use herald_e2e::site::{Site, service};
use herald_e2e::{Agent, Bird, Logged, Release, wait_for};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(40);
/// FRR is read back once a minute.
const NEXT_CHECK: Duration = Duration::from_secs(90);

const PEER: &str = "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [192.0.2.0/24]}
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

const BIRD: &str = "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; \
    connect delay time 1; ipv4 { import all; export none; }; }\n";

/// Typed by hand: a prefix of the agent's goes, and something of somebody else's comes.
const BY_HAND: [&str; 5] = [
    "configure terminal",
    "ip prefix-list theirs seq 5 permit 198.18.0.0/15",
    "router bgp 64500",
    "address-family ipv4 unicast",
    "no network 192.0.2.10/32",
];

fn running_site(options: &[&str]) -> Result<(Site, Bird)> {
    let mut site = Site::new(Release::V10, "")?;
    site.write("bgp.yaml", PEER)?;
    site.write("web.yaml", &service("web", &["192.0.2.10"], true))?;
    site.record()?;
    site.start_agent_with(options)?;
    let bird = site.bird(BIRD)?;
    wait_for("BIRD has the route", LIMIT, || bird.routes_to("192.0.2.10/32")).logged(|| site.logs())?;
    Ok((site, bird))
}

fn drift_is_told(site: &Site) -> Result<()> {
    let log = site.agent.as_ref().map(Agent::log).unwrap_or_default();
    let told = |line: &str| line.contains("\"event\":\"Drift\"") && line.contains("network 192.0.2.10/32");
    ensure!(log.lines().any(told), "no Drift");
    Ok(())
}

#[test]
fn what_is_changed_by_hand_is_repaired_and_what_is_others_stays() -> Result<()> {
    let (site, bird) = running_site(&[])?;
    site.frr.vtysh(&BY_HAND)?;
    wait_for("the route leaves", LIMIT, || bird.lacks("192.0.2.10/32")).logged(|| site.logs())?;
    wait_for("the route is back", NEXT_CHECK, || bird.routes_to("192.0.2.10/32")).logged(|| site.logs())?;
    drift_is_told(&site).logged(|| site.logs())?;
    let running = site.frr.running()?;
    ensure!(running.contains("ip prefix-list theirs seq 5"), "{running}");
    Ok(())
}

/// By hand: the model knows none of these lines.
const HAND_WRITTEN: &str = "
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: extra, namespace: frr-k8s-system}
spec:
  raw:
    rawConfig: |
      router bgp 64500
       bgp bestpath as-path multipath-relax
       no bgp log-neighbor-changes
      exit
      bgp community-list standard mine seq 5 permit 64500:1
";

#[test]
fn a_hand_written_line_of_a_manifest_that_somebody_takes_away_is_given_back() -> Result<()> {
    let (site, bird) = running_site(&[])?;
    let since = site.agent_log().len();
    site.write("extra.yaml", HAND_WRITTEN)?;
    let complete = || {
        let running = site.frr.running()?;
        let lines = [
            " bgp bestpath as-path multipath-relax",
            "bgp community-list standard mine seq 5 permit 64500:1",
        ];
        ensure!(lines.iter().all(|line| running.lines().any(|shown| shown == *line)), "{running}");
        Ok(())
    };
    wait_for("FRR has the lines", LIMIT, complete).logged(|| site.logs())?;
    wait_for("they were read back", LIMIT, || {
        let log = site.agent_log();
        ensure!(log[since..].contains("\"event\":\"Applied\""), "{log}");
        Ok(())
    })?;
    site.frr.vtysh(&[
        "configure terminal",
        "no bgp community-list standard mine seq 5 permit 64500:1",
        "router bgp 64500",
        "no bgp bestpath as-path multipath-relax",
    ])?;
    wait_for("they are back", NEXT_CHECK, complete).logged(|| site.logs())?;
    let log = site.agent_log();
    let told = log.lines().find(|line| line.contains("\"event\":\"Drift\"")).context("no Drift")?;
    ensure!(told.contains("multipath-relax") && told.contains("community-list"), "{told}");
    ensure!(!told.contains("log-neighbor-changes"), "FRR never showed that: {told}");
    bird.routes_to("192.0.2.10/32").map(drop)
}

#[test]
fn with_drift_report_it_is_told_and_left_and_the_manifests_still_count() -> Result<()> {
    let (site, bird) = running_site(&["--drift=report"])?;
    site.frr.vtysh(&BY_HAND)?;
    wait_for("it is told", NEXT_CHECK, || drift_is_told(&site)).logged(|| site.logs())?;
    site.write("dns.yaml", &service("dns", &["192.0.2.11"], true))?;
    site.record()?;
    wait_for("the new Service's route", LIMIT, || bird.routes_to("192.0.2.11/32")).logged(|| site.logs())?;
    bird.lacks("192.0.2.10/32").logged(|| site.logs())
}

#[test]
fn frr_boots_from_the_file_that_the_agent_left() -> Result<()> {
    let (mut site, bird) = running_site(&["--owns=all", "--boot-file=/etc/frr/frr.conf"])?;
    let file = site.frr.folder().join("etc/frr.conf");
    wait_for("the file is complete", LIMIT, || {
        let text = std::fs::read_to_string(&file)?;
        ensure!(text.contains("network 192.0.2.10/32"), "{text}");
        Ok(())
    })?;
    site.agent.take().context("no agent")?.process().kill()?;
    site.frr.kill_all()?;
    // BIRD keeps the route for a while (RFC 4724), so it is the session that tells.
    let is_up = || Ok::<_, anyhow::Error>(bird.ask("show protocols node")?.contains("Established"));
    wait_for("the session is down", LIMIT, || {
        ensure!(!is_up()?, "it is up");
        Ok(())
    })?;
    site.frr.boot()?;
    wait_for("FRR announces without the agent", LIMIT, || {
        ensure!(is_up()?, "it is down");
        let sent = site.frr.json("show bgp ipv4 unicast neighbors 172.30.0.2 advertised-routes json")?;
        ensure!(sent["advertisedRoutes"]["192.0.2.10/32"].is_object(), "{sent}");
        Ok(())
    })
    .logged(|| site.logs())
}

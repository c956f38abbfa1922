//! What the agent says of FRR is what FRR and its neighbours say.

use anyhow::{Context, Result, ensure};
use herald_e2e::site::{Site, service};
use herald_e2e::{Bird, Logged, Release, wait_for};
use serde_json::Value;
use std::fs;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

/// A looks every two seconds; what it sees must be told in the next one or two.
const SOON: Duration = Duration::from_secs(10);

const TWO_PEERS: &str = "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [192.0.2.0/24, 2001:db8::/64]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, connectTime: 1s, dualStackAddressFamily: true}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: gobgp, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64502, peerAddress: 172.30.0.3, connectTime: 1s}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: all, namespace: metallb-system}
";

const BIRD: &str = "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; connect delay time 1; \
    ipv4 { import all; export none; }; ipv6 { import all; export none; }; }\n";

const GOBGP: &str = "[[neighbors]]\n[neighbors.config]\nneighbor-address = \"172.30.0.1\"\npeer-as = 64500\n";

/// What the agent knows.
fn facts(site: &Site) -> Result<Value> {
    let path = site.frr.folder().join("herald-state/live.json");
    serde_json::from_slice(&fs::read(path)?).context("read live.json")
}

/// What it knows of a session.
fn session(site: &Site, neighbor: &str) -> Result<Value> {
    let facts = facts(site)?;
    let sessions = facts["sessions"].as_array().context("no sessions")?;
    sessions.iter().find(|one| one["neighbor"] == neighbor).cloned().with_context(|| facts.to_string())
}

fn is_established(site: &Site, neighbor: &str) -> Result<()> {
    let session = session(site, neighbor)?;
    ensure!(session["state"] == "Established", "{session}");
    Ok(())
}

/// Log lines with this event and neighbor.
fn told(site: &Site, event: &str, neighbor: &str) -> Vec<Value> {
    let log = site.agent.as_ref().map(herald_e2e::Agent::log).unwrap_or_default();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["event"] == event && line["session"] == neighbor).collect()
}

fn start(release: Release, arguments: &[&str]) -> Result<(Site, Bird)> {
    let mut site = Site::new(release, "")?;
    site.write("bgp.yaml", TWO_PEERS)?;
    site.write("web.yaml", &service("web", &["192.0.2.10", "2001:db8::10"], true))?;
    site.write("dns.yaml", &service("dns", &["192.0.2.11"], true))?;
    site.record()?;
    site.start_agent_with(arguments)?;
    let bird = site.bird(BIRD)?;
    Ok((site, bird))
}

#[test]
fn facts_are_what_the_neighbours_have() -> Result<()> {
    agree(Release::V10)
}

#[test]
fn facts_are_what_the_neighbours_have_on_frr_8_too() -> Result<()> {
    agree(Release::V8)
}

fn agree(release: Release) -> Result<()> {
    let (site, bird) = start(release, &[])?;
    let _gobgp = site.gobgp(64502, GOBGP)?;
    wait_for("both sessions are told as Established", LIMIT, || {
        is_established(&site, "172.30.0.2")?;
        is_established(&site, "172.30.0.3")
    })
    .logged(|| site.logs())?;
    wait_for("the facts are BIRD's table", LIMIT, || {
        let routes = bird.routes()?;
        let of_family = |v6: bool| routes.iter().filter(|route| route.prefix.contains(':') == v6).count();
        let session = session(&site, "172.30.0.2")?;
        for (family, count) in [("ipv4Unicast", of_family(false)), ("ipv6Unicast", of_family(true))] {
            let facts = &session["families"][family];
            ensure!(facts["sent"] == count && count > 0, "{family}: {count} in BIRD, {session}");
            ensure!(facts["announced"]["wanted"] == count, "{session}");
            ensure!(facts["announced"]["missing"] == 0 && facts["announced"]["unwanted"] == 0, "{session}");
        }
        Ok(())
    })
    .logged(|| site.logs())?;

    site.write("mail.yaml", &service("mail", &["192.0.2.12"], true))?;
    site.record()?;
    wait_for("one more is in both", LIMIT, || {
        bird.routes_to("192.0.2.12/32")?;
        let session = session(&site, "172.30.0.2")?;
        let facts = &session["families"]["ipv4Unicast"];
        ensure!(facts["sent"] == 3 && facts["announced"]["wanted"] == 3, "{session}");
        Ok(())
    })
    .logged(|| site.logs())?;
    ensure!(told(&site, "NotAnnounced", "172.30.0.2").is_empty(), "{}", site.logs());
    ensure!(told(&site, "UnwantedAnnouncement", "172.30.0.2").is_empty(), "{}", site.logs());
    Ok(())
}

#[test]
fn a_session_that_the_neighbour_ends_is_told_with_its_reason() -> Result<()> {
    let (site, bird) = start(Release::V10, &[])?;
    wait_for("the session stands", LIMIT, || is_established(&site, "172.30.0.2")).logged(|| site.logs())?;
    bird.ask("disable node")?;
    let since = Instant::now();
    wait_for("it is told", SOON, || {
        let lines = told(&site, "SessionDown", "172.30.0.2");
        let line = lines.first().context("not told")?;
        let reason = line["reason"].as_str().unwrap_or_default();
        ensure!(reason.contains("Cease/Administrative Shutdown"), "{line}");
        let session = session(&site, "172.30.0.2")?;
        ensure!(session["lastReset"] == reason && session["state"] != "Established", "{session}");
        Ok(())
    })
    .logged(|| site.logs())?;
    println!("told after {:?}", since.elapsed());
    bird.ask("enable node")?;
    wait_for("its return is told", LIMIT, || {
        ensure!(!told(&site, "SessionUp", "172.30.0.2").is_empty(), "not told");
        is_established(&site, "172.30.0.2")
    })
    .logged(|| site.logs())
}

#[test]
fn what_a_hand_keeps_back_or_adds_is_told_and_taken_back() -> Result<()> {
    // Only told, not repaired.
    let (site, bird) = start(Release::V10, &["--drift=report"])?;
    wait_for("the session stands and the route is there", LIMIT, || {
        bird.routes_to("192.0.2.10/32")?;
        let session = session(&site, "172.30.0.2")?;
        ensure!(session["families"]["ipv4Unicast"]["announced"]["wanted"] == 2, "{session}");
        is_established(&site, "172.30.0.2")
    })
    .logged(|| site.logs())?;
    let running = site.frr.running()?;
    let map = running
        .lines()
        .find_map(|line| line.trim().strip_prefix("neighbor 172.30.0.2 route-map ")?.strip_suffix(" out"));
    let map = map.context("no out map")?.to_owned();

    let hand = |commands: &[&str]| site.frr.vtysh(&[&["configure terminal"], commands].concat());
    hand(&["ip prefix-list hand seq 5 permit 192.0.2.10/32"])?;
    // Before the first entry of ours there is no room: the entry itself is narrowed.
    hand(&[&format!("route-map {map} permit 1"), "match ip address prefix-list hand"])?;
    site.frr.vtysh(&["clear bgp ipv4 unicast 172.30.0.2 soft out"])?;
    wait_for("what is kept back is told", LIMIT, || {
        bird.lacks("192.0.2.11/32")?;
        let lines = told(&site, "NotAnnounced", "172.30.0.2");
        let line = lines.iter().find(|line| line["prefixes"] == "192.0.2.11/32").context("not told")?;
        ensure!(line["count"] == 1, "{line}");
        let session = session(&site, "172.30.0.2")?;
        let announced = &session["families"]["ipv4Unicast"]["announced"];
        ensure!(announced["missingPrefixes"][0] == "192.0.2.11/32", "{session}");
        Ok(())
    })
    .logged(|| site.logs())?;

    hand(&[&format!("route-map {map} permit 1"), "no match ip address prefix-list hand"])?;
    // A prefix that no manifest has, with the tag of what is announced.
    hand(&[
        &format!("route-map {map} permit 9"),
        "exit",
        "router bgp 64500",
        "address-family ipv4 unicast",
        "network 198.51.100.0/24",
    ])?;
    site.frr.vtysh(&["clear bgp ipv4 unicast 172.30.0.2 soft out"])?;
    wait_for("both are told", LIMIT, || {
        bird.routes_to("192.0.2.11/32")?;
        bird.routes_to("198.51.100.0/24")?;
        ensure!(!told(&site, "Announced", "172.30.0.2").is_empty(), "its return is not told");
        let lines = told(&site, "UnwantedAnnouncement", "172.30.0.2");
        ensure!(lines.iter().any(|line| line["prefixes"] == "198.51.100.0/24"), "{lines:?}");
        Ok(())
    })
    .logged(|| site.logs())?;
    hand(&[&format!("no route-map {map} permit 9")])?;
    site.frr.vtysh(&["clear bgp ipv4 unicast 172.30.0.2 soft out"])?;
    wait_for("its end is told", LIMIT, || {
        bird.lacks("198.51.100.0/24")?;
        ensure!(!told(&site, "UnwantedAnnouncementEnded", "172.30.0.2").is_empty(), "not told");
        Ok(())
    })
    .logged(|| site.logs())
}

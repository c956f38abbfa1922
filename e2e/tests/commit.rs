//! Commit-confirmed: an edit after which a session stays away is taken back.

use anyhow::{Context, Result, ensure};
use herald_e2e::site::{Site, service};
use herald_e2e::{Agent, Bird, Logged, Release, wait_for};
use nix::sys::signal::{Signal, kill};
use std::fs;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(40);

const POOL: &str = "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [192.0.2.0/24]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: all, namespace: metallb-system}
";

const PEER: &str = "
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata:
  name: bird
  namespace: metallb-system
  annotations: {herald.metallb.io/commit-confirmed: \"5s\"}
spec: {myASN: 64500, peerASN: ASN, peerAddress: 172.30.0.2, connectTime: 1s, HOLD}
";

const CONFIGURATION: &str = "
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata:
  name: tor
  namespace: frr-k8s-system
  annotations: {herald.metallb.io/commit-confirmed: \"5s\"}
spec:
  bgp:
    routers:
      - asn: 64500
        prefixes: [192.0.2.0/24]
        neighbors:
          - {address: 172.30.0.2, asn: 64501, connectTime: 1s, PASSWORDtoAdvertise: {allowed: {mode: all}}}
";

const BIRD: &str = "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; \
    connect delay time 1; error wait time 1, 2; ipv4 { import all; export none; }; }\n";

fn peer(asn: u32, hold: u32) -> String {
    PEER.replace("ASN, peerA", &format!("{asn}, peerA"))
        .replace("HOLD", &format!("holdTime: {hold}s, keepaliveTime: 3s"))
}

fn is_up(bird: &Bird) -> Result<()> {
    let session = bird.ask("show protocols node")?;
    ensure!(session.contains("Established"), "{session}");
    Ok(())
}

fn logged(site: &Site, event: &str) -> Result<()> {
    let log = site.agent.as_ref().map(Agent::log).unwrap_or_default();
    ensure!(log.contains(&format!("\"event\":\"{event}\"")), "no {event}");
    Ok(())
}

/// The condition of an object, as `status reason`.
fn condition(site: &Site, object: &str) -> Result<String> {
    let text = fs::read_to_string(site.state().join("conditions.json"))?;
    let all: serde_json::Value = serde_json::from_str(&text)?;
    let of = |c: &&serde_json::Value| c["object"] == object && c["type"] == "CommitConfirmed";
    let found = all.as_array().into_iter().flatten().find(of).with_context(|| text.clone())?;
    Ok(format!("{} {}", found["status"].as_str().unwrap_or("?"), found["reason"].as_str().unwrap_or("?")))
}

/// An object that is edited before its trial is over goes back to the form before the first edit: a new one, to nothing.
fn trial_is_over(site: &Site, object: &str) -> Result<()> {
    wait_for("the trial of the first form is over", LIMIT, || {
        let found = condition(site, object)?;
        ensure!(found == "True SessionsBack", "{found}");
        Ok(())
    })
    .logged(|| site.logs())
}

/// The edit reaches FRR, where `shown` is seen of it, and goes; the session is back, and the object says what happened.
fn is_taken_back(site: &Site, bird: &Bird, shown: &str, object: &str) -> Result<()> {
    wait_for("the edit is in FRR", LIMIT, || {
        let running = site.frr.running()?;
        ensure!(running.contains(shown), "{running}");
        Ok(())
    })
    .logged(|| site.logs())?;
    wait_for("the edit is taken back", LIMIT, || logged(site, "CommitReverted")).logged(|| site.logs())?;
    wait_for("the session is back", LIMIT, || is_up(bird)).logged(|| site.logs())?;
    wait_for("the condition is kept", LIMIT, || {
        let found = condition(site, object)?;
        ensure!(found == "False SessionsLost", "{found}");
        Ok(())
    })
}

/// The last apply is the way back, and says that it is.
fn the_history_says_so(site: &Site) -> Result<()> {
    let state = site.state().display().to_string();
    wait_for("the history says what was taken back", LIMIT, || {
        let json = site.herald.run(&["history", "node1", "--state-dir", &state, "-o", "json"])?;
        let entries: serde_json::Value = serde_json::from_str(&json)?;
        let last = entries.as_array().and_then(|all| all.last()).context("no entry")?;
        ensure!(last["cause"]["trigger"] == "CommitReverted" && last["outcome"] == "Reverted", "{last}");
        Ok(())
    })
}

#[test]
fn a_peer_whose_edit_loses_the_session_goes_back_and_is_not_tried_again() -> Result<()> {
    let mut site = Site::new(Release::V10, "")?;
    site.write("pool.yaml", POOL)?;
    site.write("peer.yaml", &peer(64501, 90))?;
    site.write("web.yaml", &service("web", &["192.0.2.10"], true))?;
    site.record()?;
    site.start_agent()?;
    let bird = site.bird(BIRD)?;
    wait_for("BIRD has the route", LIMIT, || bird.routes_to("192.0.2.10/32")).logged(|| site.logs())?;
    let object = "BGPPeer metallb-system/bird";
    trial_is_over(&site, object)?;

    site.write("peer.yaml", &peer(64999, 90))?;
    is_taken_back(&site, &bird, "remote-as 64999", object)?;

    the_history_says_so(&site)?;

    // Neither by the next change nor by the next start of the agent.
    site.agent.take().context("no agent")?.process().kill()?;
    site.start_agent()?;
    site.write("dns.yaml", &service("dns", &["192.0.2.11"], true))?;
    site.record()?;
    wait_for("the next change goes through", LIMIT, || bird.routes_to("192.0.2.11/32"))
        .logged(|| site.logs())?;
    let running = site.frr.running()?;
    ensure!(running.contains("remote-as 64501") && !running.contains("64999"), "{running}");
    is_up(&bird)?;

    site.write("peer.yaml", &peer(64501, 60))?;
    wait_for("a corrected edit goes through", LIMIT, || {
        let running = site.frr.running()?;
        ensure!(running.contains("timers 3 60"), "{running}");
        is_up(&bird)?;
        let found = condition(&site, object)?;
        ensure!(found == "True SessionsBack", "{found}");
        Ok(())
    })
    .logged(|| site.logs())
}

/// A site whose session is up, and whose peer is not on trial any more.
fn confirmed(options: &[&str]) -> Result<(Site, Bird)> {
    let mut site = Site::new(Release::V10, "")?;
    site.write("pool.yaml", POOL)?;
    site.write("peer.yaml", &peer(64501, 90))?;
    site.start_agent_with(options)?;
    let bird = site.bird(BIRD)?;
    wait_for("the session is up", LIMIT, || is_up(&bird)).logged(|| site.logs())?;
    trial_is_over(&site, "BGPPeer metallb-system/bird").logged(|| site.logs())?;
    Ok((site, bird))
}

fn goes_back(site: &Site, bird: &Bird) -> Result<()> {
    wait_for("the edit is taken back", LIMIT, || logged(site, "CommitReverted")).logged(|| site.logs())?;
    wait_for("the session is back", LIMIT, || is_up(bird)).logged(|| site.logs())
}

/// bgpd hangs, so nobody knows which sessions the edit must bring back: it waits until that is known.
#[test]
fn an_edit_waits_until_the_sessions_can_be_looked_at() -> Result<()> {
    let (site, bird) = confirmed(&["--deadline=2"])?;
    let bgpd = site.frr.id("bgpd")?;
    kill(bgpd, Signal::SIGSTOP)?;
    let waits = site.write("peer.yaml", &peer(64999, 90)).and_then(|()| {
        wait_for("the edit waits", LIMIT, || {
            let log = site.agent_log();
            ensure!(log.contains("nothing to judge an edit on trial by: bgpd did not answer"), "{log}");
            Ok(())
        })
    });
    kill(bgpd, Signal::SIGCONT)?;
    waits?;
    goes_back(&site, &bird)
}

/// In the place of `vtysh`: once FRR has the edit, the agent is killed.
const KILLS: &str = "
if [ -e STATE/killed ] || ! grep -qs 'remote-as 64999' /proc/self/fd/0; then exec vtysh \"$@\"; fi
vtysh \"$@\"
touch STATE/killed
kill -9 $PPID
";

/// The next agent finds the edit in FRR, and the session gone: what was there before is on the disk.
#[test]
fn an_agent_that_is_killed_when_frr_has_the_edit_confirms_nothing() -> Result<()> {
    let (mut site, bird) = confirmed(&[])?;
    let folder = site.frr.folder().join("kills");
    fs::create_dir(&folder)?;
    let inside = site.frr.inside(&folder)?.display().to_string();
    fs::write(folder.join("vtysh"), KILLS.replace("STATE", &inside))?;
    site.agent.take().context("no agent")?.process().stop()?;
    site.start_agent_with(&["--vtysh", "/bin/sh", &format!("--vtysh-arg={inside}/vtysh")])?;
    wait_for("the agent works", LIMIT, || logged(&site, "InSync")).logged(|| site.logs())?;
    site.write("peer.yaml", &peer(64999, 90))?;
    wait_for("the agent was killed", LIMIT, || {
        ensure!(folder.join("killed").exists());
        Ok(())
    })
    .logged(|| site.logs())?;
    wait_for("the session is gone", LIMIT, || {
        ensure!(is_up(&bird).is_err());
        Ok(())
    })?;
    site.agent.take().context("no agent")?.process().kill()?;
    site.start_agent()?;
    goes_back(&site, &bird)?;
    wait_for("the record of the look is gone", LIMIT, || {
        ensure!(!site.state().join("before-edit.json").exists());
        Ok(())
    })
}

#[test]
fn an_frrconfiguration_with_a_wrong_password_goes_back() -> Result<()> {
    let mut site = Site::new(Release::V10, "")?;
    let with = |password: &str| CONFIGURATION.replace("PASSWORD", password);
    site.write("tor.yaml", &with(""))?;
    site.start_agent()?;
    let bird = site.bird(BIRD)?;
    wait_for("BIRD has the route", LIMIT, || bird.routes_to("192.0.2.0/24")).logged(|| site.logs())?;
    trial_is_over(&site, "FRRConfiguration frr-k8s-system/tor")?;

    site.write("tor.yaml", &with("password: not-that-one, "))?;
    wait_for("the edit is taken back", LIMIT, || logged(&site, "CommitReverted")).logged(|| site.logs())?;
    wait_for("the session is back", LIMIT, || is_up(&bird)).logged(|| site.logs())?;
    let running = site.frr.running()?;
    ensure!(!running.contains("password"), "{running}");
    ensure!(
        !site.agent.as_ref().map(Agent::log).unwrap_or_default().contains("not-that-one"),
        "a password is logged"
    );

    site.write("tor.yaml", &with("holdTime: 60s, keepaliveTime: 3s, "))?;
    wait_for("a corrected edit goes through", LIMIT, || {
        let running = site.frr.running()?;
        ensure!(running.contains("timers 3 60"), "{running}");
        is_up(&bird)
    })
    .logged(|| site.logs())
}

/// The object stays as it is, and only what its Secret holds changes.
#[test]
fn a_secret_whose_edit_loses_the_session_goes_back_and_is_not_tried_again() -> Result<()> {
    let secret = |password: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/basic-auth\nmetadata: {{name: md5, namespace: metallb-system}}\n\
             stringData: {{password: {password}}}\n"
        )
    };
    let mut site = Site::new(Release::V10, "")?;
    site.write("pool.yaml", POOL)?;
    site.write("secret.yaml", &secret("good-password"))?;
    let with_secret = peer(64501, 9).replace("holdTime", "passwordSecret: {name: md5}, holdTime");
    site.write("peer.yaml", &with_secret)?;
    site.write("web.yaml", &service("web", &["192.0.2.10"], true))?;
    site.record()?;
    site.start_agent()?;
    let bird = site.bird(&BIRD.replace("connect delay", "password \"good-password\"; connect delay"))?;
    wait_for("BIRD has the route", LIMIT, || bird.routes_to("192.0.2.10/32")).logged(|| site.logs())?;
    let object = "BGPPeer metallb-system/bird";
    trial_is_over(&site, object)?;

    site.write("secret.yaml", &secret("wrong-password"))?;
    is_taken_back(&site, &bird, "wrong-password", object)?;
    // Neither by the next change nor by the next start of the agent.
    site.agent.take().context("no agent")?.process().kill()?;
    site.start_agent()?;
    site.write("dns.yaml", &service("dns", &["192.0.2.11"], true))?;
    site.record()?;
    wait_for("the next change goes through", LIMIT, || bird.routes_to("192.0.2.11/32"))
        .logged(|| site.logs())?;
    let running = site.frr.running()?;
    ensure!(running.contains("good-password") && !running.contains("wrong-password"), "{running}");
    ensure!(!site.agent_log().contains("-password"), "a password is logged: {}", site.agent_log());

    // A third password is a new edit. The other end has it first, so that no session is lost by it.
    site.configure(&bird, &BIRD.replace("connect delay", "password \"third-password\"; connect delay"))?;
    wait_for("the session is down", LIMIT, || {
        ensure!(is_up(&bird).is_err());
        Ok(())
    })?;
    site.write("secret.yaml", &secret("third-password"))?;
    wait_for("a corrected Secret goes through", LIMIT, || is_up(&bird)).logged(|| site.logs())
}

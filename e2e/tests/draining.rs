//! Endpoints that terminate, nodes that drain, agents and daemons that stop: what a neighbour sees of it (docs/draining.md).

use anyhow::{Context, Result, ensure};
use herald_e2e::site::Site;
use herald_e2e::{Bird, Logged, Release, wait_for};
use nix::sys::signal::{Signal, kill};
use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);
const ROUTE: &str = "192.0.2.10/32";

/// BIRD speaks iBGP with the node, so that it sees the local preference, too. FRR 10.3 tells every neighbour that it knows long-lived
/// graceful restart, with a time of 0 s; BIRD 2.0 keeps the routes of one that said so, however it went.
const BIRD: &str = "protocol bgp node { local 172.30.0.2 as 64500; neighbor 172.30.0.1 as 64500; connect delay time 1; \
    long lived graceful restart off; ipv4 { import all; export none; }; }\n";

const READY: &str = "ready: true, serving: true";
const LEAVING: &str = "ready: false, serving: true, terminating: true";

fn bgp(drain: &str, graceful: bool) -> String {
    format!(
        "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {{name: pool, namespace: metallb-system}}
spec: {{addresses: [192.0.2.0/24]}}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {{name: bird, namespace: metallb-system}}
spec: {{myASN: 64500, peerASN: 64500, peerAddress: 172.30.0.2, connectTime: 1s, enableGracefulRestart: {graceful}}}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {{name: all, namespace: metallb-system, annotations: {{herald.metallb.io/drain: \"{drain}\"}}}}
"
    )
}

/// Both nodes; node1 may be cordoned.
fn nodes(cordoned: bool) -> String {
    let node = |name: &str, cordoned: bool| {
        format!(
            "---\napiVersion: v1\nkind: Node\nmetadata: {{name: {name}, labels: {{kubernetes.io/hostname: {name}}}}}\n\
             spec: {{unschedulable: {cordoned}}}\n"
        )
    };
    node("node1", cordoned) + &node("node2", false)
}

/// A Service with externalTrafficPolicy Local, and endpoints by node and state.
fn web(endpoints: &[(&str, &str)]) -> String {
    let mut text = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: default}\n\
        spec: {type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30999, ports: [{port: 80}]}\n\
        status: {loadBalancer: {ingress: [{ip: 192.0.2.10}]}}\n---\n\
        apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n\
        metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}\nendpoints:\n"
        .to_owned();
    for (node, state) in endpoints {
        let _ = writeln!(text, "- {{addresses: [10.244.1.10], nodeName: {node}, conditions: {{{state}}}}}");
    }
    text
}

fn site(drain: &str, graceful: bool) -> Result<(Site, Bird)> {
    let mut site = Site::new(Release::V10, "")?;
    site.write("node.yaml", &nodes(false))?;
    site.write("bgp.yaml", &bgp(drain, graceful))?;
    site.write("web.yaml", &web(&[("node1", READY), ("node2", READY)]))?;
    site.start_agent()?;
    let bird = site.bird(BIRD)?;
    wait_for("BIRD has the route", LIMIT, || bird.routes_to(ROUTE)).logged(|| site.logs())?;
    Ok((site, bird))
}

/// Whether BIRD has the route as the last choice.
fn is_last_choice(bird: &Bird) -> Result<bool> {
    let route = bird.ask(&format!("show route {ROUTE} all"))?;
    ensure!(route.contains("BGP.as_path"), "{route}");
    let (community, preference) = (route.contains("(65535,0)"), route.contains("BGP.local_pref: 0"));
    ensure!(community == preference, "{route}");
    Ok(community)
}

fn becomes(site: &Site, bird: &Bird, last_choice: bool) -> Result<()> {
    wait_for(&format!("last choice: {last_choice}"), LIMIT, || {
        ensure!(is_last_choice(bird)? == last_choice);
        Ok(())
    })
    .logged(|| site.logs())
}

/// The new agent has read everything and found FRR as it is to be.
fn restart_agent(site: &mut Site) -> Result<()> {
    let in_sync = |site: &Site| site.agent_log().matches("\"event\":\"InSync\"").count();
    let before = in_sync(site);
    site.agent.take().context("no agent")?.process().kill()?;
    site.start_agent()?;
    wait_for("the agent has decided", LIMIT, || {
        ensure!(in_sync(site) > before, "{}", site.agent_log());
        Ok(())
    })
}

#[test]
fn a_cordoned_node_is_the_last_choice_then_withdraws_and_comes_back() -> Result<()> {
    let (mut site, bird) = site("6s", false)?;
    ensure!(!is_last_choice(&bird)?);
    let (session, withdrawals) = (bird.session("node")?, bird.withdrawals("node")?);
    let cordoned = Instant::now();
    site.write("node.yaml", &nodes(true))?;
    becomes(&site, &bird, true)?;
    ensure!(bird.withdrawals("node")? == withdrawals, "a route was withdrawn before the time was over");
    // A restart goes on counting.
    site.agent.take().context("no agent")?.process().kill()?;
    site.start_agent()?;
    wait_for("the route leaves", LIMIT, || bird.lacks(ROUTE)).logged(|| site.logs())?;
    ensure!(cordoned.elapsed() > Duration::from_secs(5), "after {:?}: {}", cordoned.elapsed(), site.logs());
    // One that starts when the time is over does not announce again.
    restart_agent(&mut site)?;
    bird.lacks(ROUTE)?;
    site.write("node.yaml", &nodes(false))?;
    wait_for("the route is back", LIMIT, || bird.routes_to(ROUTE)).logged(|| site.logs())?;
    ensure!(!is_last_choice(&bird)?);
    ensure!(bird.session("node")?.is_still(&session), "the session was reset");
    Ok(())
}

#[test]
fn without_the_annotation_a_cordoned_node_announces_as_before() -> Result<()> {
    let (site, bird) = site("false", false)?;
    site.write("node.yaml", &nodes(true))?;
    // Proof that the agent has seen it: it takes up a change that came later.
    site.write(
        "bgp.yaml",
        &bgp("false", false).replace("\"false\"}}", "\"false\"}}\nspec: {communities: [\"64500:7\"]}"),
    )?;
    wait_for("the later change", LIMIT, || {
        let route = bird.ask(&format!("show route {ROUTE} all"))?;
        ensure!(route.contains("(64500,7)"), "{route}");
        Ok(())
    })
    .logged(|| site.logs())?;
    ensure!(!is_last_choice(&bird)?);
    Ok(())
}

#[test]
fn terminating_endpoints_keep_the_route_only_where_nobody_takes_over() -> Result<()> {
    let (site, bird) = site("false", false)?;
    site.write("web.yaml", &web(&[("node1", LEAVING), ("node2", READY)]))?;
    wait_for("the route leaves", LIMIT, || bird.lacks(ROUTE)).logged(|| site.logs())?;
    site.write("web.yaml", &web(&[("node1", LEAVING), ("node2", LEAVING)]))?;
    wait_for("the route is back", LIMIT, || bird.routes_to(ROUTE)).logged(|| site.logs())?;
    site.write("web.yaml", &web(&[]))?;
    wait_for("the route leaves", LIMIT, || bird.lacks(ROUTE)).logged(|| site.logs())
}

/// Nobody listens on its health port: the first endpoint is announced all the same, and is counted.
#[test]
fn a_first_endpoint_does_without_kube_proxy() -> Result<()> {
    let (site, _bird) = site("false", false)?;
    let log = site.agent_log();
    ensure!(log.matches("\"event\":\"KubeProxyNotReady\"").count() == 1, "{log}");
    Ok(())
}

#[test]
fn an_agent_that_is_told_to_stop_leaves_the_route() -> Result<()> {
    let (mut site, bird) = site("false", false)?;
    let (session, withdrawals) = (bird.session("node")?, bird.withdrawals("node")?);
    site.agent.take().context("no agent")?.process().stop()?;
    let stopped = Instant::now();
    while stopped.elapsed() < Duration::from_secs(3) {
        bird.routes_to(ROUTE).logged(|| site.logs())?;
        sleep(Duration::from_millis(100));
    }
    let (now, withdrawn) = (bird.session("node")?, bird.withdrawals("node")?);
    let same = now.is_still(&session) && withdrawn == withdrawals;
    ensure!(same, "{now:?} {withdrawn}, before {session:?} {withdrawals}; {}", site.logs());
    Ok(())
}

/// FRR's own answer to SIGTERM, with what is rendered for it.
#[test]
fn an_frr_that_is_told_to_stop_withdraws_unless_graceful_restart_is_asked_for() -> Result<()> {
    let (site, bird) = site("false", false)?;
    kill(site.frr.id("bgpd")?, Signal::SIGTERM)?;
    wait_for("the route leaves", LIMIT, || bird.lacks(ROUTE)).logged(|| site.logs())
}

#[test]
fn with_graceful_restart_the_route_outlives_an_frr_that_is_told_to_stop() -> Result<()> {
    let (site, bird) = site("false", true)?;
    kill(site.frr.id("bgpd")?, Signal::SIGTERM)?;
    wait_for("the session ends", LIMIT, || {
        let session = bird.ask("show protocols node")?;
        ensure!(!session.contains("Established"), "{session}");
        Ok(())
    })
    .logged(|| site.logs())?;
    let stopped = Instant::now();
    while stopped.elapsed() < Duration::from_secs(5) {
        bird.routes_to(ROUTE).with_context(|| format!("after {:?}: {}", stopped.elapsed(), bird.log()))?;
        sleep(Duration::from_millis(100));
    }
    Ok(())
}

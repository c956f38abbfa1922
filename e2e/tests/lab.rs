//! The lab itself: what it makes works, and it leaves nothing behind.

use anyhow::{Context, Result, ensure};
use herald_e2e::Process;
use herald_e2e::{Bird, Frr, Gobgp, HttpServer, Lab, Logged, Release, output, wait_for};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn three_implementations_talk_and_nothing_is_left() -> Result<()> {
    let lab = Lab::new()?;
    let segment = lab.segment("lan")?;
    let (node, bird, gobgp) = (lab.namespace("node")?, lab.namespace("bird")?, lab.namespace("gobgp")?);
    segment.attach(&node, "eth0", &["172.30.0.1/24", "fd30::1/64"])?;
    segment.attach(&bird, "eth0", &["172.30.0.2/24", "fd30::2/64"])?;
    segment.attach(&gobgp, "eth0", &["172.30.0.3/24", "fd30::3/64"])?;
    let config = "router bgp 65000\n no bgp ebgp-requires-policy\n no bgp network import-check\n \
        neighbor 172.30.0.2 remote-as 65001\n neighbor 172.30.0.2 timers connect 1\n \
        neighbor 172.30.0.3 remote-as 65000\n neighbor 172.30.0.3 timers connect 1\n \
        address-family ipv4 unicast\n  network 192.0.2.1/32 route-map mark\n exit-address-family\nexit\n\
        route-map mark permit 1\n set community 65000:100\n set large-community 65000:1:2\n set local-preference 200\nexit\n";
    let frr = Frr::start(&lab, &node, Release::V10, config)?;
    let bird = Bird::start(
        &lab,
        &bird,
        "log stderr all; router id 172.30.0.2; protocol device {}\n\
        protocol bgp node { local 172.30.0.2 as 65001; neighbor 172.30.0.1 as 65000; connect delay time 1; ipv4 { import all; export none; }; }\n",
    )?;
    let gobgp = Gobgp::start(
        &lab,
        &gobgp,
        "[global.config]\nas = 65000\nrouter-id = \"172.30.0.3\"\n[[neighbors]]\n[neighbors.config]\n\
        neighbor-address = \"172.30.0.1\"\npeer-as = 65000\n",
    )?;
    let route =
        wait_for("BIRD has the route", LIMIT, || bird.routes_to("192.0.2.1/32")).logged(|| frr.logs())?;
    ensure!(route[0].next_hops == ["172.30.0.1"], "{route:?}");
    ensure!(route[0].attribute("BGP.community") == Some("(65000,100)"), "{route:?}");
    ensure!(route[0].attribute("BGP.large_community") == Some("(65000, 1, 2)"), "{route:?}");
    let route = wait_for("GoBGP has the route", LIMIT, || gobgp.routes_to("192.0.2.1/32"))?;
    ensure!(route[0].next_hop == "172.30.0.1" && route[0].local_pref == Some(200), "{route:?}");
    ensure!(
        route[0].communities == ["65000:100"] && route[0].large_communities == ["65000:1:2"],
        "{route:?}"
    );

    let _server = HttpServer::start(&lab, frr.namespace(), "172.30.0.1:8080".parse()?, "hello\n")?;
    let name = lab.name().to_owned();
    drop(lab);
    nothing_left(&name)
}

#[test]
fn a_killed_owner_leaves_nothing_either() -> Result<()> {
    let lab = Lab::new()?;
    let log = lab.root().join("owner.log");
    let mut owner = Command::new(std::env::current_exe()?);
    owner.args(["--ignored", "--exact", "owner_of_a_lab", "--nocapture"]).env("HERALD_LAB_OWNER", "1");
    let mut owner = Process::spawn("owner", owner, &log)?;
    let name = wait_for("the owner has its lab", LIMIT, || {
        let log = owner.log();
        let name = log.lines().find_map(|line| line.strip_prefix("lab ")).context("no lab yet")?;
        Ok(name.to_owned())
    })?;
    owner.kill()?;
    wait_for("its guard removes it", LIMIT, || nothing_left(&name))
}

/// The other half of the test above: no test of its own.
#[test]
#[ignore = "runs as the child of a_killed_owner_leaves_nothing_either"]
fn owner_of_a_lab() -> Result<()> {
    if std::env::var_os("HERALD_LAB_OWNER").is_none() {
        return Ok(());
    }
    let lab = Lab::new()?;
    let namespace = lab.namespace("sleeper")?;
    let mut sleep = namespace.command("sleep");
    sleep.arg("60");
    let mut sleep = Process::spawn("sleep", sleep, &lab.root().join("sleep.log"))?;
    println!("lab {}", lab.name());
    std::thread::sleep(Duration::from_mins(1));
    sleep.stop()
}

/// Neither namespaces nor folders nor processes in them.
fn nothing_left(name: &str) -> Result<()> {
    let left = output(Command::new("sh").args(["-c", "ls /run/netns; ls \"${TMPDIR:-/tmp}\""]))?;
    ensure!(!left.contains(name), "left behind: {left}");
    Ok(())
}

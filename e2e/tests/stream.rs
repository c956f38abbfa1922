//! A stream of 1,000 packets a second from a client through a router to a Service's address on the node, while FRR dies and
//! comes back. With a neighbour that does graceful restart (RFC 4724) none is lost.
//!
//! ```text
//! client 203.0.113.10 --- .1 router (BIRD) 172.30.0.254 --- .1 node, 192.0.2.10 on its loopback
//! ```

use anyhow::{Context, Result, ensure};
use herald_e2e::many::announced;
use herald_e2e::{Agent, Bird, Frr, Lab, Logged, Namespace, Process, Release, wait_for};
use serde_json::Value;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

const LIMIT: Duration = Duration::from_secs(40);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

const ECHO: &str = "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('192.0.2.10', 7777))
while True:
    data, sender = s.recvfrom(64)
    s.sendto(data, sender)
";

/// Sends a number each millisecond until the file in its argument is gone, then waits for late answers; prints when the first
/// and the last packet that got no answer were sent, in seconds of the epoch, and how many there were.
const STREAM: &str = "
import json, os, select, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setblocking(False)
sent, answered = [], set()
begin = time.monotonic()
def listen(until):
    while True:
        left = until - time.monotonic()
        if left <= 0 or not select.select([s], [], [], left)[0]:
            return
        try:
            answered.add(int(s.recv(64)))
        except OSError:
            pass
while os.path.exists(sys.argv[1]):
    try:
        s.sendto(str(len(sent)).encode(), ('192.0.2.10', 7777))
    except OSError:
        pass
    sent.append(time.time())
    listen(begin + len(sent) / 1000)
listen(time.monotonic() + 1)
lost = [at for number, at in enumerate(sent) if number not in answered]
print(json.dumps({'sent': len(sent), 'lost': len(lost), 'first': lost[:1], 'last': lost[-1:]}))
";

struct Path {
    frr: Frr,
    router: Bird,
    client: Namespace,
    folder: PathBuf,
    agent: Option<Agent>,
    _echo: Process,
    // Last, so that it outlives what runs in it.
    _lab: Lab,
}

impl Path {
    fn new(graceful: bool, options: &[&str]) -> Result<Self> {
        let lab = Lab::new()?;
        let (lan, outside) = (lab.segment("lan")?, lab.segment("outside")?);
        let (node, router) = (lab.namespace("node1")?, lab.namespace("router")?);
        let client = lab.namespace("client")?;
        lan.attach(&router, "eth0", &["172.30.0.254/24"])?;
        outside.attach(&router, "eth1", &["203.0.113.1/24"])?;
        outside.attach(&client, "eth0", &["203.0.113.10/24"])?;
        client.ip("route add default via 203.0.113.1")?;
        lan.attach(&node, "eth0", &["172.30.0.1/24"])?;
        node.ip("route add default via 172.30.0.254")?;
        node.ip(&format!("address add {ADDRESS}/32 dev lo"))?;
        let folder = lab.folder("stream")?;
        let mut echo = node.command("python3");
        echo.args(["-c", ECHO]);
        let echo = Process::spawn("echo", echo, &folder.join("echo.log"))?;
        let manifests = lab.folder("manifests")?;
        fs::write(manifests.join("all.yaml"), all(graceful))?;
        let frr = Frr::start(&lab, &node, Release::V10, "")?;
        let router = Bird::start(&lab, &router, &router_config(graceful))?;
        let agent = Agent::start_with(&frr, "node1", &manifests, options)?;
        let path = Self { frr, router, client, folder, agent: Some(agent), _echo: echo, _lab: lab };
        wait_for("the router has the route", LIMIT, || path.router.routes_to(&format!("{ADDRESS}/32")))
            .logged(|| path.logs())?;
        Ok(path)
    }

    fn logs(&self) -> String {
        let agent = self.agent.as_ref().map(Agent::log).unwrap_or_default();
        format!("{agent}\n{}\n{}", self.frr.logs(), self.router.log())
    }

    /// Runs the stream while `disturb` works and for a while after the route is there again.
    fn stream(&mut self, disturb: impl FnOnce(&mut Self) -> Result<()>) -> Result<Value> {
        let runs = self.folder.join("runs");
        fs::write(&runs, "")?;
        let (mut command, log) = (self.client.command("python3"), self.folder.join("stream.log"));
        command.args(["-c", STREAM]).arg(&runs);
        let stream = Process::spawn("stream", command, &log)?;
        std::thread::sleep(Duration::from_secs(1));
        disturb(self)?;
        fs::remove_file(&runs)?;
        let told = wait_for("the stream's result", LIMIT, || {
            let text = stream.log();
            serde_json::from_str(&text).with_context(|| text)
        })?;
        println!("{told}");
        Ok(told)
    }

    /// The agent dies, and will not be there when FRR is back. FRR has the file to boot from.
    fn without_agent(&mut self) -> Result<()> {
        let file = self.frr.folder().join("etc/frr.conf");
        wait_for("the file is complete", LIMIT, || {
            let text = fs::read_to_string(&file)?;
            ensure!(text.contains(&format!("network {ADDRESS}/32")), "{text}");
            Ok(())
        })?;
        self.agent.take().context("no agent")?.process().kill()
    }

    /// All of FRR dies and starts again with what it boots from, nothing or a file; returns when bgpd answered.
    fn restart(&mut self) -> Result<f64> {
        self.frr.kill_all()?;
        self.frr.boot()?;
        let answered = self.frr.answered().duration_since(SystemTime::UNIX_EPOCH)?;
        wait_for("the session is up, and the route with it", LIMIT, || {
            let session = self.router.ask("show protocols node")?;
            ensure!(session.contains("Established"), "{session}");
            self.router.routes_to(&format!("{ADDRESS}/32"))
        })
        .logged(|| self.logs())?;
        // BIRD drops what was not announced again when End-of-RIB comes: that must have happened.
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(4) {
            std::thread::sleep(Duration::from_millis(100));
            self.router.routes_to(&format!("{ADDRESS}/32")).logged(|| self.logs())?;
        }
        Ok(answered.as_secs_f64())
    }
}

fn all(graceful: bool) -> String {
    let objects = format!(
        "apiVersion: v1\nkind: Node\nmetadata: {{name: node1, labels: {{kubernetes.io/hostname: node1}}}}\n\
         status: {{conditions: [{{type: Ready, status: \"True\"}}]}}\n---\n\
         apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {{name: pool, namespace: metallb-system}}\n\
         spec: {{addresses: [192.0.2.0/24]}}\n---\n\
         apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {{name: router, namespace: metallb-system}}\n\
         spec: {{myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.254, connectTime: 1s, enableGracefulRestart: {graceful}}}\n---\n\
         apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\nmetadata: {{name: all, namespace: metallb-system}}\n---\n"
    );
    objects + &announced("echo", ADDRESS, "node1")
}

fn router_config(graceful: bool) -> String {
    let graceful = if graceful { "on" } else { "off" };
    format!(
        "log stderr all; router id 172.30.0.254; protocol device {{ }}\n\
         protocol direct {{ ipv4; interface \"eth*\"; }}\n\
         protocol kernel {{ ipv4 {{ export where source = RTS_BGP; }}; }}\n\
         protocol bgp node {{ local 172.30.0.254 as 64501; neighbor 172.30.0.1 as 64500; connect delay time 1;\n\
         error wait time 1, 2; graceful restart {graceful}; ipv4 {{ import all; export none; }}; }}\n"
    )
}

/// FRR boots from what the agent left.
const BOOT_FILE: [&str; 2] = ["--owns=all", "--boot-file=/etc/frr/frr.conf"];

fn nothing_is_lost(mut path: Path) -> Result<()> {
    let told = path.stream(|path| path.restart().map(drop))?;
    ensure!(told["sent"].as_u64() > Some(2000), "{told}");
    ensure!(told["lost"] == 0, "{told}: {}", path.logs());
    Ok(())
}

fn soon_nothing_is_lost(mut path: Path) -> Result<()> {
    let mut answered = 0.0;
    let told = path.stream(|path| {
        answered = path.restart()?;
        Ok(())
    })?;
    let last = told["last"][0]
        .as_f64()
        .with_context(|| format!("nothing was lost, so nothing was tried: {told}"))?;
    let after = last - answered;
    println!("the last packet was lost {after:.3} s after bgpd answered");
    // Wanted is 1 s, a few tenths are measured (docs/performance.md); the rest is for a machine that is busy.
    ensure!(after < 2.5, "{after} s: {}", path.logs());
    Ok(())
}

#[test]
fn with_graceful_restart_no_packet_is_lost() -> Result<()> {
    nothing_is_lost(Path::new(true, &[])?)
}

#[test]
fn with_graceful_restart_no_packet_is_lost_when_frr_boots_without_the_agent() -> Result<()> {
    let mut path = Path::new(true, &BOOT_FILE)?;
    path.without_agent()?;
    nothing_is_lost(path)
}

#[test]
fn without_graceful_restart_packets_flow_again_soon_after_bgpd_answers() -> Result<()> {
    soon_nothing_is_lost(Path::new(false, &[])?)
}

#[test]
fn packets_flow_again_soon_after_bgpd_answers_when_frr_boots_without_the_agent() -> Result<()> {
    let mut path = Path::new(false, &BOOT_FILE)?;
    path.without_agent()?;
    soon_nothing_is_lost(path)
}

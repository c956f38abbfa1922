//! One more prefix at 1,000: from a changed folder to the neighbour's table, against `frr-reload.py` given the same text.

use crate::measure::{Figure, median};
use anyhow::{Context, Result};
use herald_e2e::many::{self, Many};
use herald_e2e::{Agent, Bird, Frr, Herald, Lab, Release, wait_for};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_mins(1);

const NEIGHBOUR: &str = "log stderr all; router id 172.31.0.1; protocol device { }\n\
    protocol bgp node { local 172.31.0.1 as 64501; neighbor 172.31.0.100 as 64500; connect delay time 1;\n\
    ipv4 { import all; export none; }; }\n";

pub fn figures(quick: bool) -> Result<Vec<Figure>> {
    let (services, runs) = if quick { (50, 1) } else { (1000, 7) };
    let bench = Bench::new(services)?;
    let agent = bench.by_agent(runs).with_context(|| bench.frr.logs())?;
    let reload = bench.by_reload(runs)?;
    let case = format!("one more prefix at {services}");
    Ok(vec![
        Figure::new(
            &format!("{case}: folder changed -> neighbour has it"),
            "time",
            agent,
            "ms",
            Some(reload.visible),
        ),
        Figure::new(
            &format!("{case}: frr-reload.py started -> neighbour has it"),
            "time",
            reload.visible,
            "ms",
            None,
        ),
        Figure::new(&format!("{case}: frr-reload.py, whole run"), "time", reload.whole, "ms", None),
    ])
}

struct Reload {
    visible: f64,
    whole: f64,
}

struct Bench {
    herald: Herald,
    services: u32,
    manifests: PathBuf,
    frr: Frr,
    neighbour: Bird,
    // Last, so that it outlives what runs in it.
    _lab: Lab,
}

impl Bench {
    fn new(services: u32) -> Result<Self> {
        let lab = Lab::new()?;
        let lan = lab.segment("lan")?;
        let (node, router) = (lab.namespace("node")?, lab.namespace("router")?);
        lan.attach(&node, "eth0", &["172.31.0.100/24"])?;
        lan.attach(&router, "eth0", &["172.31.0.1/24"])?;
        let manifests = lab.folder("manifests")?;
        Many { services, pools: 4, peers: 1, nodes: 1 }.write(&manifests)?;
        let herald = Herald::new()?;
        let frr = Frr::start(&lab, &node, Release::V10, "")?;
        let neighbour = Bird::start(&lab, &router, NEIGHBOUR)?;
        let bench = Self { herald, services, manifests, frr, neighbour, _lab: lab };
        // The agent is strict: it announces only what has a ready endpoint on its node.
        let slices: Vec<String> = (0..services + 64).map(slice).collect();
        fs::write(bench.manifests.join("endpoints.yaml"), slices.concat())?;
        bench.record()?;
        Ok(bench)
    }

    fn folder(&self) -> String {
        self.manifests.display().to_string()
    }

    fn record(&self) -> Result<()> {
        self.herald.run(&["plan", "-f", &self.folder(), "--write"]).map(drop)
    }

    fn count(&self, wanted: usize) -> Result<()> {
        let text = self.neighbour.ask("show route count")?;
        let found =
            text.lines().find_map(|line| line.split_once(" of ")).context("no count")?.0.trim().to_owned();
        anyhow::ensure!(found == wanted.to_string(), "{wanted} routes wanted: {text}");
        Ok(())
    }

    /// Milliseconds until the neighbour has `wanted` routes, the median over `runs` times of one Service more.
    fn by_agent(&self, runs: u32) -> Result<f64> {
        let mut agent = Agent::start(&self.frr, "node-0", &self.manifests)?;
        wait_for("all prefixes are at the neighbour", LIMIT, || self.count(self.services as usize))
            .with_context(|| agent.log())?;
        let mut times = Vec::new();
        for run in 0..runs {
            let number = self.services + run;
            // Prepared beside the folder: the ledger and the Service arrive in it together, and only their arrival counts.
            let next = self.manifests.with_file_name("next");
            copy(&self.manifests, &next)?;
            fs::write(next.join(format!("service-{number}.yaml")), many::service(number, number % 4))?;
            self.herald.run(&["plan", "-f", &next.display().to_string(), "--write"])?;
            let started = Instant::now();
            for name in [format!("service-{number}.yaml"), "allocations.yaml".to_owned()] {
                fs::rename(next.join(&name), self.manifests.join(&name))?;
            }
            let wanted = number as usize + 1;
            wait_for("one more prefix", LIMIT, || self.count(wanted)).with_context(|| agent.log())?;
            times.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        agent.process().stop()?;
        Ok(median(times))
    }

    /// The same by FRR's own tool: the text with one prefix more, against what runs.
    fn by_reload(&self, runs: u32) -> Result<Reload> {
        let (mut visible, mut whole) = (Vec::new(), Vec::new());
        for run in 0..runs {
            let number = self.services + runs + run;
            fs::write(
                self.manifests.join(format!("service-{number}.yaml")),
                many::service(number, number % 4),
            )?;
            self.record()?;
            let text = self.herald.run(&["render", "-f", &self.folder(), "--node", "node-0"])?;
            let file = self.frr.folder().join("reload.conf");
            fs::write(&file, text)?;
            let wanted = number as usize + 1;
            let started = Instant::now();
            let mut command = self.frr.command("/usr/lib/frr/frr-reload.py");
            let mut child = command
                .args(["--reload", "--overwrite"])
                .arg(self.frr.inside(&file)?)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            wait_for("one more prefix", LIMIT, || self.count(wanted))?;
            visible.push(started.elapsed().as_secs_f64() * 1000.0);
            anyhow::ensure!(child.wait()?.success(), "frr-reload.py failed");
            whole.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(Reload { visible: median(visible), whole: median(whole) })
    }
}

fn slice(number: u32) -> String {
    format!(
        "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: service-{number}\n  \
         namespace: team-{}\n  labels:\n    kubernetes.io/service-name: service-{number}\naddressType: IPv4\n\
         ports:\n  - port: 8080\nendpoints:\n  - addresses:\n      - 10.1.0.1\n    conditions:\n      ready: true\n    \
         nodeName: node-0\n",
        number % 100
    )
}

fn copy(from: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if let Some(name) = path.file_name() {
            fs::copy(&path, into.join(name))?;
        }
    }
    Ok(())
}

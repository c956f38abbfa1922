//! What one change costs the agent itself at 10,000 announced Services, and what memory it holds with them.
//!
//! The change is that one Service's endpoint becomes ready or unready, so one prefix comes or goes at a real neighbour.

use crate::measure::Figure;
use anyhow::{Context, Result};
use herald_e2e::many::Many;
use herald_e2e::{Agent, Bird, Frr, Herald, Lab, Logged, Release, wait_for};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(2);
/// The limits: CPU per change of one prefix, and memory.
const MILLISECONDS: f64 = 5.0;
const MEGABYTES: f64 = 30.0;
/// Ticks of a second in /proc (proc(5): `sysconf(_SC_CLK_TCK)`, 100 on Linux).
const TICK: f64 = 10.0;

const NEIGHBOUR: &str = "log stderr all; router id 172.31.0.1; protocol device { }\n\
    protocol bgp node { local 172.31.0.1 as 64501; neighbor 172.31.0.100 as 64500; connect delay time 1;\n\
    ipv4 { import all; export none; }; }\n";

/// How the objects lie in the folder.
#[derive(Clone, Copy)]
enum Layout {
    /// A file each, with the status in the Service.
    FileEach,
    /// A file per kind, and addresses in allocations.yaml.
    FilePerKind,
}

pub fn figures(quick: bool) -> Result<Vec<Figure>> {
    let (services, runs) = if quick { (200, 4) } else { (10_000, 100) };
    let mut figures = Vec::new();
    for layout in [Layout::FileEach, Layout::FilePerKind] {
        figures.extend(Bench::new(services, layout)?.figures(runs, quick)?);
    }
    Ok(figures)
}

struct Bench {
    layout: Layout,
    services: u32,
    manifests: PathBuf,
    frr: Frr,
    neighbour: Bird,
    // Last, so that it outlives what runs in it.
    _lab: Lab,
}

/// What the kernel counts of a process.
pub struct Usage {
    pub cpu_milliseconds: f64,
    /// The same of its children that have ended.
    pub children_milliseconds: f64,
    pub megabytes: f64,
    pub peak_megabytes: f64,
}

impl Bench {
    fn new(services: u32, layout: Layout) -> Result<Self> {
        let lab = Lab::new()?;
        let lan = lab.segment("lan")?;
        let (node, router) = (lab.namespace("node")?, lab.namespace("router")?);
        lan.attach(&node, "eth0", &["172.31.0.100/24"])?;
        lan.attach(&router, "eth0", &["172.31.0.1/24"])?;
        let manifests = lab.folder("manifests")?;
        Many { services, pools: 50, peers: 1, nodes: 1 }.write(&manifests)?;
        Herald::new()?.run(&["plan", "-f", &manifests.display().to_string(), "--write"])?;
        let frr = Frr::start(&lab, &node, Release::V10, "")?;
        let neighbour = Bird::start(&lab, &router, NEIGHBOUR)?;
        let bench = Self { layout, services, manifests, frr, neighbour, _lab: lab };
        if let Layout::FileEach = layout {
            bench.split("allocations.yaml", "service")?;
            fs::remove_file(bench.manifests.join("services.yaml"))?;
        }
        let all = match layout {
            Layout::FileEach => 0..services,
            // Each writes all of them.
            Layout::FilePerKind => 0..1,
        };
        for number in all {
            bench.write_slice(number, true)?;
        }
        Ok(bench)
    }

    /// Gives each document of a file a file of its own.
    fn split(&self, file: &str, kind: &str) -> Result<()> {
        let path = self.manifests.join(file);
        let text = fs::read_to_string(&path)?;
        for (number, document) in text.split("\n---\n").enumerate().skip(1) {
            let asks = "spec:\n  type: LoadBalancer\n  ports:\n    - port: 80\n      protocol: TCP\n";
            let document =
                if document.contains("spec:") { document.to_owned() } else { format!("{asks}{document}") };
            fs::write(self.manifests.join(format!("{kind}-{number}.yaml")), document)?;
        }
        Ok(fs::remove_file(path)?)
    }

    /// Renames a prepared file into the folder: whole files appear, as every careful writer does it.
    fn put(&self, name: &str, text: &str) -> Result<()> {
        let prepared = self.manifests.with_file_name("prepared");
        fs::write(&prepared, text)?;
        fs::rename(prepared, self.manifests.join(name)).context("rename into the folder")
    }

    fn write_slice(&self, number: u32, ready: bool) -> Result<()> {
        match self.layout {
            Layout::FileEach => self.put(&format!("slice-{number}.yaml"), &slice(number, ready)),
            Layout::FilePerKind => {
                let mut text = String::new();
                for other in 0..self.services {
                    let _ = write!(text, "---\n{}", slice(other, ready || other != number));
                }
                self.put("slices.yaml", &text)
            }
        }
    }

    fn count(&self, wanted: u32) -> Result<()> {
        let text = self.neighbour.ask("show route count")?;
        let found =
            text.lines().find_map(|line| line.split_once(" of ")).context("no count")?.0.trim().to_owned();
        anyhow::ensure!(found == wanted.to_string(), "{wanted} routes wanted: {text}");
        Ok(())
    }

    fn figures(&self, runs: u32, quick: bool) -> Result<Vec<Figure>> {
        let mut agent = Agent::start(&self.frr, "node-0", &self.manifests)?;
        let at_neighbour = |wanted| {
            let reached = wait_for("the neighbour's table", LIMIT, || self.count(wanted));
            reached.logged(|| self.frr.logs())
        };
        at_neighbour(self.services).with_context(|| agent.log())?;
        // What is done once in a while after a start is no part of a change.
        std::thread::sleep(Duration::from_secs(3));
        let pid = agent.process().id();
        let before = Usage::of(pid)?;
        for run in 0..runs {
            let ready = run % 2 == 1;
            self.write_slice(self.services / 2 + run / 2, ready)?;
            at_neighbour(self.services - u32::from(!ready))?;
        }
        std::thread::sleep(Duration::from_secs(1));
        let after = Usage::of(pid)?;
        agent.process().stop()?;
        let how = match self.layout {
            Layout::FileEach => "a file each",
            Layout::FilePerKind => "a file per kind",
        };
        let case = format!("the agent, {} Services, {how}", self.services);
        let limit = |value| if quick { None } else { Some(value) };
        let each = (after.cpu_milliseconds - before.cpu_milliseconds) / f64::from(runs);
        Ok(vec![
            Figure::new(&format!("{case}: one prefix"), "CPU", each, "ms", limit(MILLISECONDS)),
            Figure::new(&case, "memory", after.megabytes, "MB", limit(MEGABYTES)),
            Figure::new(&case, "peak", after.peak_megabytes, "MB", None),
        ])
    }
}

impl Usage {
    /// All threads of a process, those that ended included (proc(5): stat, status).
    pub fn of(pid: u32) -> Result<Self> {
        let folder = Path::new("/proc").join(pid.to_string());
        let stat = fs::read_to_string(folder.join("stat"))?;
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        // From the 14th field of the file; the state, the 3rd, is the first after the name.
        let milliseconds = |fields: Option<&[&str]>| {
            let ticks = fields.unwrap_or_default().iter().filter_map(|ticks| ticks.parse::<f64>().ok());
            ticks.sum::<f64>() * TICK
        };
        let status = fs::read_to_string(folder.join("status"))?;
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim_matches([':', '\t', ' ']).trim_end_matches(" kB").parse::<f64>().unwrap_or_default()
        };
        Ok(Self {
            cpu_milliseconds: milliseconds(fields.get(11..13)),
            children_milliseconds: milliseconds(fields.get(13..15)),
            megabytes: kibibytes("VmRSS") * 1024.0 / 1e6,
            peak_megabytes: kibibytes("VmHWM") * 1024.0 / 1e6,
        })
    }
}

fn slice(number: u32, ready: bool) -> String {
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: service-{number}\n  \
         namespace: team-{}\n  labels:\n    kubernetes.io/service-name: service-{number}\naddressType: IPv4\n\
         ports:\n  - port: 8080\nendpoints:\n  - addresses:\n      - 10.1.0.1\n    conditions:\n      ready: {ready}\n    \
         nodeName: node-0\n",
        number % 100
    )
}

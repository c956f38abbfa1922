//! A node with FRR, agent and API server; a router and, in a VRF, a customer. And the pages, read as Prometheus reads them.

use anyhow::{Context, Result, ensure};
use herald_e2e::site::Site;
use herald_e2e::{Frr, Kube, Namespace, output, repository, wait_for};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

pub const LIMIT: Duration = Duration::from_mins(2);
/// The ports of metrics.
pub const PORTS: [u16; 4] = [9120, 9121, 9140, 9141];

const FLAGS: [&str; 7] = [
    "--port=9120",
    "--frr-metrics-port=9121",
    "--metrics-bind-address=0.0.0.0:9140",
    "--frrk8s-frr-metrics-port=9141",
    "--health-probe-port=17472",
    "--health-probe-bind-address=127.0.0.1:7572",
    "--log-level=all",
];

const ROUTER: &str = "
bfd
 profile watch
  echo-mode
 exit
exit
router bgp 64501
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor 172.30.0.1 remote-as 64500
 neighbor 172.30.0.1 password planted-in-a-peer
 neighbor 172.30.0.1 timers connect 1
 neighbor 172.30.0.1 bfd profile watch
 neighbor fd30::1 remote-as 64500
 neighbor fd30::1 timers connect 1
 neighbor fd30::1 bfd
 address-family ipv4 unicast
  neighbor 172.30.0.1 activate
  network 203.0.113.0/24
  network 203.0.114.0/24
 exit-address-family
 address-family ipv6 unicast
  neighbor fd30::1 activate
  network 2001:db8:f::/64
 exit-address-family
exit
";

const CUSTOMER: &str = "
router bgp 64510
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 172.29.0.1 remote-as 64500
 neighbor 172.29.0.1 timers connect 1
 address-family ipv4 unicast
  network 203.0.115.0/24
 exit-address-family
exit
";

/// All of it.
pub struct Ground {
    pub router: Frr,
    pub customer: Frr,
    pub kube: Kube,
    pub site: Site,
    tokens: PathBuf,
}

impl Ground {
    /// Starts everything but the agent.
    pub fn new() -> Result<Self> {
        let (site, red) = Site::with_vrf("red")?;
        let lab = site.lab();
        let customer = lab.namespace("customer")?;
        let cable = lab.segment("cable")?;
        cable.attach(&red, "eth9", &["172.29.0.1/24"])?;
        cable.attach(&customer, "eth0", &["172.29.0.2/24"])?;
        let kube = Kube::start_in(lab, site.frr.namespace().clone())?;
        let router = site.frr_in(&site.machine("router", 4)?, ROUTER)?;
        let customer = site.frr_in(&customer, CUSTOMER)?;
        let tokens = lab.folder("tokens")?;
        Ok(Self { router, customer, kube, site, tokens })
    }

    /// Starts the agent with all ports; the API server says who may read them.
    pub fn start_agent(&mut self) -> Result<()> {
        let frr = &self.site.frr;
        let certificate = frr.inside(&self.kube.certificate())?;
        // Of the loopback's names the certificate has this one.
        let authority =
            format!("certificate-authority: {}, tls-server-name: localhost", certificate.display());
        let admin = fs::read_to_string(self.kube.kubeconfig())?;
        let own = admin.replace("insecure-skip-tls-verify: true", &authority);
        ensure!(own.contains(&authority), "{own}");
        let kubeconfig = self.site.lab().folder("agent")?.join("kubeconfig");
        fs::write(&kubeconfig, own)?;
        let kubeconfig = format!("--kubeconfig={}", frr.inside(&kubeconfig)?.display());
        let all: Vec<&str> = FLAGS.into_iter().chain([kubeconfig.as_str()]).collect();
        self.site.start_agent_with(&all)
    }

    pub fn node(&self) -> &Namespace {
        self.site.frr.namespace()
    }

    /// The token of a new account.
    pub fn account(&self, name: &str) -> Result<String> {
        self.kube.run(&["create", "serviceaccount", name, "--namespace", "default"])?;
        self.kube.token("default", name)
    }

    /// `curl` on the node; the header's file holds the token, which then stands in no list of processes.
    pub fn curl(&self, url: &str, token: Option<&str>, more: &[&str]) -> Result<Command> {
        let mut command = self.node().command("curl");
        command.args(["-sSk", "--max-time", "20"]).args(more);
        if let Some(token) = token {
            let file = self.tokens.join("header");
            fs::write(&file, format!("Authorization: Bearer {token}\n"))?;
            command.arg("--header").arg(format!("@{}", file.display()));
        }
        command.arg(url);
        Ok(command)
    }

    pub fn status(&self, url: &str, token: Option<&str>) -> Result<String> {
        let code = ["--output", "/dev/null", "--write-out", "%{http_code}"];
        output(&mut self.curl(url, token, &code)?)
    }

    pub fn page(&self, port: u16, token: &str) -> Result<Page> {
        let url = format!("https://127.0.0.1:{port}/metrics");
        Ok(Page { text: output(&mut self.curl(&url, Some(token), &["--fail"])?)? })
    }

    /// Waits until the page of a port is as `holds` says.
    pub fn until(
        &self,
        what: &str,
        port: u16,
        token: &str,
        holds: impl Fn(&Page) -> Result<()>,
    ) -> Result<Page> {
        wait_for(what, LIMIT, || {
            let page = self.page(port, token)?;
            holds(&page).with_context(|| page.text.clone())?;
            Ok(page)
        })
    }
}

/// What a port served.
pub struct Page {
    pub text: String,
}

/// A sample: its name, labels and value.
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Page {
    pub fn samples(&self) -> Result<Vec<Sample>> {
        self.text.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
    }

    /// The value of the only sample with these labels, whatever other labels it has: as people ask Prometheus.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Result<f64> {
        let has = |sample: &Sample| {
            labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|v| v == value))
        };
        let found: Vec<f64> = self
            .samples()?
            .iter()
            .filter(|sample| sample.name == name && has(sample))
            .map(|s| s.value)
            .collect();
        match found[..] {
            [value] => Ok(value),
            _ => anyhow::bail!("{} samples of {name} {labels:?}", found.len()),
        }
    }

    pub fn is(&self, name: &str, labels: &[(&str, &str)], value: f64) -> Result<()> {
        let found = self.value(name, labels)?;
        ensure!((found - value).abs() < 0.5, "{name} {labels:?} is {found}, not {value}");
        Ok(())
    }

    pub fn at_least(&self, name: &str, labels: &[(&str, &str)], value: f64) -> Result<()> {
        let found = self.value(name, labels)?;
        ensure!(found >= value, "{name} {labels:?} is {found}, less than {value}");
        Ok(())
    }

    /// Names, types, help texts, and the labels of each name; without what every process has.
    fn shape(&self) -> Result<BTreeSet<String>> {
        let heads = self.text.lines().filter(|line| line.starts_with('#')).map(str::to_owned);
        let of = |sample: &Sample| {
            format!("{} {}", sample.name, sample.labels.keys().cloned().collect::<Vec<_>>().join(","))
        };
        let names: Vec<String> = self.samples()?.iter().map(of).collect();
        Ok(heads.chain(names).filter(|line| !line.contains("process_")).collect())
    }

    /// Is what the golden file of the port is but for values and what labels say.
    pub fn is_as_golden(&self, port: u16) -> Result<()> {
        let file = repository().join(format!("frr-agent/tests/golden/{port}.txt"));
        let golden = Self { text: fs::read_to_string(&file).with_context(|| file.display().to_string())? };
        let (served, golden) = (self.shape()?, golden.shape()?);
        let differs: Vec<&String> = served.symmetric_difference(&golden).collect();
        ensure!(differs.is_empty(), "{port}: on one side only: {differs:#?}");
        Ok(())
    }
}

/// `name{label="value",...} value`; no value of these tests has a quote or a comma in it.
fn sample(line: &str) -> Result<Sample> {
    let (what, value) = line.rsplit_once(' ').with_context(|| line.to_owned())?;
    let (name, labels) = what.split_once('{').unwrap_or((what, ""));
    let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()).map(|label| {
        let (key, value) = label.split_once('=').with_context(|| line.to_owned())?;
        Ok((key.to_owned(), value.trim_matches('"').to_owned()))
    });
    let value = value.parse().with_context(|| line.to_owned())?;
    Ok(Sample { name: name.to_owned(), labels: labels.collect::<Result<_>>()?, value })
}

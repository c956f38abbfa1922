//! A node with FRR, agent and API server; a router and, in a VRF, a customer. And the pages, read as Prometheus reads them.

use anyhow::{Context, Result, ensure};
pub use herald_e2e::scrape::Page;
use herald_e2e::site::Site;
use herald_e2e::{Frr, Kube, Namespace, output, wait_for};
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
        Ok(Page::of(output(&mut self.curl(&url, Some(token), &["--fail"])?)?))
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

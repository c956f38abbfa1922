//! The flags of everything that is served beside the history: those of MetalLB's speaker and frr-metrics, and of frr-k8s.

use herald_serving::tls;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// Which pages are served where. What is not given is as in MetalLB and frr-k8s with an API server, and off with a folder.
#[derive(Debug, Clone, clap::Args)]
#[group(id = "metrics")]
pub struct Options {
    /// Port of the speaker's metrics (HTTPS), 9120 in a cluster; 0 is none
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Port of FRR's metrics by MetalLB's names (HTTPS), 9121 in a cluster; 0 is none
    #[arg(long, value_name = "PORT")]
    pub frr_metrics_port: Option<u16>,
    /// Address of the metrics of frr-k8s (HTTPS), 0.0.0.0:9140 in a cluster; 0 is none
    #[arg(long, value_name = "ADDR:PORT")]
    pub metrics_bind_address: Option<Bind>,
    /// Port of FRR's metrics by frr-k8s' names (HTTPS), 9141 in a cluster; 0 is none
    #[arg(long, value_name = "PORT")]
    pub frrk8s_frr_metrics_port: Option<u16>,
    /// Certificate of all metrics: tls.crt and tls.key; self-signed if empty
    #[arg(long, value_name = "DIR", default_value = "", hide_default_value = true)]
    pub metrics_cert_dir: String,
    /// Port of /healthz and /readyz (HTTP, loopback only), 17472 in a cluster; 0 is none
    #[arg(long, value_name = "PORT")]
    pub health_probe_port: Option<u16>,
    /// Where the same is served for frr-k8s' probes, 127.0.0.1:7572 in a cluster; 0 is none
    #[arg(long, value_name = "ADDR:PORT")]
    pub health_probe_bind_address: Option<Bind>,
    /// TLS of everything that is served.
    #[command(flatten)]
    pub tls: tls::Flags,
}

/// An address to listen at, as Go's programs take it: `ADDR:PORT`, `:PORT` for all addresses, `0` for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bind(pub Option<SocketAddr>);

impl FromStr for Bind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "0" {
            return Ok(Self(None));
        }
        let whole = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
        let address = whole.parse::<SocketAddr>();
        let address = address.map_err(|_| "must be ADDR:PORT, :PORT, or 0 for none".to_owned())?;
        Ok(Self((address.port() != 0).then_some(address)))
    }
}

/// What is served where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// `metallb_*` of the speaker.
    pub speaker: Option<SocketAddr>,
    /// `metallb_bgp_*`, `metallb_bfd_*`.
    pub frr_metrics: Option<SocketAddr>,
    /// `frrk8s_k8s_client_*`.
    pub daemon: Option<SocketAddr>,
    /// `frrk8s_bgp_*`, `frrk8s_bfd_*`.
    pub daemon_frr_metrics: Option<SocketAddr>,
    /// `/healthz` and `/readyz`.
    pub health: [Option<SocketAddr>; 2],
}

impl Options {
    /// What is served, in a cluster or beside it.
    #[must_use]
    pub fn addresses(&self, in_cluster: bool) -> Addresses {
        let port = |given: Option<u16>, usual: u16, ip: Ipv4Addr| {
            let port = given.unwrap_or(if in_cluster { usual } else { 0 });
            (port != 0).then(|| SocketAddr::from((ip, port)))
        };
        let bind = |given: Option<Bind>, usual: SocketAddr| match given {
            Some(Bind(given)) => given,
            None => in_cluster.then_some(usual),
        };
        let all = Ipv4Addr::UNSPECIFIED;
        Addresses {
            speaker: port(self.port, 9120, all),
            frr_metrics: port(self.frr_metrics_port, 9121, all),
            daemon: bind(self.metrics_bind_address, (all, 9140).into()),
            daemon_frr_metrics: port(self.frrk8s_frr_metrics_port, 9141, all),
            health: [
                port(self.health_probe_port, 17472, Ipv4Addr::LOCALHOST),
                bind(self.health_probe_bind_address, (Ipv4Addr::LOCALHOST, 7572).into()),
            ],
        }
    }
}

impl Addresses {
    /// What a speaker without an FRR of its own serves. The other ports are those of the frr-k8s that runs FRR.
    #[must_use]
    pub const fn without_frr(self) -> Self {
        let health = [self.health[0], None];
        Self { frr_metrics: None, daemon: None, daemon_frr_metrics: None, health, ..self }
    }

    /// Those that somebody has to be let in to.
    pub fn guarded(&self) -> impl Iterator<Item = SocketAddr> {
        [self.speaker, self.frr_metrics, self.daemon, self.daemon_frr_metrics].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn addresses(arguments: &[&str], in_cluster: bool) -> Addresses {
        let line = Line::try_parse_from([&["x"], arguments].concat()).unwrap();
        line.options.addresses(in_cluster)
    }

    #[test]
    fn a_cluster_has_all_ports_and_a_folder_none_unless_asked_for() {
        let all = addresses(&[], true);
        assert_eq!(all.guarded().map(|at| at.port()).collect::<Vec<_>>(), [9120, 9121, 9140, 9141]);
        let health = all.health.map(|at| at.unwrap().to_string());
        assert_eq!(health, ["127.0.0.1:17472", "127.0.0.1:7572"]);
        let none = addresses(&[], false);
        assert_eq!((none.guarded().count(), none.health), (0, [None, None]));
        let some = addresses(&["--port=7472", "--health-probe-port=1"], false);
        assert_eq!(some.speaker.unwrap().to_string(), "0.0.0.0:7472");
        assert_eq!(some.health[0].unwrap().to_string(), "127.0.0.1:1");
    }

    #[test]
    fn beside_somebody_elses_frr_k8s_its_ports_are_left_alone() {
        let left = addresses(&[], true).without_frr();
        assert_eq!(left.guarded().map(|at| at.port()).collect::<Vec<_>>(), [9120]);
        assert_eq!(left.health.map(|at| at.map(|at| at.port())), [Some(17472), None]);
    }

    #[test]
    fn zero_is_none() {
        let off = [
            "--port=0",
            "--frr-metrics-port=0",
            "--metrics-bind-address=0",
            "--frrk8s-frr-metrics-port=0",
            "--health-probe-port=0",
            "--health-probe-bind-address=0",
        ];
        let none = addresses(&off, true);
        assert_eq!((none.guarded().count(), none.health), (0, [None, None]));
        let bind = |text: &str| text.parse::<Bind>().map(|bind| bind.0.map(|at| at.to_string()));
        assert_eq!(bind(":9140"), Ok(Some("0.0.0.0:9140".to_owned())));
        assert_eq!(bind("127.0.0.1:0"), Ok(None));
        assert!(bind("localhost").is_err());
    }
}

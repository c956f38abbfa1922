//! The command line and the environment.

mod speaker;

pub use speaker::{BgpType, Speaker};

use crate::endpoint;
use crate::machine::Drift;
use crate::metrics;
use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use herald_core::frr::Blocked;
use herald_core::guard::DEFAULT_MAX_PREFIXES;
use herald_serving::logs::{LogFormat, LogLevel};
use std::ffi::OsString;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::str::FromStr;

/// What a pod's `ServiceAccount` says of its namespace (Kubernetes "Accessing the Kubernetes API from a Pod").
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// A flag that may be given without a value. Named, so that clap takes its value as Go's flags do: `--flag=false`.
type Switch = bool;

/// Brings the FRR of this node to what the cluster or a folder of manifests asks for, and keeps it there.
///
/// Watches an API server or a folder, plans and renders for one node, and sends FRR only the lines that
/// differ, in one vtysh run per change. Announces no address that is not in a Service's status (in a
/// folder: allocations.yaml, written by `herald plan --write`).
#[derive(Debug, Parser)]
#[command(name = "herald-agent", version, max_term_width = 110)]
pub struct Args {
    /// Where manifests come from: kubernetes is the API server of --kubeconfig, of $KUBECONFIG or of the pod that this runs
    /// in; dir:PATH is a folder, watched for changes
    #[arg(long, value_name = "kubernetes|dir:PATH", default_value = "kubernetes")]
    pub source: SourceArg,
    /// The name of this node
    #[arg(long, visible_alias = "node-name", env = "METALLB_NODE_NAME")]
    pub node: String,
    /// The namespace of Herald's own objects: others' do not count. With --source=kubernetes that of the pod if unset
    #[arg(long, env = "METALLB_NAMESPACE", default_value = "", hide_default_value = true)]
    pub namespace: String,
    /// Folder for what must outlive a restart; made with mode 0700
    #[arg(long, value_name = "DIR", default_value = "/var/lib/herald")]
    pub state_dir: PathBuf,
    /// Size of the history in the state folder, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub history_size: u64,
    /// The vtysh program, of the same FRR version as the daemons
    #[arg(long, value_name = "PROGRAM", default_value = "vtysh")]
    pub vtysh: PathBuf,
    /// An argument to pass to vtysh before all others; may be given several times
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub vtysh_arg: Vec<OsString>,
    /// Folder of FRR's vty sockets
    #[arg(long, value_name = "DIR", default_value = "/var/run/frr")]
    pub vty_dir: PathBuf,
    /// Daemons that must answer before anything is applied
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', default_value = "zebra,bgpd,bfdd")]
    pub daemons: Vec<String>,
    /// Seconds that one vtysh run may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub deadline: u64,
    /// How much of FRR's configuration is the agent's
    #[arg(long, value_enum, default_value_t = Owns::Named)]
    pub owns: Owns,
    /// What becomes of lines of the agent's that somebody changes in FRR by hand
    #[arg(long, value_enum, default_value_t = OnDrift::Repair)]
    pub drift: OnDrift,
    /// Keep the applied configuration here as a whole frr.conf, for FRR to boot from; needs --owns=all
    #[arg(long, value_name = "PATH")]
    pub boot_file: Option<PathBuf>,
    /// Lines that come first in the boot file and are FRR's own: log, hostname, service, line vty
    #[arg(long, value_name = "PATH", requires = "boot_file")]
    pub base_file: Option<PathBuf>,
    /// Prefixes that are never accepted from any neighbor
    #[arg(long, value_name = "CIDR,...", default_value = "", hide_default_value = true)]
    pub always_block: Blocked,
    /// Networks of the cluster's Services that no object names: never announced, nor anything around them
    #[arg(long, value_name = "CIDR,...", default_value = "", hide_default_value = true)]
    pub service_cidr: Blocked,
    /// Networks of Pods that no Node names in spec.podCIDRs; as --service-cidr
    #[arg(long, value_name = "CIDR,...", default_value = "", hide_default_value = true)]
    pub pod_cidr: Blocked,
    /// Networks that nodes are in, as Nodes name only addresses; as --service-cidr
    #[arg(long, value_name = "CIDR,...", default_value = "", hide_default_value = true)]
    pub node_cidr: Blocked,
    /// Prefixes of a family that a neighbor is sent at most, where its object does not say
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_PREFIXES, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_prefixes: u32,
    /// Router id for routers that name none, where the node has no IPv4 address
    #[arg(long, value_name = "A.B.C.D")]
    pub fallback_router_id: Option<Ipv4Addr>,
    /// Announce also from nodes with the label node.kubernetes.io/exclude-from-external-load-balancers
    #[arg(long, default_missing_value = "true", default_value_t = false, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub ignore_exclude_lb: Switch,
    /// Serve Services of exactly this loadBalancerClass; those without one if empty
    #[arg(long, value_name = "CLASS", default_value = "", hide_default_value = true)]
    pub lb_class: String,
    /// Write a ServiceBGPStatus for each Service that is announced: one to three writes per Service and node (docs/status.md)
    #[arg(long, default_missing_value = "true", default_value_t = true, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub service_bgp_status: Switch,
    #[command(flatten)]
    pub speaker: Speaker,
    #[command(flatten)]
    pub endpoint: endpoint::Options,
    #[command(flatten)]
    pub metrics: metrics::Options,
    /// How a line of the log looks
    #[arg(long, value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
    /// What to log
    #[arg(long, value_enum, default_value_t = LogLevel::Info)]
    pub log_level: LogLevel,
}

impl Args {
    /// The namespace whose objects count; `None` where all do.
    pub fn own_namespace(&self) -> Result<Option<String>> {
        let given = self.namespace.trim();
        if !given.is_empty() {
            return Ok(Some(given.to_owned()));
        }
        if self.source != SourceArg::Kubernetes {
            return Ok(None);
        }
        let read = fs::read_to_string(NAMESPACE_FILE).unwrap_or_default();
        let pod = Some(read.trim().to_owned()).filter(|namespace| !namespace.is_empty());
        pod.context("the namespace is not known: give --namespace or METALLB_NAMESPACE").map(Some)
    }
}

/// How much of FRR's configuration is the agent's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Owns {
    /// Routers, policies, classes and profiles that the manifests name, and what was applied last: for a host's own FRR
    Named,
    /// Everything but log, hostname, service and line statements: for an FRR that serves nobody else
    All,
}

/// What becomes of lines of the agent's that somebody changes in FRR by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnDrift {
    /// Put right within a minute, and reported
    Repair,
    /// Reported within a minute, and left until the manifests change what they say
    Report,
}

impl From<OnDrift> for Drift {
    fn from(drift: OnDrift) -> Self {
        match drift {
            OnDrift::Repair => Self::Repair,
            OnDrift::Report => Self::Report,
        }
    }
}

/// `--source`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceArg {
    /// An API server.
    Kubernetes,
    /// A folder of manifests.
    Folder(PathBuf),
}

impl FromStr for SourceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("dir", path)) if !path.is_empty() => Ok(Self::Folder(path.into())),
            None if text == "kubernetes" => Ok(Self::Kubernetes),
            _ => Err("must be kubernetes, or dir:PATH, a folder of manifests".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn flags_do_not_contradict_each_other() {
        Args::command().debug_assert();
    }

    fn parsed(arguments: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["herald-agent"], arguments].concat())
    }

    #[test]
    fn every_flag_of_metallbs_speaker_is_taken() -> Result<(), clap::Error> {
        let args = parsed(&[
            "--node-name=n",
            "--namespace=ns",
            "--log-level=all",
            "--pprof-bind-address=:8080",
            "--lb-class=c",
            "--pod-name=p",
            "--host=192.0.2.1",
            "--ml-bindaddr=192.0.2.1",
            "--ml-bindport=7946",
            "--ml-labels=app=metallb,component=speaker",
            "--ml-secret-key-path=/etc/ml_secret_key",
            "--ml-wan-config",
            "--ignore-exclude-lb=true",
            "--bgp-debounce-timeout=3000",
            "--frrk8s-namespace=frr-k8s-system",
            "--frrk8s-secret-passthrough=false",
        ])?;
        assert_eq!((args.node.as_str(), &args.source), ("n", &SourceArg::Kubernetes));
        assert!(args.ignore_exclude_lb && args.speaker.ml_wan_config);
        assert!(!args.speaker.frrk8s_secret_passthrough);
        assert!(parsed(&["--node-name=n", "--ignore-exclude-lb"])?.ignore_exclude_lb);
        Ok(())
    }

    #[test]
    fn manifests_come_from_an_api_server_or_a_folder() -> Result<(), clap::Error> {
        let of = |source| parsed(&["--node=n", source]).map(|args| args.source);
        assert_eq!(of("--source=kubernetes")?, SourceArg::Kubernetes);
        assert_eq!(of("--source=dir:/etc/herald")?, SourceArg::Folder("/etc/herald".into()));
        for wrong in ["--source=dir:", "--source=/etc/herald", "--source=kubernetes:x"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn a_folder_needs_no_namespace() -> Result<()> {
        assert_eq!(parsed(&["--node=n", "--source=dir:x"])?.own_namespace()?, None);
        let named = parsed(&["--node=n", "--source=dir:x", "--namespace=a"])?;
        assert_eq!(named.own_namespace()?.as_deref(), Some("a"));
        Ok(())
    }
}

//! The command line.

use crate::endpoint;
use crate::machine::Drift;
use clap::{Parser, ValueEnum};
use herald_core::frr::Blocked;
use herald_core::guard::DEFAULT_MAX_PREFIXES;
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::str::FromStr;

/// Brings the FRR of this node to what the manifests ask for, and keeps it there.
///
/// Reads manifests from a folder, plans and renders for one node, and sends FRR only the lines that
/// differ, in one vtysh run per change. Announces no address that is not in a Service's status (in a
/// folder: allocations.yaml, written by `herald plan --write`).
#[derive(Debug, Parser)]
#[command(name = "herald-agent", version, max_term_width = 110)]
pub struct Args {
    /// Where manifests come from: dir:PATH is a folder, watched for changes
    #[arg(long, value_name = "dir:PATH")]
    pub source: SourceArg,
    /// The name of this node
    #[arg(long, env = "METALLB_NODE_NAME")]
    pub node: String,
    /// Count only objects of this namespace
    #[arg(long)]
    pub namespace: Option<String>,
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
    #[arg(long)]
    pub ignore_exclude_lb: bool,
    /// Serve only Services of this loadBalancerClass
    #[arg(long, value_name = "CLASS")]
    pub lb_class: Option<String>,
    #[command(flatten)]
    pub endpoint: endpoint::Options,
    /// How to log on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
    /// What to log: error, warn, info, debug
    #[arg(long, default_value = "info")]
    pub log_level: tracing::Level,
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

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// `--source`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceArg {
    /// A folder of manifests.
    Folder(PathBuf),
}

impl FromStr for SourceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("dir", path)) if !path.is_empty() => Ok(Self::Folder(path.into())),
            _ => Err("must be dir:PATH, a folder of manifests".to_owned()),
        }
    }
}

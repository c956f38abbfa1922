//! The command line and the environment: MetalLB's flags and variables, and those of two replicas.

use clap::{Args, Parser, Subcommand, ValueEnum};
use herald_core::duration;
use herald_serving::logs::LogLevel;
use herald_serving::tls;
use std::path::PathBuf;
use std::time::Duration;

/// What a pod's `ServiceAccount` says of its namespace (Kubernetes "Accessing the Kubernetes API from a Pod").
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Herald in the cluster: what is not done on nodes.
#[derive(Debug, Parser)]
#[command(name = "herald-operator", version, max_term_width = 110)]
pub struct Cli {
    /// What to be.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can be.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Give addresses to Services and judge objects before they are stored
    Controller(Box<Controller>),
}

/// `herald-operator controller`.
#[derive(Debug, Args)]
pub struct Controller {
    /// The port of /metrics (HTTPS); 0 is none
    #[arg(long, default_value_t = 9120)]
    pub port: u16,
    /// The namespace of Herald's own objects; that of the pod if unset
    #[arg(long, env = "METALLB_NAMESPACE", default_value = "", hide_default_value = true)]
    pub namespace: String,
    /// The Secret of the speakers' membership, made if it is missing; empty is none
    #[arg(long, env = "METALLB_ML_SECRET_NAME", default_value = "", hide_default_value = true)]
    pub ml_secret_name: String,
    /// The Deployment that this is a replica of: what is made belongs to it
    #[arg(long, env = "METALLB_DEPLOYMENT", default_value = "", hide_default_value = true)]
    pub deployment: String,
    /// What to log
    #[arg(long, value_enum, default_value_t = LogLevel::Info)]
    pub log_level: LogLevel,
    /// Nothing is served there, which a warning says: no Go runtime is to be profiled. Processor time is told by `perf`
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ADDRESS")]
    pub pprof_bind_address: String,
    /// The port of /healthz and /readyz (HTTP, all addresses)
    #[arg(long, default_value_t = 17472)]
    pub health_probe_port: u16,
    /// Certificates of the webhooks come from outside: do not make or renew them
    #[arg(long, default_missing_value = "true", default_value_t = false, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub disable_cert_rotation: bool,
    /// Where certificates from outside are: tls.crt and tls.key
    #[arg(long, value_name = "DIR", default_value = "/tmp/k8s-webhook-server/serving-certs")]
    pub cert_dir: PathBuf,
    /// The Service in front of the webhooks
    #[arg(long, value_name = "NAME", default_value = "metallb-webhook-service")]
    pub cert_service_name: String,
    /// The Secret of the webhooks' certificates
    #[arg(long, value_name = "NAME", default_value = "metallb-webhook-cert")]
    pub webhook_secret: String,
    /// Whether to serve webhooks, and whether to do anything else
    #[arg(long, value_enum, default_value_t = WebhookMode::Enabled)]
    pub webhook_mode: WebhookMode,
    /// Offer HTTP/2 to the API server's webhook calls
    #[arg(long, default_missing_value = "true", default_value_t = false, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub webhook_http2: bool,
    /// Serve Services of exactly this loadBalancerClass; those without one if empty
    #[arg(long, default_value = "", hide_default_value = true, value_name = "CLASS")]
    pub lb_class: String,
    /// The name of this pod; that of the host if unset
    #[arg(long, env = "METALLB_POD_NAME", default_value = "", hide_default_value = true)]
    pub pod_name: String,
    /// TLS of everything that is served.
    #[command(flatten)]
    pub tls: tls::Flags,
    /// Certificate for /metrics: tls.crt and tls.key; self-signed if empty
    #[arg(long, value_name = "DIR", default_value = "", hide_default_value = true)]
    pub metrics_cert_dir: String,
    /// How MetalLB announced before: any of its names; FRR does it all
    #[arg(long, env = "METALLB_BGP_TYPE", value_enum, default_value_t = BgpType::FrrK8s)]
    pub bgp_type: BgpType,
    /// Tell in a Service's condition what nodes report in their `ServiceBGPStatus`; false where they are off: then what is planned
    #[arg(long, default_missing_value = "true", default_value_t = true, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub service_bgp_status: bool,
    /// The labels of FRR's pods: the FRRNodeState of a node without one is deleted; empty is never
    #[arg(long, value_name = "SELECTOR", default_value = "app.kubernetes.io/component=frr-k8s")]
    pub frrk8s_selector: String,
    /// Another replica leads this long after the leader was heard of last
    #[arg(long, value_parser = duration::parse, value_name = "DURATION", default_value = "3s")]
    pub lease_duration: Duration,
    /// How often the leader is heard of
    #[arg(long, value_parser = duration::parse, value_name = "DURATION", default_value = "500ms")]
    pub lease_renew: Duration,
    /// A write that has no answer after this long counts as unknown; no write begins later than this before the Lease can expire
    #[arg(long, value_parser = duration::parse, value_name = "DURATION", default_value = "1s")]
    pub write_deadline: Duration,
    /// Writes to the API server at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub writes: u16,
}

/// `--webhook-mode` (MetalLB `internal/k8s`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WebhookMode {
    /// Webhooks, and everything else.
    Enabled,
    /// No webhooks.
    Disabled,
    /// Only webhooks.
    Onlywebhook,
}

/// `METALLB_BGP_TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BgpType {
    /// MetalLB's own.
    Native,
    /// FRR beside each speaker.
    Frr,
    /// frr-k8s.
    FrrK8s,
    /// frr-k8s of somebody else.
    FrrK8sExternal,
}

/// What of the command line cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgsError {
    /// No flag, no variable, no file.
    #[error("the namespace is not known: give --namespace or METALLB_NAMESPACE")]
    Namespace,
    /// Times that leave the leader no time to write.
    #[error(
        "--lease-duration ({lease:?}) must be at least --lease-renew ({renew:?}) and twice --write-deadline ({write:?}) together, and none of them 0"
    )]
    Lease {
        /// `--lease-duration`.
        lease: Duration,
        /// `--lease-renew`.
        renew: Duration,
        /// `--write-deadline`.
        write: Duration,
    },
}

impl Controller {
    /// The namespace of Herald's own objects.
    pub fn own_namespace(&self) -> Result<String, ArgsError> {
        let pod = || std::fs::read_to_string(NAMESPACE_FILE).unwrap_or_default();
        let namespace = if self.namespace.is_empty() { pod() } else { self.namespace.clone() };
        let namespace = namespace.trim();
        if namespace.is_empty() { Err(ArgsError::Namespace) } else { Ok(namespace.to_owned()) }
    }

    /// The name of this replica.
    pub fn own_name(&self) -> String {
        let host = || std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = if self.pod_name.is_empty() { host() } else { self.pod_name.clone() };
        name.trim().to_owned()
    }

    /// Checks what one flag alone cannot say.
    pub fn check(&self) -> Result<(), ArgsError> {
        let (lease, renew, write) = (self.lease_duration, self.lease_renew, self.write_deadline);
        let zero = renew.is_zero() || write.is_zero();
        if zero || lease < renew + write * 2 {
            return Err(ArgsError::Lease { lease, renew, write });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Controller, clap::Error> {
        let Command::Controller(parsed) =
            Cli::try_parse_from([&["herald-operator", "controller"], arguments].concat())?.command;
        Ok(*parsed)
    }

    #[test]
    fn every_flag_of_metallb_is_taken() -> Result<(), clap::Error> {
        let args = parsed(&[
            "--port=7472",
            "--namespace=ns",
            "--ml-secret-name=memberlist",
            "--deployment=controller",
            "--log-level=all",
            "--pprof-bind-address=:8080",
            "--health-probe-port=1",
            "--disable-cert-rotation=true",
            "--cert-dir=/x",
            "--cert-service-name=s",
            "--webhook-secret=w",
            "--webhook-mode=onlywebhook",
            "--webhook-http2",
            "--lb-class=c",
            "--pod-name=p",
            "--tls-min-version=VersionTLS12",
            "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "--tls-curve-preferences=29",
            "--metrics-cert-dir=/m",
        ])?;
        assert!(args.disable_cert_rotation && args.webhook_http2);
        assert_eq!((args.webhook_mode, args.lb_class.as_str()), (WebhookMode::Onlywebhook, "c"));
        assert!(!parsed(&["--disable-cert-rotation=false"])?.disable_cert_rotation);
        Ok(())
    }

    #[test]
    fn the_leader_has_time_to_write() -> Result<(), clap::Error> {
        assert_eq!(parsed(&[])?.check(), Ok(()));
        assert!(parsed(&["--lease-duration=1s"])?.check().is_err());
        assert!(parsed(&["--write-deadline=0"])?.check().is_err());
        assert!(parsed(&["--lease-renew=x"]).is_err());
        Ok(())
    }
}

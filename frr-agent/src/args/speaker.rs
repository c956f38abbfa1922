//! MetalLB's speaker's flags and variables that mean nothing here: manifests that give them go on working.

use super::Switch;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Flags of MetalLB's speaker.
#[derive(Debug, Args)]
#[command(next_help_heading = "Flags of MetalLB's speaker")]
pub struct Speaker {
    /// Accepted and not used: what is written in the API belongs to the node, not to a pod that the next one replaces
    #[arg(
        long,
        env = "METALLB_POD_NAME",
        default_value = "",
        hide_default_value = true,
        value_name = "NAME"
    )]
    pub pod_name: String,
    /// How BGP is spoken: any of MetalLB's names. FRR does it all, that of this node or, with frr-k8s-external, one that somebody
    /// else's frr-k8s runs
    #[arg(long, env = "METALLB_BGP_TYPE", value_enum, default_value_t = BgpType::FrrK8s)]
    pub bgp_type: BgpType,
    /// The namespace of the FRRConfiguration that is written for an frr-k8s of somebody else; --namespace if unset
    #[arg(
        long,
        env = "FRRK8S_NAMESPACE",
        default_value = "",
        hide_default_value = true,
        value_name = "NAMESPACE"
    )]
    pub frrk8s_namespace: String,
    /// Name Secrets there instead of writing their passwords
    #[arg(long, default_missing_value = "true", default_value_t = false, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub frrk8s_secret_passthrough: Switch,
    /// Accepted and not used, as in MetalLB
    #[arg(long, env = "METALLB_HOST", default_value = "", hide_default_value = true, value_name = "ADDRESS")]
    pub host: String,
    /// Accepted and not used: there is no Go profile to serve
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ADDRESS")]
    pub pprof_bind_address: String,
    /// Accepted and not used: FRR is given the first change at once, and what comes meanwhile with the next
    #[arg(long, env = "METALLB_BGP_DEBOUNCE_TIMEOUT", value_name = "MS")]
    pub bgp_debounce_timeout: Option<u32>,
    /// Accepted and not used yet: who answers for an address in L2 mode is not this program's
    #[arg(
        long,
        env = "METALLB_ML_BIND_ADDR",
        default_value = "",
        hide_default_value = true,
        value_name = "ADDRESS"
    )]
    pub ml_bindaddr: String,
    /// As --ml-bindaddr
    #[arg(long, env = "METALLB_ML_BIND_PORT", default_value_t = 7946, value_name = "PORT")]
    pub ml_bindport: u16,
    /// As --ml-bindaddr
    #[arg(
        long,
        env = "METALLB_ML_LABELS",
        default_value = "",
        hide_default_value = true,
        value_name = "LABELS"
    )]
    pub ml_labels: String,
    /// As --ml-bindaddr
    #[arg(long, env = "METALLB_ML_SECRET_KEY_PATH", value_name = "DIR")]
    pub ml_secret_key_path: Option<PathBuf>,
    /// As --ml-bindaddr
    #[arg(long, default_missing_value = "true", default_value_t = false, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub ml_wan_config: Switch,
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

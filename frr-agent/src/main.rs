//! The node agent: plans, renders and applies the `frr.conf` of one node.

mod args;
mod conditions;
mod confirm;
mod decide;
mod endpoint;
mod external;
mod health_port;
mod here;
mod history;
mod leftover;
mod live;
mod machine;
mod quarantine;
mod report;
mod shell;
mod sockets;
mod state;
mod status;
mod vty;
mod vtysh;

use anyhow::Result;
use args::{Args, BgpType, LogFormat};
use clap::Parser;
use std::io;
use tikv_jemallocator::Jemalloc;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Gives memory back that only the first reading of a large folder needed; the C library's allocator keeps it. How soon is
/// set in .cargo/config.toml.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Ours at the level asked for, libraries from warnings on. kube's client not at all: it tells whole answers that it cannot
/// read, which may be Secrets; its errors are returned, and told by us.
fn log(args: &Args) {
    let ours = LevelFilter::from(args.log_level);
    let targets = Targets::new()
        .with_default(ours.min(LevelFilter::WARN))
        .with_target("herald", ours)
        .with_target("kube_client", LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false);
    let registry = tracing_subscriber::registry().with(targets);
    match args.log_format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
        LogFormat::Text => registry.with(lines).init(),
    }
}

// Two threads: manifests are read while vtysh runs.
#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let args = Args::parse();
    log(&args);
    match args.speaker.bgp_type {
        BgpType::FrrK8sExternal => external::run(args).await,
        BgpType::Native | BgpType::Frr | BgpType::FrrK8s => shell::run(args).await,
    }
}

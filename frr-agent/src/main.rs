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
mod metrics;
mod quarantine;
mod report;
mod shell;
mod sockets;
mod state;
mod status;
mod vty;
mod vtysh;

use anyhow::Result;
use args::{Args, BgpType};
use clap::Parser;
use herald_serving::logs;
use tikv_jemallocator::Jemalloc;

/// Gives memory back that only the first reading of a large folder needed; the C library's allocator keeps it. How soon is
/// set in .cargo/config.toml.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

// Two threads: manifests are read while vtysh runs.
#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let args = Args::parse();
    logs::init_as(args.log_level, args.log_format);
    match args.speaker.bgp_type {
        BgpType::FrrK8sExternal => external::run(args).await,
        BgpType::Native | BgpType::Frr | BgpType::FrrK8s => shell::run(args).await,
    }
}

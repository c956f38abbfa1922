//! The node agent: plans, renders and applies the `frr.conf` of one node.

mod args;
mod conditions;
mod confirm;
mod decide;
mod endpoint;
mod health_port;
mod here;
mod history;
mod live;
mod machine;
mod quarantine;
mod report;
mod shell;
mod sockets;
mod state;
mod vtysh;

use anyhow::Result;
use args::{Args, LogFormat};
use clap::Parser;
use std::io;
use tikv_jemallocator::Jemalloc;

/// Gives memory back that only the first reading of a large folder needed; the C library's allocator keeps it. How soon is
/// set in .cargo/config.toml.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

// Two threads: manifests are read while vtysh runs.
#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let args = Args::parse();
    let log =
        tracing_subscriber::fmt().with_writer(io::stderr).with_max_level(args.log_level).with_target(false);
    match args.log_format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log.init(),
    }
    shell::run(args).await
}

//! The operator of a cluster: gives out addresses and judges objects before they are stored.

mod api;
mod args;
mod certificates;
mod clock;
mod lease;
mod metrics;
mod migrate;
mod run;
mod shell;
mod webhook;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;
use tikv_jemallocator::Jemalloc;

/// Gives memory back that only the first lists needed; the C library's allocator keeps it.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

// Two threads: answers of the API server are read while decisions are made.
#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let Command::Controller(args) = Cli::parse().command;
    herald_serving::logs::init(args.log_level);
    match Box::pin(run::run(*args)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(op = "start", error = %error, "cannot run");
            ExitCode::FAILURE
        }
    }
}

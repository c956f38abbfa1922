//! The `herald` command: what a cluster's manifests mean, before and without a cluster.

mod cli;
mod command;
mod exit;
mod input;
mod node_history;
mod nodes;
mod output;
mod write;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli::Cli { command } = cli::Cli::parse();
    match command.run() {
        Ok(exit) => exit.into(),
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&format!("herald: {error}\n"));
            exit::Exit::Trouble.into()
        }
    }
}

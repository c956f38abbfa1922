//! `herald completions`.

use crate::cli::Cli;
use crate::exit::{Exit, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;

/// Arguments of `herald completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    /// Prints the script.
    pub fn run(self) -> Result {
        let Self { shell } = self;
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "herald", &mut script);
        std::io::stdout().write_all(&script)?;
        Ok(Exit::Well)
    }
}

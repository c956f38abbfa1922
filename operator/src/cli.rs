//! The command line.

use crate::command;
use crate::exit;
use clap::{Parser, Subcommand};

/// What a folder of MetalLB and frr-k8s manifests means: addresses, `frr.conf` per node, problems.
///
/// Exit codes: 0 all is well, 1 objects have errors (diff: configurations differ), 2 the command could
/// not do its work.
#[derive(Debug, Parser)]
#[command(name = "herald", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print or write the frr.conf of nodes
    Render(command::render::Args),
    /// List everything that is wrong with manifests, with file and line
    Validate(command::validate::Args),
    /// Show who gets which address, and which nodes announce it to whom, or why not
    Plan(command::plan::Args),
    /// Compare what two folders mean, as two revisions of a Git repository
    Diff(command::diff::Args),
    /// List what a node's FRR was given, when and why
    History(command::history::Args),
    /// Print the frr.conf that a node had at a revision of its history
    Show(command::show::Args),
    /// Print the difference of manifests that would undo changes of a node; changes nothing
    Rollback(command::rollback::Args),
    /// Print a completion script for a shell
    Completions(command::completions::Args),
}

impl Command {
    /// Does it.
    pub fn run(self) -> exit::Result {
        match self {
            Self::Render(args) => args.run(),
            Self::Validate(args) => args.run(),
            Self::Plan(args) => args.run(),
            Self::Diff(args) => args.run(),
            Self::History(args) => args.run(),
            Self::Show(args) => args.run(),
            Self::Rollback(args) => args.run(),
            Self::Completions(args) => args.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_fit_each_other() {
        super::Cli::command().debug_assert();
    }
}

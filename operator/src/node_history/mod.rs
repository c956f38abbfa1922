//! Where a node's history is read from: arguments that several commands share.

mod folder;
mod server;

use crate::exit::Error;
use herald_core::history::{self, Entry, Outcome, Record};
use herald_frr::render::{RenderOptions, Secrets, render};
use std::path::PathBuf;

/// Which history.
#[derive(Debug, clap::Args)]
pub struct Source {
    /// The node
    #[arg(value_name = "NODE")]
    pub node: String,
    /// Read the agent's state folder, on the node itself
    #[arg(long, value_name = "DIR", conflicts_with_all = ["server", "kubeconfig", "context"])]
    state_dir: Option<PathBuf>,
    /// Ask the agent at this https URL; without it, at the Node's internal address, which the cluster's API tells
    #[arg(long, value_name = "URL", conflicts_with_all = ["kubeconfig", "context"])]
    server: Option<String>,
    #[command(flatten)]
    access: server::Access,
}

/// A history, wherever it is.
pub enum History {
    /// Read from a folder.
    Folder(Vec<Record>),
    /// At an agent.
    Agent(Box<server::Agent>),
}

impl Source {
    /// Opens it.
    pub fn open(self) -> Result<History, Error> {
        let Self { node, state_dir, server, access } = self;
        match state_dir {
            Some(folder) => folder::read(&folder, &node).map(History::Folder),
            None => server::Agent::connect(&node, server.as_deref(), access)
                .map(|agent| History::Agent(Box::new(agent))),
        }
    }
}

impl History {
    /// All entries, oldest first; there is at least one.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        let entries = match self {
            Self::Folder(records) => records.iter().map(|record| record.entry.clone()).collect(),
            Self::Agent(agent) => agent.entries()?,
        };
        if entries.is_empty() {
            return Err(Error::Usage("the history is empty: nothing was applied yet".to_owned()));
        }
        Ok(entries)
    }

    /// The `frr.conf` of a revision, passwords masked.
    pub fn config(&self, revision: u64) -> Result<String, Error> {
        match self {
            Self::Folder(records) => {
                let config =
                    history::rebuild(records, revision).map_err(|why| Error::Usage(why.to_string()))?;
                Ok(render(&config, &RenderOptions { secrets: Secrets::Mask, annotate: false }))
            }
            Self::Agent(agent) => agent.config(revision),
        }
    }
}

/// The entry of a revision, or the last one whose configuration was in force.
pub fn entry(entries: &[Entry], revision: Option<u64>) -> Result<&Entry, Error> {
    let found = match revision {
        Some(revision) => entries.iter().find(|entry| entry.revision == revision),
        None => entries.iter().rfind(|entry| entry.outcome.is_in_force()).or(entries.last()),
    };
    found.ok_or_else(|| {
        let held: Vec<String> = entries.iter().map(|entry| entry.revision.to_string()).collect();
        let wanted = revision.unwrap_or_default();
        Error::Usage(format!("no revision {wanted} in the history; it holds {}", held.join(", ")))
    })
}

/// What to say of a revision whose configuration FRR did not run in the end.
pub fn not_in_force(entry: &Entry) -> Option<String> {
    let Entry { revision, outcome, message, .. } = entry;
    let why = if message.is_empty() { String::new() } else { format!(" ({message})") };
    let is_short = !matches!(outcome, Outcome::Applied | Outcome::Restored | Outcome::Reverted);
    is_short.then(|| format!("note: revision {revision} ended as {outcome}{why}: FRR does not run this\n"))
}

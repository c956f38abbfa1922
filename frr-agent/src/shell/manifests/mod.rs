//! What is asked of the node, as events: now, after each change, and when asked for once more. Where it comes from, an API
//! server or a folder, nobody else knows.

mod folder;
mod kubernetes;

use crate::args::{Args, SourceArg};
use anyhow::{Context, Result};
use herald_core::input::{self, Parsed};
use herald_source::kubernetes::{Clients, connect_both};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout_at};

/// A source of which nothing was heard for this long since the start is away: an API server with 10,000 Services answers
/// sooner.
const AWAY: Duration = Duration::from_secs(3);

/// Where the loop hears of the manifests.
#[derive(Debug)]
pub struct Manifests {
    all: mpsc::UnboundedReceiver<Box<Parsed>>,
    /// Until when something must have been heard; `None` once it was, or once that is told.
    away_at: Option<Instant>,
}

/// What was heard.
#[derive(Debug)]
pub enum Heard {
    /// What the manifests say now.
    Parsed(Box<Parsed>),
    /// Nothing since the start.
    Nothing,
}

impl Manifests {
    /// What the manifests say now; everything that was read meanwhile is one. `None` once nothing will come. Nothing is lost
    /// when the future is dropped.
    pub async fn next(&mut self) -> Option<Heard> {
        let mut parsed = match self.away_at {
            None => self.all.recv().await?,
            Some(at) => {
                let Ok(parsed) = timeout_at(at, self.all.recv()).await else {
                    self.away_at = None;
                    return Some(Heard::Nothing);
                };
                parsed?
            }
        };
        self.away_at = None;
        while let Ok(newer) = self.all.try_recv() {
            parsed = newer;
        }
        Some(Heard::Parsed(parsed))
    }
}

/// The ways to the API server, the same for all who ask it; `None` where manifests come from a folder.
pub async fn clients(args: &Args) -> Result<Option<Clients>> {
    Ok(match &args.source {
        SourceArg::Folder(_) => None,
        SourceArg::Kubernetes => Some(connect_both(args.endpoint.kubeconfig.as_deref()).await?),
    })
}

/// Follows the manifests in a task of its own: a change is not lost when something else happens meanwhile. `again` asks
/// for them once more.
pub fn watch(args: &Args, clients: Option<Clients>, again: Arc<Notify>) -> Result<Manifests> {
    let namespace = args.own_namespace()?;
    let options = input::Options { namespace: namespace.as_deref().map(Into::into) };
    let all = match (&args.source, clients) {
        (SourceArg::Folder(folder), _) => folder::watch(folder, options, again)?,
        (SourceArg::Kubernetes, clients) => {
            let clients = clients.context("an API server needs a client")?;
            kubernetes::watch(clients, namespace.as_deref().unwrap_or_default(), options, again)
        }
    };
    Ok(Manifests { all, away_at: Some(Instant::now() + AWAY) })
}

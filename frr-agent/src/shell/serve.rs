//! Everything that the agent serves: history and status, metrics, health.

use super::{Event, Shell};
use crate::args::{Args, SourceArg};
use crate::endpoint;
use crate::metrics::{self, Scraper, Sources};
use anyhow::{Context, Result};
use herald_serving::access::Guard;
use herald_source::kubernetes::connect;
use kube::Client;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// The check of readiness that FRR's daemons answered.
pub const FRR: &str = "frr";

/// Serves what the flags ask for, in tasks of its own.
pub async fn start(
    args: &Args,
    shell: &Shell,
    client: Option<Client>,
    events: &UnboundedSender<Event>,
) -> Result<()> {
    let addresses = args.metrics.addresses(args.source == SourceArg::Kubernetes);
    metrics::start_health(&addresses, &shell.health);
    let of_metrics = addresses.guarded().next().is_some();
    if args.endpoint.listen.is_none() && !of_metrics {
        return Ok(());
    }
    let client = match client {
        Some(client) => client,
        None => connect(args.endpoint.kubeconfig.as_deref()).await.context(
            "--listen and metrics need the cluster's API to know who may ask; give --kubeconfig FILE outside of a cluster",
        )?,
    };
    let guard = Arc::new(Guard::new(client));
    if let Some(listen) = args.endpoint.listen {
        let (options, tls, facts) = (&args.endpoint, &args.metrics.tls, shell.facts.clone());
        endpoint::start(listen, options, tls, guard.clone(), &args.state_dir, &args.node, facts).await?;
    }
    if of_metrics {
        let events = events.clone();
        let sources = Sources {
            metrics: &shell.metrics,
            // A loop that has ended answers nothing.
            announced: Arc::new(move |asked| drop(events.send(Event::Announced(asked)))),
            scraper: Some(Scraper::new(&shell.vty, shell.given.subscribe())),
            guard,
        };
        metrics::start(&args.metrics, &addresses, &args.node, sources)?;
    }
    Ok(())
}

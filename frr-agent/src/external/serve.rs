//! What is served beside a frr-k8s of somebody else: the speaker's metrics and health. FRR's metrics are that frr-k8s' to serve.

use super::Shell;
use crate::args::{Args, SourceArg};
use crate::metrics::{self, Sources};
use anyhow::Result;
use herald_serving::access::Guard;
use kube::Client;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

/// Serves what the flags ask for, in tasks of its own; `ask` is told who wants to know what is announced.
pub fn start(
    args: &Args,
    shell: &Shell,
    client: Client,
    ask: UnboundedSender<oneshot::Sender<String>>,
) -> Result<()> {
    let addresses = args.metrics.addresses(args.source == SourceArg::Kubernetes).without_frr();
    metrics::start_health(&addresses, &shell.health);
    if addresses.guarded().next().is_none() {
        return Ok(());
    }
    let sources = Sources {
        metrics: &shell.metrics,
        // A loop that has ended answers nothing.
        announced: Arc::new(move |asked| drop(ask.send(asked))),
        scraper: None,
        guard: Arc::new(Guard::new(client)),
    };
    metrics::start(&args.metrics, &addresses, &args.node, sources)
}

//! What stands in the API about this node: what FRR really runs and has sent, never what was meant.

mod api;
mod desk;
mod object;
mod pace;
mod running;
mod services;
mod stands;
mod task;
mod told;
mod wanted;

pub use told::{Teller, Told};

use crate::args::{Args, SourceArg};
use crate::live::Facts;
use crate::vtysh::Vtysh;
use anyhow::Result;
use herald_source::kubernetes::connect;
use std::sync::Arc;
use tokio::sync::watch;

/// The manager of the fields that are written, and the component of Events (MetalLB's name).
const MANAGER: &str = "metallb-speaker";

/// Begins to write about the node, where there is an API server.
pub async fn start(
    args: &Args,
    vtysh: Vtysh,
    heard: (watch::Receiver<Arc<Told>>, watch::Receiver<Arc<Facts>>),
) -> Result<()> {
    if args.source != SourceArg::Kubernetes {
        return Ok(());
    }
    let options = task::Options {
        node: args.node.clone(),
        namespace: args.own_namespace()?.unwrap_or_default(),
        services: args.service_bgp_status,
    };
    let client = connect(args.endpoint.kubeconfig.as_deref()).await?;
    task::spawn(client, options, vtysh, heard);
    Ok(())
}

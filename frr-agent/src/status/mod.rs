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

use crate::args::Args;
use crate::live::Facts;
use crate::vtysh::Vtysh;
use anyhow::Result;
use kube::Client;
use std::sync::Arc;
use tokio::sync::watch;

/// The manager of the fields that are written, and the component of Events (MetalLB's name).
const MANAGER: &str = "metallb-speaker";

/// Begins to write about the node.
pub fn start(
    args: &Args,
    client: Client,
    vtysh: Vtysh,
    heard: (watch::Receiver<Arc<Told>>, watch::Receiver<Arc<Facts>>),
) -> Result<()> {
    let options = task::Options {
        node: args.node.clone(),
        namespace: args.own_namespace()?.unwrap_or_default(),
        services: args.service_bgp_status,
    };
    task::spawn(client, options, vtysh, heard);
    Ok(())
}

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

/// FRR, as it is asked.
pub struct OwnFrr {
    /// For its running configuration.
    pub vtysh: Vtysh,
    /// What it said of its sessions.
    pub facts: watch::Receiver<Arc<Facts>>,
}

/// Begins to write about the node. Without an FRR of its own the agent tells what it thinks of the configuration, and nothing else:
/// the rest is for those to tell who run FRR.
pub fn start(
    args: &Args,
    client: Client,
    told: watch::Receiver<Arc<Told>>,
    frr: Option<OwnFrr>,
) -> Result<()> {
    let options = task::Options {
        node: args.node.clone(),
        namespace: args.own_namespace()?.unwrap_or_default(),
        services: args.service_bgp_status,
    };
    task::spawn(client, options, told, frr);
    Ok(())
}

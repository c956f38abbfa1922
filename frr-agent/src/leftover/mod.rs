//! What MetalLB's speaker left behind goes once it is of no use any more.

use anyhow::{Context, Result};
use herald_core::model::leftover_of;
use herald_core::problem::ObjectRef;
use herald_core::snapshot::Snapshot;
use herald_crds::frrk8s::FRRConfiguration;
use kube::api::{DeleteParams, Preconditions};
use kube::{Api, Client};
use std::time::Duration;
use tokio::time::sleep;
use tracing::{error, info};

/// What failed is tried again after this time.
const AGAIN: Duration = Duration::from_secs(10);

/// Deletes leftovers of one node.
pub struct Leftovers {
    node: String,
    /// `None` where manifests come from a folder: nobody deletes there.
    client: Option<Client>,
    /// What is being deleted.
    going: Option<ObjectRef>,
}

impl Leftovers {
    /// Those of the agent's node.
    pub fn new(node: &str, client: Option<Client>) -> Self {
        Self { node: node.to_owned(), client, going: None }
    }

    /// FRR runs what was planned from these objects (deletes, in a task).
    pub fn applied(&mut self, snapshot: &Snapshot) {
        let mut own = snapshot.frr_configurations.iter();
        let is_own = |name: &str, spec| leftover_of(name, spec) == Some(self.node.as_str());
        let Some(found) = own.find(|object| is_own(&object.meta.object.name, &object.spec)) else {
            self.going = None;
            return;
        };
        let object = &found.meta.object;
        if let Some(client) = self.client.clone().filter(|_| self.going.as_ref() != Some(object)) {
            self.going = Some(object.clone());
            tokio::spawn(delete(client, object.clone()));
        }
    }
}

async fn delete(client: Client, object: ObjectRef) {
    let mut told = false;
    while let Err(why) = delete_once(&client, &object).await {
        if !told {
            error!(
                event = "DeleteFailed",
                object = object.to_string(),
                error = format!("{why:#}"),
                "trying again"
            );
            told = true;
        }
        sleep(AGAIN).await;
    }
}

/// As it was seen now and no other: one that somebody has made his own meanwhile stays.
async fn delete_once(client: &Client, object: &ObjectRef) -> Result<()> {
    let api: Api<FRRConfiguration> = Api::namespaced(client.clone(), &object.namespace);
    let Some(found) = api.get_opt(&object.name).await.context("read it")? else { return Ok(()) };
    if leftover_of(&object.name, &found.spec).is_none() {
        return Ok(());
    }
    let preconditions =
        Preconditions { uid: found.metadata.uid, resource_version: found.metadata.resource_version };
    let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    api.delete(&object.name, &parameters).await.context("delete it")?;
    info!(
        event = "LeftoverDeleted",
        object = object.to_string(),
        "MetalLB's speaker wrote it; the agent's own plan is applied"
    );
    Ok(())
}

//! Stores again what is stored as v1beta1.
//!
//! An object that is stored in an old version is converted whenever it is read, also to be deleted: without the webhook it
//! could not be.

use herald_crds::metallb::BGPPeer;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;
use tracing::{info, warn};

const DEFINITION: &str = "bgppeers.metallb.io";
const STORED: &str = "v1beta2";
const MANAGER: &str = "herald-migration";
/// The webhook may not be trusted yet, or the definition not be there.
const AGAIN: Duration = Duration::from_secs(5);
/// Objects of a page.
const PAGE: u32 = 200;

/// Why objects are still stored as they were.
#[derive(Debug, thiserror::Error)]
enum MigrateError {
    /// The API server refused, or did not answer.
    #[error("{what}: {source}")]
    Api { what: &'static str, source: Box<kube::Error> },
    /// What is stored would be refused today.
    #[error("BGPPeer {0} cannot be stored again: {1}")]
    Refused(String, String),
}

fn api(what: &'static str) -> impl Fn(kube::Error) -> MigrateError {
    move |source| MigrateError::Api { what, source: Box::new(source) }
}

/// Tries until it has succeeded, and does nothing more after that. Ends never.
pub async fn run(client: Client) {
    let mut said = String::new();
    loop {
        match migrate(&client).await {
            Ok(true) => break,
            Ok(false) => {}
            Err(why) => {
                let why = why.to_string();
                if why != said {
                    warn!(event = "NotMigrated", error = why);
                    said = why;
                }
            }
        }
        sleep(AGAIN).await;
    }
    std::future::pending::<()>().await;
}

/// False while the definition is not there.
async fn migrate(client: &Client) -> Result<bool, MigrateError> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let found = definitions.get_opt(DEFINITION).await.map_err(api("read the definition of BGPPeer"))?;
    let Some(definition) = found else { return Ok(false) };
    let stored = definition.status.and_then(|status| status.stored_versions).unwrap_or_default();
    if stored.iter().all(|version| version == STORED) {
        return Ok(true);
    }
    let count = store_again(client).await?;
    // With the resourceVersion: a version that came to be stored since then is not forgotten.
    let patch = json!({
        "metadata": { "resourceVersion": definition.metadata.resource_version },
        "status": { "storedVersions": [STORED] },
    });
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let written = definitions.patch_status(DEFINITION, &params, &Patch::Merge(&patch)).await;
    written.map_err(api("write the versions that are stored"))?;
    info!(event = "Migrated", objects = count, version = STORED);
    Ok(true)
}

/// Writes every object as it is; the API server writes it in the version that is stored now.
async fn store_again(client: &Client) -> Result<usize, MigrateError> {
    // As it is: one that the types cannot hold is stored again all the same.
    let kind = ApiResource::erase::<BGPPeer>(&());
    let all: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
    let mut page = ListParams::default().limit(PAGE);
    let mut count = 0;
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    loop {
        let list = all.list(&page).await.map_err(api("list BGPPeers"))?;
        for peer in list.items {
            let name = peer.metadata.name.clone().unwrap_or_default();
            let namespace = peer.metadata.namespace.clone().unwrap_or_default();
            let of_namespace: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace, &kind);
            match of_namespace.replace(&name, &params, &peer).await {
                Ok(_) => count += 1,
                // Whoever wrote it wrote it in the version that is stored; and what is gone is not stored at all.
                Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => {}
                Err(kube::Error::Api(status)) if [400, 403, 422].contains(&status.code) => {
                    return Err(MigrateError::Refused(format!("{namespace}/{name}"), status.message.clone()));
                }
                Err(why) => return Err(api("store a BGPPeer again")(why)),
            }
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(count),
        }
    }
}

//! The Secret that all replicas take the certificate from. Its resourceVersion makes them agree on one.

use super::KeepError;
use super::material::{Due, Material, Seconds};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use std::collections::BTreeMap;
use tracing::info;

/// Two replicas need two; somebody else may write, too.
const ATTEMPTS: usize = 5;

/// The Secret.
pub struct Kept<'a> {
    api: Api<Secret>,
    namespace: &'a str,
    name: &'a str,
}

impl<'a> Kept<'a> {
    /// Of this name.
    pub fn new(client: &Client, namespace: &'a str, name: &'a str) -> Self {
        Self { api: Api::namespaced(client.clone(), namespace), namespace, name }
    }

    /// What it holds, renewed if that is due, for a server of this name.
    pub async fn ensure(&self, server: &str, now: Seconds) -> Result<Material, KeepError> {
        for _ in 0..ATTEMPTS {
            let secret = self.api.get_opt(self.name).await.map_err(api("read the Secret of the webhooks"))?;
            let held = secret.as_ref().and_then(|secret| secret.data.as_ref()).and_then(Material::read);
            let due = held.as_ref().map_or(Due::Authority, |held| held.due(server, now));
            let material = match (held, due) {
                (Some(held), Due::Nothing) => return Ok(held),
                (Some(held), Due::Certificate) => held.renewed(server, now)?,
                (held, _) => Material::new(held.as_ref().map(|held| held.authorities.as_str()), server, now)?,
            };
            match self.write(secret, &material).await {
                Ok(()) => {
                    info!(event = "CertificateMade", secret = self.name, due = ?due);
                    return Ok(material);
                }
                // Another replica was faster: what it wrote counts.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(why) => return Err(api("write the Secret of the webhooks")(why)),
            }
        }
        Err(KeepError::Contended)
    }

    async fn write(&self, secret: Option<Secret>, material: &Material) -> Result<(), kube::Error> {
        let params =
            PostParams { field_manager: Some(super::bundle::MANAGER.to_owned()), ..PostParams::default() };
        if let Some(mut secret) = secret {
            secret.data.get_or_insert_with(BTreeMap::new).extend(material.data());
            self.api.replace(self.name, &params, &secret).await?;
        } else {
            let metadata = ObjectMeta {
                name: Some(self.name.to_owned()),
                namespace: Some(self.namespace.to_owned()),
                ..ObjectMeta::default()
            };
            let secret = Secret { metadata, data: Some(material.data()), ..Secret::default() };
            self.api.create(&params, &secret).await?;
        }
        Ok(())
    }
}

/// An error of the API server, with what was wanted of it.
pub(super) fn api(what: &'static str) -> impl Fn(kube::Error) -> KeepError {
    move |source| KeepError::Api { what, source: Box::new(source) }
}

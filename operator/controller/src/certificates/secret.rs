//! The Secret that all replicas take the certificate from. Its resourceVersion makes them agree on one.

use super::KeepError;
use super::material::{Due, MakeError, Material, Seconds};
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

    /// What it holds, renewed if that is due, for a server of this name. What is `shown` until then stays trusted, and counts
    /// where the Secret was deleted.
    pub async fn ensure(
        &self,
        server: &str,
        shown: Option<&Material>,
        now: Seconds,
    ) -> Result<Material, KeepError> {
        for _ in 0..ATTEMPTS {
            let secret = self.api.get_opt(self.name).await.map_err(api("read the Secret of the webhooks"))?;
            let held = secret.as_ref().and_then(|secret| secret.data.as_ref()).and_then(Material::read);
            let material = renewed(held.as_ref(), server, shown, now)?;
            if held.as_ref() == Some(&material) {
                return Ok(material);
            }
            match self.write(secret, &material).await {
                Ok(()) => {
                    info!(event = "CertificateKept", secret = self.name);
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

/// What the Secret is to hold.
fn renewed(
    held: Option<&Material>,
    server: &str,
    shown: Option<&Material>,
    now: Seconds,
) -> Result<Material, MakeError> {
    let mut material = held.or(shown).cloned();
    if let (Some(material), Some(shown)) = (&mut material, shown) {
        material.trust(shown, now);
    }
    let due = material.as_ref().map_or(Due::Authority, |material| material.due(server, now));
    match (material, due) {
        (Some(material), Due::Nothing) => Ok(material),
        (Some(material), Due::Certificate) => material.renewed(server, now),
        (material, _) => {
            Material::new(material.as_ref().map(|material| material.authorities.as_str()), server, now)
        }
    }
}

/// An error of the API server, with what was wanted of it.
pub(super) fn api(what: &'static str) -> impl Fn(kube::Error) -> KeepError {
    move |source| KeepError::Api { what, source: Box::new(source) }
}

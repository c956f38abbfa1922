//! Whom the API server trusts: the caBundle of every webhook that leads to our Service, and of nobody else's.

use super::KeepError;
use super::secret::api;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{ValidatingWebhook, ValidatingWebhookConfiguration};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tracing::info;

/// MetalLB's configuration of webhooks, and frr-k8s'.
pub const CONFIGURATIONS: [&str; 2] =
    ["metallb-webhook-configuration", "frr-k8s-validating-webhook-configuration"];
/// The definition whose objects are converted.
pub const DEFINITION: &str = "bgppeers.metallb.io";
/// Whose fields these are: whoever installs the rest keeps his own.
pub const MANAGER: &str = "herald-certificates";

/// The Service that the webhooks are reached by.
pub struct Trust<'a> {
    /// Its name.
    pub service: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
}

impl Trust<'_> {
    /// Writes the authorities where they are missing. What is not installed is passed over.
    pub async fn ensure(&self, client: &Client, authorities: &str) -> Result<(), KeepError> {
        let bundle = ByteString(authorities.as_bytes().to_vec());
        let configurations: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
        for name in CONFIGURATIONS {
            let found = configurations.get_opt(name).await.map_err(api("read a webhook configuration"))?;
            if let Some(patch) = found.and_then(|found| self.of_configuration(&found, &bundle)) {
                let params = PatchParams::apply(MANAGER).force();
                let write = configurations.patch(name, &params, &Patch::Apply(&patch)).await;
                gone_is_fine(write).map_err(api("write a webhook configuration"))?;
                info!(event = "AuthorityTrusted", by = name);
            }
        }
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        let found = definitions.get_opt(DEFINITION).await.map_err(api("read the definition of BGPPeer"))?;
        if let Some(patch) = found.and_then(|found| self.of_definition(&found, &bundle)) {
            let params = PatchParams::apply(MANAGER).force();
            let write = definitions.patch(DEFINITION, &params, &Patch::Apply(&patch)).await;
            gone_is_fine(write).map_err(api("write the definition of BGPPeer"))?;
            info!(event = "AuthorityTrusted", by = DEFINITION);
        }
        Ok(())
    }

    fn of_configuration(&self, found: &ValidatingWebhookConfiguration, bundle: &ByteString) -> Option<Value> {
        let ours = |webhook: &&ValidatingWebhook| {
            let service = webhook.client_config.service.as_ref();
            service.is_some_and(|service| self.is(&service.name, &service.namespace))
        };
        let ours: Vec<&ValidatingWebhook> = found.webhooks.iter().flatten().filter(ours).collect();
        if ours.iter().all(|webhook| webhook.client_config.ca_bundle.as_ref() == Some(bundle)) {
            return None;
        }
        let webhooks: Vec<Value> = ours
            .iter()
            .map(|webhook| json!({ "name": webhook.name, "clientConfig": { "caBundle": bundle } }))
            .collect();
        Some(json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            // With the uid an object that is gone is not made anew.
            "metadata": { "name": found.metadata.name, "uid": found.metadata.uid },
            "webhooks": webhooks,
        }))
    }

    fn of_definition(&self, found: &CustomResourceDefinition, bundle: &ByteString) -> Option<Value> {
        let config = found.spec.conversion.as_ref()?.webhook.as_ref()?.client_config.as_ref()?;
        let service = config.service.as_ref()?;
        if !self.is(&service.name, &service.namespace) || config.ca_bundle.as_ref() == Some(bundle) {
            return None;
        }
        let conversion = json!({ "webhook": { "clientConfig": { "caBundle": bundle } } });
        Some(json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": found.metadata.name, "uid": found.metadata.uid },
            "spec": { "conversion": conversion },
        }))
    }

    fn is(&self, service: &str, namespace: &str) -> bool {
        (service, namespace) == (self.service, self.namespace)
    }
}

/// Nobody needs to trust anybody for what was deleted in the meantime.
fn gone_is_fine<K>(written: Result<K, kube::Error>) -> Result<(), kube::Error> {
    match written {
        Err(kube::Error::Api(status)) if status.code == 409 && status.message.contains("uid mismatch") => {
            Ok(())
        }
        other => other.map(drop),
    }
}

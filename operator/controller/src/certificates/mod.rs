//! Keeps the certificate of the webhooks: in a Secret that all replicas share, trusted by the API server, shown by the server.

mod bundle;
mod material;
mod secret;

use crate::webhook::CERTIFICATES;
use bundle::Trust;
use futures::StreamExt;
use herald_serving::certificates::{CertificateError, Certificates};
use herald_serving::health::Health;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client, Resource};
use material::{MakeError, Material, Seconds};
use secret::Kept;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

/// How often it is looked whether something is due; changes of the objects are noticed at once.
const LOOK: Duration = Duration::from_hours(1);
/// After a failure, and while files that somebody else writes are not there.
const AGAIN: Duration = Duration::from_secs(2);
/// An API server trusts a new authority within this time of the write. The certificate that is shown is good for longer.
const SETTLE: Duration = Duration::from_secs(5);

/// What it takes to keep the certificate.
pub struct Keeper {
    /// The API server.
    pub client: Client,
    /// The namespace of the Service and the Secret.
    pub namespace: Arc<str>,
    /// Where the certificate comes from.
    pub source: Source,
    /// What the server shows.
    pub shown: Arc<Certificates>,
    /// Where it is reported.
    pub health: Health,
}

/// Where the certificate comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Made and renewed here.
    Made {
        /// `--cert-service-name`: the Service that the certificate is for.
        service: String,
        /// `--webhook-secret`: the Secret that it is kept in.
        secret: String,
    },
    /// `--disable-cert-rotation` with `--cert-dir`: the folder of tls.crt and tls.key, which somebody else writes, as he does
    /// the caBundles.
    Files(PathBuf),
}

/// Why the certificate is not as it should be.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    /// The API server refused, or did not answer.
    #[error("{what}: {source}")]
    Api { what: &'static str, source: Box<kube::Error> },
    /// None can be made.
    #[error(transparent)]
    Make(#[from] MakeError),
    /// It cannot be shown.
    #[error(transparent)]
    Show(#[from] CertificateError),
    /// Others write the Secret again and again.
    #[error("the Secret changed under every attempt to write it")]
    Contended,
}

/// Keeps it for ever.
pub async fn keep(keeper: Keeper) {
    let made = match &keeper.source {
        Source::Files(folder) => return from_files(&keeper, folder).await,
        Source::Made { service, secret } => Made { keeper: &keeper, service, secret },
    };
    let changed = Notify::new();
    let work = async {
        let mut shown: Option<Material> = None;
        loop {
            let wait = match made.look(&mut shown).await {
                Ok(()) => LOOK,
                Err(why) => {
                    warn!(event = "CertificateNotKept", error = %why);
                    AGAIN
                }
            };
            // By a change or by the hour: the same is done.
            let _ = timeout(wait, changed.notified()).await;
        }
    };
    tokio::select! {
        () = made.follow(&changed) => {}
        () = work => {}
    }
}

/// A certificate that is made here.
struct Made<'a> {
    keeper: &'a Keeper,
    service: &'a str,
    secret: &'a str,
}

impl Made<'_> {
    /// One look at everything: what is right is left alone.
    async fn look(&self, shown: &mut Option<Material>) -> Result<(), KeepError> {
        let Keeper { client, namespace, shown: server, health, .. } = self.keeper;
        let name = format!("{}.{namespace}.svc", self.service);
        let material = Kept::new(client, namespace, self.secret).ensure(&name, shown.as_ref(), now()).await?;
        let trust = Trust { service: self.service, namespace };
        let trusted = trust.ensure(client, &material.authorities).await;
        let same = shown.as_ref().is_some_and(|shown| shown.certificate == material.certificate);
        // Where nobody trusts the new one yet, the one that is shown stays.
        if !same && (shown.is_none() || trusted.is_ok()) {
            if shown.is_some() {
                sleep(SETTLE).await;
            }
            server.replace(material.certificate.as_bytes(), material.key.as_bytes())?;
            health.ready(CERTIFICATES);
            info!(event = "CertificateShown", name);
            *shown = Some(material);
        }
        trusted
    }

    /// Notices changes of everything that is looked at. Ends never.
    async fn follow(&self, changed: &Notify) {
        let Keeper { client, namespace, .. } = self.keeper;
        let secrets: Api<PartialObjectMeta<Secret>> = Api::namespaced(client.clone(), namespace);
        let configurations: Api<PartialObjectMeta<ValidatingWebhookConfiguration>> = Api::all(client.clone());
        let definitions: Api<PartialObjectMeta<CustomResourceDefinition>> = Api::all(client.clone());
        let [metallb, frr_k8s] = bundle::CONFIGURATIONS;
        tokio::join!(
            follow(secrets, self.secret, changed),
            follow(configurations.clone(), metallb, changed),
            follow(configurations, frr_k8s, changed),
            follow(definitions, bundle::DEFINITION, changed),
        );
    }
}

/// Certificates of somebody else: shown as soon as they are there, and whenever they change.
async fn from_files(keeper: &Keeper, folder: &Path) {
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    keeper.health.not_ready(CERTIFICATES, format!("{}: not read yet", folder.display()));
    let mut read = (Vec::new(), Vec::new());
    loop {
        let now = (tokio::fs::read(&certificate).await, tokio::fs::read(&key).await);
        if let (Ok(certificate), Ok(key)) = now
            && (&certificate, &key) != (&read.0, &read.1)
        {
            match keeper.shown.replace(&certificate, &key) {
                Ok(()) => {
                    keeper.health.ready(CERTIFICATES);
                    info!(event = "CertificateShown", folder = %folder.display());
                }
                // Half of a change: the other file follows.
                Err(why) => warn!(event = "CertificateNotShown", folder = %folder.display(), error = %why),
            }
            read = (certificate, key);
        }
        sleep(AGAIN).await;
    }
}

async fn follow<K>(api: Api<PartialObjectMeta<K>>, name: &str, changed: &Notify)
where
    K: Clone + Debug + Send + 'static,
    PartialObjectMeta<K>: Resource + DeserializeOwned,
{
    let only = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut events = watcher(api, only).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(_) => changed.notify_one(),
            Err(why) => warn!(event = "WatchBroken", name, error = %why),
        }
    }
}

fn now() -> Seconds {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Seconds::try_from(since.as_secs()).unwrap_or(Seconds::MAX)
}

//! Who holds which address, at every instant, as the API server tells it.

use anyhow::{Context, Result};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Service;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

/// Which Services hold which address now.
#[derive(Default)]
pub struct Holders {
    services: BTreeMap<String, BTreeSet<String>>,
    addresses: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// Every time that two held one that they may not share.
    pub wrong: Vec<String>,
    /// Changes of Services so far.
    pub seen: u64,
}

impl Holders {
    /// The addresses of a Service's status.
    pub fn addresses(service: &Service) -> BTreeSet<String> {
        let status = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
        let ingress = status.and_then(|balancer| balancer.ingress.as_ref());
        ingress.into_iter().flatten().filter_map(|entry| entry.ip.clone()).collect()
    }

    /// Whether anybody holds it.
    pub fn is_held(&self, address: &str) -> bool {
        self.addresses.get(address).is_some_and(|holders| !holders.is_empty())
    }

    /// A Service is like that now, or gone.
    pub fn see(&mut self, service: &Service, there: bool) {
        self.seen += 1;
        let name = service.metadata.name.clone().unwrap_or_default();
        let now = if there { Self::addresses(service) } else { BTreeSet::new() };
        let before = self.services.insert(name.clone(), now.clone()).unwrap_or_default();
        for gone in before.difference(&now) {
            self.addresses.entry(gone.clone()).or_default().remove(&name);
        }
        let annotations = service.metadata.annotations.as_ref();
        let key = annotations.and_then(|all| all.get("metallb.io/allow-shared-ip").cloned());
        for address in &now {
            let holders = self.addresses.entry(address.clone()).or_default();
            holders.insert(name.clone(), key.clone());
            let shared = holders.values().all(|other| other.is_some() && *other == key);
            if holders.len() > 1 && !shared {
                let version = service.metadata.resource_version.as_deref().unwrap_or_default();
                self.wrong.push(format!("{address} at {version}: {holders:?}"));
            }
        }
    }

    /// Follows all Services, one change of the store after the other.
    pub async fn watch(client: Client, holders: Arc<Mutex<Self>>) -> Result<()> {
        let api: Api<Service> = Api::default_namespaced(client);
        let list = api.list(&ListParams::default()).await?;
        let mut version = list.metadata.resource_version.context("a list has a version")?;
        loop {
            let mut events = pin!(api.watch(&WatchParams::default().timeout(280), &version).await?);
            while let Some(event) = events.try_next().await? {
                let (service, there) = match event {
                    WatchEvent::Added(service) | WatchEvent::Modified(service) => (service, true),
                    WatchEvent::Deleted(service) => (service, false),
                    WatchEvent::Bookmark(mark) => {
                        version = mark.metadata.resource_version;
                        continue;
                    }
                    WatchEvent::Error(why) => {
                        let mut holders = holders.lock().unwrap_or_else(PoisonError::into_inner);
                        holders.wrong.push(format!("the test's watch ended: {why:?}"));
                        return Ok(());
                    }
                };
                version = service.metadata.resource_version.clone().unwrap_or_default();
                holders.lock().unwrap_or_else(PoisonError::into_inner).see(&service, there);
            }
        }
    }
}

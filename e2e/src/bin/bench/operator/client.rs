//! A client of the API server that makes Services and sees when they have their address.

use anyhow::{Context, Result, bail, ensure};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Service;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Requests at a time, as a deployment tool makes them.
const WORKERS: usize = 16;
/// A watch must tell something within this time.
const LIMIT: Duration = Duration::from_mins(5);

/// Who writes the status.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The operator.
    ByOperator,
    /// This client, at once after it made the Service: the same fields, in one patch.
    ByClient,
}

/// A Service that wants an address, without node ports: there are only 2,768 of them.
fn service(name: &str) -> Result<Service> {
    Ok(serde_json::from_value(json!({
        "metadata": { "name": name },
        "spec": {
            "type": "LoadBalancer",
            "allocateLoadBalancerNodePorts": false,
            "selector": { "app": name },
            "ports": [{ "port": 80, "protocol": "TCP" }],
        },
    }))?)
}

/// What the operator writes, with an address of its number.
fn status(made: &Service, number: usize) -> Value {
    let ip = format!("198.18.{}.{}", number / 256, number % 256);
    let condition = |kind: &str, reason: &str, status: &str| {
        json!({
            "type": kind,
            "status": status,
            "reason": reason,
            "message": format!("{ip} of IPAddressPool bench"),
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    json!({
        "metadata": {
            "uid": made.metadata.uid,
            "resourceVersion": made.metadata.resource_version,
            "annotations": { "metallb.io/ip-allocated-from-pool": "bench" },
        },
        "status": {
            "loadBalancer": { "ingress": [{ "ip": ip, "ipMode": "VIP" }] },
            "conditions": [
                condition("LoadBalancerAddressAllocated", "Allocated", "True"),
                condition("LoadBalancerAdvertised", "NoEndpoint", "False"),
            ],
        },
    })
}

/// Makes Services of these numbers as fast as it can, and returns the time from the first request until the watch has shown each
/// with an address.
pub async fn burst(client: &Client, namespace: &str, numbers: Range<usize>, by: Status) -> Result<Duration> {
    let api: Api<Service> = Api::namespaced(client.clone(), namespace);
    let version =
        api.list(&ListParams::default().limit(1)).await?.metadata.resource_version.context("a list")?;
    let seen = tokio::spawn(watch(api.clone(), version, numbers.clone().map(name).collect()));
    let next = Arc::new(AtomicUsize::new(numbers.start));
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS.min(numbers.len()) {
        let (api, next, end) = (api.clone(), Arc::clone(&next), numbers.end);
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return anyhow::Ok(());
                }
                make(&api, number, by).await?;
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    let all = timeout(LIMIT, seen).await.context("not every Service got an address")???;
    Ok(all.duration_since(started))
}

fn name(number: usize) -> String {
    format!("service-{number}")
}

async fn make(api: &Api<Service>, number: usize, by: Status) -> Result<()> {
    let name = name(number);
    let made = api.create(&PostParams::default(), &service(&name)?).await?;
    if by == Status::ByClient {
        let patch = Patch::Strategic(status(&made, number));
        api.patch_status(&name, &PatchParams::default(), &patch).await?;
    }
    Ok(())
}

/// When the last of these Services was seen with an address.
async fn watch(api: Api<Service>, version: String, mut missing: BTreeSet<String>) -> Result<Instant> {
    let mut events = pin!(api.watch(&WatchParams::default(), &version).await?);
    while !missing.is_empty() {
        match events.try_next().await? {
            Some(WatchEvent::Added(service) | WatchEvent::Modified(service)) if addressed(&service) => {
                missing.remove(service.metadata.name.as_deref().unwrap_or_default());
            }
            Some(WatchEvent::Error(why)) => bail!("the watch ended: {why:?}"),
            Some(_) => {}
            None => bail!("the watch ended with {} Services without an address", missing.len()),
        }
    }
    Ok(Instant::now())
}

fn addressed(service: &Service) -> bool {
    let status = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    status.and_then(|balancer| balancer.ingress.as_ref()).is_some_and(|ingress| !ingress.is_empty())
}

/// Deletes every Service of the namespace and waits until they are gone.
pub async fn delete_all(client: &Client, namespace: &str) -> Result<()> {
    let api: Api<Service> = Api::namespaced(client.clone(), namespace);
    let started = Instant::now();
    loop {
        api.delete_collection(&DeleteParams::default(), &ListParams::default()).await?;
        if api.list(&ListParams::default()).await?.items.is_empty() {
            return Ok(());
        }
        ensure!(started.elapsed() < LIMIT, "Services do not go");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// How many Services of the namespace have an address.
pub async fn count(client: &Client, namespace: &str) -> Result<usize> {
    let api: Api<Service> = Api::namespaced(client.clone(), namespace);
    Ok(api.list(&ListParams::default()).await?.items.iter().filter(|service| addressed(service)).count())
}

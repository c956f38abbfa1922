//! A restart with thousands of Services: none is written, and a new one is served at once.

use crate::cluster::{LIMIT, pool, service};
use anyhow::{Context, Result, ensure};
use herald_e2e::{Kube, Lab, Operator, wait_for};
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{ListParams, PostParams};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// As many as the issue of a large cluster names.
const SERVICES: usize = 5000;
/// Requests at a time.
const WORKERS: usize = 8;
/// What the log says when the ledger has been read.
const LISTED: &str = "all is listed";

/// The whole test.
pub fn with_thousands_of_services() -> Result<()> {
    let lab = Lab::new()?;
    let kube = Kube::installed(&lab)?;
    let mut operator = Operator::start(&lab, &kube, "first", &[])?;
    operator.wait_ready()?;
    pool(&kube, "10.64.0.0/16")?;
    make(&kube)?;
    let limit = LIMIT * 5;
    let before = wait_for("every Service has an address", limit, || {
        let versions = versions(&kube)?;
        let missing = versions.iter().filter(|(_, addressed)| !addressed).count();
        ensure!(missing <= 1, "{missing} Services have no address");
        Ok(versions)
    })?;
    operator.stop()?;
    let late = service("late");
    kube.apply(&late.to_string())?;
    let mut operator = Operator::start(&lab, &kube, "second", &[])?;
    operator.wait_ready()?;
    let listed = wait_for("all Services are listed", limit, || {
        ensure!(operator.log().contains(LISTED), "not yet: {}", operator.log());
        Ok(Instant::now())
    })?;
    wait_for("the new one has an address", limit, || crate::cluster::address(&kube, "late"))?;
    let took = listed.elapsed();
    println!("{SERVICES} Services: from the list to the new one's address {took:?}");
    ensure!(took < Duration::from_secs(1), "{took:?}");
    // A write that nobody asked for would come in the next moment.
    std::thread::sleep(Duration::from_secs(2));
    let mut after = versions(&kube)?;
    after.retain(|(name, _)| !name.starts_with("late/"));
    let written: Vec<_> = after.iter().filter(|one| !before.contains(one)).take(5).collect();
    ensure!(written.is_empty(), "Services were written: {written:?}");
    Ok(())
}

fn make(kube: &Kube) -> Result<()> {
    kube.ask(async |client| {
        let api: Api<Service> = Api::default_namespaced(client);
        let next = Arc::new(AtomicUsize::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            let (api, next) = (api.clone(), Arc::clone(&next));
            workers.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= SERVICES {
                        return anyhow::Ok(());
                    }
                    let service = serde_json::from_value(service(&format!("service-{number}")))?;
                    api.create(&PostParams::default(), &service).await?;
                }
            });
        }
        while let Some(done) = workers.join_next().await {
            done??;
        }
        Ok(())
    })
}

/// Name and resourceVersion of every Service, and whether it has an address.
fn versions(kube: &Kube) -> Result<std::collections::BTreeSet<(String, bool)>> {
    kube.ask(async |client| {
        let api: Api<Service> = Api::default_namespaced(client);
        let all = api.list(&ListParams::default()).await?.items;
        all.into_iter()
            .map(|service| {
                let addressed = !crate::holders::Holders::addresses(&service).is_empty();
                let name = service.metadata.name.context("a name")?;
                let version = service.metadata.resource_version.context("a version")?;
                Ok((format!("{name}/{version}"), addressed))
            })
            .collect()
    })
}

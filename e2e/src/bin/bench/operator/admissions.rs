//! How long admissions take when the operator is asked as the API server asks it; before each it lists by quorum read what is
//! stored.

use anyhow::{Context, Result, ensure};
use herald_e2e::kube::client;
use http::Request;
use kube::Config;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const PATH: &str = "/validate-metallb-io-v1beta1-ipaddresspool";

/// So many pools are asked about, in turn. What was admitted counts as there until it is known not to have been stored, and each pool is
/// held against all others.
const POOLS: usize = 60;

/// The API server asks whether this pool may be made.
fn review(number: usize) -> Value {
    let number = number % POOLS;
    let name = format!("asked-{number}");
    let range = format!("10.128.{number}.0/24");
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": name,
            "kind": { "group": "metallb.io", "version": "v1beta1", "kind": "IPAddressPool" },
            "resource": { "group": "metallb.io", "version": "v1beta1", "resource": "ipaddresspools" },
            "name": name,
            "namespace": "metallb-system",
            "operation": "CREATE",
            "userInfo": {},
            "object": {
                "apiVersion": "metallb.io/v1beta1",
                "kind": "IPAddressPool",
                "metadata": { "name": name, "namespace": "metallb-system" },
                "spec": { "addresses": [range] },
            },
        },
    })
}

/// Asks the operator at `address` `count` times, so many at a time, and returns the time until the last answer. An error where one
/// is missing or is not "allowed".
pub async fn ask(address: &str, count: usize, at_a_time: usize) -> Result<Duration> {
    let mut config = Config::new(format!("https://{address}:9443").parse()?);
    config.accept_invalid_certs = true;
    let client = client(config)?;
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..at_a_time {
        let (client, next) = (client.clone(), Arc::clone(&next));
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return anyhow::Ok(());
                }
                let body = serde_json::to_vec(&review(number))?;
                let request = Request::post(PATH).header("Content-Type", "application/json").body(body)?;
                let answer: Value = client.request(request).await.context("an admission")?;
                ensure!(answer["response"]["allowed"] == true, "{answer}");
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    Ok(started.elapsed())
}

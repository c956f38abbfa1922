//! Services with an EndpointSlice each, as fast as the API server takes them.

use anyhow::Result;
use kube::Client;
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::task::JoinSet;

/// Requests at a time, as a deployment tool makes them.
const WORKERS: usize = 16;
const SERVICES: &str = "/api/v1/namespaces/default/services";
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

/// What is given out and announced, to BIRD alone and by IPv4 alone.
pub const CONFIGURATION: &str = "
{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: bench, namespace: metallb-system}, spec: {addresses: [10.64.0.0/16]}}
---
{apiVersion: metallb.io/v1beta1, kind: BGPAdvertisement, metadata: {name: bench, namespace: metallb-system}, spec: {}}
---
{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: bird, namespace: metallb-system},
 spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.254, connectTime: 1s}}
";

/// The address that Service `number` asks for.
pub fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 64, 0, 0)) + number)
}

async fn send(client: &Client, method: &str, path: &str, content: &str, body: &Value) -> Result<Value> {
    let request = http::Request::builder().method(method).uri(path).header("Content-Type", content);
    Ok(client.request(request.body(serde_json::to_vec(body)?)?).await?)
}

/// A Service without selector: nobody but this program writes its endpoints. No node port: there are only 2,768 of them.
pub async fn service(client: &Client, number: u32) -> Result<()> {
    let body = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": format!("s{number}"),
            "annotations": {"metallb.io/loadBalancerIPs": address(number).to_string()}},
        "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": [{"port": 80}]},
    });
    send(client, "POST", SERVICES, "application/json", &body).await.map(drop)
}

/// Its endpoints: one ready pod.
pub async fn slice(client: &Client, number: u32) -> Result<()> {
    let body = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": format!("s{number}"), "labels": {"kubernetes.io/service-name": format!("s{number}")}},
        "endpoints": [{"addresses": ["10.244.1.10"], "nodeName": "node-1", "conditions": {"ready": true}}],
        "ports": [{"port": 8080, "protocol": "TCP"}],
    });
    send(client, "POST", SLICES, "application/json", &body).await.map(drop)
}

/// Its endpoint is ready, or not.
pub async fn ready(client: &Client, number: u32, ready: bool) -> Result<()> {
    let conditions = json!({"ready": ready, "serving": ready});
    let body = json!({"endpoints": [{"addresses": ["10.244.1.10"], "nodeName": "node-1", "conditions": conditions}]});
    send(client, "PATCH", &format!("{SLICES}/s{number}"), "application/merge-patch+json", &body)
        .await
        .map(drop)
}

/// Service and endpoints are deleted.
pub async fn delete(client: &Client, number: u32) -> Result<()> {
    for path in [SERVICES, SLICES] {
        send(client, "DELETE", &format!("{path}/s{number}"), "application/json", &json!({})).await?;
    }
    Ok(())
}

/// All of these numbers' Services, or all of their endpoints, by some workers at a time.
pub async fn many(client: &Client, numbers: Range<u32>, services: bool) -> Result<()> {
    let next = Arc::new(AtomicU32::new(numbers.start));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (client, next, end) = (client.clone(), Arc::clone(&next), numbers.end);
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                match (number < end, services) {
                    (false, _) => return anyhow::Ok(()),
                    (true, true) => service(&client, number).await?,
                    (true, false) => slice(&client, number).await?,
                }
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    Ok(())
}

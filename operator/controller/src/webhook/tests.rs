//! Hostile clients, and many requests, over TLS on the loopback interface.

mod client;
mod hostile;
mod load;

use super::fresh::Fresh;
use super::judge::Judge;
use super::{limits, router};
use herald_core::admission;
use herald_core::input::objects::{Keep, Kind, Objects, View};
use herald_core::input::{self};
use herald_serving::certificates::Certificates;
use herald_serving::https::{self, Limits};
use herald_serving::tls::Flags;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What is there: two nodes and these objects.
fn view(objects: Vec<(Kind, Value)>) -> View {
    let mut all = Objects::new(&input::Options::default(), Keep::default());
    for kind in [
        Kind::IpAddressPool,
        Kind::L2Advertisement,
        Kind::BgpAdvertisement,
        Kind::BgpPeer,
        Kind::BfdProfile,
        Kind::Community,
        Kind::FrrConfiguration,
    ] {
        all.replace(kind, Vec::new());
    }
    let node = |name: &str| json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": { "kubernetes.io/hostname": name } } });
    all.replace(Kind::Node, vec![node("node-1"), node("node-2")]);
    for (kind, object) in objects {
        all.apply(kind, &object);
    }
    all.view()
}

/// A server that knows this, and nothing more is stored.
async fn served(view: View, limits: Limits) -> (SocketAddr, watch::Sender<View>) {
    served_once(view, limits, std::future::ready(())).await
}

/// The same where it can be said only after a while whether all that is stored is known.
async fn served_once(
    view: View,
    limits: Limits,
    known: impl Future<Output = ()> + Send + 'static,
) -> (SocketAddr, watch::Sender<View>) {
    let (sender, views) = watch::channel(view);
    let options = admission::Options { namespace: Some("metallb-system".into()), ..Default::default() };
    let (fresh, mut asked) = Fresh::new();
    tokio::spawn(async move {
        known.await;
        while let Some(ask) = asked.recv().await {
            let _ = ask.send(());
        }
    });
    let judge = Arc::new(Judge::new(views, fresh, options));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let certificates = Certificates::self_signed(&["localhost".to_owned()]).unwrap();
    let tls = Flags::default().settings().unwrap().server(certificates, false).unwrap();
    let follower = Arc::clone(&judge);
    tokio::spawn(async move { follower.follow().await });
    tokio::spawn(https::serve(listener, router(judge), tls, limits, std::future::pending()));
    (address, sender)
}

fn small() -> Limits {
    Limits {
        request: std::time::Duration::from_secs(1),
        hello: std::time::Duration::from_secs(1),
        ..limits()
    }
}

fn pool(name: &str, addresses: &str) -> Value {
    json!({
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": { "name": name, "namespace": "metallb-system" },
        "spec": { "addresses": [addresses] },
    })
}

fn review(object: &Value, operation: &str, dry_run: bool) -> Value {
    let (group, version) = object["apiVersion"].as_str().unwrap().split_once('/').unwrap();
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": { "group": group, "version": version, "kind": object["kind"] },
            "resource": { "group": group, "version": version, "resource": "x" },
            "name": object["metadata"]["name"],
            "namespace": object["metadata"]["namespace"],
            "operation": operation,
            "object": object,
            "oldObject": null,
            "dryRun": dry_run,
            "options": { "apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions" },
        },
    })
}

//! Two replicas of which one learns everything late: what contradicts what the other one admitted is refused all the same.

use crate::cluster::{Cluster, NAMESPACE};
use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use herald_e2e::kube::{Fate, Line, Proxy};
use kube::{Client, Config};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long the second replica's watches lag.
const LAG: Duration = Duration::from_millis(700);
/// Pairs of objects of each kind, half of them first at one replica, half at the other.
const PAIRS: usize = 6;
/// Who asks at a time, and how often each.
const CLIENTS: usize = 32;
const REQUESTS: usize = 60;

/// A kind's path, its first object of a pair and one that contradicts it, and the words of the refusal.
type Kind = (&'static str, fn(usize, &str) -> Value, &'static str);

const KINDS: [Kind; 3] = [
    ("v1beta1/namespaces/metallb-system/ipaddresspools", pool, "overlaps with already defined CIDR"),
    ("v1beta2/namespaces/metallb-system/bgppeers", peer, "already exists"),
    ("v1beta1/namespaces/metallb-system/communities", community, "duplicate definition of community"),
];

fn object(version: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": format!("metallb.io/{version}"), "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec})
}

fn pool(pair: usize, which: &str) -> Value {
    let size = if which == "one" { 24 } else { 25 };
    let spec = json!({"addresses": [format!("10.77.{pair}.0/{size}")]});
    object("v1beta1", "IPAddressPool", &format!("{which}-{pair}"), &spec)
}

fn peer(pair: usize, which: &str) -> Value {
    let spec = json!({"myASN": 64512, "peerASN": 64513, "peerAddress": format!("192.0.2.{pair}")});
    object("v1beta2", "BGPPeer", &format!("{which}-{pair}"), &spec)
}

fn community(pair: usize, which: &str) -> Value {
    let value = if which == "one" { "64512:1" } else { "64512:2" };
    let spec = json!({"communities": [{"name": format!("alias-{pair}"), "value": value}]});
    object("v1beta1", "Community", &format!("{which}-{pair}"), &spec)
}

pub fn by_turns() -> Result<()> {
    let mut proxy = None;
    let cluster = Cluster::of_two(|kube| {
        let proxy = proxy.insert(Proxy::start(kube)?);
        proxy.kubeconfig(kube, NAMESPACE, "controller")
    })?;
    let proxy = proxy.context("a proxy")?;
    proxy.lines(|_| Line::Late(LAG));
    cluster.kube.ask(async |client| {
        for (path, make, words) in KINDS {
            for pair in 0..PAIRS {
                both(&cluster, &client, path, [make(pair, "one"), make(pair, "two")], words).await?;
                // The next pair begins at the other replica.
                cluster.turn()?;
            }
        }
        proxy.lines(|_| Line::Pass);
        many(&cluster, &client).await
    })?;
    // Who can list nothing judges nothing.
    proxy.rule(|method, path| {
        let list = method == "GET" && !path.contains("watch=");
        if list { Fate::Lost } else { Fate::Pass }
    });
    let mut refused = 0;
    for number in 0..2 {
        cluster.turn()?;
        let pool = pool(100 + number, "one").to_string();
        refused += usize::from(
            cluster.kube.apply(&pool).is_err_and(|why| format!("{why:#}").contains("failed calling webhook")),
        );
    }
    ensure!(refused == 1, "{refused} of two replicas did not answer");
    Ok(())
}

/// The first object is admitted, and right after it the other replica refuses the second one.
async fn both(cluster: &Cluster, client: &Client, path: &str, pair: [Value; 2], words: &str) -> Result<()> {
    let [one, two] = pair;
    cluster.turn()?;
    create(client, path, &one).await.with_context(|| format!("{one}\n{}", cluster.log()))?;
    cluster.turn()?;
    let asked = Instant::now();
    let refused = create(client, path, &two).await.err().with_context(|| format!("it was taken: {two}"))?;
    ensure!(format!("{refused:#}").contains(words), "{words:?} is not in: {refused:#}\n{}", cluster.log());
    println!("{path}: refused after {:?}", asked.elapsed());
    Ok(())
}

async fn create(client: &Client, path: &str, object: &Value) -> Result<()> {
    let request = http::Request::post(format!("/apis/metallb.io/{path}"))
        .header("content-type", "application/json")
        .body(object.to_string().into_bytes())?;
    client.request::<Value>(request).await?;
    Ok(())
}

/// Many objects at once, and many more requests without the API server's own part: not one without an answer.
async fn many(cluster: &Cluster, client: &Client) -> Result<()> {
    let (path, began) = (KINDS[2].0, Instant::now());
    let made =
        (0..100).map(|number| async move { create(client, path, &community(1000 + number, "one")).await });
    try_join_all(made).await?;
    println!("100 objects at once: {:?}", began.elapsed());
    let mut config = Config::new(format!("https://{}:9443", cluster.replicas[0].address()).parse()?);
    config.accept_invalid_certs = true;
    let (replica, began) = (&Client::try_from(config)?, Instant::now());
    let clients = (0..CLIENTS).map(|number| async move {
        for request in 0..REQUESTS {
            review(replica, &community(2000 + number * REQUESTS + request, "one")).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(clients).await?;
    let (count, took) = (CLIENTS * REQUESTS, began.elapsed());
    let rate = f64::from(u32::try_from(count)?) / took.as_secs_f64();
    println!("{count} admissions in {took:?}, {rate:.0} a second, {CLIENTS} connections, without an error");
    Ok(())
}

/// Asks a replica as the API server does; nothing is stored.
async fn review(replica: &Client, object: &Value) -> Result<()> {
    let uid = "705ab4f5-6393-11e8-b7cc-42010a800002";
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": uid, "kind": {"group": "metallb.io", "version": "v1beta1", "kind": object["kind"]},
        "name": object["metadata"]["name"], "namespace": NAMESPACE, "operation": "CREATE",
        "object": object, "oldObject": null, "dryRun": true}});
    let request = http::Request::post("/validate-metallb-io-v1beta1-community")
        .header("content-type", "application/json")
        .body(review.to_string().into_bytes())?;
    let answer: Value = replica.request(request).await?;
    ensure!(answer["response"]["allowed"] == true && answer["response"]["uid"] == uid, "{answer}");
    Ok(())
}

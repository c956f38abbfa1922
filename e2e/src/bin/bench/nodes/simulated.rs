//! Simulated nodes: each lists, watches and writes what an agent does, over connections of its own. Nobody plans anything.

use super::record::{Followed, NODE, Pattern};
use super::traffic::{Connections, client};
use anyhow::{Context, Result, ensure};
use futures::{AsyncBufReadExt, TryStreamExt};
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use kube::{Client, Config};
use serde::Deserialize;
use serde_json::{Value, json};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::sleep;

/// So many nodes list at a time, as when a `DaemonSet` is rolled out.
const STARTING: usize = 10;
/// What failed is tried again after this time.
const AGAIN: Duration = Duration::from_secs(1);
const SLICES: &str = "/apis/discovery.k8s.io/v1/endpointslices";
const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json";

/// What all nodes did.
#[derive(Debug, Default)]
pub struct Counts {
    /// Nodes that have listed everything and written their first objects.
    pub ready: AtomicUsize,
    /// Changes of objects that were told to all nodes alike, bookmarks left out.
    pub events: AtomicUsize,
    /// Services that were told as announced.
    pub announced: AtomicUsize,
    /// Bytes of answers, as JSON.
    pub bytes: AtomicUsize,
    /// Requests that failed and were made again.
    pub failed: AtomicUsize,
}

/// All simulated nodes; they end with their owner.
pub struct Nodes {
    pattern: Arc<Pattern>,
    config: Config,
    connections: Connections,
    pub counts: Arc<Counts>,
    starting: Arc<Semaphore>,
    started: usize,
    tasks: tokio::task::JoinSet<()>,
}

impl Nodes {
    /// None yet.
    pub fn new(pattern: Pattern, config: Config, connections: Connections) -> Self {
        Self {
            pattern: Arc::new(pattern),
            config,
            connections,
            counts: Arc::default(),
            starting: Arc::new(Semaphore::new(STARTING)),
            started: 0,
            tasks: tokio::task::JoinSet::new(),
        }
    }

    /// Starts more until there are so many.
    pub fn grow(&mut self, number: usize) -> Result<()> {
        while self.started < number {
            let (told, changes) = mpsc::unbounded_channel();
            let node = Node {
                name: format!("simulated-{}", self.started),
                client: client(&self.config, self.connections)?,
                pattern: Arc::clone(&self.pattern),
                counts: Arc::clone(&self.counts),
                told,
            };
            let starting = Arc::clone(&self.starting);
            self.tasks.spawn(async move { drop(node.run(&starting, changes).await) });
            self.started += 1;
        }
        Ok(())
    }
}

struct Node {
    name: String,
    client: Client,
    pattern: Arc<Pattern>,
    counts: Arc<Counts>,
    /// Tells which Service got endpoints.
    told: mpsc::UnboundedSender<String>,
}

#[derive(Deserialize)]
struct Page {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: String,
    resource_version: String,
    r#continue: String,
}

impl Node {
    async fn run(self, starting: &Semaphore, mut changes: mpsc::UnboundedReceiver<String>) -> Result<()> {
        let node = Arc::new(self);
        let mut watching = tokio::task::JoinSet::new();
        {
            let _place = starting.acquire().await?;
            let mut listing = tokio::task::JoinSet::new();
            for at in 0..node.pattern.followed.len() {
                let node = Arc::clone(&node);
                listing.spawn(async move { (at, node.list_until_it_works(at).await) });
            }
            while let Some(listed) = listing.join_next().await {
                let (at, version) = listed?;
                let node = Arc::clone(&node);
                watching.spawn(async move { node.follow(at, version).await });
            }
            for object in &node.pattern.objects {
                let object = &node.named(object);
                node.until_it_works(|| node.make(object)).await;
            }
        }
        node.counts.ready.fetch_add(1, Relaxed);
        while let Some(service) = changes.recv().await {
            node.until_it_works(|| node.announce(&service)).await;
            node.counts.announced.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    async fn until_it_works<F>(&self, work: impl Fn() -> F + Send)
    where
        F: Future<Output = Result<()>> + Send,
    {
        while work().await.is_err() {
            self.counts.failed.fetch_add(1, Relaxed);
            sleep(AGAIN).await;
        }
    }

    async fn list_until_it_works(&self, at: usize) -> String {
        loop {
            if let Ok(version) = self.list(&self.pattern.followed[at]).await {
                return version;
            }
            self.counts.failed.fetch_add(1, Relaxed);
            sleep(AGAIN).await;
        }
    }

    /// Watches again and again; a watch that ends is taken up where it ended, one that fails begins with a list.
    async fn follow(&self, at: usize, mut version: String) {
        loop {
            if let Ok(last) = self.watch(&self.pattern.followed[at], &version).await {
                version = last;
            } else {
                self.counts.failed.fetch_add(1, Relaxed);
                sleep(AGAIN).await;
                version = self.list_until_it_works(at).await;
            }
        }
    }

    /// All pages; the version to watch from.
    async fn list(&self, followed: &Followed) -> Result<String> {
        let mut page = Metadata::default();
        loop {
            let mut words = followed.selectors.clone();
            words.push(format!("limit={}", followed.limit));
            if !page.r#continue.is_empty() {
                words.push(format!("continue={}", page.r#continue));
            }
            let text =
                self.client.request_text(Request::get(self.uri(followed, &words)).body(vec![])?).await?;
            self.counts.bytes.fetch_add(text.len(), Relaxed);
            page = serde_json::from_str::<Page>(&text)?.metadata;
            if page.r#continue.is_empty() {
                return Ok(page.resource_version);
            }
        }
    }

    /// Until it ends; the version that it came to.
    async fn watch(&self, followed: &Followed, version: &str) -> Result<String> {
        let mut words = [followed.selectors.clone(), followed.watch.clone()].concat();
        words.push(format!("resourceVersion={version}"));
        let answer =
            self.client.request_stream(Request::get(self.uri(followed, &words)).body(vec![])?).await?;
        let mut lines = pin!(answer.lines());
        let mut version = version.to_owned();
        while let Some(line) = lines.try_next().await? {
            self.counts.bytes.fetch_add(line.len() + 1, Relaxed);
            let Line { kind, object } = serde_json::from_str(&line)?;
            ensure!(kind != "ERROR", "the watch ends: {line}");
            version = object.metadata.resource_version;
            if kind != "BOOKMARK" && followed.selectors.is_empty() {
                self.counts.events.fetch_add(1, Relaxed);
            }
            if kind == "ADDED" && followed.path == SLICES {
                // Slices of this bench have their Services' names. Fails only when the node ends.
                let _ = self.told.send(object.metadata.name);
            }
        }
        Ok(version)
    }

    fn uri(&self, followed: &Followed, words: &[String]) -> String {
        format!("{}?{}", followed.path, words.join("&")).replace(NODE, &self.name)
    }

    /// The same object of this node.
    fn named(&self, object: &Value) -> Value {
        // A text that was JSON is JSON with another name in it.
        serde_json::from_str(&object.to_string().replace(NODE, &self.name)).unwrap_or_default()
    }

    /// What an agent does for a Service that FRR has sent: the object, its status, and the Event with the Service's uid.
    async fn announce(&self, service: &str) -> Result<()> {
        let mut object = self.named(&self.pattern.announced);
        object["metadata"]["name"] = json!(format!("bgp-{}-{service}", self.name));
        object["metadata"]["labels"]["metallb.io/service-name"] = json!(service);
        object["status"]["serviceName"] = json!(service);
        self.make(&object).await?;
        let namespace = object["status"]["serviceNamespace"].as_str().context("it has a namespace")?;
        let path = format!("/api/v1/namespaces/{namespace}/services/{service}");
        let found: Value = serde_json::from_str(&self.ask(Method::GET, &path, JSON, &Value::Null).await?)?;
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": { "generateName": format!("{service}."), "namespace": namespace },
            "involvedObject": { "apiVersion": "v1", "kind": "Service", "name": service, "namespace": namespace,
                "uid": found["metadata"]["uid"] },
            "type": "Normal", "reason": "nodeAssigned", "count": 1,
            "message": format!("announcing from node {:?} with protocol \"bgp\"", self.name),
            "source": { "component": "metallb-speaker", "host": self.name },
            "reportingComponent": "metallb-speaker", "reportingInstance": self.name,
        });
        self.ask(Method::POST, &format!("/api/v1/namespaces/{namespace}/events"), JSON, &event).await?;
        let state = self.pattern.objects.iter().find(|object| object["kind"] == "FRRNodeState");
        let mut state = self.named(state.context("it has a state")?);
        // A line more: what changes nothing is not stored.
        let running = state["status"]["runningConfig"].as_str().unwrap_or_default();
        state["status"]["runningConfig"] = json!(format!("{running}{service}\n"));
        self.write_status(&state).await
    }

    /// Makes an object, unless it is there, and writes its status.
    async fn make(&self, object: &Value) -> Result<()> {
        let (collection, _) = paths(object)?;
        let mut body = object.clone();
        body.as_object_mut().context("an object")?.remove("status");
        match self.ask(Method::POST, &format!("{collection}?fieldManager=metallb-speaker"), JSON, &body).await
        {
            Err(why) if !why.to_string().contains("AlreadyExists") => return Err(why),
            _ => {}
        }
        self.write_status(object).await
    }

    async fn write_status(&self, object: &Value) -> Result<()> {
        let (collection, name) = paths(object)?;
        let path = format!("{collection}/{name}/status?fieldManager=metallb-speaker");
        self.ask(Method::PATCH, &path, MERGE, &json!({ "status": object["status"] })).await.map(drop)
    }

    async fn ask(&self, method: Method, path: &str, content: &str, body: &Value) -> Result<String> {
        let bytes = if method == Method::GET { vec![] } else { body.to_string().into_bytes() };
        let request =
            Request::builder().method(method).uri(path).header(CONTENT_TYPE, content).body(bytes)?;
        let text = self.client.request_text(request).await?;
        self.counts.bytes.fetch_add(text.len(), Relaxed);
        Ok(text)
    }
}

/// Where an object's kind is, and its name.
fn paths(object: &Value) -> Result<(String, &str)> {
    let text = |value: &'_ Value| value.as_str().unwrap_or_default().to_owned();
    let plural = match object["kind"].as_str() {
        Some("ServiceBGPStatus") => "servicebgpstatuses".to_owned(),
        Some(kind) => format!("{}s", kind.to_lowercase()),
        None => anyhow::bail!("an object without a kind"),
    };
    let metadata = &object["metadata"];
    let namespace = match metadata["namespace"].as_str() {
        Some(namespace) => format!("/namespaces/{namespace}"),
        None => String::new(),
    };
    let collection = format!("/apis/{}{namespace}/{plural}", text(&object["apiVersion"]));
    Ok((collection, metadata["name"].as_str().context("it has a name")?))
}

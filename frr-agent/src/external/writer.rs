//! Writes one FRRConfiguration, and keeps it as it is to be. Nothing is written, and nothing deleted, before something is
//! wanted; one change is one write, and what changed meanwhile is one.

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};
use herald_core::external::same;
use herald_crds::frrk8s::{FRRConfiguration, FRRConfigurationSpec};
use kube::api::{ListParams, PostParams, WatchEvent, WatchParams};
use kube::core::DynamicObject;
use kube::discovery::ApiResource;
use kube::{Api, Client};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tracing::{error, info};

/// What failed is tried again after this time.
const AGAIN: Duration = Duration::from_secs(1);
/// What the API server says of a write that was decided upon an older object, and of one that is there already.
const CONFLICT: u16 = 409;

/// Hands over what is wanted.
#[derive(Debug)]
pub struct Writer {
    wanted: watch::Sender<Option<FRRConfigurationSpec>>,
}

impl Writer {
    /// Starts the tasks that write and watch the object.
    pub fn start(client: Client, namespace: &str, name: &str) -> Self {
        let (sender, wanted) = watch::channel(None);
        let resource = ApiResource::erase::<FRRConfiguration>(&());
        let api: Api<DynamicObject> = Api::namespaced_with(client, namespace, &resource);
        let (seen, told) = mpsc::unbounded_channel();
        tokio::spawn(follow(api.clone(), name.to_owned(), seen));
        let object = Object { api, resource, name: name.to_owned(), known: None };
        tokio::spawn(keep(object, wanted, told));
        Self { wanted: sender }
    }

    /// This is wanted now.
    pub fn write(&self, spec: FRRConfigurationSpec) {
        self.wanted.send_if_modified(|wanted| {
            let differs = wanted.as_ref() != Some(&spec);
            *wanted = Some(spec);
            differs
        });
    }
}

/// The object as it was when the API server spoke of it last; `None`: it is not there, or that is not known.
struct Object {
    api: Api<DynamicObject>,
    resource: ApiResource,
    name: String,
    known: Option<DynamicObject>,
}

/// Writes what is wanted when that or the object changes (I/O).
async fn keep(
    mut object: Object,
    mut wanted: watch::Receiver<Option<FRRConfigurationSpec>>,
    mut told: mpsc::UnboundedReceiver<Option<DynamicObject>>,
) {
    let mut last_failure = String::new();
    loop {
        let spec = wanted.borrow_and_update().clone();
        let written = match &spec {
            Some(spec) => object.bring(spec).await,
            None => Ok(()),
        };
        if let Err(why) = &written {
            object.known = None;
            let words = format!("{why:#}");
            if words != last_failure {
                error!(event = "WriteFailed", object = object.name, error = words, "trying again");
                last_failure = words;
            }
        } else {
            last_failure.clear();
        }
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() { return },
            seen = told.recv() => match seen {
                Some(seen) => object.saw(seen.as_ref()),
                None => return,
            },
            () = sleep(AGAIN), if written.is_err() => {}
        }
    }
}

impl Object {
    /// Somebody changed it, or it was us.
    fn saw(&mut self, seen: Option<&DynamicObject>) {
        let version = |object: &DynamicObject| object.metadata.resource_version.clone();
        if seen.and_then(version) != self.known.as_ref().and_then(version) {
            // Late news of an older write must not lead to another one: it is asked for.
            self.known = None;
        }
    }

    /// Creates or updates it, if it does not say that already; of what is there only the spec is touched.
    async fn bring(&mut self, spec: &FRRConfigurationSpec) -> Result<()> {
        if self.known.is_none() {
            self.known = self.api.get_opt(&self.name).await.context("read it")?;
        }
        let wanted = serde_json::to_value(spec).context("put it into JSON")?;
        let written = match &self.known {
            Some(known) if same(spec, known.data.get("spec").unwrap_or(&Value::Null)) => return Ok(()),
            Some(known) => {
                let mut new = known.clone();
                new.data["spec"] = wanted;
                self.api.replace(&self.name, &PostParams::default(), &new).await
            }
            None => {
                let new = DynamicObject::new(&self.name, &self.resource).data(json!({ "spec": wanted }));
                self.api.create(&PostParams::default(), &new).await
            }
        };
        match written {
            Ok(written) => self.known = Some(written),
            Err(kube::Error::Api(status)) if status.code == CONFLICT => {
                self.known = None;
                return Err(kube::Error::Api(status)).context("somebody else wrote it");
            }
            Err(why) => return Err(why).context("write it"),
        }
        info!(event = "Written", object = self.name, "frr-k8s is told what to announce");
        Ok(())
    }
}

/// Tells of every change of the object (I/O), until nobody listens.
async fn follow(api: Api<DynamicObject>, name: String, seen: mpsc::UnboundedSender<Option<DynamicObject>>) {
    let field = format!("metadata.name={name}");
    while !seen.is_closed() {
        // A watch that ended may have missed something: what is there now counts as a change.
        if let Err(why) = watch_once(&api, &field, &seen).await {
            tracing::debug!(event = "WatchEnded", error = format!("{why:#}"));
        }
        sleep(AGAIN).await;
    }
}

async fn watch_once(
    api: &Api<DynamicObject>,
    field: &str,
    seen: &mpsc::UnboundedSender<Option<DynamicObject>>,
) -> Result<()> {
    let now = api.list(&ListParams::default().fields(field)).await?;
    let version = now.metadata.resource_version.unwrap_or_default();
    let _ = seen.send(now.items.into_iter().next());
    let events = api.watch(&WatchParams::default().fields(field), &version).await?;
    let mut events = events.boxed();
    while let Some(event) = events.try_next().await? {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => drop(seen.send(Some(object))),
            WatchEvent::Deleted(_) => drop(seen.send(None)),
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(status) => return Err(kube::Error::Api(status).into()),
        }
    }
    Ok(())
}

//! The writes, one request after the other.

use super::MANAGER;
use super::desk::Write;
use super::object::{Id, Kind};
use super::stands::{Whose, resource};
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use jiff::Timestamp;
use kube::Client;
use kube::api::DynamicObject;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tracing::{debug, warn};

/// A write that takes longer is made again.
const DEADLINE: Duration = Duration::from_secs(10);
const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json";

/// The way to the API server.
#[derive(Clone)]
pub struct Writer {
    client: Client,
    whose: Arc<Whose>,
}

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// 404.
    #[error("it is not there")]
    NotFound,
    /// 409.
    #[error("it has changed")]
    Conflict,
    /// Anything else; the words.
    #[error("{0}")]
    Other(String),
}

/// What came of a write, and the object as it stands then.
pub type Outcome = (Came, Option<Box<DynamicObject>>);

/// The same before the object was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It happened.
    Done,
    /// The object is not there.
    Gone,
    /// It failed.
    Failed,
}

impl Writer {
    /// For objects of this node.
    pub fn new(client: Client, whose: Arc<Whose>) -> Self {
        Self { client, whose }
    }

    /// Makes a write.
    pub async fn write(self, write: Write, running: Arc<str>) -> Outcome {
        let what = name_of(&write);
        let done = match write {
            Write::Put { id, create, mend, owner, body } => {
                let status = json!({ "status": body.patch(&self.whose.node, &id, &running) });
                let object = self.object(&id, owner.as_deref());
                self.put(&id, (create, mend), &object, &status).await.map(Some)
            }
            Write::Delete(id) => {
                let answer: Result<Value, Failure> =
                    self.send(Method::DELETE, &self.path(&id), JSON, &json!({})).await;
                answer.map(|_| None)
            }
            Write::Event(key) => self.tell(&key.namespace, &key.name).await.map(|()| None),
        };
        match done {
            Ok(object) => (Came::Done, object.map(Box::new)),
            Err(Failure::NotFound) => (Came::Gone, None),
            Err(why) => {
                warn!(event = "StatusNotWritten", object = what, error = %why, "tried again");
                (Came::Failed, None)
            }
        }
    }

    async fn put(
        &self,
        id: &Id,
        (create, mend): (bool, bool),
        object: &Value,
        status: &Value,
    ) -> Result<DynamicObject, Failure> {
        let path = self.path(id);
        let manager = format!("?fieldManager={}", id.kind().manager());
        if create {
            let collection = format!("{}{manager}", self.collection(id.kind()));
            let made: Result<Value, Failure> = self.send(Method::POST, &collection, JSON, object).await;
            match made {
                // Somebody else made it: it is mended as one that was there.
                Ok(_) | Err(Failure::Conflict) => {}
                Err(why) => return Err(why),
            }
        } else if mend {
            let metadata = &object["metadata"];
            let head = json!({ "metadata": { "labels": metadata["labels"], "ownerReferences": metadata["ownerReferences"] } });
            let _: Value = self.send(Method::PATCH, &format!("{path}{manager}"), MERGE, &head).await?;
        }
        self.send(Method::PATCH, &format!("{path}/status{manager}"), MERGE, status).await
    }

    /// The object without its status. What is in the namespace belongs to the node's FRRNodeState, by its uid.
    fn object(&self, id: &Id, owner: Option<&str>) -> Value {
        let own = resource(id.kind());
        let mut metadata =
            json!({ "name": id.name(&self.whose.node), "labels": id.labels(&self.whose.node) });
        if id.kind() != Kind::NodeState {
            metadata["namespace"] = json!(self.whose.namespace);
            let state = resource(Kind::NodeState);
            let name = &self.whose.node;
            let of = |uid| json!({ "apiVersion": state.api_version, "kind": state.kind, "name": name, "uid": uid });
            metadata["ownerReferences"] = owner.map(of).into_iter().collect();
        }
        json!({ "apiVersion": own.api_version, "kind": own.kind, "metadata": metadata })
    }

    fn collection(&self, kind: Kind) -> String {
        let (_, group, plural) = kind.names();
        match kind {
            Kind::NodeState => format!("/apis/{group}/v1beta1/{plural}"),
            _ => format!("/apis/{group}/v1beta1/namespaces/{}/{plural}", self.whose.namespace),
        }
    }

    fn path(&self, id: &Id) -> String {
        format!("{}/{}", self.collection(id.kind()), id.name(&self.whose.node))
    }

    /// The Event of a Service that is announced from here (MetalLB, `main.go` of its speaker).
    async fn tell(&self, namespace: &str, name: &str) -> Result<(), Failure> {
        let service = format!("/api/v1/namespaces/{namespace}/services/{name}");
        // `kubectl describe` asks for Events by the object's uid.
        let service: Value = self.send(Method::GET, &service, JSON, &Value::Null).await?;
        let now = Timestamp::now();
        let (node, at) = (&self.whose.node, format!("{now:.0}"));
        let event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": { "name": format!("{name}.{:x}", now.as_nanosecond()), "namespace": namespace },
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Service",
                "name": name,
                "namespace": namespace,
                "uid": service["metadata"]["uid"],
            },
            "type": "Normal",
            "reason": "nodeAssigned",
            "message": format!("announcing from node {node:?} with protocol \"bgp\""),
            "source": { "component": MANAGER, "host": node },
            "reportingComponent": MANAGER,
            "reportingInstance": node,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        });
        let path = format!("/api/v1/namespaces/{namespace}/events");
        let made: Result<Value, Failure> = self.send(Method::POST, &path, JSON, &event).await;
        if let Err(why) = made {
            // An Event may be lost: of a namespace that is being deleted, for one.
            debug!(event = "EventNotWritten", service = format!("{namespace}/{name}"), error = %why);
        }
        Ok(())
    }

    async fn send<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        content: &str,
        body: &Value,
    ) -> Result<T, Failure> {
        let bytes = if method == Method::GET { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, content).body(bytes);
        let request = request.map_err(|why| Failure::Other(why.to_string()))?;
        match timeout(DEADLINE, self.client.request::<T>(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => Err(Failure::NotFound),
            Ok(Err(kube::Error::Api(status))) if status.code == 409 => Err(Failure::Conflict),
            Ok(Err(why)) => Err(Failure::Other(why.to_string())),
            Err(_) => Err(Failure::Other(format!("no answer within {} s", DEADLINE.as_secs()))),
        }
    }
}

fn name_of(write: &Write) -> String {
    match write {
        Write::Put { id, .. } | Write::Delete(id) => format!("{} {id:?}", id.kind().names().0),
        Write::Event(key) => format!("Event of Service {key}"),
    }
}

//! One write: its request, and what its answer means.

use super::MANAGER;
use herald_core::control::{
    ConfigurationWrite, NodeStateDelete, PoolWrite, ServiceWrite, WriteFailure, Written,
};
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The ways to say what changes (Kubernetes "API concepts", patches).
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
const JSON: &str = "application/json";

/// The way to the API server.
pub struct Api {
    client: Client,
    /// A write that takes longer counts as unknown.
    deadline: Duration,
    /// The owner of what is made here, if there is one.
    owner: Option<Value>,
}

/// What is read of the answer to a write.
#[derive(Deserialize)]
struct Answered {
    metadata: AnsweredMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnsweredMetadata {
    /// The answer to a deletion has none.
    #[serde(default)]
    resource_version: Arc<str>,
}

type Outcome = Result<Written, WriteFailure>;

impl Api {
    /// A writer whose objects belong to the Deployment, if it is known and there.
    pub async fn new(client: Client, deadline: Duration, namespace: &str, deployment: &str) -> Self {
        let mut api = Self { client, deadline, owner: None };
        if !deployment.is_empty() {
            api.owner = api.deployment(namespace, deployment).await;
        }
        api
    }

    /// To whom made objects belong.
    pub fn owners(&self) -> Vec<Value> {
        self.owner.iter().cloned().collect()
    }

    async fn deployment(&self, namespace: &str, name: &str) -> Option<Value> {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
        let request = Request::get(path).body(Vec::new()).ok()?;
        let found = timeout(self.deadline, self.client.request::<Value>(request)).await;
        let Ok(Ok(found)) = found else {
            tracing::warn!(
                op = "owner",
                deployment = name,
                "cannot be read: what is made here belongs to nobody"
            );
            return None;
        };
        let uid = &found["metadata"]["uid"];
        Some(json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "uid": uid}))
    }

    /// Writes the status of a Service.
    pub async fn service(&self, write: &ServiceWrite) -> Outcome {
        let (namespace, name) = (&write.key.namespace, &write.key.name);
        let path = format!("/api/v1/namespaces/{namespace}/services/{name}/status?fieldManager={MANAGER}");
        self.send(Method::PATCH, &path, STRATEGIC, &write.body()).await
    }

    /// Writes the status of a pool.
    pub async fn pool(&self, write: &PoolWrite) -> Outcome {
        let (namespace, name) = (&write.pool.namespace, &write.pool.name);
        let pools = format!("/apis/metallb.io/v1beta1/namespaces/{namespace}/ipaddresspools");
        let path = format!("{pools}/{name}/status?fieldManager={MANAGER}");
        let body = json!({"metadata": {"uid": write.uid}, "status": write.status});
        self.send(Method::PATCH, &path, MERGE, &body).await
    }

    /// Applies the status of the controller's `ConfigurationState`, and makes the object if it is not there.
    pub async fn configuration(&self, write: &ConfigurationWrite) -> Outcome {
        let (namespace, name) = (&write.object.namespace, &write.object.name);
        let path = format!("/apis/metallb.io/v1beta1/namespaces/{namespace}/configurationstates/{name}");
        let query = format!("fieldManager={MANAGER}&force=true");
        let head = json!({"apiVersion": "metallb.io/v1beta1", "kind": "ConfigurationState"});
        let mut status = head.clone();
        status["metadata"] = json!({"name": name, "namespace": namespace});
        status["status"] = json!(write.status);
        let of_status = format!("{path}/status?{query}");
        let outcome = self.send(Method::PATCH, &of_status, APPLY, &status).await;
        if outcome != Err(WriteFailure::NotFound) {
            return outcome;
        }
        let mut object = head;
        object["metadata"] = json!({
            "name": name,
            "namespace": namespace,
            "labels": {"metallb.io/component-type": "controller"},
            "ownerReferences": self.owners(),
        });
        self.send(Method::PATCH, &format!("{path}?{query}"), APPLY, &object).await?;
        self.send(Method::PATCH, &of_status, APPLY, &status).await
    }

    /// Deletes the FRRNodeState of a node.
    pub async fn delete_node_state(&self, write: &NodeStateDelete) -> Outcome {
        let path = format!("/apis/frrk8s.metallb.io/v1beta1/frrnodestates/{}", write.name);
        self.send(Method::DELETE, &path, JSON, &json!({})).await
    }

    /// Makes an object.
    pub async fn create(&self, path: &str, object: &Value) -> Outcome {
        self.send(Method::POST, path, JSON, object).await
    }

    /// Changes an object.
    pub async fn merge(&self, path: &str, change: &Value) -> Outcome {
        self.send(Method::PATCH, path, MERGE, change).await
    }

    async fn send(&self, method: Method, path: &str, content: &str, body: &Value) -> Outcome {
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, content);
        let Ok(request) = request.body(body.to_string().into_bytes()) else {
            return Err(WriteFailure::Invalid(format!("{path} is no path")));
        };
        match timeout(self.deadline, self.client.request::<Answered>(request)).await {
            Ok(Ok(Answered { metadata })) => Ok(Written { resource_version: metadata.resource_version }),
            Ok(Err(error)) => Err(failure(error)),
            Err(_) => Err(WriteFailure::Unknown),
        }
    }
}

fn failure(error: kube::Error) -> WriteFailure {
    let kube::Error::Api(status) = error else {
        // Where the connection broke the request may have arrived.
        return WriteFailure::Unknown;
    };
    let message = status.message;
    match status.code {
        409 => WriteFailure::Conflict,
        404 => WriteFailure::NotFound,
        401 | 403 => WriteFailure::Forbidden(message),
        400 | 405 | 406 | 413 | 415 | 422 => WriteFailure::Invalid(message),
        429 => WriteFailure::Refused(message),
        // The API server did not hear from etcd, or from a webhook, or of itself.
        _ => WriteFailure::Unknown,
    }
}

//! Requests to the API server as administrator, many over one connection.

use crate::kube::Kube;
use anyhow::{Context, Result};
use serde_json::Value;

/// A request with a JSON body.
#[derive(Debug)]
pub(super) struct Request {
    method: &'static str,
    path: String,
    content: &'static str,
    body: Option<Value>,
}

impl Request {
    pub const fn get(path: String) -> Self {
        Self { method: "GET", path, content: "application/json", body: None }
    }

    pub const fn post(path: String, body: Value) -> Self {
        Self { method: "POST", path, content: "application/json", body: Some(body) }
    }

    pub const fn delete(path: String, body: Value) -> Self {
        Self { method: "DELETE", path, content: "application/json", body: Some(body) }
    }

    /// A merge patch.
    pub const fn merge(path: String, body: Value) -> Self {
        Self { method: "PATCH", path, content: "application/merge-patch+json", body: Some(body) }
    }

    /// A strategic merge patch: entries of lists with a key are merged.
    pub const fn strategic(path: String, body: Value) -> Self {
        Self { method: "PATCH", path, content: "application/strategic-merge-patch+json", body: Some(body) }
    }
}

/// Sends them one after the other; the first that fails ends it.
pub(super) fn send(kube: &Kube, requests: Vec<Request>) -> Result<Vec<Value>> {
    kube.ask(async |client| {
        let mut answers = Vec::new();
        for request in requests {
            let what = format!("{} {}", request.method, request.path);
            let body = request.body.map(|body| serde_json::to_vec(&body)).transpose()?.unwrap_or_default();
            let request = http::Request::builder()
                .method(request.method)
                .uri(request.path)
                .header("Content-Type", request.content)
                .body(body)?;
            answers.push(client.request(request).await.context(what)?);
        }
        Ok(answers)
    })
}

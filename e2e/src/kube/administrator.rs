//! Requests to the API server as administrator, without kubectl.

use super::Kube;
use crate::network::Namespace;
use anyhow::{Context, Result, anyhow};
use hyper_util::client::legacy::Builder;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use std::path::PathBuf;
use tower::{BoxError, ServiceBuilder};

/// Who asks; the server's owner may do other things meanwhile.
#[derive(Clone, Debug)]
pub struct Administrator {
    namespace: Namespace,
    kubeconfig: PathBuf,
}

impl Kube {
    /// Somebody who asks as administrator.
    #[must_use]
    pub fn administrator(&self) -> Administrator {
        Administrator { namespace: self.namespace().clone(), kubeconfig: self.kubeconfig() }
    }

    /// Runs `work` with a client that is administrator, where the server is reached, and waits for it.
    pub fn ask<T: Send>(&self, work: impl AsyncFnOnce(Client) -> Result<T> + Send) -> Result<T> {
        self.administrator().ask(work)
    }
}

impl Administrator {
    /// As [`Kube::ask`].
    pub fn ask<T: Send>(&self, work: impl AsyncFnOnce(Client) -> Result<T> + Send) -> Result<T> {
        let run = || {
            self.namespace.enter()?;
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(async {
                let options = KubeConfigOptions::default();
                let kubeconfig = Kubeconfig::read_from(&self.kubeconfig)?;
                let config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
                work(client(config)?).await
            })
        };
        // A thread of its own: it stays in the namespace.
        std::thread::scope(|scope| {
            scope.spawn(run).join().map_err(|_| anyhow!("what asks the API server panicked"))?
        })
    }

    /// An object, or a list.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.request("GET", path, "application/json", None)
    }

    /// Makes an object or gives it this form, by server-side apply as somebody who applies nothing else.
    pub fn put(&self, path: &str, object: &Value) -> Result<Value> {
        let path = format!("{path}?fieldManager=lab&force=true&fieldValidation=Strict");
        self.request("PATCH", &path, "application/apply-patch+yaml", Some(object))
    }

    /// A merge patch.
    pub fn merge(&self, path: &str, change: &Value) -> Result<Value> {
        self.request("PATCH", path, "application/merge-patch+json", Some(change))
    }

    /// Deletes an object at once.
    pub fn delete(&self, path: &str) -> Result<()> {
        self.request("DELETE", path, "application/json", Some(&json!({"gracePeriodSeconds": 0}))).map(drop)
    }

    fn request(&self, method: &str, path: &str, content: &str, body: Option<&Value>) -> Result<Value> {
        let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header("Content-Type", content).body(bytes)?;
        self.ask(async |client| {
            client.request(request).await.with_context(|| format!("{method} {path}: {}", json!(body)))
        })
    }
}

/// A client that waits for nobody's delayed acknowledgement (RFC 896), as kubectl and controllers written in Go are.
pub fn client(config: Config) -> Result<Client> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let connector = config.rustls_https_connector_with_connector(tcp)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .map_err(BoxError::from)
        .service(Builder::new(TokioExecutor::new()).build::<_, Body>(connector));
    Ok(ClientBuilder::new(service, config.default_namespace).build())
}

//! The client of an API server.

use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Builder;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use std::path::Path;
use std::time::Duration;
use tower::{BoxError, ServiceBuilder};

/// An API server that is there accepts a connection within this time.
const CONNECT: Duration = Duration::from_secs(5);
/// A watch without events gets a bookmark every minute or so (Kubernetes "API concepts", watch bookmarks): a connection
/// that is silent for longer leads nowhere.
const SILENCE: Duration = Duration::from_secs(90);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither a kubeconfig nor a pod's `ServiceAccount` is there, or it cannot be read.
    #[error("no way to the API server is configured: {0}")]
    Configuration(#[source] Box<InferConfigError>),
    /// The kubeconfig that was named cannot be read.
    #[error("the kubeconfig cannot be used: {0}")]
    Kubeconfig(#[source] Box<KubeconfigError>),
    /// Certificates or addresses in it cannot be used.
    #[error("the API server's address or certificates cannot be used: {0}")]
    Client(#[source] Box<kube::Error>),
}

/// A client for the API server of a kubeconfig; without one of `$KUBECONFIG`, of `~/.kube/config`, or of the pod that this
/// runs in.
///
/// It repeats nothing by itself: a write of which the answer got lost may have happened.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, ConnectError> {
    let mut config = match kubeconfig {
        Some(file) => of_file(file).await.map_err(|error| ConnectError::Kubeconfig(Box::new(error)))?,
        None => Config::infer().await.map_err(|error| ConnectError::Configuration(Box::new(error)))?,
    };
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    config.default_retry = false;
    client(config).map_err(|error| ConnectError::Client(Box::new(error)))
}

async fn of_file(kubeconfig: &Path) -> Result<Config, KubeconfigError> {
    Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &KubeConfigOptions::default()).await
}

/// kube's client leaves Nagle's algorithm on (RFC 896): a request of two segments then waits 40 ms for the other side's delayed
/// acknowledgement.
fn client(config: Config) -> kube::Result<Client> {
    if config.proxy_url.is_some() {
        return Client::try_from(config);
    }
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(tcp)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(Builder::new(TokioExecutor::new()).build::<_, Body>(connector));
    Ok(ClientBuilder::new(service, config.default_namespace).build())
}

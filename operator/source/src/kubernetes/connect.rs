//! The clients of an API server.

use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Builder;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
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
/// A connection that is shared and silent is asked for a sign of life this often, and given up after the second time
/// without one; client-go does the same.
const PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(15));
/// What may have come by a shared connection before anybody read it, in bytes: of one answer, and of all.
const WINDOWS: (u32, u32) = (256 << 10, 1 << 20);

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

/// The ways to an API server. Neither repeats anything by itself: a write of which the answer got lost may have happened.
#[derive(Clone)]
pub struct Clients {
    /// A connection for each request under way (HTTP/1.1): for any number of watches, or many writes at once.
    pub each: Client,
    /// One connection for all requests (HTTP/2, where the server speaks it): there is an agent on every node, and each of its
    /// watches would hold a connection. An API server takes 100 requests at a time by one; further ones wait.
    pub shared: Client,
}

/// The same way for everything.
impl From<Client> for Clients {
    fn from(client: Client) -> Self {
        Self { each: client.clone(), shared: client }
    }
}

/// A client for the API server of a kubeconfig; without one of `$KUBECONFIG`, of `~/.kube/config`, or of the pod that this
/// runs in. Each request under way has a connection of its own.
///
/// It repeats nothing by itself: a write of which the answer got lost may have happened.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, ConnectError> {
    client(configuration(kubeconfig).await?, Protocol::Http1)
        .map_err(|error| ConnectError::Client(Box::new(error)))
}

/// The same, and one whose requests share a connection.
pub async fn connect_both(kubeconfig: Option<&Path>) -> Result<Clients, ConnectError> {
    let config = configuration(kubeconfig).await?;
    let both = client(config.clone(), Protocol::Http1)
        .and_then(|each| Ok(Clients { each, shared: client(config, Protocol::Http2)? }));
    both.map_err(|error| ConnectError::Client(Box::new(error)))
}

/// What a server is offered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    /// And HTTP/1.1, for a server that speaks nothing else.
    Http2,
}

async fn configuration(kubeconfig: Option<&Path>) -> Result<Config, ConnectError> {
    let mut config = match kubeconfig {
        Some(file) => of_file(file).await.map_err(|error| ConnectError::Kubeconfig(Box::new(error)))?,
        None => Config::infer().await.map_err(|error| ConnectError::Configuration(Box::new(error)))?,
    };
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    config.default_retry = false;
    Ok(config)
}

async fn of_file(kubeconfig: &Path) -> Result<Config, KubeconfigError> {
    Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &KubeConfigOptions::default()).await
}

/// kube's client leaves Nagle's algorithm on (RFC 896): a request of two segments then waits 40 ms for the other side's delayed
/// acknowledgement. And it speaks HTTP/1.1 only.
fn client(config: Config, protocol: Protocol) -> kube::Result<Client> {
    if config.proxy_url.is_some() {
        return Client::try_from(config);
    }
    let mut connector = TimeoutConnector::new(https(&config, protocol)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let mut http = Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .http2_keep_alive_interval(PING.0)
        .http2_keep_alive_timeout(PING.1)
        .http2_initial_stream_window_size(WINDOWS.0)
        .http2_initial_connection_window_size(WINDOWS.1);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http.build::<_, Body>(connector));
    Ok(ClientBuilder::new(service, config.default_namespace).build())
}

fn https(config: &Config, protocol: Protocol) -> kube::Result<HttpsConnector<HttpConnector>> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    if protocol == Protocol::Http1 {
        return config.rustls_https_connector_with_connector(tcp);
    }
    let mut builder =
        HttpsConnectorBuilder::new().with_tls_config(config.rustls_client_config()?).https_or_http();
    // A name that no certificate can be for: then the one of the address counts, and is refused if it is wrong.
    if let Some(name) = config.tls_server_name.clone().and_then(|name| name.try_into().ok()) {
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    Ok(builder.enable_all_versions().wrap_connector(tcp))
}

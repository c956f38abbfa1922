//! The client of an API server.

use kube::Client;
use kube::config::InferConfigError;
use std::time::Duration;

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
    /// Certificates or addresses in it cannot be used.
    #[error("the API server's address or certificates cannot be used: {0}")]
    Client(#[source] Box<kube::Error>),
}

/// A client for the API server of `$KUBECONFIG`, of `~/.kube/config`, or of the pod that this runs in.
///
/// It repeats nothing by itself: a write of which the answer got lost may have happened.
pub async fn connect() -> Result<Client, ConnectError> {
    let mut config =
        kube::Config::infer().await.map_err(|error| ConnectError::Configuration(Box::new(error)))?;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    config.default_retry = false;
    Client::try_from(config).map_err(|error| ConnectError::Client(Box::new(error)))
}

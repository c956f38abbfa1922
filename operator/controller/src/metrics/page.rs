//! The HTTPS server of `/metrics`.

use herald_serving::access::Guard;
use herald_serving::https::{self, Limits};
use herald_serving::secure::{Secure, SecureError};
use herald_serving::{metrics, tls};
use kube::Client;
use prometheus::Registry;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Why the metrics cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The TLS flags, or `--metrics-cert-dir`.
    #[error("metrics: {0}")]
    Secure(#[from] SecureError),
    /// The port is taken.
    #[error("--port={port}: {source}")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
}

/// The page, on all addresses, its port already open.
pub struct Page {
    listener: TcpListener,
    secure: Secure,
    registry: Registry,
    guard: Guard,
}

impl Page {
    /// Opens `port`. The certificate is `tls.crt` and `tls.key` of `folder`, followed when they change; without a folder one is
    /// made here for `name`. Who asks is judged by the cluster's API.
    pub async fn open(
        port: u16,
        flags: &tls::Flags,
        folder: &Path,
        name: &str,
        registry: Registry,
        client: Client,
    ) -> Result<Self, PageError> {
        let secure = Secure::of_folder(flags, folder, name)?;
        let listener = https::listen(port).await.map_err(|source| PageError::Listen { port, source })?;
        Ok(Self { listener, secure, registry, guard: Guard::new(client) })
    }

    /// Serves until `end`.
    pub async fn serve(self, end: impl Future<Output = ()>) {
        let router = metrics::router(self.registry, Arc::new(self.guard));
        let served = self.secure.clone().serve(self.listener, router, Limits::default(), end);
        tokio::select! {
            () = served => {}
            () = self.secure.follow() => {}
        }
    }
}

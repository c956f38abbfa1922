//! The HTTPS server of `/metrics`.

use herald_serving::access::Guard;
use herald_serving::certificates::{CertificateError, Certificates};
use herald_serving::https::{self, Limits};
use herald_serving::{metrics, tls};
use kube::Client;
use prometheus::Registry;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::rustls::{self, ServerConfig};
use tracing::warn;

/// Why the metrics cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The TLS flags.
    #[error("{0}")]
    Flags(#[from] tls::FlagError),
    /// `--metrics-cert-dir`, or the certificate made here.
    #[error("certificate of the metrics: {0}")]
    Certificate(#[from] CertificateError),
    /// The flags leave nothing to speak.
    #[error("TLS of the metrics: {0}")]
    Tls(#[from] rustls::Error),
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
    tls: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
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
        let settings = flags.settings()?;
        if !settings.without().is_empty() {
            let without = settings.without().join(", ");
            warn!(event = "TlsNotOffered", without, "asked for by flag and not known to this program");
        }
        let certificates = if folder.as_os_str().is_empty() {
            Certificates::self_signed(&[name.to_owned(), "localhost".to_owned()])?
        } else {
            Certificates::of_files(&folder.join("tls.crt"), &folder.join("tls.key"))?
        };
        let tls = settings.server(Arc::clone(&certificates), false)?;
        let listener = https::listen(port).await.map_err(|source| PageError::Listen { port, source })?;
        Ok(Self { listener, tls, certificates, registry, guard: Guard::new(client) })
    }

    /// Serves until `end`.
    pub async fn serve(self, end: impl Future<Output = ()>) {
        let router = metrics::router(self.registry, Arc::new(self.guard));
        let served = https::serve(self.listener, router, self.tls, Limits::default(), end);
        tokio::select! {
            () = served => {}
            () = self.certificates.follow() => {}
        }
    }
}

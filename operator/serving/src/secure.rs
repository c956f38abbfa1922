//! TLS as the flags ask for it: the settings, and the certificate of a folder or one that is made here.

use crate::certificates::{CertificateError, Certificates};
use crate::https::{self, Limits};
use crate::tls::{FlagError, Flags};
use axum::Router;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::rustls::{self, ServerConfig};
use tracing::warn;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum SecureError {
    /// The flags.
    #[error(transparent)]
    Flags(#[from] FlagError),
    /// The certificate.
    #[error("certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// The flags leave nothing to speak.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// The TLS of one or more servers of HTTP/1.1.
#[derive(Debug, Clone)]
pub struct Secure {
    tls: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
}

impl Secure {
    /// Shows `certificates`. What the flags ask for and this program has not is told in the log.
    pub fn new(flags: &Flags, certificates: Arc<Certificates>) -> Result<Self, SecureError> {
        let settings = flags.settings()?;
        if !settings.without().is_empty() {
            let without = settings.without().join(", ");
            warn!(event = "TlsNotOffered", without, "asked for by flag and not known to this program");
        }
        Ok(Self { tls: settings.server(Arc::clone(&certificates), false)?, certificates })
    }

    /// Shows the certificate `tls.crt` with the key `tls.key` of a folder; where the folder's name is empty, one that is made
    /// here for `name`.
    pub fn of_folder(flags: &Flags, folder: &Path, name: &str) -> Result<Self, SecureError> {
        let certificates = if folder.as_os_str().is_empty() {
            Certificates::self_signed(&[name.to_owned(), "localhost".to_owned()])?
        } else {
            Certificates::of_files(&folder.join("tls.crt"), &folder.join("tls.key"))?
        };
        Self::new(flags, certificates)
    }

    /// Serves until `end`.
    pub async fn serve(
        self,
        listener: TcpListener,
        router: Router,
        limits: Limits,
        end: impl Future<Output = ()>,
    ) {
        https::serve(listener, router, self.tls, limits, end).await;
    }

    /// Shows the certificate's files as they change, until it is dropped.
    pub async fn follow(self) {
        self.certificates.follow().await;
    }
}

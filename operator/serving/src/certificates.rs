//! The certificate that a server shows. It can be replaced while the server runs; the next handshake shows the new one.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use std::{fmt, io};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, pki_types};
use tracing::{error, info};

/// How often files are looked at. A kubelet updates them within a minute or so of a change anyway.
const LOOK: Duration = Duration::from_secs(2);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no certificate, or no key, in the PEM text.
    #[error("{what}: {source}")]
    Pem {
        /// The certificate or its key.
        what: &'static str,
        /// Why.
        source: pki_types::pem::Error,
    },
    /// The text has no certificate.
    #[error("certificate: there is none in the PEM text")]
    Empty,
    /// The certificate and the key do not work together, or not at all.
    #[error("certificate and key: {0}")]
    Unusable(#[from] rustls::Error),
    /// None could be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// A certificate and its key, as PEM text. No `Debug`: the key is secret.
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Pair {
    /// A new one for these names and addresses, signed by itself; the first is its common name.
    pub fn self_signed(names: &[String]) -> Result<Self, CertificateError> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, names.first().map_or("localhost", String::as_str));
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// The certificate of a server, if there is one already. Without one every handshake fails.
#[derive(Default)]
pub struct Certificates {
    current: RwLock<Option<Arc<CertifiedKey>>>,
    files: Option<Files>,
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
    seen: Mutex<Stamp>,
}

/// When both files were changed, and how long they are.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Certificates {
    /// None yet: [`Certificates::replace`] gives one.
    #[must_use]
    pub fn empty() -> Arc<Self> {
        Arc::default()
    }

    /// A certificate made here for these names and addresses, signed by itself: for clients that do not check it, as
    /// Prometheus scrapes pods.
    pub fn self_signed(names: &[String]) -> Result<Arc<Self>, CertificateError> {
        let made = Pair::self_signed(names)?;
        let certificates = Self::default();
        certificates.replace(made.certificate.as_bytes(), made.key.as_bytes())?;
        Ok(Arc::new(certificates))
    }

    /// The certificate of two PEM files, which must be there. [`Certificates::follow`] reads them again when they change.
    pub fn of_files(certificate: &Path, key: &Path) -> Result<Arc<Self>, CertificateError> {
        let files = Files { certificate: certificate.into(), key: key.into(), seen: Mutex::default() };
        let read = Self { current: RwLock::default(), files: Some(files) };
        read.read_files()?;
        Ok(Arc::new(read))
    }

    /// Shows this one from the next handshake on. `certificate` may be followed by those that signed it. What cannot be used
    /// changes nothing.
    pub fn replace(&self, certificate: &[u8], key: &[u8]) -> Result<(), CertificateError> {
        let pem = |what| move |source| CertificateError::Pem { what, source };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<_, _>>()
            .map_err(pem("certificate"))?;
        if chain.is_empty() {
            return Err(CertificateError::Empty);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(pem("key"))?;
        // Fails when the key is not the certificate's.
        let usable = CertifiedKey::from_der(chain, key, &ring::default_provider())?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(usable));
        Ok(())
    }

    /// Whether there is one.
    #[must_use]
    pub fn loaded(&self) -> bool {
        self.current().is_some()
    }

    /// The certificate that is shown, as DER; for telling which one that is.
    #[must_use]
    pub fn shown(&self) -> Option<Vec<u8>> {
        Some(self.current()?.cert.first()?.to_vec())
    }

    /// Reads the files again whenever they change, until it is dropped. What cannot be used is told, and the last one stays.
    /// Without files it never does anything.
    pub async fn follow(self: Arc<Self>) {
        if self.files.is_none() {
            return std::future::pending().await;
        }
        let mut told = String::new();
        loop {
            tokio::time::sleep(LOOK).await;
            let own = Arc::clone(&self);
            // A slow disk must not hold up the handshakes.
            let read = tokio::task::spawn_blocking(move || own.refresh()).await;
            match read {
                Ok(Ok(true)) => {
                    told.clear();
                    info!(event = "CertificateRead", "the certificate's files changed");
                }
                Ok(Err(why)) if why.to_string() != told => {
                    told = why.to_string();
                    error!(event = "CertificateFailed", error = told, "the certificate before stays");
                }
                // A runtime that ends ends this with it.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Reads the files if they changed since they were last read well; says whether it did.
    pub fn refresh(&self) -> Result<bool, CertificateError> {
        let Some(files) = &self.files else { return Ok(false) };
        if *files.seen.lock().unwrap_or_else(PoisonError::into_inner) == files.stamp() {
            return Ok(false);
        }
        self.read_files().map(|()| true)
    }

    fn read_files(&self) -> Result<(), CertificateError> {
        let Some(files) = &self.files else { return Ok(()) };
        // Taken before reading: what is written meanwhile is read the next time.
        let stamp = files.stamp();
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|source| CertificateError::File { path: path.clone(), source })
        };
        self.replace(&read(&files.certificate)?, &read(&files.key)?)?;
        *files.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamp;
        Ok(())
    }

    fn current(&self) -> Option<Arc<CertifiedKey>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Files {
    fn stamp(&self) -> Stamp {
        [&self.certificate, &self.key].map(|path| {
            let data = fs::metadata(path).ok()?;
            Some((data.modified().ok()?, data.len()))
        })
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current()
    }
}

/// Without the key.
impl fmt::Debug for Certificates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Certificates").field("loaded", &self.loaded()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let made = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
        (made.pem(), key.serialize_pem())
    }

    #[test]
    fn what_cannot_be_used_changes_nothing() {
        let certificates = Certificates::empty();
        assert!(!certificates.loaded());
        let (one, two) = (pair("one"), pair("two"));
        certificates.replace(one.0.as_bytes(), one.1.as_bytes()).unwrap();
        let shown = certificates.shown().unwrap();
        let wrong = certificates.replace(two.0.as_bytes(), one.1.as_bytes()).unwrap_err();
        assert!(matches!(wrong, CertificateError::Unusable(_)), "{wrong}");
        let wrong = certificates.replace(b"", one.1.as_bytes()).unwrap_err();
        assert!(matches!(wrong, CertificateError::Empty), "{wrong}");
        let wrong = certificates.replace(two.0.as_bytes(), b"no key").unwrap_err().to_string();
        assert!(wrong.starts_with("key: "), "{wrong}");
        assert_eq!(certificates.shown(), Some(shown));
        assert!(!format!("{certificates:?}").contains("KEY"));
    }

    #[test]
    fn files_are_read_again_and_half_a_change_is_waited_out() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
        assert!(Certificates::of_files(&certificate, &key).is_err(), "no files");
        let (one, two) = (pair("one.example"), pair("another.example"));
        fs::write(&certificate, &one.0).unwrap();
        fs::write(&key, &one.1).unwrap();
        let certificates = Certificates::of_files(&certificate, &key).unwrap();
        let shown = certificates.shown();
        assert!(!certificates.refresh().unwrap());
        fs::write(&certificate, &two.0).unwrap();
        assert!(certificates.refresh().is_err(), "the key is still that of the first");
        assert_eq!(certificates.shown(), shown);
        fs::write(&key, &two.1).unwrap();
        assert!(certificates.refresh().unwrap());
        assert_ne!(certificates.shown(), shown);
        assert!(!certificates.refresh().unwrap());
    }
}

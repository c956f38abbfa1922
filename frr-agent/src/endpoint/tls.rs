//! The endpoint's certificate: from files, read again when they change, or made here and kept.

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrLike;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tracing::{error, info};

/// The certificate that is made here, for `herald --ca-file`.
const CERTIFICATE: &str = "endpoint.crt";
/// Its key.
const KEY: &str = "endpoint.key";

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no certificate, or no key.
    #[error("{path}: {source}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key cannot be used.
    #[error("certificate {path}: {source}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// None could be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// The certificate, as it is on the disk.
#[derive(Debug)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    stamp: Stamp,
    config: Arc<ServerConfig>,
}

/// When both files were changed.
type Stamp = [Option<SystemTime>; 2];

impl Certificate {
    /// Reads it from files.
    pub fn of_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let stamp = stamp(certificate, key);
        let config = load(certificate, key)?;
        Ok(Self { chain: certificate.to_owned(), key: key.to_owned(), stamp, config })
    }

    /// The one that was made for this node, made now if there is none yet.
    pub fn self_signed(state: &Path, node: &str, listen: IpAddr) -> Result<Self, TlsError> {
        let (certificate, key) = (state.join(CERTIFICATE), state.join(KEY));
        if let Ok(kept) = Self::of_files(&certificate, &key) {
            return Ok(kept);
        }
        let mut names = vec![node.to_owned(), "localhost".to_owned()];
        names.extend(addresses(listen).iter().map(ToString::to_string));
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, node);
        let pair = KeyPair::generate()?;
        let made = params.self_signed(&pair)?;
        write(state, &key, &pair.serialize_pem())?;
        write(state, &certificate, &made.pem())?;
        info!(event = "CertificateMade", file = %certificate.display(), "give it to herald as --ca-file");
        Self::of_files(&certificate, &key)
    }

    /// What to serve with now. Files that changed are read again; if they cannot be used, the last ones stay.
    pub fn current(&mut self) -> Arc<ServerConfig> {
        let now = stamp(&self.chain, &self.key);
        if now != self.stamp {
            self.stamp = now;
            match load(&self.chain, &self.key) {
                Ok(config) => {
                    info!(event = "CertificateRead", file = %self.chain.display());
                    self.config = config;
                }
                Err(why) => error!(event = "CertificateFailed", error = %why, "the one before stays"),
            }
        }
        self.config.clone()
    }
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    [certificate, key].map(|path| fs::metadata(path).and_then(|data| data.modified()).ok())
}

fn load(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let read =
        |path: &Path| fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source });
    let pem = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Pem { path, source }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<_, _>>()
        .map_err(pem(certificate))?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(pem(key))?;
    let unusable = |source| TlsError::Unusable { path: certificate.to_owned(), source };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Mode 0600 from its creation.
fn write(folder: &Path, path: &Path, text: &str) -> Result<(), TlsError> {
    let wrap = |source| TlsError::File { path: path.to_owned(), source };
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(wrap)?;
    file.write_all(text.as_bytes()).map_err(wrap)?;
    file.persist(path).map_err(|error| wrap(error.error))?;
    Ok(())
}

/// The addresses that the endpoint can be reached at.
fn addresses(listen: IpAddr) -> Vec<IpAddr> {
    if !listen.is_unspecified() {
        return vec![listen];
    }
    let mut all = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    // Without them the certificate still says the node's name.
    for interface in getifaddrs().into_iter().flatten() {
        let Some(address) = interface.address.filter(|address| address.family().is_some()) else { continue };
        let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        let v6 = address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip()));
        all.extend(v4.or(v6).filter(|address| !address.is_loopback()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_certificate_is_made_once_and_its_key_is_for_its_owner() {
        let state = tempfile::tempdir().unwrap();
        let make = || Certificate::self_signed(state.path(), "node1", Ipv4Addr::LOCALHOST.into());
        make().unwrap();
        let first = fs::read(state.path().join(CERTIFICATE)).unwrap();
        make().unwrap();
        assert_eq!(fs::read(state.path().join(CERTIFICATE)).unwrap(), first);
        let mode = fs::metadata(state.path().join(KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }

    #[test]
    fn files_that_change_are_read_again_and_bad_ones_are_not_used() {
        let (state, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let local = Ipv4Addr::LOCALHOST.into();
        let mut served = Certificate::self_signed(state.path(), "node1", local).unwrap();
        Certificate::self_signed(other.path(), "node1", local).unwrap();
        let before = served.current();
        assert!(Arc::ptr_eq(&before, &served.current()));
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        for file in [CERTIFICATE, KEY] {
            fs::copy(other.path().join(file), state.path().join(file)).unwrap();
            fs::File::open(state.path().join(file)).unwrap().set_modified(later).unwrap();
        }
        let after = served.current();
        assert!(!Arc::ptr_eq(&before, &after));
        fs::write(state.path().join(KEY), "no key").unwrap();
        assert!(Arc::ptr_eq(&after, &served.current()));
    }
}

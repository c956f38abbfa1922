//! The endpoint's certificate where none is given: made once and kept in the state folder, for `herald --ca-file`.

use herald_serving::certificates::{CertificateError, Certificates, Pair};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrLike;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::info;

/// The certificate.
const CERTIFICATE: &str = "endpoint.crt";
/// Its key.
const KEY: &str = "endpoint.key";

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// It cannot be kept.
    #[error("{path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be made or read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// The one that was made for this node, made now if there is none yet.
pub fn certificates(state: &Path, node: &str, listen: IpAddr) -> Result<Arc<Certificates>, KeptError> {
    let (certificate, key) = (state.join(CERTIFICATE), state.join(KEY));
    if let Ok(kept) = Certificates::of_files(&certificate, &key) {
        return Ok(kept);
    }
    let mut names = vec![node.to_owned(), "localhost".to_owned()];
    names.extend(addresses(listen).iter().map(ToString::to_string));
    let made = Pair::self_signed(&names)?;
    write(state, &key, &made.key)?;
    write(state, &certificate, &made.certificate)?;
    info!(event = "CertificateMade", file = %certificate.display(), "give it to herald as --ca-file");
    Ok(Certificates::of_files(&certificate, &key)?)
}

/// Mode 0600 from its creation.
fn write(folder: &Path, path: &Path, text: &str) -> Result<(), KeptError> {
    let wrap = |source| KeptError::Write { path: path.to_owned(), source };
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
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_certificate_is_made_once_and_its_key_is_for_its_owner() {
        let state = tempfile::tempdir().unwrap();
        let make = || certificates(state.path(), "node1", Ipv4Addr::LOCALHOST.into()).unwrap().shown();
        let first = make();
        assert!(first.is_some());
        assert_eq!(make(), first, "the one that is kept");
        let mode = fs::metadata(state.path().join(KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        fs::write(state.path().join(KEY), "no key").unwrap();
        assert_ne!(make(), first, "what cannot be used is made anew");
    }
}

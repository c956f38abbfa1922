//! The TLS flags, checked as upstream's `internal/tlsconfig` does, and what they mean for a server.

use crate::certificates::Certificates;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::{self, CipherSuite, NamedGroup, ServerConfig, SupportedProtocolVersion, version};

/// `--tls-*`, as Kubernetes' components have them. Empty means the default.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// Lowest TLS version that is served: `VersionTLS12` or `VersionTLS13` (the default)
    #[arg(long, value_name = "VERSION", default_value = "", hide_default_value = true)]
    pub tls_min_version: String,
    /// Cipher suites of TLS 1.2, by their IANA names, comma-separated; those of TLS 1.3 are always on
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub tls_cipher_suites: String,
    /// Groups of the key exchange in order, as numbers of IANA's registry (23: P-256, 24: P-384, 29: X25519), comma-separated
    #[arg(long, value_name = "NUMBERS", default_value = "", hide_default_value = true)]
    pub tls_curve_preferences: String,
}

/// What is wrong with the flags. The texts are upstream's, for those that script on them.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FlagError {
    /// `--tls-min-version`.
    #[error("parsing tls-min-version: unknown tls version {0:?}; known are VersionTLS12 and VersionTLS13")]
    Version(String),
    /// `--tls-cipher-suites` names what does not exist.
    #[error("parsing tls-cipher-suites: Cipher suite {0} not supported or doesn't exist")]
    Suite(String),
    /// Every named suite is one that this program has not.
    #[error("parsing tls-cipher-suites: none of {0} is one of this program, which has {1}")]
    NoSuite(String, String),
    /// Suites together with TLS 1.3 only.
    #[error("cipher suites cannot be configured with TLS 1.3")]
    SuitesWithTls13,
    /// `--tls-curve-preferences` has a word that is no number.
    #[error(
        "parsing tls-curve-preferences: invalid curve preference {0:?}: must be a numeric CurveID (0-65535)"
    )]
    CurveNumber(String),
    /// Zero.
    #[error("parsing tls-curve-preferences: curve preference {0} is out of range (must be 1-65535)")]
    CurveRange(u16),
    /// The same twice.
    #[error("parsing tls-curve-preferences: duplicate curve preference {0}")]
    CurveTwice(u16),
    /// A number that is no group.
    #[error("parsing tls-curve-preferences: curve preference {0} is not supported")]
    Curve(u16),
    /// Every group is one that this program has not.
    #[error("parsing tls-curve-preferences: none of {0} is one of this program, which has 23, 24 and 29")]
    NoCurve(String),
}

/// Names that Go's `crypto/tls` knows and that ring has not: block ciphers in CBC mode, key exchange by RSA alone.
const SUITES_ELSEWHERE: [&str; 13] = [
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
];
/// Suites of TLS 1.3 may be named and are on anyway.
const SUITES_13: [&str; 3] =
    ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
/// Old names of two suites.
const SUITES_OLD: [(&str, &str); 2] = [
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
];
/// Groups that Go knows and ring has not: P-521 and the hybrids with ML-KEM.
const GROUPS_ELSEWHERE: [u16; 4] = [25, 4587, 4588, 4589];

/// How servers speak TLS.
#[derive(Debug, Clone)]
pub struct Settings {
    provider: Arc<CryptoProvider>,
    versions: &'static [&'static SupportedProtocolVersion],
    without: Vec<String>,
}

const TLS13: &[&SupportedProtocolVersion] = &[&version::TLS13];
const TLS12: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

impl Flags {
    /// What the flags mean.
    pub fn settings(&self) -> Result<Settings, FlagError> {
        let mut provider = ring::default_provider();
        let mut without = Vec::new();
        let named = suites(&self.tls_cipher_suites, &provider, &mut without)?;
        if let Some(groups) = groups(&self.tls_curve_preferences, &mut without)? {
            let all = std::mem::take(&mut provider.kx_groups);
            let find = |group: &NamedGroup| all.iter().find(|known| known.name() == *group).copied();
            provider.kx_groups = groups.iter().filter_map(find).collect();
        }
        let versions = match self.tls_min_version.as_str() {
            "" | "VersionTLS13" => TLS13,
            "VersionTLS12" => TLS12,
            other => return Err(FlagError::Version(other.to_owned())),
        };
        if let Some(named) = named {
            if versions == TLS13 {
                return Err(FlagError::SuitesWithTls13);
            }
            provider.cipher_suites.retain(|suite| suite.tls13().is_some() || named.contains(&suite.suite()));
        }
        Ok(Settings { provider: Arc::new(provider), versions, without })
    }
}

impl Settings {
    /// What the flags asked for and this program does not have; worth a warning in the log.
    #[must_use]
    pub fn without(&self) -> &[String] {
        &self.without
    }

    /// The configuration of a server: with `http2`, HTTP/2 is offered beside HTTP/1.1.
    ///
    /// # Errors
    /// Settings with which no handshake could succeed.
    pub fn server(
        &self,
        certificates: Arc<Certificates>,
        http2: bool,
    ) -> Result<Arc<ServerConfig>, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(self.versions)?
            .with_no_client_auth()
            .with_cert_resolver(certificates);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if http2 {
            config.alpn_protocols.insert(0, b"h2".to_vec());
        }
        Ok(Arc::new(config))
    }
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

/// The suites of TLS 1.2 that are named; `None` when the list is empty.
fn suites(
    list: &str,
    provider: &CryptoProvider,
    without: &mut Vec<String>,
) -> Result<Option<Vec<CipherSuite>>, FlagError> {
    if list.is_empty() {
        return Ok(None);
    }
    let of_tls12 = || provider.cipher_suites.iter().filter(|suite| suite.tls13().is_none());
    let mut named = Vec::new();
    let mut of_tls13 = false;
    for word in words(list) {
        let name = SUITES_OLD.iter().find(|(old, _)| *old == word).map_or(word, |(_, new)| *new);
        if let Some(suite) = of_tls12().find(|suite| suite.suite().as_str() == Some(name)) {
            named.push(suite.suite());
        } else if SUITES_13.contains(&name) {
            of_tls13 = true;
        } else if SUITES_ELSEWHERE.contains(&name) {
            without.push(name.to_owned());
        } else {
            return Err(FlagError::Suite(word.to_owned()));
        }
    }
    if named.is_empty() && !of_tls13 {
        let ours: Vec<&str> = of_tls12().filter_map(|suite| suite.suite().as_str()).collect();
        return Err(FlagError::NoSuite(list.to_owned(), ours.join(", ")));
    }
    Ok(Some(named))
}

/// The groups of the key exchange, in order; `None` when the list is empty.
fn groups(list: &str, without: &mut Vec<String>) -> Result<Option<Vec<NamedGroup>>, FlagError> {
    if list.is_empty() {
        return Ok(None);
    }
    let mut seen = BTreeSet::new();
    let mut groups = Vec::new();
    for word in words(list) {
        let number = word.parse::<u16>().map_err(|_| FlagError::CurveNumber(word.to_owned()))?;
        if number == 0 {
            return Err(FlagError::CurveRange(number));
        }
        if !seen.insert(number) {
            return Err(FlagError::CurveTwice(number));
        }
        match number {
            23 => groups.push(NamedGroup::secp256r1),
            24 => groups.push(NamedGroup::secp384r1),
            29 => groups.push(NamedGroup::X25519),
            other if GROUPS_ELSEWHERE.contains(&other) => without.push(format!("curve {other}")),
            other => return Err(FlagError::Curve(other)),
        }
    }
    if groups.is_empty() {
        return Err(FlagError::NoCurve(list.to_owned()));
    }
    Ok(Some(groups))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(version: &str, suites: &str, curves: &str) -> Result<Settings, FlagError> {
        let (version, suites, curves) = (version.to_owned(), suites.to_owned(), curves.to_owned());
        Flags { tls_min_version: version, tls_cipher_suites: suites, tls_curve_preferences: curves }
            .settings()
    }

    fn refused(version: &str, suites: &str, curves: &str) -> String {
        settings(version, suites, curves).unwrap_err().to_string()
    }

    #[test]
    fn nothing_given_is_tls_13() {
        let all = settings("", "", "").unwrap();
        assert_eq!(all.versions, TLS13);
        assert_eq!(all.provider.kx_groups.len(), 3);
        assert!(all.without().is_empty());
    }

    #[test]
    fn refusals_are_upstreams() {
        assert_eq!(
            refused("", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", ""),
            "cipher suites cannot be configured with TLS 1.3"
        );
        assert!(
            refused("VersionTLS14", "", "").contains("tls-min-version: unknown tls version \"VersionTLS14\"")
        );
        // Go can, and nobody should.
        assert!(refused("VersionTLS11", "", "").contains("unknown tls version"));
        let text = refused("VersionTLS12", "TLS_X", "");
        assert_eq!(text, "parsing tls-cipher-suites: Cipher suite TLS_X not supported or doesn't exist");
        assert!(refused("", "", "x25519").contains("invalid curve preference \"x25519\": must be a numeric"));
        assert!(refused("", "", "70000").contains("must be a numeric CurveID (0-65535)"));
        assert!(refused("", "", "0").contains("curve preference 0 is out of range (must be 1-65535)"));
        assert!(refused("", "", "29,29").contains("duplicate curve preference 29"));
        assert!(refused("", "", "29,9").contains("curve preference 9 is not supported"));
        assert!(refused("", "", "29,").contains("invalid curve preference \"\""));
    }

    #[test]
    fn what_ring_lacks_is_left_out_and_told_unless_nothing_stays() {
        let platform = settings(
            "VersionTLS12",
            "TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
            "4588,29,23",
        )
        .unwrap();
        assert_eq!(platform.without(), ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "curve 4588"]);
        let names: Vec<_> =
            platform.provider.cipher_suites.iter().filter_map(|suite| suite.suite().as_str()).collect();
        assert_eq!(names.len(), 4, "three of TLS 1.3 and one of 1.2: {names:?}");
        assert!(names.contains(&"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"));
        let groups: Vec<_> = platform.provider.kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(groups, [NamedGroup::X25519, NamedGroup::secp256r1]);
        assert!(refused("VersionTLS12", "TLS_RSA_WITH_AES_128_CBC_SHA", "").contains("none of"));
        assert!(refused("", "", "4588,25").contains("none of 4588,25"));
    }
}

//! What the Secret holds: an authority, and a certificate that it signed. When either is due, and how it is renewed.
//!
//! Time is an argument, in seconds since 1970.

use k8s_openapi::ByteString;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::{Pem, parse_x509_pem};

/// Seconds since 1970.
pub type Seconds = i64;

const DAY: Seconds = 24 * 3600;
/// How long an authority counts.
const AUTHORITY: Seconds = 3650 * DAY;
/// How long a certificate counts.
const LEAF: Seconds = 365 * DAY;
/// How long before its end it is renewed.
pub const AHEAD: Seconds = 90 * DAY;
/// Clocks of API servers may be behind ours.
const SKEW: Seconds = 3600;
/// An authority is renewed every ten years, or when it is taken away. Nobody needs more of the old ones.
const AUTHORITIES: usize = 4;

const KEYS: [&str; 4] = ["ca.crt", "ca.key", "tls.crt", "tls.key"];

/// Why no certificate can be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a certificate: {0}")]
pub struct MakeError(#[from] rcgen::Error);

/// An authority and its certificate, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Material {
    /// The authority that signs, then those before it that still count: all of them are trusted.
    pub authorities: String,
    authority_key: String,
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// Without the keys.
impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// What has to be made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// The certificate.
    Certificate,
    /// The authority, and with it the certificate.
    Authority,
}

impl Material {
    /// What a Secret holds, if it holds all of it.
    pub fn read(data: &BTreeMap<String, ByteString>) -> Option<Self> {
        let [authorities, authority_key, certificate, key] =
            KEYS.map(|key| data.get(key).and_then(|bytes| String::from_utf8(bytes.0.clone()).ok()));
        Some(Self {
            authorities: authorities?,
            authority_key: authority_key?,
            certificate: certificate?,
            key: key?,
        })
    }

    /// What a Secret is to hold.
    pub fn data(&self) -> BTreeMap<String, ByteString> {
        let values = [&self.authorities, &self.authority_key, &self.certificate, &self.key];
        KEYS.iter()
            .zip(values)
            .map(|(key, text)| ((*key).to_owned(), ByteString(text.clone().into_bytes())))
            .collect()
    }

    /// What is due, for a server of this name.
    pub fn due(&self, name: &str, now: Seconds) -> Due {
        let authority = first(&self.authorities);
        let Some(authority) = authority.as_ref().and_then(|pem| pem.parse_x509().ok()) else {
            return Due::Authority;
        };
        if !lasts(&authority, now) || !self.can_sign(&authority) {
            return Due::Authority;
        }
        let certificate = first(&self.certificate);
        let good = certificate.as_ref().and_then(|pem| pem.parse_x509().ok()).is_some_and(|leaf| {
            lasts(&leaf, now)
                && is_for(&leaf, name)
                && leaf.verify_signature(Some(authority.public_key())).is_ok()
                && key_of(&self.key).is_some_and(|key| is_of(&leaf, &key))
        });
        if good { Due::Nothing } else { Due::Certificate }
    }

    /// Whether the authority's key is here and can be used: one that cert-manager or MetalLB made may be of a kind that
    /// cannot.
    fn can_sign(&self, authority: &X509Certificate<'_>) -> bool {
        authority.is_ca() && key_of(&self.authority_key).is_some_and(|key| is_of(authority, &key))
    }

    /// Adds the authority by which another one is trusted, unless it is there: a server goes on showing that one for a
    /// moment. True if anything was added.
    pub fn trust(&mut self, other: &Self, now: Seconds) -> bool {
        let Some(theirs) = still_good(&other.authorities, now).into_iter().next() else { return false };
        let mut known = still_good(&self.authorities, now);
        if known.contains(&theirs) {
            return false;
        }
        known.truncate(AUTHORITIES - 1);
        known.push(theirs);
        self.authorities = known.concat();
        true
    }

    /// All of it anew. Authorities that were trusted before still are, until they expire.
    pub fn new(before: Option<&str>, name: &str, now: Seconds) -> Result<Self, MakeError> {
        let key = KeyPair::generate()?;
        let mut params = params(now, AUTHORITY);
        params.distinguished_name.push(DnType::CommonName, "cert");
        params.distinguished_name.push(DnType::OrganizationName, "metallb");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let authority = params.self_signed(&key)?.pem();
        let trusted = before.map(|before| still_good(before, now)).unwrap_or_default();
        let authorities = std::iter::once(authority).chain(trusted).take(AUTHORITIES).collect();
        let material = Self {
            authorities,
            authority_key: key.serialize_pem(),
            certificate: String::new(),
            key: String::new(),
        };
        material.renewed(name, now)
    }

    /// The same authority, and a certificate made anew.
    pub fn renewed(&self, name: &str, now: Seconds) -> Result<Self, MakeError> {
        let issuer = Issuer::from_ca_cert_pem(&self.authorities, KeyPair::from_pem(&self.authority_key)?)?;
        let key = KeyPair::generate()?;
        let mut params = params(now, LEAF);
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = vec![rcgen::SanType::DnsName(name.try_into()?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &issuer)?.pem();
        Ok(Self { certificate, key: key.serialize_pem(), ..self.clone() })
    }
}

fn params(now: Seconds, lifetime: Seconds) -> CertificateParams {
    let at = |seconds: Seconds| {
        date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = at(now - SKEW);
    params.not_after = at(now + lifetime);
    params
}

fn first(text: &str) -> Option<Pem> {
    parse_x509_pem(text.as_bytes()).ok().map(|(_, pem)| pem)
}

fn lasts(certificate: &X509Certificate<'_>, now: Seconds) -> bool {
    let validity = certificate.validity();
    validity.not_before.timestamp() <= now && validity.not_after.timestamp() > now + AHEAD
}

fn is_for(certificate: &X509Certificate<'_>, name: &str) -> bool {
    let names = certificate.subject_alternative_name().ok().flatten();
    names.is_some_and(|names| {
        names
            .value
            .general_names
            .iter()
            .any(|given| matches!(given, GeneralName::DNSName(given) if *given == name))
    })
}

fn key_of(pem: &str) -> Option<KeyPair> {
    KeyPair::from_pem(pem).ok()
}

fn is_of(certificate: &X509Certificate<'_>, key: &KeyPair) -> bool {
    certificate.public_key().raw == rcgen::PublicKeyData::subject_public_key_info(key)
}

/// The certificates of a bundle that have not expired, as PEM.
fn still_good(bundle: &str, now: Seconds) -> Vec<String> {
    let blocks = bundle.split_inclusive("-----END CERTIFICATE-----");
    let blocks = blocks.filter_map(|block| Some(&block[block.find("-----BEGIN CERTIFICATE-----")?..]));
    let good = |block: &&str| {
        first(block).is_some_and(|pem| {
            pem.parse_x509().is_ok_and(|certificate| certificate.validity().not_after.timestamp() > now)
        })
    };
    blocks.filter(good).map(|block| format!("{block}\n")).collect()
}

#[cfg(test)]
mod tests;

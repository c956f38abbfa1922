//! `--always-block`, as frr-k8s reads it: prefixes separated by commas, blanks around them ignored.

use ipnet::{IpNet, Ipv4Net};
use std::net::IpAddr;
use std::str::FromStr;

/// Prefixes that no neighbor may announce, nor anything inside them. Host bits are cleared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocked(pub Vec<IpNet>);

/// Why the prefixes cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a prefix such as 10.0.0.0/8 or fd00::/8")]
pub struct BlockedError(String);

impl FromStr for Blocked {
    type Err = BlockedError;

    /// Empty text blocks nothing; an empty element is an error.
    fn from_str(text: &str) -> Result<Self, BlockedError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(prefix).collect::<Result<_, _>>().map(Self)
    }
}

/// One prefix; an IPv4 prefix written as IPv6 (`::ffff:10.0.0.0/104`) is IPv4.
fn prefix(text: &str) -> Result<IpNet, BlockedError> {
    let wrong = || BlockedError(text.trim().to_owned());
    let (address, length) = text.trim().split_once('/').ok_or_else(wrong)?;
    // The standard library refuses leading zeros, which some read as octal.
    let (address, length): (IpAddr, u8) =
        (address.parse().map_err(|_| wrong())?, length.parse().map_err(|_| wrong())?);
    let net = match (address, address.to_canonical()) {
        (IpAddr::V6(_), IpAddr::V4(mapped)) if (96..=128).contains(&length) => {
            Ipv4Net::new(mapped, length - 96).map(IpNet::V4).ok()
        }
        _ => IpNet::new(address, length).ok(),
    };
    net.map(|net| net.trunc()).ok_or_else(wrong)
}

//! Route distinguishers and route targets (FRR manual, "EVPN").

use crate::value::{Asn, ValueError, Vni};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A route distinguisher (RFC 4364 section 4.2): `ADDRESS:N16`, `AS16:N32` or `AS32:N16`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteDistinguisher(String);

/// A route target (RFC 4360 section 4): as a route distinguisher, or `*:N` for imports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteTarget(String);

impl RouteTarget {
    /// True for `*:N`, which only an import may use.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with('*')
    }

    /// What FRR derives for an L2VNI that has none configured: `AS16:VNI` (RFC 8365 section 5.1.2.1).
    ///
    /// FRR 10.3 does not take a target that equals the one in force, and configuring another ends the
    /// derived one. So this one comes last among several, and alone it is not kept at all.
    #[must_use]
    pub fn auto(asn: Asn, vni: Vni) -> Self {
        Self(format!("{}:{vni}", asn.get() & 0xFFFF))
    }
}

const RD_FORM: &str = "<IPv4>:<uint16>, <uint16>:<uint32> or <uint32>:<uint16>";

impl FromStr for RouteDistinguisher {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        checked_pair(text, false).map(Self)
    }
}

impl FromStr for RouteTarget {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        checked_pair(text, true).map(Self)
    }
}

impl fmt::Display for RouteDistinguisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RouteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn checked_pair(text: &str, wildcard: bool) -> Result<String, ValueError> {
    let bad = || ValueError::Form { given: text.to_owned(), form: RD_FORM };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (left, right) = text.split_once(':').ok_or_else(bad)?;
    if !digits(right) {
        return Err(bad());
    }
    let right: u32 = right.parse().map_err(|_| bad())?;
    let short = u16::try_from(right).is_ok();
    if let Ok(address) = left.parse::<Ipv4Addr>() {
        return short.then(|| format!("{address}:{right}")).ok_or_else(bad);
    }
    if wildcard && left == "*" {
        return Ok(format!("*:{right}"));
    }
    if !digits(left) {
        return Err(bad());
    }
    let left: u32 = left.parse().map_err(|_| bad())?;
    let fits = short || u16::try_from(left).is_ok();
    fits.then(|| format!("{left}:{right}")).ok_or_else(bad)
}

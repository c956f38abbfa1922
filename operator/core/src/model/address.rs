//! Addresses as pools write them: `192.0.2.0/24` and `192.0.2.10-192.0.2.20`.

use crate::problem::Reason;
use herald_frr::value::Family;
use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use std::fmt;
use std::net::IpAddr;

/// Why an item of `spec.addresses` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Neither a prefix nor a range.
    #[error("invalid CIDR {0:?}: need a prefix (192.0.2.0/24) or a range (192.0.2.1-192.0.2.9)")]
    Form(String),
    /// An end of a range that is no address.
    #[error("invalid IP range {range:?}: {end:?} is not an IP address")]
    End {
        /// The range as written.
        range: String,
        /// The end that is wrong.
        end: String,
    },
    /// The ends are the wrong way round.
    #[error("invalid IP range {range:?}: start IP \"{first}\" is after the end IP \"{last}\"")]
    Order {
        /// The range as written.
        range: String,
        /// Its first address.
        first: IpAddr,
        /// Its last address.
        last: IpAddr,
    },
    /// One end is IPv4, the other IPv6.
    #[error("invalid IP range {0:?}: its ends are of two address families")]
    Families(String),
}

impl Reason for AddressError {
    fn reason(&self) -> &'static str {
        "InvalidAddressRange"
    }
}

/// Consecutive addresses of one family, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// A range; `None` if the ends are of two families or the wrong way round.
    #[must_use]
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last })
    }

    /// An item of `spec.addresses`. Host bits of a prefix are cleared; blanks are taken around the
    /// dash of a range and nowhere else, as MetalLB does.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let Some((first, last)) = text.split_once('-') else {
            let net: IpNet = text.parse().map_err(|_| AddressError::Form(text.to_owned()))?;
            return Ok(Self { first: net.network(), last: last_of(net) });
        };
        let end = |part: &str| {
            let part = part.trim();
            parse_ip(part).ok_or_else(|| AddressError::End { range: text.to_owned(), end: part.to_owned() })
        };
        let (first, last) = (end(first)?, end(last)?);
        if first.is_ipv4() != last.is_ipv4() {
            return Err(AddressError::Families(text.to_owned()));
        }
        let order = || AddressError::Order { range: text.to_owned(), first, last };
        Self::new(first, last).ok_or_else(order)
    }

    /// The first address.
    #[must_use]
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// The last address.
    #[must_use]
    pub fn last(&self) -> IpAddr {
        self.last
    }

    /// The family of all of its addresses.
    #[must_use]
    pub fn family(&self) -> Family {
        Family::of(self.first)
    }

    /// Whether the address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.first <= address && address <= self.last && address.is_ipv4() == self.first.is_ipv4()
    }

    /// Whether the two have an address in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.family() == other.family() && self.first <= other.last && other.first <= self.last
    }

    /// The fewest prefixes that make up the range, in order.
    #[must_use]
    pub fn prefixes(&self) -> Vec<IpNet> {
        match (self.first, self.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect()
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect()
            }
            // `new` and `parse` make no range of two families.
            _ => Vec::new(),
        }
    }

    /// The length of the shortest prefix inside the range.
    #[must_use]
    pub fn shortest_prefix(&self) -> u8 {
        self.prefixes().iter().map(IpNet::prefix_len).min().unwrap_or_default()
    }
}

/// A prefix where it is one, else `FIRST-LAST`.
impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefixes()[..] {
            [net] => net.fmt(f),
            _ => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

/// An address as MetalLB reads it: an IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is IPv4.
pub(crate) fn parse_ip(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// The last address of a prefix: the broadcast address, where there is such a thing.
fn last_of(net: IpNet) -> IpAddr {
    match net {
        IpNet::V4(net) => net.broadcast().into(),
        IpNet::V6(net) => net.broadcast().into(),
    }
}

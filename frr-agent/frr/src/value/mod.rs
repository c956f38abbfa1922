//! Values of an `frr.conf` that cannot be wrong: each is checked where it is made.
//!
//! A value of these types can be written into a template as it is: none holds a line break, a
//! blank or a comment mark that would change the meaning of the line it stands in.

mod community;
mod name;
mod number;
mod secret;

pub use community::{Community, LargeCommunity, StandardCommunity};
pub use name::{FrrName, InterfaceName, RawConfig};
pub use number::{Asn, Tag, Vni};
pub use secret::Password;

use std::fmt;
use std::net::IpAddr;

/// Why a value cannot stand in an `frr.conf`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Nothing was given where FRR needs a word.
    #[error("must not be empty")]
    Empty,
    /// Longer than FRR takes.
    #[error("is {length} bytes long, FRR takes at most {limit}")]
    TooLong {
        /// Bytes given.
        length: usize,
        /// Bytes that fit.
        limit: usize,
    },
    /// A character that would end the word or the line, or start a comment.
    #[error("holds {0:?}, which cannot stand in a word of frr.conf")]
    Character(char),
    /// Outside the range that FRR takes.
    #[error("{value} is outside {low}..={high}")]
    Range {
        /// What was given.
        value: u64,
        /// Smallest value taken.
        low: u64,
        /// Largest value taken.
        high: u64,
    },
    /// Not of the form that is needed.
    #[error("{given:?} is not of the form {form}")]
    Form {
        /// What was given.
        given: String,
        /// What is needed, in words.
        form: &'static str,
    },
}

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4, `ip` in FRR's lists.
    V4,
    /// IPv6, `ipv6` in FRR's lists.
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The keyword of prefix-lists and `match`: `ip` or `ipv6`.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::V4 => "ip",
            Self::V6 => "ipv6",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        })
    }
}

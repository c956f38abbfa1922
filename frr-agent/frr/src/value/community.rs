//! BGP communities: standard (RFC 1997) and large (RFC 8092).

use super::ValueError;
use std::fmt;
use std::str::FromStr;

/// A standard community, `ASN:VALUE`, 16 bits each (RFC 1997).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StandardCommunity(pub u16, pub u16);

/// A large community, `ASN:VALUE:VALUE`, 32 bits each (RFC 8092).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LargeCommunity(pub u32, pub u32, pub u32);

/// Either kind, in the notation of the manifests: `A:B` or `large:A:B:C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Community {
    /// RFC 1997.
    Standard(StandardCommunity),
    /// RFC 8092.
    Large(LargeCommunity),
}

impl Community {
    /// `GRACEFUL_SHUTDOWN` (RFC 8326): of all ways the last.
    pub const GRACEFUL_SHUTDOWN: Self = Self::Standard(StandardCommunity(65535, 0));
}

impl FromStr for Community {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let parts: Vec<&str> = text.split(':').collect();
        match parts[..] {
            [a, b] => Ok(Self::Standard(StandardCommunity(part(text, a)?, part(text, b)?))),
            ["large", a, b, c] => {
                Ok(Self::Large(LargeCommunity(part(text, a)?, part(text, b)?, part(text, c)?)))
            }
            _ => Err(form(text)),
        }
    }
}

fn form(text: &str) -> ValueError {
    ValueError::Form { given: text.to_owned(), form: "<uint16>:<uint16> or large:<uint32>:<uint32>:<uint32>" }
}

fn part<T: FromStr>(whole: &str, text: &str) -> Result<T, ValueError> {
    // `parse` takes a leading plus sign, FRR and upstream do not.
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| form(whole))
}

impl fmt::Display for StandardCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0, self.1)
    }
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.0, self.1, self.2)
    }
}

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard(c) => c.fmt(f),
            Self::Large(c) => write!(f, "large:{c}"),
        }
    }
}

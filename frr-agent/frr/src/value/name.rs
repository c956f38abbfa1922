//! Words: names of route-maps, prefix-lists, profiles, VRFs and interfaces, and raw text.

use super::ValueError;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// FRR keeps no fixed limit for names of route-maps; longer ones are unreadable in `show`.
const NAME_LIMIT: usize = 128;
/// `IFNAMSIZ` of Linux is 16 with its closing zero (net/if.h); VRF devices are interfaces.
const INTERFACE_LIMIT: usize = 15;

fn checked_word(text: &str, limit: usize) -> Result<Arc<str>, ValueError> {
    if text.is_empty() {
        return Err(ValueError::Empty);
    }
    if text.len() > limit {
        return Err(ValueError::TooLong { length: text.len(), limit });
    }
    let bad = |c: &char| !c.is_ascii_graphic() || matches!(c, '!' | '#' | '"' | '?' | '|');
    match text.chars().find(bad) {
        Some(c) => Err(ValueError::Character(c)),
        None => Ok(text.into()),
    }
}

macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $limit:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The word as it is written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                checked_word(text, $limit).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

word!(
    /// The name of a route-map, a prefix-list or a BFD profile: one printable ASCII word.
    FrrName,
    NAME_LIMIT
);
word!(
    /// The name of a network interface or of a VRF device: 1 to 15 bytes (`IFNAMSIZ`).
    InterfaceName,
    INTERFACE_LIMIT
);

/// Configuration that a user wrote by hand (`spec.raw.rawConfig`): the only unchecked text.
///
/// It is rendered after everything else, line by line, and is the user's own responsibility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawConfig(Arc<str>);

impl RawConfig {
    /// Takes the text as it is, without a trailing line break.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim_end_matches('\n').into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

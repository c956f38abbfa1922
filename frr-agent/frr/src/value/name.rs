//! Words: names of route-maps, prefix-lists, profiles, VRFs and interfaces, and raw text.

use super::ValueError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
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
    match text.chars().find(|c| is_bad(*c)) {
        Some(c) => Err(ValueError::Character(c)),
        None => Ok(text.into()),
    }
}

fn is_bad(c: char) -> bool {
    !c.is_ascii_graphic() || matches!(c, '!' | '#' | '"' | '?' | '|')
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

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

word!(
    /// The name of a route-map, a prefix-list or a BFD profile: one printable ASCII word.
    FrrName,
    NAME_LIMIT
);
impl FrrName {
    /// A name from any text: what cannot stand in a word becomes `-`, the rest is cut at the limit.
    ///
    /// For names that this program makes from values which are words already.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let word = |c: char| if is_bad(c) { '-' } else { c };
        let mut name: String = text.chars().map(word).take(NAME_LIMIT).collect();
        if name.is_empty() {
            name.push('-');
        }
        Self(name.into())
    }
}

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

//! Passwords: a type that does not print.

use super::ValueError;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// `TCP_MD5SIG_MAXKEYLEN` of Linux (linux/tcp.h).
const MD5_KEY_LIMIT: usize = 80;

/// A TCP MD5 password (RFC 2385): 1 to 80 printable ASCII characters without blanks.
///
/// `Debug` and `Display` print [`Password::MASK`]; only [`Password::expose`] gives the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Arc<str>);

impl Password {
    /// What is printed in place of a password.
    pub const MASK: &str = "<masked>";

    /// The password itself, for the one place that writes it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Password {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.is_empty() {
            return Err(ValueError::Empty);
        }
        if text.len() > MD5_KEY_LIMIT {
            return Err(ValueError::TooLong { length: text.len(), limit: MD5_KEY_LIMIT });
        }
        match text.chars().find(|c| !c.is_ascii_graphic()) {
            Some(c) => Err(ValueError::Character(c)),
            None => Ok(Self(text.into())),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::MASK)
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::MASK)
    }
}

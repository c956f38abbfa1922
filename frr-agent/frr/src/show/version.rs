//! `show version`.

use std::fmt;

/// FRR's version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 10 of 10.3.1.
    pub major: u16,
    /// 3 of 10.3.1.
    pub minor: u16,
    /// 1 of 10.3.1; 0 where it is not written.
    pub patch: u16,
    /// As FRR writes it, with what a distribution adds.
    pub text: String,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads the answer to `show version`; `None` if it is not FRR's.
#[must_use]
pub fn version(answer: &str) -> Option<Version> {
    let line = answer.lines().find_map(|line| line.trim().strip_prefix("FRRouting "))?;
    let text = line.split_whitespace().next()?;
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut parts = numbers.split('.').map(str::parse);
    let major = parts.next()?.ok()?;
    let mut next = || parts.next().and_then(Result::ok).unwrap_or_default();
    Some(Version { major, minor: next(), patch: next(), text: text.to_owned() })
}

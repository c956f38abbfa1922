//! `!` comments that say where the next lines come from.

use crate::config::Origins;
use std::fmt;

/// Origins beyond this many are counted, not named: a class of 1,000 Services stays readable.
const NAMED: usize = 8;

/// Prints one comment line per origin, each with its own line break before it.
pub struct Notes<'o> {
    origins: Option<&'o Origins>,
    indent: usize,
}

impl<'o> Notes<'o> {
    pub fn new(origins: Option<&'o Origins>, indent: usize) -> Self {
        Self { origins, indent }
    }
}

impl fmt::Display for Notes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(origins) = self.origins else { return Ok(()) };
        for origin in origins.iter().take(NAMED) {
            // An origin is words of a user's object: a line break in it would end the comment.
            let words = origin.0.split_whitespace();
            write!(f, "\n{:1$}!", "", self.indent)?;
            words.into_iter().try_for_each(|word| write!(f, " {word}"))?;
        }
        match origins.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, "\n{:2$}! and {} more", "", more, self.indent),
        }
    }
}

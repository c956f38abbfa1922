//! Colour, where somebody looks.

use std::io::IsTerminal;

/// What a piece of text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Something is wrong; something goes.
    Bad,
    /// Something may be wrong.
    Doubtful,
    /// Something comes.
    Good,
    /// A heading.
    Strong,
}

/// Whether to colour: only on a terminal, and never with `NO_COLOR` (no-color.org).
#[derive(Debug, Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    /// For standard output or standard error.
    pub fn of(stream: &impl IsTerminal) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self(stream.is_terminal() && !refused && !dumb)
    }

    /// The text in a style.
    #[must_use]
    pub fn text(self, style: Style, text: &str) -> String {
        // SGR codes (ECMA-48, 8.3.117).
        let code = match style {
            Style::Bad => "31",
            Style::Doubtful => "33",
            Style::Good => "32",
            Style::Strong => "1",
        };
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

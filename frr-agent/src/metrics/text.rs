//! Prometheus' text format (version 0.0.4), written at once: thousands of series must not be kept for it.

use std::fmt::{Display, Write};

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What goes up and down.
    Gauge,
    /// What only goes up.
    Counter,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

/// A page in the making.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

impl Page {
    /// Begins a family.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.name()));
    }

    /// A sample of the family that was begun last.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: u64) {
        self.text.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            self.write(format_args!("{}{label}=\"", if at == 0 { '{' } else { ',' }));
            self.escaped(text);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        self.write(format_args!(" {value}\n"));
    }

    /// All that was written.
    pub fn text(self) -> String {
        self.text
    }

    fn escaped(&mut self, text: &dyn Display) {
        let start = self.text.len();
        self.write(format_args!("{text}"));
        if self.text[start..].contains(['\\', '"', '\n']) {
            let plain = self.text.split_off(start);
            for letter in plain.chars() {
                match letter {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
        }
    }

    fn write(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a text cannot fail.
        let _ = self.text.write_fmt(arguments);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_may_be_absent() {
        let mut page = Page::default();
        page.family("one", Kind::Gauge, "Some help.");
        page.sample("one", &[], 3);
        page.sample("one", &[("a", &"x\"y\\z\n"), ("b", &7)], 4);
        assert_eq!(
            page.text(),
            "# HELP one Some help.\n# TYPE one gauge\none 3\none{a=\"x\\\"y\\\\z\\n\",b=\"7\"} 4\n"
        );
    }
}

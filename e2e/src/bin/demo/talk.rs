//! Text for people.

use std::io::IsTerminal;
use std::time::Instant;

/// Plain text for people.
pub struct Talk {
    started: Instant,
    coloured: bool,
}

impl Talk {
    /// From now on.
    pub fn new() -> Self {
        Self { started: Instant::now(), coloured: std::io::stdout().is_terminal() }
    }

    /// A heading, with the time since the start.
    pub fn step(&self, what: &str) {
        let at = self.started.elapsed().as_secs_f32();
        println!("\n{} {}", self.paint("1", &format!("== {what}")), self.paint("2", &format!("({at:.1} s)")));
    }

    /// A command, and what it printed.
    pub fn shell(&self, command: &str, output: &str) {
        println!("\n  {}", self.paint("36", &format!("$ {command}")));
        for line in output.lines().filter(|line| !line.starts_with("BIRD ")) {
            println!("  {line}");
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

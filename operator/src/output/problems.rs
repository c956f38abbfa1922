//! Problems as a compiler prints them, and as JSON.

use super::{Paint, Style};
use herald_core::problem::{Problem, Severity};
use herald_core::snapshot::Node;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

/// How warnings count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// They are said.
    Lenient,
    /// They are errors.
    Strict,
}

/// Every problem once, in the order of the input.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The problems.
    pub problems: Vec<Problem>,
    /// How many are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
}

impl Report {
    /// Gathers the problems of some nodes. Those that hold on several are said once; on all, without them.
    #[must_use]
    pub fn new(problems: Vec<Problem>, nodes: &[Node], strictness: Strictness) -> Self {
        let chosen: BTreeSet<&str> = nodes.iter().map(|node| &*node.name).collect();
        let concerns =
            |p: &Problem| p.nodes.is_empty() || p.nodes.iter().any(|node| chosen.contains(&**node));
        let mut problems = joined(problems.into_iter().filter(concerns).collect(), &chosen);
        if strictness == Strictness::Strict {
            for problem in &mut problems {
                problem.severity = Severity::Error;
            }
        }
        let count = |severity| problems.iter().filter(|p| p.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        Self { problems, errors, warnings }
    }

    /// One line per problem: place, severity, object, field, message, reason.
    #[must_use]
    pub fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        for problem in &self.problems {
            if let Some(place) = &problem.location {
                _ = write!(text, "{place}: ");
            }
            let (style, word) = match problem.severity {
                Severity::Error => (Style::Bad, "error"),
                Severity::Warning => (Style::Doubtful, "warning"),
            };
            _ = writeln!(text, "{}: {problem}", paint.text(style, word));
        }
        text
    }

    /// `2 errors, 1 warning`.
    #[must_use]
    pub fn counts(&self) -> String {
        let plural =
            |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        format!("{}, {}", plural(self.errors, "error"), plural(self.warnings, "warning"))
    }
}

fn joined(mut problems: Vec<Problem>, chosen: &BTreeSet<&str>) -> Vec<Problem> {
    let key = |p: &Problem| {
        (p.location.clone(), p.object.clone(), p.field.clone(), p.severity, p.reason, p.message.clone())
    };
    problems.sort_by_cached_key(key);
    let mut joined: Vec<Problem> = Vec::with_capacity(problems.len());
    for problem in problems {
        match joined.last_mut().filter(|last| key(last) == key(&problem)) {
            // Empty is everywhere, and takes in every node.
            Some(last) if last.nodes.is_empty() || problem.nodes.is_empty() => last.nodes.clear(),
            Some(last) => last.nodes.extend(problem.nodes),
            None => joined.push(problem),
        }
    }
    for problem in &mut joined {
        let named: BTreeSet<Arc<str>> =
            problem.nodes.drain(..).filter(|node| chosen.contains(&**node)).collect();
        if named.len() < chosen.len() {
            problem.nodes = named.into_iter().collect();
        }
    }
    joined
}

//! Paths to texts.

use crate::walk::{Visited, Visitor, walk};
use herald_core::input::SourceText;
use herald_core::problem::Reason;
use std::fmt;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A path that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct Failure {
    /// The path, `-` for standard input.
    pub path: PathBuf,
    /// Why.
    pub why: io::Error,
}

impl Reason for Failure {
    fn reason(&self) -> &'static str {
        "Unreadable"
    }
}

/// Some paths could not be read; the others could.
#[derive(Debug, thiserror::Error)]
pub struct ReadError {
    /// Those that could not, in order.
    pub failures: Vec<Failure>,
    /// What the others say.
    pub others: Vec<SourceText>,
}

impl fmt::Display for ReadError {
    /// One line per path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, failure) in self.failures.iter().enumerate() {
            write!(f, "{}{failure}", if position == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// Reads files, folders with all below them, and `-` for `stdin`.
///
/// Files that are named are read whatever they are called; of folders `*.yaml`, `*.yml` and `*.json`, sorted by
/// path, without hidden files and folders. Links are followed. A file is read once, however many paths lead
/// to it.
pub fn read(paths: &[PathBuf], stdin: impl Read) -> Result<Vec<SourceText>, ReadError> {
    let mut reading = Reading::default();
    let mut stdin = Some(stdin);
    for path in paths {
        if path.as_os_str() == "-" {
            if let Some(stdin) = stdin.take() {
                reading.text(path, stdin);
            }
            continue;
        }
        match fs::metadata(path) {
            Err(why) => reading.failed(path, why),
            Ok(metadata) if !reading.visited.first(&metadata) => {}
            Ok(metadata) if metadata.is_dir() => {
                // Out and in again: the walk needs both what was visited and where texts go.
                let mut visited = std::mem::take(&mut reading.visited);
                walk(path, &mut visited, &mut reading);
                reading.visited = visited;
            }
            Ok(metadata) => reading.file(path, &metadata),
        }
    }
    let Reading { texts, failures, .. } = reading;
    if failures.is_empty() { Ok(texts) } else { Err(ReadError { failures, others: texts }) }
}

#[derive(Default)]
struct Reading {
    visited: Visited,
    texts: Vec<SourceText>,
    failures: Vec<Failure>,
}

impl Reading {
    fn text(&mut self, path: &Path, mut from: impl Read) {
        let mut bytes = Vec::new();
        match from.read_to_end(&mut bytes) {
            Ok(_) => {
                let file = path.to_string_lossy().into_owned().into();
                // What is not UTF-8 is a problem of that text, not of the folder: `input::parse` says so.
                let text = String::from_utf8_lossy(&bytes).into();
                self.texts.push(SourceText { file, text });
            }
            Err(why) => self.failed(path, why),
        }
    }
}

impl Visitor for Reading {
    fn folder(&mut self, _: &Path) {}

    fn file(&mut self, path: &Path, _: &Metadata) {
        match fs::File::open(path) {
            Ok(file) => self.text(path, file),
            Err(why) => self.failed(path, why),
        }
    }

    fn failed(&mut self, path: &Path, why: io::Error) {
        self.failures.push(Failure { path: path.to_owned(), why });
    }
}

#[cfg(test)]
mod tests;

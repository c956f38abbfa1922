//! How a command ends: exit codes and errors.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit codes; those of `diff` and `grep`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well; nothing differs.
    Well,
    /// Objects have errors; configurations differ.
    Found,
    /// The command could not do its work.
    Trouble,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Well => Self::SUCCESS,
            Exit::Found => Self::from(1),
            Exit::Trouble => Self::from(2),
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Manifests could not be read.
    #[error(transparent)]
    Read(#[from] herald_source::ReadError),
    /// A file or folder could not be read.
    #[error("{path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("{path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard output is gone.
    #[error("standard output: {0}")]
    Stdout(#[from] io::Error),
    /// The arguments do not fit each other or the input.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    /// Whether the reader of our output left, as `head` does: no reason to complain.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// What a command ends with.
pub type Result<T = Exit> = std::result::Result<T, Error>;

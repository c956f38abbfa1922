//! A folder as a source.

use crate::{ReadError, Source, WatchError, Watcher, read};
use herald_core::input::{Options, Parsed};
use herald_core::plan;
use std::io;
use std::path::{Path, PathBuf};

/// A folder of manifests that is read again when it changes. Its `allocations.yaml` is the ledger: what it records
/// for Services counts as their status.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    options: Options,
    watcher: Watcher,
}

/// Why a folder could not be read or watched.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Files that could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The kernel does not watch it.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The reading was stopped before its end.
    #[error("reading {} was stopped", .0.display())]
    Stopped(PathBuf),
}

impl Directory {
    /// Watches `root`, which need not exist yet. Must be called inside a tokio runtime.
    pub fn new(root: &Path, options: Options) -> Result<Self, WatchError> {
        Ok(Self { root: root.to_owned(), options, watcher: Watcher::new(root)? })
    }
}

impl Source for Directory {
    type Error = DirectoryError;

    async fn snapshot(&mut self) -> Result<Parsed, DirectoryError> {
        let (root, options) = (self.root.clone(), self.options.clone());
        let work = move || Ok(plan::read(read(&[root], io::empty())?, &options));
        tokio::task::spawn_blocking(work).await.map_err(|_| DirectoryError::Stopped(self.root.clone()))?
    }

    async fn changed(&mut self) -> Result<(), DirectoryError> {
        Ok(self.watcher.changed().await?)
    }
}

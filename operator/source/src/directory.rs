//! A folder as a source.

use crate::{ReadError, Source, Touched, WatchError, Watcher, read};
use herald_core::input::{Folder, Options, Parsed};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder of manifests that is followed. Its `allocations.yaml` is the ledger: what it records for Services counts
/// as their status.
///
/// Of files that changed only those are read; anything else that changed has all of them read again.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    options: Options,
    watcher: Watcher,
    folder: Folder,
    /// Everything has to be read.
    unknown: bool,
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
        let (root, watcher, folder) = (root.to_owned(), Watcher::new(root)?, Folder::new(&options));
        Ok(Self { root, options, watcher, folder, unknown: true })
    }
}

impl Directory {
    /// Reads the files that changed. `None` where that is not enough.
    fn follow(&mut self, files: &BTreeSet<PathBuf>) -> Option<Parsed> {
        let mut texts: Vec<(Arc<str>, Option<String>)> = Vec::with_capacity(files.len());
        for file in files {
            let path = self.root.join(file);
            let text = match fs::read(&path) {
                Ok(bytes) => Some(String::from_utf8(bytes).ok()?),
                Err(why) if why.kind() == io::ErrorKind::NotFound => None,
                Err(_) => return None,
            };
            texts.push((path.to_string_lossy().into(), text));
        }
        let texts: Vec<_> = texts.iter().map(|(file, text)| (file.clone(), text.as_deref())).collect();
        self.folder.change(&texts)
    }

    /// Reads all files, on a thread that may wait for them.
    async fn read_all(&mut self) -> Result<Parsed, DirectoryError> {
        let root = self.root.clone();
        let mut folder = std::mem::replace(&mut self.folder, Folder::new(&self.options));
        let work = move || {
            let parsed = read(&[root], io::empty()).map(|texts| folder.read(texts));
            (folder, parsed)
        };
        let stopped = || DirectoryError::Stopped(self.root.clone());
        let (folder, parsed) = tokio::task::spawn_blocking(work).await.map_err(|_| stopped())?;
        self.folder = folder;
        Ok(parsed?)
    }
}

impl Source for Directory {
    type Error = DirectoryError;

    async fn snapshot(&mut self) -> Result<Parsed, DirectoryError> {
        match self.watcher.touched()? {
            Touched::Files(files) if !self.unknown => {
                if let Some(parsed) = self.follow(&files) {
                    return Ok(parsed);
                }
            }
            _ => {}
        }
        self.unknown = true;
        let parsed = self.read_all().await?;
        self.unknown = false;
        Ok(parsed)
    }

    async fn changed(&mut self) -> Result<(), DirectoryError> {
        Ok(self.watcher.changed().await?)
    }
}

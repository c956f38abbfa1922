//! The last good configuration on the disk: what only changes prefixes is put into the files that lie there.

use super::{Boot, State, StateError, at, write_pieces};
use herald_frr::config::FrrConfig;
use herald_frr::patch;
use std::borrow::Cow;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was written last.
#[derive(Debug, Clone)]
pub(super) struct Written {
    config: Arc<FrrConfig>,
    /// The files of it, as they were left there.
    files: Vec<(PathBuf, Mark)>,
}

/// What tells that a file is still the one that was left there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    inode: u64,
    length: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
}

impl Mark {
    fn of(path: &Path) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        let modified = (file.mtime(), file.mtime_nsec());
        Ok(Self { inode: file.ino(), length: file.len(), modified })
    }
}

impl State {
    /// Writes the files of the last good configuration: the text, and what FRR boots from.
    pub(super) fn write_last_good(&mut self, config: &Arc<FrrConfig>) -> Result<(), StateError> {
        let before = self.written.take();
        let patched = before.is_some_and(|before| self.patch(&before, config).is_some());
        if !patched {
            self.write_config(super::LAST_GOOD, config)?;
            self.boot.as_ref().map_or(Ok(()), |boot| boot.write(config))?;
        }
        let marked = |path: PathBuf| Mark::of(&path).map(|mark| (path, mark)).ok();
        let files: Option<Vec<_>> = self.kept_files().into_iter().map(marked).collect();
        self.written = files.map(|files| Written { config: config.clone(), files });
        Ok(())
    }

    fn kept_files(&self) -> Vec<PathBuf> {
        let text = self.folder.join(format!("{}{}", super::LAST_GOOD, super::TEXT));
        std::iter::once(text).chain(self.boot.as_ref().map(|boot| boot.path().to_owned())).collect()
    }

    /// Puts the prefixes into the files that are there. `None` where they are to be made anew: other things changed, or
    /// somebody touched a file, or a write failed.
    fn patch(&self, before: &Written, config: &FrrConfig) -> Option<()> {
        for (path, mark) in &before.files {
            if Mark::of(path).ok()? != *mark {
                return None;
            }
            let text = fs::read_to_string(path).map_err(at(path)).ok()?;
            let pieces: Vec<Cow<'_, str>> = patch::networks(&text, &before.config, config)?;
            let boot = self.boot.as_ref().filter(|boot| boot.path() == path);
            write_pieces(path, &pieces, |file| boot.map_or(Ok(()), |boot: &Boot| boot.give_to_owner(file)))
                .ok()?;
        }
        Some(())
    }
}

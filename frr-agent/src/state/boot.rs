//! The file that FRR boots from: the last applied configuration is there before the API server is.

use super::{StateError, at, write_atomically};
use herald_frr::config::FrrConfig;
use herald_frr::diff::{self, Ownership};
use herald_frr::running;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

/// Where it lies, and what precedes our configuration in it.
#[derive(Debug, Clone)]
pub struct Boot {
    path: PathBuf,
    base: String,
}

impl Boot {
    /// `base` is a file with FRR's own lines: `log`, `hostname`, `service`, `line vty`.
    pub fn new(path: &Path, base: Option<&Path>) -> Result<Self, StateError> {
        let base =
            base.map(|base| fs::read_to_string(base).map_err(at(base))).transpose()?.unwrap_or_default();
        Ok(Self { path: path.to_owned(), base })
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The lines of the base file.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Writes it. The lines come in the order of a cold load, so that sessions start when every prefix is there.
    pub(super) fn write(&self, config: &FrrConfig) -> Result<(), StateError> {
        let ownership = Ownership::shipped(&self.base);
        let script = diff::plan(&running::parse(&self.base), config, &ownership).script();
        let end = if self.base.is_empty() || self.base.ends_with('\n') { "" } else { "\n" };
        let text = format!("{}{end}! Written by herald-agent. Changes are lost.\n{script}", self.base);
        write_atomically(&self.path, &text, |file| self.give_to_owner(file)).map_err(at(&self.path))
    }

    /// The owner of the old file, or of its folder: FRR's own user.
    pub(super) fn give_to_owner(&self, file: &fs::File) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let old = fs::metadata(&self.path).or_else(|_| fs::metadata(folder))?;
        let new = file.metadata()?;
        if (old.uid(), old.gid()) == (new.uid(), new.gid()) {
            return Ok(());
        }
        fchown(file, Some(old.uid()), Some(old.gid()))
    }
}

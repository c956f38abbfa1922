//! What the agent keeps over its own restart: files in one folder, mode 0600, written atomically.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The last configuration that FRR took whole; holds passwords.
const LAST_GOOD: &str = "last-good.conf";
/// The last accepted form of each object.
const IN_FORCE: &str = "in-force.json";
/// Where lines for `vtysh` are written; emptied at start, should the agent have been killed.
const LINES: &str = "lines";

/// Why the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("state folder: {path}: {source}")]
pub struct StateError {
    path: String,
    source: io::Error,
}

/// The state folder.
#[derive(Debug, Clone)]
pub struct State {
    folder: PathBuf,
}

impl State {
    /// Opens the folder, made with mode 0700 where it is missing.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        let state = Self { folder: folder.to_owned() };
        let lines = state.lines_folder();
        let wrap = at(folder);
        if lines.exists() {
            fs::remove_dir_all(&lines).map_err(&wrap)?;
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&lines).map_err(&wrap)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(&wrap)?;
        Ok(state)
    }

    /// Where lines for `vtysh` are written.
    #[must_use]
    pub fn lines_folder(&self) -> PathBuf {
        self.folder.join(LINES)
    }

    /// The last configuration that FRR took whole, as text; `None` at the first start.
    pub fn last_good(&self) -> Result<Option<String>, StateError> {
        self.read(LAST_GOOD)
    }

    /// Keeps it.
    pub fn keep_last_good(&self, text: &str) -> Result<(), StateError> {
        self.write(LAST_GOOD, text)
    }

    /// The last accepted form of each object, as JSON; `None` at the first start.
    pub fn in_force(&self) -> Result<Option<String>, StateError> {
        self.read(IN_FORCE)
    }

    /// Keeps them.
    pub fn keep_in_force(&self, json: &str) -> Result<(), StateError> {
        self.write(IN_FORCE, json)
    }

    fn read(&self, name: &str) -> Result<Option<String>, StateError> {
        let path = self.folder.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path)(error)),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<(), StateError> {
        let path = self.folder.join(name);
        let wrap = at(&path);
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(&wrap)?;
        file.write_all(text.as_bytes()).map_err(&wrap)?;
        file.as_file().sync_all().map_err(&wrap)?;
        file.persist(&path).map_err(|error| wrap(error.error))?;
        Ok(())
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> StateError {
    let path = path.display().to_string();
    move |source| StateError { path: path.clone(), source }
}

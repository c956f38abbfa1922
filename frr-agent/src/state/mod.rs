//! What the agent keeps over its own restart: files in one folder, mode 0600, written atomically.

mod boot;
mod kept;

pub use boot::Boot;

use crate::machine::{Kept, Run};
use herald_frr::config::{FrrConfig, Origins, RawSnippet};
use herald_frr::render::{RenderOptions, Secrets, render};
use herald_frr::running;
use herald_frr::value::RawConfig;
use kept::Written;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The last configuration that FRR took whole; holds passwords.
const LAST_GOOD: &str = "last-good";
/// What an apply named that was not yet proved, with the number of its run.
const INTENT: &str = "intent-";
/// The text of a configuration.
const TEXT: &str = ".conf";
/// The hand-written part of it, a JSON list of texts: it cannot be told from the rest by its lines.
const RAW: &str = "-raw.json";
/// Objects that are held at the form before: FRR refused them, or sessions did not come back.
pub const QUARANTINE: &str = "quarantine.json";
/// Ends the name of a file that is being written; a dot begins it.
const UNFINISHED: &str = ".new";
/// The last accepted form of each object.
pub const IN_FORCE: &str = "in-force.json";
/// What was seen of FRR last.
pub const LIVE: &str = "live.json";

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
    boot: Option<Boot>,
    /// What is in the files of the last good configuration, if that is known.
    written: Option<Written>,
}

impl State {
    /// Opens the folder, made with mode 0700 where it is missing. `boot` is what FRR boots from.
    pub fn open(folder: &Path, boot: Option<Boot>) -> Result<Self, StateError> {
        let wrap = at(folder);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(&wrap)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(&wrap)?;
        let state = Self { folder: folder.to_owned(), boot, written: None };
        state.forget_unfinished()?;
        Ok(state)
    }

    /// Removes what an agent that was killed had begun to write: it may hold passwords.
    fn forget_unfinished(&self) -> Result<(), StateError> {
        let entries = fs::read_dir(&self.folder).map_err(at(&self.folder))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names
            .filter(|name| name.starts_with('.') && name.ends_with(UNFINISHED))
            .try_for_each(|name| self.remove(&name))
    }

    /// The last configuration that FRR took whole; `None` at the first start.
    pub fn last_good(&self) -> Result<Option<FrrConfig>, StateError> {
        self.config(LAST_GOOD)
    }

    /// Keeps it, also as what FRR boots from; records of applies that are done with go.
    pub fn keep_last_good(&mut self, kept: &Kept) -> Result<(), StateError> {
        self.write_last_good(&kept.config)?;
        kept.settled.map_or(Ok(()), |settled| self.forget_intents(settled))
    }

    /// Removes what was recorded by [`State::intend`] up to this run.
    pub fn forget_intents(&self, settled: Run) -> Result<(), StateError> {
        for (_, name) in self.intents()?.into_iter().filter(|(run, _)| *run <= settled) {
            [TEXT, RAW].iter().try_for_each(|end| self.remove(&format!("{name}{end}")))?;
        }
        Ok(())
    }

    /// Records what an apply is about to name.
    pub fn intend(&self, run: Run, names: &FrrConfig) -> Result<(), StateError> {
        self.write_config(&format!("{INTENT}{run}"), names)
    }

    /// What was recorded by [`State::intend`] and is not done with, and the last run of it.
    pub fn given(&self) -> Result<(Run, Vec<FrrConfig>), StateError> {
        let intents = self.intents()?;
        let last = intents.iter().map(|(run, _)| *run).max().unwrap_or_default();
        let configs = intents.iter().filter_map(|(_, name)| self.config(name).transpose());
        Ok((last, configs.collect::<Result<_, _>>()?))
    }

    /// What is in a file; `None` if it is not there.
    pub fn read(&self, name: &str) -> Result<Option<String>, StateError> {
        let path = self.folder.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path)(error)),
        }
    }

    /// Writes a file in one step.
    pub fn write(&self, name: &str, text: &str) -> Result<(), StateError> {
        let path = self.folder.join(name);
        write_atomically(&path, text, |_| Ok(())).map_err(at(&path))
    }

    fn intents(&self) -> Result<Vec<(Run, String)>, StateError> {
        let entries = fs::read_dir(&self.folder).map_err(at(&self.folder))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let number = |name: &str| name.strip_prefix(INTENT)?.strip_suffix(TEXT)?.parse().ok();
        Ok(names.filter_map(|name| Some((number(&name)?, name.strip_suffix(TEXT)?.to_owned()))).collect())
    }

    fn config(&self, name: &str) -> Result<Option<FrrConfig>, StateError> {
        let Some(text) = self.read(&format!("{name}{TEXT}"))? else { return Ok(None) };
        let file = format!("{name}{RAW}");
        let raw: Vec<String> = match self.read(&file)? {
            Some(json) => {
                serde_json::from_str(&json).map_err(|error| at(&self.folder.join(file))(error.into()))?
            }
            None => Vec::new(),
        };
        let snippet = |text: &String| RawSnippet { text: RawConfig::new(text), origins: Origins::new() };
        Ok(Some(FrrConfig { raw: raw.iter().map(snippet).collect(), ..running::parse(&text).config }))
    }

    fn write_config(&self, name: &str, config: &FrrConfig) -> Result<(), StateError> {
        let raw: Vec<&str> = config.raw.iter().map(|snippet| snippet.text.as_str()).collect();
        self.write(&format!("{name}{RAW}"), &serde_json::json!(raw).to_string())?;
        let options = RenderOptions { secrets: Secrets::Show, annotate: false };
        let generated = FrrConfig { raw: Vec::new(), ..config.clone() };
        self.write(&format!("{name}{TEXT}"), &render(&generated, &options))
    }

    /// Removes a file, if it is there.
    pub fn remove(&self, name: &str) -> Result<(), StateError> {
        let path = self.folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&path)(error)),
            _ => Ok(()),
        }
    }
}

fn write_atomically(
    path: &Path,
    text: &str,
    prepare: impl FnOnce(&fs::File) -> io::Result<()>,
) -> io::Result<()> {
    write_pieces(path, &[text], prepare)
}

/// A new file of mode 0600 takes the place of the old one. `prepare` sees it before that.
fn write_pieces(
    path: &Path,
    pieces: &[impl AsRef<str>],
    prepare: impl FnOnce(&fs::File) -> io::Result<()>,
) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    // Always the same name: what an agent that was killed left there goes.
    let unfinished = format!(".{}{UNFINISHED}", path.file_name().unwrap_or_default().display());
    match fs::remove_file(folder.join(&unfinished)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = tempfile::Builder::new().prefix(&unfinished).rand_bytes(0).tempfile_in(folder)?;
    for piece in pieces {
        file.write_all(piece.as_ref().as_bytes())?;
    }
    prepare(file.as_file())?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn at(path: &Path) -> impl Fn(io::Error) -> StateError {
    let path = path.display().to_string();
    move |source| StateError { path: path.clone(), source }
}

#[cfg(test)]
mod tests;

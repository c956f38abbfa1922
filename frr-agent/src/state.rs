//! What the agent keeps over its own restart: files in one folder, mode 0600, written atomically.

use herald_frr::config::{FrrConfig, Origins, RawSnippet};
use herald_frr::render::{RenderOptions, Secrets, render};
use herald_frr::running;
use herald_frr::value::RawConfig;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The last configuration that FRR took whole; holds passwords.
const LAST_GOOD: &str = "last-good.conf";
/// The hand-written part of it, a JSON list of texts: it cannot be told from the rest by its lines.
const LAST_GOOD_RAW: &str = "last-good-raw.json";
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

    /// The last configuration that FRR took whole; `None` at the first start.
    pub fn last_good(&self) -> Result<Option<FrrConfig>, StateError> {
        let Some(text) = self.read(LAST_GOOD)? else { return Ok(None) };
        let raw: Vec<String> = match self.read(LAST_GOOD_RAW)? {
            Some(json) => serde_json::from_str(&json)
                .map_err(|error| at(&self.folder.join(LAST_GOOD_RAW))(error.into()))?,
            None => Vec::new(),
        };
        let snippet = |text: &String| RawSnippet { text: RawConfig::new(text), origins: Origins::new() };
        Ok(Some(FrrConfig { raw: raw.iter().map(snippet).collect(), ..running::parse(&text).config }))
    }

    /// Keeps it.
    pub fn keep_last_good(&self, config: &FrrConfig) -> Result<(), StateError> {
        let raw: Vec<&str> = config.raw.iter().map(|snippet| snippet.text.as_str()).collect();
        self.write(LAST_GOOD_RAW, &serde_json::json!(raw).to_string())?;
        let generated = FrrConfig { raw: Vec::new(), ..config.clone() };
        self.write(LAST_GOOD, &render(&generated, &RenderOptions { secrets: Secrets::Show, annotate: false }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_nobody_else_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let raw = RawSnippet {
            text: RawConfig::new("router bgp 1\n neighbor 192.0.2.9 weight 3"),
            origins: Origins::new(),
        };
        let config =
            FrrConfig { raw: vec![raw], ..running::parse("ip prefix-list nothing seq 5 deny any\n").config };
        State::open(&path).unwrap().keep_last_good(&config).unwrap();
        fs::write(path.join(LINES).join("apply-left.conf"), "password").unwrap();
        let state = State::open(&path).unwrap();
        assert_eq!(state.last_good().unwrap(), Some(config));
        assert_eq!(
            fs::read_dir(state.lines_folder()).unwrap().count(),
            0,
            "left by an agent that was killed"
        );
        for name in ["", LAST_GOOD, LAST_GOOD_RAW] {
            let mode = fs::metadata(path.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{name}");
        }
    }
}

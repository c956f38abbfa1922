//! The folder of logs: files that only grow, of which the oldest are removed.

use super::keep::{self, Size};
use herald_core::history::{LOG, Record, head_line, read_log, record_line};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tracing::{error, warn};

/// What is put behind the name of a file that is no log.
const SET_ASIDE: &str = ".set-aside";

/// One log that is there.
#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    size: Size,
}

/// The folder.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    node: String,
    limit: u64,
    /// Oldest first.
    logs: Vec<LogFile>,
    /// The last log, while it can be written.
    open: Option<File>,
}

/// Reads all records of a history, oldest first. What cannot be read is left out.
#[must_use]
pub fn read(folder: &Path) -> Vec<Record> {
    let texts = paths(folder).into_iter().filter_map(|path| fs::read_to_string(path).ok());
    texts.filter_map(|text| read_log(&text).ok()).flat_map(|log| log.records).collect()
}

/// The logs of a folder, oldest first.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_log(path)).collect();
    paths.sort();
    paths
}

fn is_log(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(LOG))
}

impl Store {
    /// Opens the folder, made with mode 0700 where it is missing, and gives the records in it. A file that cannot be
    /// read is set aside and told; a line that was cut off, by a SIGKILL or a full disk, is removed.
    pub fn open(folder: &Path, node: &str, limit: u64) -> (Self, Vec<Record>) {
        if let Err(why) = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder) {
            failed(folder, &why);
        }
        let mut store =
            Self { folder: folder.to_owned(), node: node.to_owned(), limit, logs: Vec::new(), open: None };
        let mut all = Vec::new();
        for path in paths(folder) {
            if let Some((size, records)) = store.adopt(&path) {
                store.logs.push(LogFile { path, size });
                all.extend(records);
            }
        }
        (store, all)
    }

    fn adopt(&self, path: &Path) -> Option<(Size, Vec<Record>)> {
        let read = fs::read_to_string(path).map_err(|why| why.to_string());
        let log = match read.and_then(|text| read_log(&text).map_err(|why| why.to_string())) {
            Ok(log) if log.head.node == self.node => log,
            Ok(log) => return set_aside(path, &format!("it is of node {}", log.head.node)),
            Err(why) => return set_aside(path, &why),
        };
        if log.unreadable > 0 {
            warn!(event = "HistoryTorn", file = %path.display(), lines = log.unreadable, "left out");
        }
        let whole = log.whole as u64;
        let cut = OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(whole));
        if let Err(why) = cut {
            failed(path, &why);
        }
        let applied = log.records.iter().filter(|record| record.entry.outcome.is_in_force()).count();
        Some((Size { applied, bytes: whole, first: 0 }, log.records))
    }

    /// Whether the next record begins a new log, and so must say everything.
    pub fn begins(&self) -> bool {
        self.logs.last().is_none_or(|log| keep::is_full(log.size, self.limit))
    }

    /// Adds a record. `false`: it could not be written, and the next one must say everything.
    pub fn add(&mut self, record: &Record) -> bool {
        let written = self.try_add(record);
        if let Err(why) = &written {
            failed(&self.folder, why);
            self.open = None;
        }
        written.is_ok()
    }

    fn try_add(&mut self, record: &Record) -> io::Result<()> {
        let line = record_line(record);
        if record.config.follows.is_none() {
            self.begin(record.entry.revision)?;
        }
        let Some(log) = self.logs.last_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        let file = match &mut self.open {
            Some(file) => file,
            None => self.open.insert(OpenOptions::new().append(true).open(&log.path)?),
        };
        if let Err(why) = file.write_all(line.as_bytes()) {
            // A part of the line may be there; what follows must not be glued to it.
            file.set_len(log.size.bytes)?;
            return Err(why);
        }
        log.size.bytes += line.len() as u64;
        if record.config.follows.is_none() {
            log.size.first = log.size.bytes;
        }
        log.size.applied += usize::from(record.entry.outcome.is_in_force());
        self.trim();
        Ok(())
    }

    /// A new log. It appears with its first line, which says what it is.
    fn begin(&mut self, revision: u64) -> io::Result<()> {
        let head = head_line(&self.node);
        let path = self.folder.join(format!("{revision:012}{LOG}"));
        let mut new = tempfile::NamedTempFile::new_in(&self.folder)?;
        new.write_all(head.as_bytes())?;
        new.persist(&path).map_err(|error| error.error)?;
        self.open = Some(OpenOptions::new().append(true).mode(0o600).open(&path)?);
        self.logs.push(LogFile { path, size: Size { applied: 0, bytes: head.len() as u64, first: 0 } });
        Ok(())
    }

    fn trim(&mut self) {
        let sizes: Vec<Size> = self.logs.iter().map(|log| log.size).collect();
        for log in self.logs.drain(..keep::surplus(&sizes, self.limit)) {
            if let Err(why) = fs::remove_file(&log.path) {
                failed(&log.path, &why);
            }
        }
    }

    /// Waits until what was written is on the disk.
    pub fn sync(&self) {
        if let Some(Err(why)) = self.open.as_ref().map(File::sync_data) {
            failed(&self.folder, &why);
        }
    }
}

fn failed(path: &Path, why: &io::Error) {
    error!(event = "HistoryFailed", path = %path.display(), error = %why, "changes of FRR go on");
}

fn set_aside<T>(path: &Path, why: &str) -> Option<T> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(SET_ASIDE);
    warn!(event = "HistorySetAside", file = %path.display(), reason = why, "a new history begins");
    if let Err(why) = fs::rename(path, &aside) {
        failed(path, &why);
    }
    None
}

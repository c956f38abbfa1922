//! The agent's state folder.

use crate::exit::Error;
use herald_core::history::{self, LOG, Record, read_log};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// All records, oldest first.
pub fn read(state: &Path, node: &str) -> Result<Vec<Record>, Error> {
    let folder = state.join(history::FOLDER);
    let mut all: Vec<Record> = Vec::new();
    for path in logs(&folder).map_err(|source| Error::Open { path: folder.clone(), source })? {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            // The agent has just removed it: there are newer ones.
            Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(Error::Open { path, source }),
        };
        let log = read_log(&text).map_err(|why| Error::Usage(format!("{}: {why}", path.display())))?;
        if log.head.node != node {
            let of = &log.head.node;
            return Err(Error::Usage(format!(
                "{} is the history of node {of}, not of {node}",
                folder.display()
            )));
        }
        all.extend(log.records);
    }
    Ok(all)
}

fn logs(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(LOG)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

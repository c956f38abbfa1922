//! The files of a folder: sorted, without hidden ones, each once however many links lead to it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a walk comes by.
pub trait Visitor {
    /// A folder, before it is listed.
    fn folder(&mut self, path: &Path);
    /// A file with manifests; of a link, what it leads to.
    fn file(&mut self, path: &Path, metadata: &Metadata);
    /// A path that could not be followed or listed.
    fn failed(&mut self, path: &Path, why: io::Error);
}

/// Folders and files that were visited. Links to them from elsewhere are not followed again, so that no
/// loop is endless and no object counts twice.
#[derive(Debug, Default)]
pub struct Visited(HashSet<(u64, u64)>);

impl Visited {
    /// True the first time.
    pub fn first(&mut self, metadata: &Metadata) -> bool {
        self.0.insert((metadata.dev(), metadata.ino()))
    }
}

/// Whether a file of a folder is taken by its name.
pub fn is_manifest(path: &Path) -> bool {
    matches!(path.extension().and_then(OsStr::to_str), Some("yaml" | "yml" | "json"))
}

/// Whether a folder's entry is hidden: editors' swap files, `.git`, and `..data` of a mounted `ConfigMap`, whose files
/// are reached by links that are not hidden.
pub fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// Visits a folder and all below it, entries in the order of their names.
pub fn walk(folder: &Path, visited: &mut Visited, visitor: &mut dyn Visitor) {
    visitor.folder(folder);
    let entries = match list(folder) {
        Ok(entries) => entries,
        Err(why) => return visitor.failed(folder, why),
    };
    for path in entries {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() && visited.first(&metadata) => walk(&path, visited, visitor),
            Ok(metadata) if metadata.is_file() && is_manifest(&path) && visited.first(&metadata) => {
                visitor.file(&path, &metadata);
            }
            // A link that leads nowhere; not a file that is gone since it was listed.
            Err(why) if is_manifest(&path) && fs::symlink_metadata(&path).is_ok() => {
                visitor.failed(&path, why);
            }
            _ => {}
        }
    }
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !is_hidden(&entry.file_name()) {
            entries.push(entry.path());
        }
    }
    entries.sort();
    Ok(entries)
}

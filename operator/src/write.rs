//! Files, written whole or not at all.

use crate::exit::Error;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Can be made again at any time; whom the umask lets may read it.
    Derived,
    /// The same, with secrets: only its owner may read it.
    Secret,
    /// Must not be lost: it is on the disk before it takes the place of the old one.
    Record,
}

/// Replaces a file in one step: a reader sees the old text or the new one.
pub fn atomically(path: &Path, text: &str, kind: Kind) -> Result<(), Error> {
    replace(path, text, kind).map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, text: &str, kind: Kind) -> io::Result<()> {
    let mode = if kind == Kind::Secret { 0o600 } else { 0o644 };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    let mut file = builder.permissions(Permissions::from_mode(mode)).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if kind == Kind::Record {
        file.as_file().sync_all()?;
    }
    file.persist(path)?;
    Ok(())
}

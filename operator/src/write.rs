//! Files, written whole or not at all.

use crate::exit::Error;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Only its owner: it holds secrets.
    Owner,
    /// Whom the umask lets.
    All,
}

/// Replaces a file in one step: a reader sees the old text or the new one, also after a crash.
pub fn atomically(path: &Path, text: &str, readers: Readers) -> Result<(), Error> {
    replace(path, text, readers).map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::All => 0o644,
    };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    let mut file = builder.permissions(Permissions::from_mode(mode)).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

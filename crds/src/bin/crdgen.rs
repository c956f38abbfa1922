//! Writes `crds/yaml`: one file for each kind, and the kustomization that lists them.

// The library is pure, this command is not.
#![allow(clippy::disallowed_methods)]

use std::{error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("yaml");
    fs::create_dir_all(&folder)?;
    for (name, text) in herald_crds::files()? {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

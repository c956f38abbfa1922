//! Kubernetes' own programs, built once.

use crate::herald::repository;
use crate::process::output;
use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Kubernetes' version, as in kube/go.mod.
const VERSION: &str = "v1.34.4";
const PROGRAMS: [&str; 4] = ["kube-apiserver", "kube-controller-manager", "kube-proxy", "kubectl"];

/// The folder with [`PROGRAMS`]: `$HERALD_KUBE_BIN`, or built from kube/go.mod and kept in target/kube.
pub fn programs() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("HERALD_KUBE_BIN").map(PathBuf::from) {
        ensure!(complete(&folder), "HERALD_KUBE_BIN={}: not all of {PROGRAMS:?} are there", folder.display());
        return Ok(folder);
    }
    let module = repository().join("e2e/kube");
    let cache = repository().join("target/kube");
    let folder = cache.join(fingerprint(&module)?);
    fs::create_dir_all(&cache).with_context(|| format!("make {}", cache.display()))?;
    // One build at a time, whoever asks for it; the lock ends with the file.
    let lock = File::create(cache.join("lock"))?;
    lock.lock()?;
    if !complete(&folder) {
        build(&module, &folder)?;
    }
    Ok(folder)
}

fn complete(folder: &Path) -> bool {
    PROGRAMS.iter().all(|program| folder.join(program).is_file())
}

/// Says which versions of which modules the programs are made of.
fn fingerprint(module: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for file in ["go.mod", "go.sum"] {
        fs::read(module.join(file)).with_context(|| format!("read e2e/kube/{file}"))?.hash(&mut hasher);
    }
    Ok(format!("{VERSION}-{:016x}", hasher.finish()))
}

fn build(module: &Path, folder: &Path) -> Result<()> {
    eprintln!("building {} {VERSION}: minutes, once", PROGRAMS.join(", "));
    let new = folder.with_extension("new");
    fs::create_dir_all(&new)?;
    let mut command = Command::new("nice");
    command
        .current_dir(module)
        .env("CGO_ENABLED", "0")
        .args(["go", "build", "-trimpath", "-buildvcs=false", "-ldflags"])
        .arg(format!("-s -w -X k8s.io/component-base/version.gitVersion={VERSION}"))
        .arg("-o")
        .arg(format!("{}/", new.display()))
        .args(PROGRAMS.map(|program| format!("k8s.io/kubernetes/cmd/{program}")));
    output(&mut command).context("build Kubernetes' programs (Go is needed)")?;
    fs::rename(&new, folder).with_context(|| format!("make {}", folder.display()))
}

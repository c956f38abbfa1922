//! A lab: namespaces and a folder that live as long as their owner.

use crate::herald::repository;
use crate::network::{Namespace, Segment};
use crate::process::output;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);
static STALE: Once = Once::new();

/// Owns network namespaces and a folder, and removes them when it ends.
///
/// The removing is done by a child process (`scripts/lab-clean --guard`) that waits for the end of a pipe from here: the
/// same code runs whether the owner returns, panics, is interrupted or is killed.
#[derive(Debug)]
pub struct Lab {
    name: String,
    folder: PathBuf,
    guard: Child,
}

impl Lab {
    /// An empty lab. Labs whose owner is dead are removed first.
    pub fn new() -> Result<Self> {
        let clean = repository().join("scripts/lab-clean");
        // A failure to tidy up after others is theirs to notice.
        STALE.call_once(|| drop(output(Command::new(&clean).arg("--stale"))));
        let name = format!(
            "herald-{}.{}.{}",
            std::process::id(),
            start_time()?,
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(format!("{name}-files"));
        fs::create_dir(&folder).with_context(|| format!("make {}", folder.display()))?;
        let guard = Command::new(&clean)
            .args(["--guard", &name])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C at the terminal must not reach it.
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {}", clean.display()))?;
        Ok(Self { name, folder, guard })
    }

    /// A network namespace with a loopback interface that is up, and forwarding on.
    pub fn namespace(&self, name: &str) -> Result<Namespace> {
        Namespace::create(&format!("{}-{name}", self.name))
    }

    /// An Ethernet segment: a bridge in a namespace of its own.
    pub fn segment(&self, name: &str) -> Result<Segment> {
        Segment::create(self.namespace(name)?)
    }

    /// A new folder of the lab.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        Ok(folder)
    }

    /// The lab's own folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.folder
    }

    /// What stands before the dash in the names of its namespaces.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Leaves everything up; `scripts/lab-clean` removes it.
    pub fn keep(&self) -> Result<()> {
        fs::write(self.folder.join("keep"), "").context("mark the lab as kept")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// This process' start time in clock ticks since boot: with the id it names a process for good.
fn start_time() -> Result<String> {
    let stat = fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?;
    let fields = stat.rsplit_once(") ").context("/proc/self/stat has no name")?.1;
    Ok(fields.split(' ').nth(19).context("/proc/self/stat is short")?.to_owned())
}

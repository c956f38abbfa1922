//! The lock by which an agent finds the `vtysh` that an agent before it has left behind.
//!
//! An agent that is killed cannot end its `vtysh`, which goes on giving FRR what that agent wanted. A lock of `flock`
//! belongs to an open file and not to a process (flock(2)): every `vtysh` inherits the agent's, so the lock lives as long
//! as one of them does, wherever it runs.

use crate::report;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The file, in the state folder. Nothing is ever written to it.
pub const FILE: &str = "vtysh.lock";
/// A lock that is held is tried again after this time.
const PAUSE: Duration = Duration::from_millis(20);
/// What FRR was told before its `vtysh` was ended, it may still be doing: it is read after this time.
const AFTERMATH: Duration = Duration::from_secs(1);
/// The kernel keeps so much of a program's name, in bytes (`TASK_COMM_LEN`, proc(5)).
const NAME_LENGTH: usize = 15;

/// The lock, as this agent holds it.
#[derive(Debug)]
pub struct Hold {
    file: File,
    /// How the kernel calls what we start as `vtysh`: where that is a shell's script, both are looked for.
    names: [String; 2],
}

impl Hold {
    /// Opens it. What is started from now on holds it too.
    pub fn open(state: &Path, program: &Path) -> io::Result<Self> {
        let path = state.join(FILE);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        // Handed on to what we start: that is nothing but vtysh.
        fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty()))?;
        let program = program.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self { file, names: ["vtysh", &program].map(kernel_name) })
    }

    /// Ends every `vtysh` of an agent before this one, and takes the lock. What cannot be ended from here (in another PID
    /// namespace, say) is waited for, until `deadline` has passed. Returns when FRR is done with what it was told.
    pub fn take(&self, deadline: Duration) {
        let end = Instant::now() + deadline;
        let mut ended = false;
        while let Err(why) = self.file.try_lock() {
            let holders = holders(&self.file).unwrap_or_default();
            ended |= self.end(&holders);
            let late = Instant::now() >= end;
            if late || matches!(why, TryLockError::Error(_)) {
                report::not_alone(&holders, &why);
                break;
            }
            thread::sleep(PAUSE);
        }
        // Shared, so that the agent after us sees that it is not alone, and we go on beside one that does not end. Whoever
        // asks for it alone does so without waiting.
        if let Err(why) = self.file.lock_shared() {
            report::state_failed(&why);
        }
        if ended {
            thread::sleep(AFTERMATH);
        }
    }

    /// Whether there was something to end.
    fn end(&self, holders: &[Holder]) -> bool {
        let mut ended = false;
        for Holder { id, name } in holders.iter().filter(|holder| self.names.contains(&holder.name)) {
            // Gone already is what is wanted; one that belongs to somebody else is waited for.
            if kill(*id, Signal::SIGKILL).is_ok() {
                report::ended_before_us(*id, name);
                ended = true;
            }
        }
        ended
    }
}

/// A process that has the file open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its number, in our PID namespace.
    pub id: Pid,
    /// What the kernel calls its program.
    pub name: String,
}

/// Who has the file open but us, as far as we may know.
fn holders(file: &File) -> io::Result<Vec<Holder>> {
    let own = file.metadata()?;
    let holds = |process: &Path| {
        let descriptors = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        let mut open = descriptors.filter_map(|descriptor| fs::metadata(descriptor.path()).ok());
        open.any(|open| (open.dev(), open.ino()) == (own.dev(), own.ino()))
    };
    let others = fs::read_dir("/proc")?.flatten().filter_map(|entry| {
        let id = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?);
        if id == Pid::this() || !holds(&entry.path()) {
            return None;
        }
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        Some(Holder { id, name: name.trim_end().to_owned() })
    });
    Ok(others.collect())
}

/// A name as the kernel keeps it.
fn kernel_name(name: &str) -> String {
    String::from_utf8_lossy(name.as_bytes().get(..NAME_LENGTH).unwrap_or(name.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;
    use std::process::{Child, Command};
    use tempfile::TempDir;

    const LIMIT: Duration = Duration::from_mins(1);

    /// A program that does nothing for ten minutes, known to the kernel by this name.
    fn sleeper(folder: &TempDir, name: &str) -> PathBuf {
        let path = folder.path().join(name);
        symlink("/bin/sleep", &path).unwrap();
        path
    }

    /// What an agent that was killed left: it runs, and holds the lock. Other tests' children may do so, too, for a while.
    fn left(folder: &TempDir, program: &Path) -> Child {
        let before = Hold::open(folder.path(), program).unwrap();
        before.take(LIMIT);
        let child = Command::new(program).arg("600").spawn().unwrap();
        let id = Pid::from_raw(i32::try_from(child.id()).unwrap());
        // Between fork and exec it has another name.
        let there = |holder: &Holder| holder.id == id && before.names.contains(&holder.name);
        let end = Instant::now() + LIMIT;
        while !holders(&before.file).unwrap().iter().any(there) {
            assert!(Instant::now() < end, "{:?}", holders(&before.file));
            thread::sleep(PAUSE);
        }
        child
    }

    #[test]
    fn what_a_killed_agent_left_is_ended_before_frr_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let program = sleeper(&folder, "vtysh-of-before-us");
        let mut child = left(&folder, &program);
        let hold = Hold::open(folder.path(), &program).unwrap();
        hold.take(LIMIT);
        assert_eq!(child.wait().unwrap().code(), None, "it was not killed");
        assert_eq!(hold.file.metadata().unwrap().len(), 0);
    }

    #[test]
    fn somebody_else_is_waited_for_and_not_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = left(&folder, &sleeper(&folder, "another"));
        let hold = Hold::open(folder.path(), Path::new("/usr/bin/our-vtysh")).unwrap();
        let began = Instant::now();
        hold.take(Duration::from_millis(300));
        assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
        assert_eq!(child.try_wait().unwrap(), None);
        // And the one after us sees both.
        let next = Hold::open(folder.path(), Path::new("/usr/bin/our-vtysh")).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(matches!(next.file.try_lock(), Err(TryLockError::WouldBlock)));
    }
}

//! Runs `vtysh`, with a deadline and never through a shell.

use crate::machine::RefusedLine;
use herald_frr::diff::{ChangePlan, PlannedLine};
use herald_frr::render::mask_passwords;
use herald_frr::vtysh::{self, Answer};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Why `vtysh` gave no usable answer. What FRR has is then unknown until it is read again.
#[derive(Debug, thiserror::Error)]
pub enum VtyshError {
    /// It could not be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file with the lines could not be written.
    #[error("cannot write the lines for vtysh to {folder}: {source}")]
    File {
        /// The folder.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
    /// It hung, because a daemon did; it was ended.
    #[error("vtysh did not end within {} s and was ended: a daemon hangs", .0.as_secs())]
    Deadline(Duration),
    /// It was ended by somebody else.
    #[error("vtysh was ended by signal {0}")]
    Signal(i32),
    /// A daemon was not there when the lines were sent.
    #[error("{0} did not run when the lines were sent")]
    Missing(&'static str),
    /// It ended in a way that says nothing of single lines.
    #[error("vtysh ended with {code}: {message}")]
    Failed {
        /// Its exit code.
        code: i32,
        /// What it printed, passwords left out.
        message: String,
    },
}

/// The daemon that most of our lines are for.
const BGPD: &str = "bgpd";

/// How `vtysh` is reached.
#[derive(Debug, Clone)]
pub struct Vtysh {
    /// The program.
    pub program: PathBuf,
    /// Arguments before all others: `--vty_socket DIR`, ...
    pub arguments: Vec<OsString>,
    /// Where the file with the lines is written, mode 0600, and removed again.
    pub folder: PathBuf,
    /// How long one run may take.
    pub deadline: Duration,
}

struct Finished {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Vtysh {
    /// `show running-config` as text.
    pub fn running_config(&self) -> Result<String, VtyshError> {
        let done = self.run(&["-c".into(), "show running-config".into()])?;
        if done.status.success() { Ok(done.stdout) } else { Err(failure(&done)) }
    }

    /// Runs the plan's lines in one `vtysh -f`, then its soft clears in one `vtysh -c`.
    ///
    /// `vtysh -f` goes on after a refused line, so all refused ones are returned. The clears are
    /// left out when a line was refused: the caller goes back first.
    pub fn apply(&self, plan: &ChangePlan) -> Result<Vec<RefusedLine>, VtyshError> {
        let refused = self.send(plan)?;
        if refused.is_empty() && !plan.soft_clears.is_empty() {
            let commands = plan.soft_clears.iter().flat_map(|clear| ["-c".into(), clear.command().into()]);
            let done = self.run(&commands.collect::<Vec<OsString>>())?;
            if !done.status.success() {
                return Err(failure(&done));
            }
        }
        Ok(refused)
    }

    fn send(&self, plan: &ChangePlan) -> Result<Vec<RefusedLine>, VtyshError> {
        let wrap = |source| VtyshError::File { folder: self.folder.display().to_string(), source };
        // Mode 0600 from its creation, and removed when it goes out of scope.
        let mut file = tempfile::Builder::new()
            .prefix("apply-")
            .suffix(".conf")
            .tempfile_in(&self.folder)
            .map_err(wrap)?;
        file.write_all(plan.script().as_bytes()).map_err(wrap)?;
        let done = self.run(&["-f".into(), file.path().into()])?;
        let answer = vtysh::read(&done.stdout, &done.stderr);
        match refused_lines(&answer, plan) {
            // A daemon that died under it, or one that read no further: what FRR has is unknown.
            _ if !answer.failures.is_empty() => Err(failure(&done)),
            // FRR 10 lists whom it asked, and ends with 0 if one of them was not there.
            _ if !answer.daemons.is_empty() && !answer.daemons.contains(BGPD) => {
                Err(VtyshError::Missing(BGPD))
            }
            lines if lines.is_empty() && !(answer.is_clean() && done.status.success()) => Err(failure(&done)),
            lines => Ok(lines),
        }
    }

    fn run(&self, arguments: &[OsString]) -> Result<Finished, VtyshError> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .args(arguments)
            .env("VTYSH_PAGER", "cat")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|source| VtyshError::Start { program: self.program.display().to_string(), source })?;
        let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
        let end = Instant::now() + self.deadline;
        let texts = (before(&stdout, end), before(&stderr, end));
        let (Some(stdout), Some(stderr)) = texts else {
            end_group(&mut child);
            return Err(VtyshError::Deadline(self.deadline));
        };
        let status = child
            .wait()
            .map_err(|source| VtyshError::Start { program: self.program.display().to_string(), source })?;
        match status.signal() {
            Some(signal) => Err(VtyshError::Signal(signal)),
            None => Ok(Finished { status, stdout, stderr }),
        }
    }
}

/// Reads a pipe to its end in a thread of its own, so that a full pipe never blocks the child.
fn drain(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is still worth having.
            let _ = pipe.read_to_end(&mut bytes);
        }
        // The receiver is gone when the deadline has passed.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

fn before(receiver: &mpsc::Receiver<String>, end: Instant) -> Option<String> {
    receiver.recv_timeout(end.saturating_duration_since(Instant::now())).ok()
}

/// Ends `vtysh` and what it started: they are a process group of their own.
fn end_group(child: &mut Child) {
    if let Ok(pid) = i32::try_from(child.id()) {
        // Gone already is what is wanted.
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    }
    let _ = child.wait();
}

fn refused_lines(answer: &Answer, plan: &ChangePlan) -> Vec<RefusedLine> {
    let line = |(refused, line): (&vtysh::Refused, Option<&PlannedLine>)| RefusedLine {
        refused: refused.clone(),
        origins: line.map(|line| line.origins.clone()).unwrap_or_default(),
    };
    answer.blame(plan).into_iter().map(line).collect()
}

fn failure(done: &Finished) -> VtyshError {
    let text = format!("{} {}", done.stderr.trim(), done.stdout.trim());
    let masked = mask_passwords(text.trim());
    VtyshError::Failed { code: done.status.code().unwrap_or(-1), message: masked.into_owned() }
}

#[cfg(test)]
mod tests;

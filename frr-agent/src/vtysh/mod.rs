//! Runs `vtysh`, with a deadline and never through a shell.

mod hold;
mod pipes;
mod runs;

use crate::machine::{Failure, RefusedLine};
use crate::sockets;
use crate::vty::BGPD;
use herald_frr::diff::{ChangePlan, PlannedLine};
use herald_frr::render::mask_passwords;
use herald_frr::running::{self, Running};
use herald_frr::vtysh::{self, Answer};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub use hold::{Hold, Holder};
pub use runs::{Round, Runs};

/// Why `vtysh` gave no usable answer. What FRR has is then unknown until it is read again.
#[derive(Debug, thiserror::Error)]
pub enum VtyshError {
    /// It could not be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// There was no memory for the lines.
    #[error("cannot hold the lines for vtysh in memory: {0}")]
    Lines(io::Error),
    /// It hung, because a daemon did; it was ended.
    #[error("vtysh did not end within {} s and was ended; {}", after.as_secs(), silent(hung))]
    Deadline {
        /// How long it was given.
        after: Duration,
        /// The daemons that do not answer.
        hung: Vec<String>,
    },
    /// It was not started: FRR went away after it was asked for.
    #[error("FRR went away")]
    Gone,
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

impl From<VtyshError> for Failure {
    fn from(why: VtyshError) -> Self {
        let untouched = matches!(why, VtyshError::Start { .. } | VtyshError::Lines(_) | VtyshError::Gone);
        let text = why.to_string();
        let hung = if let VtyshError::Deadline { hung, .. } = why { hung } else { Vec::new() };
        Self { why: text, hung, untouched }
    }
}

/// The file of the lines, as vtysh sees it: its standard input, which lies in memory and on no disk.
const LINES: &str = "/proc/self/fd/0";

/// How `vtysh` is reached.
#[derive(Debug, Clone)]
pub struct Vtysh {
    /// The program.
    pub program: PathBuf,
    /// Arguments before all others: `--vty_socket DIR`, ...
    pub arguments: Vec<OsString>,
    /// The folder of FRR's vty sockets, to find out which daemon hangs.
    pub sockets: PathBuf,
    /// How long one run may take.
    pub deadline: Duration,
    /// Runs that are under way, of this and all copies of it.
    pub runs: Runs,
    /// Its runs are of this round; `None` is of every round.
    pub round: Option<Round>,
}

struct Finished {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Vtysh {
    /// `show running-config` as text; of what several daemons keep, what bgpd has.
    pub fn running_config(&self) -> Result<String, VtyshError> {
        self.both_configs().map(|text| running::as_bgpd_has_it(&text))
    }

    /// What FRR runs.
    pub fn running(&self) -> Result<Running, VtyshError> {
        self.both_configs().map(|text| running::read(&text))
    }

    /// What all daemons have, and behind it what bgpd has.
    fn both_configs(&self) -> Result<String, VtyshError> {
        let commands = ["-c", "show running-config", "-c", "show running-config bgpd"];
        let done = self.run(&commands.map(OsString::from), None)?;
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
            let done = self.run(&commands.collect::<Vec<OsString>>(), None)?;
            if !done.status.success() {
                return Err(failure(&done));
            }
        }
        Ok(refused)
    }

    fn send(&self, plan: &ChangePlan) -> Result<Vec<RefusedLine>, VtyshError> {
        let lines = in_memory(&plan.script()).map_err(VtyshError::Lines)?;
        // Prefixes are bgpd's alone: no other daemon is asked, or waited for.
        let only: &[&str] = if plan.prefixes().is_some() { &["-d", BGPD] } else { &[] };
        let arguments: Vec<OsString> = only.iter().chain(&["-f", LINES]).map(OsString::from).collect();
        let done = self.run(&arguments, Some(lines))?;
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

    fn run(&self, arguments: &[OsString], stdin: Option<File>) -> Result<Finished, VtyshError> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .args(arguments)
            .env("VTYSH_PAGER", "cat")
            .stdin(stdin.map_or_else(Stdio::null, Stdio::from))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let unusable = |source| VtyshError::Start { program: self.program.display().to_string(), source };
        let started = self.runs.start(self.round, || command.spawn()).ok_or(VtyshError::Gone)?;
        let mut child = started.map_err(unusable)?;
        let outputs = pipes::outputs(&mut child, Instant::now() + self.deadline);
        if outputs.is_none() {
            end_group(&child);
        }
        self.runs.over(&child);
        let status = child.wait().map_err(unusable)?;
        let Some((stdout, stderr)) = outputs else {
            return Err(VtyshError::Deadline { after: self.deadline, hung: sockets::silent(&self.sockets) });
        };
        match status.signal() {
            Some(signal) => Err(VtyshError::Signal(signal)),
            None => Ok(Finished { status, stdout, stderr }),
        }
    }
}

/// A file without a name, that no disk holds and that ends with its last user.
fn in_memory(text: &str) -> io::Result<File> {
    let mut file = File::from(memfd_create(c"lines", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Ends `vtysh` and what it started: they are a process group of their own.
fn end_group(child: &Child) {
    if let Ok(pid) = i32::try_from(child.id()) {
        // Gone already is what is wanted.
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

fn refused_lines(answer: &Answer, plan: &ChangePlan) -> Vec<RefusedLine> {
    let line = |(refused, line): (&vtysh::Refused, Option<&PlannedLine>)| RefusedLine {
        refused: refused.clone(),
        origins: line.map(|line| line.origins.clone()).unwrap_or_default(),
    };
    answer.blame(plan).into_iter().map(line).collect()
}

/// Which daemons hang, in words.
fn silent(hung: &[String]) -> String {
    match hung {
        [] => "all daemons answer again".to_owned(),
        [one] => format!("{one} does not answer"),
        many => format!("{} do not answer", many.join(", ")),
    }
}

fn failure(done: &Finished) -> VtyshError {
    let text = format!("{} {}", done.stderr.trim(), done.stdout.trim());
    let masked = mask_passwords(text.trim());
    VtyshError::Failed { code: done.status.code().unwrap_or(-1), message: masked.into_owned() }
}

#[cfg(test)]
mod tests;

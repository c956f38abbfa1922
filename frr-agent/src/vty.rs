//! Asks FRR's daemons by their vty sockets: what `vtysh` would pass on, without starting a program for it.
//!
//! A command ends with a zero byte. The answer ends with three and a fourth byte that says how it went (FRR `lib/vty.c`,
//! `vtysh_read`; alike from 8.4 to 10.x). A connection begins in the view node, in which nothing can be changed, and
//! stays there but for bfdd's, which shows nothing there. What changes FRR goes through `vtysh`.

use crate::machine::{Fact, Failure, Question};
use crate::sockets;
use herald_frr::diff::Session;
use herald_frr::show::{self, SUMMARY, SessionState, ShowError};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The daemon that has the sessions and the prefixes.
pub const BGPD: &str = "bgpd";
/// The daemon that has the BFD sessions.
pub const BFDD: &str = "bfdd";

/// Read at once.
const CHUNK: usize = 16 << 10;

/// Why a daemon gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum VtyError {
    /// Nobody listens there.
    #[error("{daemon} does not run: {why}")]
    Absent {
        /// The daemon.
        daemon: &'static str,
        /// Why it cannot be reached.
        why: Errno,
    },
    /// It did not answer in time.
    #[error("{daemon} did not answer within {} s", after.as_secs())]
    Hung {
        /// The daemon.
        daemon: &'static str,
        /// How long it was given.
        after: Duration,
    },
    /// It ended before its answer did.
    #[error("{0} ended while it answered")]
    Ended(&'static str),
    /// It answered something that is not understood.
    #[error("{0}")]
    Answer(#[from] ShowError),
}

impl From<VtyError> for Failure {
    fn from(why: VtyError) -> Self {
        let hung = if let VtyError::Hung { daemon, .. } = why { vec![daemon.to_owned()] } else { Vec::new() };
        Self { why: why.to_string(), hung, untouched: true }
    }
}

/// Where the daemons are asked.
#[derive(Debug, Clone)]
pub struct Vty {
    /// The folder of FRR's vty sockets, `/var/run/frr`.
    pub folder: PathBuf,
    /// How long the questions of one [`Asking`] may take together.
    pub deadline: Duration,
}

impl Vty {
    /// Begins to ask: each daemon is connected to once, when it is asked first.
    pub fn asking(&self) -> Asking<'_> {
        Asking { vty: self, end: Instant::now() + self.deadline, open: Vec::new() }
    }

    /// What FRR's table says of these prefixes, in order.
    pub fn routes(&self, questions: &[Question]) -> Result<Vec<Fact>, VtyError> {
        let mut asking = self.asking();
        let mut facts = Vec::with_capacity(questions.len());
        for (vrf, prefix) in questions {
            let answer = asking.ask(BGPD, &show::route_command(vrf.as_ref(), *prefix))?;
            facts.push(show::route(&answer)?);
        }
        Ok(facts)
    }

    /// The sessions that are Established now.
    pub fn established(&self) -> Result<BTreeSet<Session>, VtyError> {
        let sessions = show::summary(&self.asking().ask(BGPD, SUMMARY)?)?;
        let up = sessions.into_iter().filter(|(_, session)| session.state == SessionState::Established);
        Ok(up.map(|(session, _)| session).collect())
    }
}

/// Connections to daemons, for some questions in a row.
#[derive(Debug)]
pub struct Asking<'a> {
    vty: &'a Vty,
    end: Instant,
    open: Vec<(&'static str, UnixStream)>,
}

impl Asking<'_> {
    /// What the daemon says to a `show` command. How it went is not looked at: refusals are told in words.
    pub fn ask(&mut self, daemon: &'static str, command: &str) -> Result<String, VtyError> {
        if !self.open.iter().any(|(open, _)| *open == daemon) {
            let stream = self.connect(daemon)?;
            self.open.push((daemon, stream));
            if daemon == BFDD {
                // Its show commands stand in the enable node (FRR `bfdd/bfdd_vty.c`), as `vtysh` uses all of them.
                self.ask(daemon, "enable")?;
            }
        }
        let known = self.open.iter_mut().find(|(open, _)| *open == daemon);
        let answer = known.and_then(|(_, stream)| answer(stream, command, self.end).transpose());
        match answer {
            Some(Ok(text)) => Ok(text),
            Some(Err(_)) => Err(VtyError::Ended(daemon)),
            None => Err(self.hung(daemon)),
        }
    }

    fn connect(&self, daemon: &'static str) -> Result<UnixStream, VtyError> {
        match sockets::knock(&self.vty.folder, daemon) {
            Ok(stream) => Ok(stream),
            // Its queue of connections is full.
            Err(Errno::EAGAIN) => Err(self.hung(daemon)),
            Err(why) => Err(VtyError::Absent { daemon, why }),
        }
    }

    const fn hung(&self, daemon: &'static str) -> VtyError {
        VtyError::Hung { daemon, after: self.vty.deadline }
    }
}

/// The answer to a command; `None` if it is not whole at `end`.
fn answer(stream: &mut UnixStream, command: &str, end: Instant) -> std::io::Result<Option<String>> {
    // A command is shorter than any socket's buffer, which is empty between two.
    stream.write_all(format!("{command}\0").as_bytes())?;
    let (mut text, mut buffer) = (Vec::new(), [0; CHUNK]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => text.extend_from_slice(&buffer[..count]),
            Err(why) if why.kind() == ErrorKind::WouldBlock => {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(None);
                }
                // Rounded up: a poll of 0 ms would spin. A signal interrupts it, and nothing else can go wrong.
                let left = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
                let _ = poll(&mut [PollFd::new(stream.as_fd(), PollFlags::POLLIN)], left);
                continue;
            }
            Err(why) if why.kind() == ErrorKind::Interrupted => continue,
            Err(why) => return Err(why),
        }
        // Nothing follows an answer, and no text has zero bytes.
        if let [.., 0, 0, 0, _] = text[..] {
            text.truncate(text.len() - 4);
            return Ok(Some(String::from_utf8_lossy(&text).into_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::thread;

    /// A daemon that answers each command with the next of `answers`, and then ends or says nothing more.
    fn daemon(answers: &'static [&'static [&'static [u8]]], hangs: bool) -> (tempfile::TempDir, Vty) {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("bgpd.vty")).unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for pieces in answers {
                let mut byte = [1];
                while byte != [0] {
                    stream.read_exact(&mut byte).unwrap();
                }
                for piece in *pieces {
                    stream.write_all(piece).unwrap();
                    thread::sleep(Duration::from_millis(20));
                }
            }
            if hangs {
                let _ = stream.read_to_end(&mut Vec::new());
            }
        });
        let vty = Vty { folder: folder.path().to_owned(), deadline: Duration::from_millis(300) };
        (folder, vty)
    }

    #[test]
    fn an_answer_ends_with_three_zero_bytes_and_one_more_however_it_comes() {
        const ANSWERS: &[&[&[u8]]] =
            &[&[b"{\"a\":", b" 1}\n\0", b"\0\0", b"\0"], &[b"% no\n\0\0\0\x01"], &[b"\0\0\0\0"]];
        let (_folder, mut vty) = daemon(ANSWERS, true);
        vty.deadline = Duration::from_secs(20);
        let mut asking = vty.asking();
        assert_eq!(asking.ask(BGPD, "show a").unwrap(), "{\"a\": 1}\n");
        assert_eq!(asking.ask(BGPD, "show b").unwrap(), "% no\n");
        assert_eq!(asking.ask(BGPD, "show c").unwrap(), "");
    }

    #[test]
    fn a_daemon_that_hangs_is_named_and_not_waited_for() {
        const SILENT: &[&[&[u8]]] = &[];
        const HALF: &[&[&[u8]]] = &[&[b"{"]];
        for answers in [SILENT, HALF] {
            let (_folder, vty) = daemon(answers, true);
            let why = vty.asking().ask(BGPD, "show a").unwrap_err();
            assert!(matches!(why, VtyError::Hung { daemon: BGPD, .. }), "{why}");
            assert_eq!(Failure::from(why).hung, [BGPD]);
        }
    }

    #[test]
    fn a_daemon_that_ends_in_its_answer_gives_none() {
        const HALF: &[&[&[u8]]] = &[&[b"{"]];
        let (_folder, mut vty) = daemon(HALF, false);
        vty.deadline = Duration::from_secs(20);
        let why = vty.asking().ask(BGPD, "show a").unwrap_err();
        assert!(matches!(why, VtyError::Ended(BGPD)), "{why}");
    }

    #[test]
    fn a_daemon_that_is_not_there_is_named() {
        let (_folder, vty) = daemon(&[], true);
        let why = vty.asking().ask(BFDD, "show bfd peers json").unwrap_err();
        assert!(why.to_string().starts_with("bfdd does not run: ENOENT"), "{why}");
    }
}

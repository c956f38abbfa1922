//! Watches FRR's daemons by their vty sockets: a daemon that dies closes its end at once.

use crate::report;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use std::fs;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How often a socket that is not there is looked for.
const KNOCK_INTERVAL: Duration = Duration::from_millis(50);

/// After so many knocks, 3 seconds, people are told that a daemon is missing.
const SILENT_KNOCKS: u32 = 60;

/// The daemons that hold our configuration.
#[derive(Debug, Clone)]
pub struct Daemons {
    /// The folder of FRR's vty sockets, `/var/run/frr`.
    pub folder: PathBuf,
    /// Their names: `zebra`, `bgpd`, `bfdd`.
    pub names: Vec<String>,
}

impl Daemons {
    /// Calls `report` with true when all daemons answer and with false when one went away, for as
    /// long as it returns true. Runs until then.
    pub fn watch(&self, mut report: impl FnMut(bool) -> bool) {
        loop {
            let streams = self.connect();
            if !report(true) {
                return;
            }
            wait_for_end(&streams);
            if !report(false) {
                return;
            }
        }
    }

    /// One connection to each daemon; one that ends meanwhile is noticed by `wait_for_end`.
    fn connect(&self) -> Vec<UnixStream> {
        self.names.iter().map(|name| self.answering(name)).collect()
    }

    fn answering(&self, name: &str) -> UnixStream {
        let mut knocks = 0_u32;
        loop {
            if let Ok(stream) = knock(&self.folder, name) {
                return stream;
            }
            if knocks == SILENT_KNOCKS {
                report::waiting_for(name);
            }
            knocks = knocks.saturating_add(1);
            thread::sleep(KNOCK_INTERVAL);
        }
    }
}

/// A daemon that does not answer within this time hangs.
const SILENCE: Duration = Duration::from_secs(1);

/// The daemons of a folder of vty sockets that run and do not answer. Takes 1 s if there is one.
pub fn silent(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names =
        entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".vty")?.to_owned()));
    let asked: Vec<_> = names.map(|name| (knock(folder, &name).and_then(ask), name)).collect();
    let end = Instant::now() + SILENCE;
    let hangs = |stream: nix::Result<UnixStream>| match stream {
        Ok(stream) => !answers(&stream, end),
        // Its queue of connections is full; any other error says that it does not run.
        Err(why) => why == Errno::EAGAIN,
    };
    let mut hung: Vec<String> =
        asked.into_iter().filter_map(|(stream, name)| hangs(stream).then_some(name)).collect();
    hung.sort();
    hung
}

/// What vtysh would send: a command that ends with a zero byte. Any answer will do.
fn ask(mut stream: UnixStream) -> nix::Result<UnixStream> {
    stream.write_all(b"echo\0").map_err(|_| Errno::EPIPE)?;
    Ok(stream)
}

fn answers(stream: &UnixStream, end: Instant) -> bool {
    let left = end.saturating_duration_since(Instant::now());
    let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
    poll(&mut [PollFd::new(stream.as_fd(), PollFlags::POLLIN)], left).is_ok_and(|ready| ready > 0)
}

/// A connection to a daemon, at once or not at all: one that hangs takes no more when its queue is full.
pub fn knock(folder: &Path, name: &str) -> nix::Result<UnixStream> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    connect(socket.as_raw_fd(), &UnixAddr::new(&folder.join(format!("{name}.vty")))?)?;
    Ok(UnixStream::from(socket))
}

/// Returns when any of the daemons has closed its end. They say nothing unasked, so readable is over too.
fn wait_for_end(streams: &[UnixStream]) {
    let mut polled: Vec<PollFd> = streams.iter().map(|s| PollFd::new(s.as_fd(), PollFlags::POLLIN)).collect();
    while let Err(Errno::EINTR) = poll(&mut polled, PollTimeout::NONE) {}
}

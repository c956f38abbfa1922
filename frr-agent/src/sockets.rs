//! Watches FRR's daemons by their vty sockets: a daemon that dies closes its end at once.

use crate::report;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

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

fn knock(folder: &Path, name: &str) -> io::Result<UnixStream> {
    UnixStream::connect(folder.join(format!("{name}.vty")))
}

/// Returns when any of the daemons has closed its end. They say nothing unasked, so readable is over too.
fn wait_for_end(streams: &[UnixStream]) {
    let mut polled: Vec<PollFd> = streams.iter().map(|s| PollFd::new(s.as_fd(), PollFlags::POLLIN)).collect();
    while let Err(nix::errno::Errno::EINTR) = poll(&mut polled, PollTimeout::NONE) {}
}

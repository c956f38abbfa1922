//! What a child writes to its two pipes, read without a thread for each.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, ChildStderr, ChildStdout};
use std::time::Instant;

/// Read at once.
const CHUNK: usize = 16 << 10;

/// One pipe and what came out of it.
struct Pipe<P> {
    /// `None` at its end.
    pipe: Option<P>,
    text: Vec<u8>,
}

impl<P: Read + AsFd> Pipe<P> {
    const fn new(pipe: Option<P>) -> Self {
        Self { pipe, text: Vec::new() }
    }

    fn poll(&self) -> Option<PollFd<'_>> {
        self.pipe.as_ref().map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN))
    }

    /// Takes what is there. What was read before an error is still worth having.
    fn read(&mut self, buffer: &mut [u8]) {
        let Some(pipe) = &mut self.pipe else { return };
        match pipe.read(buffer) {
            Ok(0) | Err(_) => self.pipe = None,
            Ok(count) => self.text.extend_from_slice(&buffer[..count]),
        }
    }

    fn text(self) -> String {
        String::from_utf8(self.text)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

/// Standard output and error of a child, both to their ends; `None` if they had none at `end`. Both are read as they
/// come, so that a full pipe never blocks the child.
pub fn outputs(child: &mut Child, end: Instant) -> Option<(String, String)> {
    let mut stdout: Pipe<ChildStdout> = Pipe::new(child.stdout.take());
    let mut stderr: Pipe<ChildStderr> = Pipe::new(child.stderr.take());
    let mut buffer = [0; CHUNK];
    while stdout.pipe.is_some() || stderr.pipe.is_some() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        let mut polled: Vec<PollFd<'_>> = stdout.poll().into_iter().chain(stderr.poll()).collect();
        // Rounded up: a poll of 0 ms would spin.
        let left = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        if poll(&mut polled, left).is_err() {
            // Interrupted by a signal; nothing else can go wrong with open pipes.
            continue;
        }
        let ready: Vec<bool> =
            polled.iter().map(|fd| fd.revents().is_some_and(|events| !events.is_empty())).collect();
        let out = stdout.pipe.is_some();
        if out && ready.first() == Some(&true) {
            stdout.read(&mut buffer);
        }
        if ready.get(usize::from(out)) == Some(&true) {
            stderr.read(&mut buffer);
        }
    }
    Some((stdout.text(), stderr.text()))
}

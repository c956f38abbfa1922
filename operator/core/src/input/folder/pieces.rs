//! A text in pieces: each from one `---` to the next.

use crate::snapshot::{EndpointSlice, Few, ServiceKey};
use memchr::memmem;
use rustc_hash::FxHasher;
use std::hash::Hasher;
use std::ops::Range;
use std::sync::Arc;

/// What a piece says, if that is little enough to follow it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// No object that counts.
    Nothing,
    /// One Service.
    Service(ServiceKey),
    /// One EndpointSlice, which the Snapshot has too.
    Slice(Arc<EndpointSlice>),
    /// Anything else: configuration, several objects, something wrong.
    Other,
    /// Nobody knows: its file could not be read to the end.
    Unread,
}

/// A piece of a file whose text is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    mark: Mark,
    pub says: Says,
}

/// What tells one piece from another. Two texts of one length and hash are taken for one: whoever writes manifests
/// could make such a pair on purpose, and would mislead only readers of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    hash: u64,
    length: u32,
    pub lines: u32,
}

/// The pieces of one file. Most have one, and there are as many files as Services.
pub type Pieces = Few<Piece>;

impl Piece {
    pub fn new(mark: Mark, says: Says) -> Self {
        Self { mark, says }
    }

    pub fn mark(&self) -> Mark {
        self.mark
    }
}

impl Mark {
    pub fn of(text: &str) -> Self {
        let mut hasher = FxHasher::default();
        hasher.write(text.as_bytes());
        let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count();
        Self { hash: hasher.finish(), length: small(text.len()), lines: small(lines) }
    }
}

/// Where the pieces of a text stand. All of it is one piece where documents are not told apart by `---` alone:
/// directives (`%`) and document ends (`...`) belong to what stands around them (YAML 1.2, 9.1).
pub fn pieces(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut whole = Vec::new();
    let directive = bytes.first() == Some(&b'%') || memmem::find(bytes, b"\n%").is_some();
    if directive || bytes.starts_with(b"...") || memmem::find(bytes, b"\n...").is_some() {
        whole.push(0..bytes.len());
        return whole;
    }
    let ends_word = |at: usize| bytes.get(at).is_none_or(u8::is_ascii_whitespace);
    let mut from = 0;
    for found in memmem::find_iter(bytes, b"\n---").filter(|found| ends_word(found + 4)) {
        whole.push(from..found + 1);
        from = found + 1;
    }
    whole.push(from..bytes.len());
    whole
}

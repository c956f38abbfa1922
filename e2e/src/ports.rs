//! Source ports of clients.

use std::sync::atomic::{AtomicU32, Ordering};

const FIRST: u32 = 1024;
const COUNT: u32 = 65_536 - FIRST;

/// A port that comes again only after some 64,000 others. The kernel's choice for a socket with an address of its own is by chance, and
/// of 200 requests two soon have the same: nodes and routers that follow connections know the first one for two minutes more, with
/// the way and the pod that it had.
pub fn next() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
    u16::try_from(FIRST + number).unwrap_or(u16::MAX)
}

//! Ethernet's vocabulary: ARP and IPv6 Neighbor Discovery, to and from bytes.
//!
//! Pure: bytes come in and go out as arguments. Whom to answer, and when, is decided elsewhere.

pub mod arp;
pub mod link;
pub mod ndp;

pub use link::{DecodeError, MacAddr};

//! Neighbor Discovery for IPv6 over Ethernet (RFC 4861, RFC 2464): solicitations and advertisements.
//!
//! Messages are those of a raw ICMPv6 socket: without IPv6 header, and with a checksum that the
//! kernel fills in on the way out and has checked on the way in (RFC 3542, 3.1).

use crate::link::{DecodeError, MacAddr};
use std::net::Ipv6Addr;

/// ICMPv6 type of a Neighbor Solicitation.
pub const SOLICITATION: u8 = 135;
/// ICMPv6 type of a Neighbor Advertisement.
pub const ADVERTISEMENT: u8 = 136;
/// The hop limit of every message; a lower one has crossed a router.
pub const HOP_LIMIT: u8 = 255;

/// Bytes before the options.
const FIXED_LENGTH: usize = 24;
const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;

const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;

/// What of the IPv6 header decides whether a message is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
    /// Hop limit on arrival.
    pub hop_limit: u8,
}

/// "Who has this address?" (RFC 4861, 4.3)
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Type (135)   |   Code (0)    |          Checksum             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                           Reserved                            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// +                                                               +
/// |                                                               |
/// +                       Target Address                          +
/// |                                                               |
/// +                                                               +
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   Type (1)    |  Length (1)   |                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+                               +
/// |                  Source link-layer address                    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighborSolicitation {
    /// The address that is asked for.
    pub target: Ipv6Addr,
    /// The asker's link-layer address; none where it only checks that an address is free, or that
    /// a neighbour it knows is still there.
    pub source_link: Option<MacAddr>,
}

/// "I have this address." (RFC 4861, 4.4)
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Type (136)   |   Code (0)    |          Checksum             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |R|S|O|                     Reserved                            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// +                                                               +
/// |                                                               |
/// +                       Target Address                          +
/// |                                                               |
/// +                                                               +
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   Type (2)    |  Length (1)   |                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+                               +
/// |                  Target link-layer address                    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighborAdvertisement {
    /// R: the sender is a router.
    pub router: bool,
    /// S: it answers a solicitation.
    pub solicited: bool,
    /// O: it replaces a link-layer address that the receiver knows.
    pub overrides: bool,
    /// The address that the sender has.
    pub target: Ipv6Addr,
    /// The link-layer address to reach it by.
    pub target_link: Option<MacAddr>,
}

impl NeighborSolicitation {
    /// The message's bytes, with a checksum of zero.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(SOLICITATION, 0, self.target, SOURCE_LINK_LAYER, self.source_link)
    }

    /// Reads a message and checks it as RFC 4861, 7.1.1 says.
    pub fn decode(bytes: &[u8], envelope: &Envelope) -> Result<Self, DecodeError> {
        let message = decode(bytes, SOLICITATION, SOURCE_LINK_LAYER, envelope)?;
        if envelope.source.is_unspecified() {
            if !is_solicited_node_group(envelope.destination) {
                return Err(DecodeError::ProbeDestination);
            }
            if message.link.is_some() {
                return Err(DecodeError::ProbeLinkLayer);
            }
        }
        Ok(Self { target: message.target, source_link: message.link })
    }
}

impl NeighborAdvertisement {
    /// The message's bytes, with a checksum of zero.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags =
            flag(self.router, ROUTER) | flag(self.solicited, SOLICITED) | flag(self.overrides, OVERRIDE);
        encode(ADVERTISEMENT, flags, self.target, TARGET_LINK_LAYER, self.target_link)
    }

    /// Reads a message and checks it as RFC 4861, 7.1.2 says.
    pub fn decode(bytes: &[u8], envelope: &Envelope) -> Result<Self, DecodeError> {
        let message = decode(bytes, ADVERTISEMENT, TARGET_LINK_LAYER, envelope)?;
        let solicited = message.flags & SOLICITED != 0;
        if solicited && envelope.destination.is_multicast() {
            return Err(DecodeError::SolicitedMulticast);
        }
        Ok(Self {
            router: message.flags & ROUTER != 0,
            solicited,
            overrides: message.flags & OVERRIDE != 0,
            target: message.target,
            target_link: message.link,
        })
    }
}

/// The group that whoever has an address listens to: `ff02::1:ffXX:XXXX` (RFC 4291, 2.7.1).
#[must_use]
pub fn solicited_node_group(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

fn is_solicited_node_group(address: Ipv6Addr) -> bool {
    address == solicited_node_group(address)
}

/// What both messages have.
struct Message {
    flags: u8,
    target: Ipv6Addr,
    link: Option<MacAddr>,
}

fn encode(kind: u8, flags: u8, target: Ipv6Addr, option: u8, link: Option<MacAddr>) -> Vec<u8> {
    let mut bytes = vec![kind, 0, 0, 0, flags, 0, 0, 0];
    bytes.extend(target.octets());
    if let Some(mac) = link {
        bytes.extend([option, 1]);
        bytes.extend(mac.0);
    }
    bytes
}

fn decode(bytes: &[u8], kind: u8, option: u8, envelope: &Envelope) -> Result<Message, DecodeError> {
    let short = DecodeError::TooShort { length: bytes.len(), least: FIXED_LENGTH };
    let (fixed, options) = bytes.split_first_chunk::<FIXED_LENGTH>().ok_or(short)?;
    let [found, code, _, _, flags, _, _, _, octets @ ..] = *fixed;
    if found != kind {
        return Err(DecodeError::MessageType(found));
    }
    if code != 0 {
        return Err(DecodeError::Code(code));
    }
    if envelope.hop_limit != HOP_LIMIT {
        return Err(DecodeError::HopLimit(envelope.hop_limit));
    }
    let target: [u8; 16] = octets;
    let target = Ipv6Addr::from(target);
    if target.is_multicast() {
        return Err(DecodeError::MulticastTarget);
    }
    Ok(Message { flags, target, link: link_layer(options, option)? })
}

/// The first link-layer address of a kind; options that are not known are passed over.
fn link_layer(mut options: &[u8], wanted: u8) -> Result<Option<MacAddr>, DecodeError> {
    let mut found = None;
    while let [kind, length, ..] = *options {
        // In units of 8 bytes, the two of its head included.
        let length = usize::from(length) * 8;
        let (option, rest) = options.split_at_checked(length).ok_or(DecodeError::OptionLength)?;
        let body = option.get(2..).ok_or(DecodeError::OptionLength)?;
        if kind == wanted && found.is_none() {
            let mac = body.try_into().map_err(|_| DecodeError::LinkLayerLength(body.len()))?;
            found = Some(MacAddr(mac));
        }
        options = rest;
    }
    if options.is_empty() { Ok(found) } else { Err(DecodeError::OptionLength) }
}

#[cfg(test)]
mod tests;

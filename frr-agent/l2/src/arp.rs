//! ARP for IPv4 over Ethernet (RFC 826), with the uses that RFC 5227 makes of it.

use crate::link::{DecodeError, MacAddr};
use std::net::Ipv4Addr;

/// The EtherType of ARP.
pub const ETHERTYPE: u16 = 0x0806;
/// Bytes of a frame, without padding and frame check sequence.
pub const FRAME_LENGTH: usize = 42;

const HARDWARE_ETHERNET: u16 = 1;
const PROTOCOL_IPV4: u16 = 0x0800;
const HARDWARE_LENGTH: u8 = 6;
const PROTOCOL_LENGTH: u8 = 4;

/// What a message wants (`ar$op`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Who has the target address?
    Request,
    /// The sender has the sender address.
    Reply,
}

/// An Ethernet frame with an ARP message in it.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                     Ethernet destination                      |
/// +                               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                               |        Ethernet source        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+                               +
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |      EtherType (0x0806)       |     Hardware type (ar$hrd)    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     Protocol type (ar$pro)    | ar$hln (6)    | ar$pln (4)    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |      Operation (ar$op)        |   Sender hardware (ar$sha)    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+                               +
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                   Sender protocol (ar$spa)                    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                   Target hardware (ar$tha)                    |
/// +                               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                               |    Target protocol (ar$tpa)   |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArpFrame {
    /// Ethernet destination.
    pub destination: MacAddr,
    /// Ethernet source.
    pub source: MacAddr,
    /// Request or reply.
    pub operation: Operation,
    /// Hardware address of the sender.
    pub sender_mac: MacAddr,
    /// IPv4 address of the sender.
    pub sender_ip: Ipv4Addr,
    /// Hardware address of the target; without meaning in a request.
    pub target_mac: MacAddr,
    /// IPv4 address of the target.
    pub target_ip: Ipv4Addr,
}

impl ArpFrame {
    /// "Is this address in use?", asked before it is taken (RFC 5227, 2.1.1).
    #[must_use]
    pub fn probe(from: MacAddr, address: Ipv4Addr) -> Self {
        Self { sender_ip: Ipv4Addr::UNSPECIFIED, ..Self::announcement(from, address) }
    }

    /// "I have this address now", as a request to all (RFC 5227, 2.3).
    #[must_use]
    pub fn announcement(from: MacAddr, address: Ipv4Addr) -> Self {
        Self {
            destination: MacAddr::BROADCAST,
            source: from,
            operation: Operation::Request,
            sender_mac: from,
            sender_ip: address,
            target_mac: MacAddr::UNKNOWN,
            target_ip: address,
        }
    }

    /// The answer of the station that has the target address (RFC 826, "Packet Reception").
    #[must_use]
    pub fn reply(&self, from: MacAddr) -> Self {
        Self {
            destination: self.sender_mac,
            source: from,
            operation: Operation::Reply,
            sender_mac: from,
            sender_ip: self.target_ip,
            target_mac: self.sender_mac,
            target_ip: self.sender_ip,
        }
    }

    /// Whether it asks before an address is taken: a request from no address (RFC 5227, 1.1).
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.operation == Operation::Request && self.sender_ip.is_unspecified()
    }

    /// Whether it says who has an address without being asked: sender and target are the same.
    #[must_use]
    pub fn is_announcement(&self) -> bool {
        self.sender_ip == self.target_ip
    }

    /// The frame's bytes. The kernel or the card pads them to Ethernet's least length.
    #[must_use]
    pub fn encode(&self) -> [u8; FRAME_LENGTH] {
        let operation: u16 = match self.operation {
            Operation::Request => 1,
            Operation::Reply => 2,
        };
        let mut frame = [0; FRAME_LENGTH];
        frame[0..6].copy_from_slice(&self.destination.0);
        frame[6..12].copy_from_slice(&self.source.0);
        frame[12..14].copy_from_slice(&ETHERTYPE.to_be_bytes());
        frame[14..16].copy_from_slice(&HARDWARE_ETHERNET.to_be_bytes());
        frame[16..18].copy_from_slice(&PROTOCOL_IPV4.to_be_bytes());
        frame[18..20].copy_from_slice(&[HARDWARE_LENGTH, PROTOCOL_LENGTH]);
        frame[20..22].copy_from_slice(&operation.to_be_bytes());
        frame[22..28].copy_from_slice(&self.sender_mac.0);
        frame[28..32].copy_from_slice(&self.sender_ip.octets());
        frame[32..38].copy_from_slice(&self.target_mac.0);
        frame[38..42].copy_from_slice(&self.target_ip.octets());
        frame
    }

    /// Reads a frame; bytes after the message are padding.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let short = DecodeError::TooShort { length: bytes.len(), least: FRAME_LENGTH };
        let frame: &[u8; FRAME_LENGTH] = bytes.first_chunk().ok_or(short)?;
        let number = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        if number(12) != ETHERTYPE {
            return Err(DecodeError::EtherType(number(12)));
        }
        let (hardware, protocol) = (number(14), number(16));
        if (hardware, protocol) != (HARDWARE_ETHERNET, PROTOCOL_IPV4) {
            return Err(DecodeError::AddressSpace { hardware, protocol });
        }
        let (hardware, protocol) = (frame[18], frame[19]);
        if (hardware, protocol) != (HARDWARE_LENGTH, PROTOCOL_LENGTH) {
            return Err(DecodeError::AddressLength { hardware, protocol });
        }
        let operation = match number(20) {
            1 => Operation::Request,
            2 => Operation::Reply,
            other => return Err(DecodeError::Operation(other)),
        };
        let mac = |at: usize| MacAddr(std::array::from_fn(|octet| frame[at + octet]));
        let ip = |at: usize| Ipv4Addr::from([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]]);
        Ok(Self {
            destination: mac(0),
            source: mac(6),
            operation,
            sender_mac: mac(22),
            sender_ip: ip(28),
            target_mac: mac(32),
            target_ip: ip(38),
        })
    }
}

#[cfg(test)]
mod tests;

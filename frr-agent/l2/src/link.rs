//! What ARP and Neighbor Discovery share: link-layer addresses, and why bytes are refused.

use std::fmt;

/// An Ethernet address (IEEE 802, 48 bits).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// Every station on the segment.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// Not known, or not meant.
    pub const UNKNOWN: Self = Self([0; 6]);

    /// Whether it is the address of a group, broadcast included (the first octet's lowest bit).
    #[must_use]
    pub fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, octet) in self.0.iter().enumerate() {
            let colon = if position == 0 { "" } else { ":" };
            write!(f, "{colon}{octet:02x}")?;
        }
        Ok(())
    }
}

/// Why bytes are not a message that is understood and valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than the message has.
    #[error("{length} bytes, the message has at least {least}")]
    TooShort {
        /// Bytes given.
        length: usize,
        /// Bytes needed.
        least: usize,
    },
    /// A frame of another protocol.
    #[error("EtherType {0:#06x} is not ARP")]
    EtherType(u16),
    /// ARP for something else than IPv4 over Ethernet (RFC 826).
    #[error("ARP of hardware type {hardware} and protocol {protocol:#06x} is not IPv4 over Ethernet")]
    AddressSpace {
        /// `ar$hrd`.
        hardware: u16,
        /// `ar$pro`.
        protocol: u16,
    },
    /// ARP addresses of another length than 6 and 4 bytes.
    #[error("ARP addresses of {hardware} and {protocol} bytes are not those of Ethernet and IPv4")]
    AddressLength {
        /// `ar$hln`.
        hardware: u8,
        /// `ar$pln`.
        protocol: u8,
    },
    /// Neither a request nor a reply.
    #[error("ARP operation {0} is neither request nor reply")]
    Operation(u16),
    /// Another ICMPv6 message.
    #[error("ICMPv6 type {0} is not the one that is looked for")]
    MessageType(u8),
    /// A code that Neighbor Discovery does not have.
    #[error("ICMPv6 code {0} must be 0")]
    Code(u8),
    /// A packet that a router has forwarded: it does not come from this link.
    #[error("hop limit {0} must be 255")]
    HopLimit(u8),
    /// A target that no single node can have.
    #[error("the target is a multicast address")]
    MulticastTarget,
    /// An option of length 0, or longer than the message.
    #[error("an option runs past the end of the message, or is empty")]
    OptionLength,
    /// A link-layer address that is not Ethernet's.
    #[error("a link-layer address option of {0} bytes is not Ethernet's")]
    LinkLayerLength(usize),
    /// From the unspecified address, but not sent to a solicited-node group.
    #[error("a solicitation from the unspecified address must go to a solicited-node group")]
    ProbeDestination,
    /// From the unspecified address, but with a link-layer address.
    #[error("a solicitation from the unspecified address must not have a source link-layer address")]
    ProbeLinkLayer,
    /// Sent to all, but as the answer to one.
    #[error("a multicast advertisement must not have the Solicited flag")]
    SolicitedMulticast,
}

impl DecodeError {
    /// A stable name, for counters.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "TooShort",
            Self::EtherType(_) => "EtherType",
            Self::AddressSpace { .. } => "AddressSpace",
            Self::AddressLength { .. } => "AddressLength",
            Self::Operation(_) => "Operation",
            Self::MessageType(_) => "MessageType",
            Self::Code(_) => "Code",
            Self::HopLimit(_) => "HopLimit",
            Self::MulticastTarget => "MulticastTarget",
            Self::OptionLength => "OptionLength",
            Self::LinkLayerLength(_) => "LinkLayerLength",
            Self::ProbeDestination => "ProbeDestination",
            Self::ProbeLinkLayer => "ProbeLinkLayer",
            Self::SolicitedMulticast => "SolicitedMulticast",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_standard_writes_them() {
        assert_eq!(MacAddr([2, 0, 0x5e, 0xa, 0xb0, 0xff]).to_string(), "02:00:5e:0a:b0:ff");
        assert!(MacAddr::BROADCAST.is_group() && MacAddr([0x33, 0x33, 0, 0, 0, 1]).is_group());
        assert!(!MacAddr([2, 0, 0, 0, 0, 1]).is_group());
    }
}

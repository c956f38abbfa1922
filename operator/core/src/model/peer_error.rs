//! Why a `BGPPeer` is refused.

use super::pool::PoolName;
use crate::problem::{ObjectRef, Reason};
use herald_frr::value::ValueError;
use std::net::IpAddr;

/// Why a BGPPeer, or a part of it, is refused. Words that MetalLB's users match are kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields of a variant are what its message names")]
pub enum PeerError {
    /// `myASN` is 0.
    #[error("missing local ASN")]
    NoLocalAsn,
    /// Neither `peerASN` nor `dynamicASN`.
    #[error("missing peer ASN and dynamicASN")]
    NoPeerAsn,
    /// Both `peerASN` and `dynamicASN`.
    #[error("both peer ASN and dynamicASN specified")]
    BothAsns,
    /// A number that no AS has.
    #[error("invalid AS number: {0}")]
    Asn(ValueError),
    /// FRR refuses a `local-as` that is the router's or the peer's.
    #[error("localASN must differ from myASN and peerASN, FRR refuses it otherwise")]
    LocalAsn,
    /// A session inside one AS has no hops to count.
    #[error("invalid ebgp-multihop parameter set for an ibgp peer")]
    MultiHopIbgp,
    /// Neither `peerAddress` nor `interface`.
    #[error("peer has no Address or Interface specified")]
    NoAddress,
    /// Both `peerAddress` and `interface`.
    #[error("peer has both Address and Interface specified")]
    AddressAndInterface,
    /// `peerAddress` is no address.
    #[error("invalid BGPPeer address {0:?}")]
    Address(String),
    /// `interface` or `vrf` is no name of an interface.
    #[error("invalid interface name {name:?}: it {why}")]
    Interface { name: String, why: ValueError },
    /// `routerID` is no address.
    #[error("invalid router ID {0:?}")]
    RouterId(String),
    /// `routerID` is IPv6 or 0.0.0.0.
    #[error("invalid router ID {0:?}: BGP takes an IPv4 address other than 0.0.0.0")]
    RouterIdFamily(String),
    /// `sourceAddress` is no address.
    #[error("invalid source address {0:?}")]
    SourceAddress(String),
    /// A session between two families never comes up.
    #[error(
        "source address {source_address} and peer address {peer} are of two families: the session cannot come up"
    )]
    SourceFamily { source_address: IpAddr, peer: IpAddr },
    /// `peerPort` is outside the API's bounds.
    #[error("invalid port {0}, must be between 1 and 16384")]
    Port(i32),
    /// A hold time that BGP forbids (RFC 4271 section 4.2).
    #[error("invalid hold time \"{0}s\": must be 0 or >=3s")]
    HoldTooShort(u64),
    /// A hold time that does not fit into an OPEN message (16 bits, RFC 4271 section 4.2).
    #[error("invalid hold time \"{0}s\": must be at most 65535s")]
    HoldTooLong(u64),
    /// A keepalive time that cannot keep the session alive.
    #[error("invalid keepaliveTime \"{keepalive}s\", must be lower than holdTime \"{hold}s\"")]
    KeepaliveAboveHold { keepalive: u64, hold: u64 },
    /// FRR keeps a third of the hold time at most (RFC 4271 section 4.4 calls it a reasonable maximum).
    #[error("keepaliveTime {keepalive}s is above a third of holdTime {hold}s: FRR lowers it to {}s", hold / 3)]
    KeepaliveLowered { keepalive: u64, hold: u64 },
    /// `connectTime` is outside FRR's bounds.
    #[error("invalid connect time \"{0}s\": connect time should be between 1 seconds to 65535")]
    ConnectTime(u64),
    /// `bfdProfile` names none.
    #[error("peer {peer} referencing non existing bfd profile {profile}")]
    UnknownBfdProfile { peer: String, profile: String },
    /// BFD echo and IPv6.
    #[error(
        "pool {pool} has bgpadvertisement {advertisement} which references peer {peer} which has bfd echo \
         enabled, which is not possible: the pool holds IPv6 addresses"
    )]
    EchoWithIpv6 { pool: PoolName, advertisement: String, peer: String },
    /// Two passwords.
    #[error("can not have both password and secret ref set in peer config \"{namespace}\"/\"{name}\"")]
    TwoPasswords { namespace: String, name: String },
    /// A password that FRR cannot be told.
    #[error("the password cannot be given to FRR: it {0}")]
    Password(ValueError),
    /// The Secret is not there.
    #[error(
        "secret ref not found for peer config \"{namespace}\"/\"{name}\": there is no Secret \
         {namespace}/{secret} (failed to parse peer {name} password secret)"
    )]
    NoSecret { namespace: String, name: String, secret: String },
    /// The Secret is of another type.
    #[error(
        "secret type mismatch on \"{namespace}\"/\"{secret}\", type \"kubernetes.io/basic-auth\" is expected \
         (failed to parse peer {name} password secret)"
    )]
    SecretType { namespace: String, name: String, secret: String },
    /// The Secret has no key `password`.
    #[error(
        "password not specified in the secret \"{namespace}\"/\"{secret}\" (failed to parse peer {name} \
         password secret)"
    )]
    SecretWithoutPassword { namespace: String, name: String, secret: String },
    /// Another peer is the same session on the same node.
    #[error(
        "peer {identifier} already exists, FRR mode doesn't support duplicate BGPPeers selecting the same node \
         (it is {other})"
    )]
    SameSession { identifier: String, other: ObjectRef },
    /// Another peer on the same node wants another router ID.
    #[error(
        "peer {mine} has RouterID different from {theirs}, in FRR mode peers selecting the same node must all \
         have the same RouterID ({other})"
    )]
    RouterIdConflict { mine: String, theirs: String, other: ObjectRef },
    /// Another peer on the same node and VRF has another AS number.
    #[error(
        "peer {mine} has myAsn different from {theirs}, in FRR mode peers selecting the same node must have the \
         same myAsn within the same VRF ({other})"
    )]
    MyAsnConflict { mine: String, theirs: String, other: ObjectRef },
    /// `disableMP` does nothing.
    #[error("disableMP is deprecated and does nothing; use dualStackAddressFamily to choose families")]
    DisableMp,
}

impl Reason for PeerError {
    fn reason(&self) -> &'static str {
        match self {
            Self::NoLocalAsn | Self::Asn(_) => "InvalidASN",
            Self::NoPeerAsn => "MissingPeerASN",
            Self::BothAsns => "ConflictingASNs",
            Self::LocalAsn => "InvalidLocalASN",
            Self::MultiHopIbgp => "MultiHopOnIBGP",
            Self::NoAddress => "MissingPeerAddress",
            Self::AddressAndInterface => "ConflictingPeerAddress",
            Self::Address(_) => "InvalidPeerAddress",
            Self::Interface { .. } => "InvalidInterfaceName",
            Self::RouterId(_) | Self::RouterIdFamily(_) => "InvalidRouterID",
            Self::SourceAddress(_) => "InvalidSourceAddress",
            Self::SourceFamily { .. } => "SourceAddressFamily",
            Self::Port(_) => "InvalidPort",
            Self::HoldTooShort(_) | Self::HoldTooLong(_) => "InvalidHoldTime",
            Self::KeepaliveAboveHold { .. } => "InvalidKeepaliveTime",
            Self::KeepaliveLowered { .. } => "KeepaliveLowered",
            Self::ConnectTime(_) => "InvalidConnectTime",
            Self::UnknownBfdProfile { .. } => "UnknownBFDProfile",
            Self::EchoWithIpv6 { .. } => "BFDEchoWithIPv6",
            Self::TwoPasswords { .. } => "PasswordAndSecret",
            Self::Password(_) => "InvalidPassword",
            Self::NoSecret { .. } => "SecretNotFound",
            Self::SecretType { .. } => "InvalidSecretType",
            Self::SecretWithoutPassword { .. } => "SecretWithoutPassword",
            Self::SameSession { .. } => "DuplicatePeer",
            Self::RouterIdConflict { .. } => "ConflictingRouterID",
            Self::MyAsnConflict { .. } => "ConflictingASN",
            Self::DisableMp => "DeprecatedField",
        }
    }
}

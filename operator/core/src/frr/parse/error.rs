//! What can be wrong with an FRRConfiguration alone.

use crate::duration::DurationError;
use crate::frr::secrets::SecretError;
use crate::problem::Reason;
use crate::selector::SelectorError;
use herald_frr::value::ValueError;
use ipnet::IpNet;

/// Why an FRRConfiguration, or a value of it, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContributionError {
    /// `nodeSelector`.
    #[error("could not parse nodeSelector: {0}")]
    NodeSelector(SelectorError),
    /// A word or number that FRR does not take.
    #[error("{0}")]
    Value(#[from] ValueError),
    /// An AS number that there is not.
    #[error("{0}")]
    Asn(ValueError),
    /// A password that FRR does not take.
    #[error("password {0}")]
    Password(ValueError),
    /// Not a community.
    #[error("invalid community: {0}")]
    Community(ValueError),
    /// More items than the schema allows.
    #[error("has {given} items, at most {limit} are possible")]
    TooMany {
        /// Items given.
        given: usize,
        /// Items possible.
        limit: usize,
    },
    /// Not a router id.
    #[error("invalid router id {0:?}: it must be written as an IPv4 address")]
    RouterId(String),
    /// Not a prefix.
    #[error("unknown ipfamily for {0:?}: it must be a prefix such as 192.0.2.0/24")]
    Prefix(String),
    /// An import of a VRF for which the object has no router.
    #[error("imports vrf {0} which is not defined in the same object")]
    Import(String),
    /// The same profile twice.
    #[error("duplicate bfd profile name {0}")]
    DuplicateProfile(String),
    /// A profile that the object does not have.
    #[error("referencing non existing BFDProfile {0}: it must be in the same object")]
    UnknownProfile(String),
    /// Neither address nor interface.
    #[error("neighbor has no address and no interface")]
    NoAddress,
    /// Both.
    #[error("neighbor has both address and interface specified")]
    AddressAndInterface,
    /// Not an address.
    #[error("invalid address {0:?}")]
    Address(String),
    /// Neither number nor kind of the other AS.
    #[error("neighbor has no ASN or DynamicASN specified")]
    NoAsn,
    /// Both.
    #[error("neighbor has both ASN and DynamicASN specified")]
    TwoAsns,
    /// `localASN` for iBGP.
    #[error("localASN is not supported for iBGP sessions (neighbor ASN {0} equals router ASN)")]
    LocalAsn(u32),
    /// One of the timers alone.
    #[error("one of KeepaliveTime/HoldTime specified, both must be set or none")]
    LoneTimer,
    /// Not a duration.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// A hold time of 1 or 2 seconds (RFC 4271 section 4.2).
    #[error("invalid hold time {0}s: must be 0 or >=3s")]
    HoldTime(u64),
    /// Longer than FRR takes.
    #[error("{0}s is longer than 65535s, the longest that FRR takes")]
    TooLong(u64),
    /// A keepalive longer than the hold time.
    #[error("invalid keepaliveTime {keepalive}, must be lower than holdTime {hold}")]
    Keepalive {
        /// As given.
        keepalive: String,
        /// As given.
        hold: String,
    },
    /// Outside 1 to 65535 seconds.
    #[error("connect time should be between 1 seconds to 65535")]
    ConnectTime,
    /// A password in the object and a Secret.
    #[error("neighbor specifies both cleartext password and secret ref")]
    TwoPasswords,
    /// The Secret.
    #[error(transparent)]
    Secret(SecretError),
    /// A prefix of a family that the session does not carry.
    #[error("prefix {prefix} is not compatible with the ipfamily {family} of the neighbor")]
    Family {
        /// The prefix.
        prefix: IpNet,
        /// The session's family.
        family: &'static str,
    },
    /// A prefix that neither the router nor what it imports has.
    #[error("trying to advertise non configured prefix {0}")]
    NotConfigured(String),
    /// A prefix that the router has in another spelling.
    #[error("prefix {given} is spelled {known} in the router's prefixes; spell both the same")]
    Spelling {
        /// Here.
        given: String,
        /// In the router.
        known: String,
    },
    /// A local preference or community of a prefix that the neighbor is not sent.
    #[error("{what} associated to prefix {prefix}, which is not in the advertisement list of the neighbor")]
    NotAdvertised {
        /// `localPref 100`, `community 65000:1`.
        what: String,
        /// The prefix.
        prefix: String,
    },
    /// A local preference or community in two entries.
    #[error("{0} is already defined")]
    DefinedTwice(String),
    /// A prefix twice in one entry.
    #[error("prefix {prefix} is already defined for {what}")]
    PrefixTwice {
        /// The entry.
        what: String,
        /// The prefix.
        prefix: String,
    },
    /// A prefix with two local preferences.
    #[error("prefix {prefix} is configured with both local preference {first} and {second}")]
    TwoLocalPrefs {
        /// The prefix.
        prefix: IpNet,
        /// One.
        first: u32,
        /// The other.
        second: u32,
    },
    /// Not a next hop of its family.
    #[error("invalid {family} next hop {given:?}")]
    NextHop {
        /// `ipv4` or `ipv6`.
        family: &'static str,
        /// As given.
        given: String,
    },
    /// A next hop of a family that the session does not carry.
    #[error("{family} next hop {given} set without an {family} session")]
    NextHopFamily {
        /// `ipv4` or `ipv6`.
        family: &'static str,
        /// As given.
        given: String,
    },
    /// Lengths that no prefix can have.
    #[error("invalid selector lengths: {what} {length} is bigger than {bound_what} {bound}")]
    Lengths {
        /// What is too big.
        what: &'static str,
        /// Its value.
        length: u8,
        /// What it must not exceed.
        bound_what: &'static str,
        /// Its value.
        bound: u8,
    },
    /// Two entries for one VNI that differ.
    #[error("could not merge l2vni {vni}: {what} ({first} != {second})")]
    DuplicateVni {
        /// The VNI.
        vni: u32,
        /// What differs.
        what: String,
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// `*:N` where routes are exported.
    #[error("a wildcard route target can only be imported")]
    WildcardExport,
    /// The one thing that `advertisePrefixes` can hold is missing.
    #[error("must hold exactly one item")]
    AdvertisePrefixes,
}

impl Reason for ContributionError {
    fn reason(&self) -> &'static str {
        match self {
            Self::NodeSelector(_) => "InvalidSelector",
            Self::Value(_) => "InvalidValue",
            Self::TooMany { .. } => "TooManyItems",
            Self::RouterId(_) => "InvalidRouterID",
            Self::Prefix(_) => "InvalidPrefix",
            Self::Import(_) => "UnknownImport",
            Self::DuplicateProfile(_) => "DuplicateBFDProfile",
            Self::UnknownProfile(_) => "UnknownBFDProfile",
            Self::NoAddress => "MissingPeerAddress",
            Self::AddressAndInterface => "ConflictingPeerAddress",
            Self::Address(_) => "InvalidPeerAddress",
            Self::Asn(_) => "InvalidASN",
            Self::NoAsn => "MissingPeerASN",
            Self::TwoAsns => "ConflictingASNs",
            Self::LocalAsn(_) => "LocalASNForIBGP",
            Self::LoneTimer => "InvalidTimers",
            Self::Duration(why) => why.reason(),
            Self::HoldTime(_) | Self::TooLong(_) => "InvalidHoldTime",
            Self::Keepalive { .. } => "InvalidKeepaliveTime",
            Self::ConnectTime => "InvalidConnectTime",
            Self::Password(_) => "InvalidPassword",
            Self::Community(_) => "InvalidCommunity",
            Self::TwoPasswords => "PasswordAndSecret",
            Self::Secret(why) => why.reason(),
            Self::Family { .. } => "WrongFamily",
            Self::NotConfigured(_) | Self::Spelling { .. } => "PrefixNotConfigured",
            Self::NotAdvertised { .. } => "PrefixNotAdvertised",
            Self::DefinedTwice(_) | Self::PrefixTwice { .. } => "DuplicateAttribute",
            Self::TwoLocalPrefs { .. } => "ConflictingLocalPref",
            Self::NextHop { .. } | Self::NextHopFamily { .. } => "InvalidNextHop",
            Self::Lengths { .. } => "InvalidPrefixLengths",
            Self::DuplicateVni { .. } => "DuplicateVNI",
            Self::WildcardExport => "InvalidRouteTarget",
            Self::AdvertisePrefixes => "InvalidAdvertisePrefixes",
        }
    }
}

/// What is applied, but probably not what was meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContributionWarning {
    /// FRR waits for such a neighbor instead of connecting to it.
    #[error("FRR cannot connect to port 0: the session comes up only if the neighbor connects")]
    PortZero,
    /// FRR keeps a third of the hold time at most (RFC 4271 section 4.4 calls it a reasonable maximum).
    #[error("keepaliveTime {keepalive}s is above a third of holdTime {hold}s: FRR lowers it to {}s", hold / 3)]
    KeepaliveLowered {
        /// Seconds.
        keepalive: u16,
        /// Seconds.
        hold: u16,
    },
    /// A field that does nothing.
    #[error("disableMP is deprecated, is ignored and will be removed in a future release")]
    DisableMp,
    /// Without meaning to FRR.
    #[error("ebgpMultiHop has no effect on a neighbor of the same AS")]
    MultihopInternal,
    /// Refused by FRR.
    #[error("ebgpMultiHop has no effect on a neighbor that is an interface")]
    MultihopInterface,
    /// Nothing is selected by it.
    #[error("prefixes are ignored in mode all")]
    PrefixesWithModeAll,
}

impl Reason for ContributionWarning {
    fn reason(&self) -> &'static str {
        match self {
            Self::PortZero => "PortZero",
            Self::KeepaliveLowered { .. } => "KeepaliveLowered",
            Self::DisableMp => "DeprecatedField",
            Self::MultihopInternal | Self::MultihopInterface => "MultihopIgnored",
            Self::PrefixesWithModeAll => "PrefixesIgnored",
        }
    }
}

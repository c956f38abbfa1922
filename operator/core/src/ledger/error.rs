//! Why a Service has no address, or may not keep the one it has.

use super::Port;
use crate::model::{FamilyError, RequestError};
use crate::model::{PoolName, ServiceKey};
use crate::problem::Reason;
use herald_frr::value::Family;
use std::fmt;
use std::net::IpAddr;

/// Why a Service gets no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllocationError {
    /// There is no pool at all.
    #[error("there is no IPAddressPool: create one")]
    NoPools,
    /// The Service's families cannot be told. The Model has said so already.
    #[error(transparent)]
    Families(#[from] FamilyError),
    /// What the Service asks for makes no sense. The Model has said so already.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The addresses and the pool asked for do not go together.
    #[error("requested address(es) {} is not compatible with requested address pool {wanted}: it belongs to pool {actual}",
        list(.requested))]
    RequestPool {
        /// What was asked for.
        requested: Vec<IpAddr>,
        /// The pool asked for.
        wanted: PoolName,
        /// The pool that has the addresses.
        actual: PoolName,
    },
    /// A pool that does not exist.
    #[error("unknown pool {0:?}: create it, or change annotation metallb.io/address-pool")]
    UnknownPool(PoolName),
    /// A pool that is pinned to other Services.
    #[error("pool {pool} is not compatible with this Service: {why}")]
    PoolNotAllowed {
        /// The pool.
        pool: PoolName,
        /// The condition that does not hold.
        why: Condition,
    },
    /// An address of no pool.
    #[error("{0} is not allowed in config: no IPAddressPool holds it")]
    NotInPool(IpAddr),
    /// An address that `avoidBuggyIPs` leaves out.
    #[error(
        "{address} is not allowed in config: pool {pool} has avoidBuggyIPs, which leaves out .0 and .255"
    )]
    Avoided {
        /// The address.
        address: IpAddr,
        /// Its pool.
        pool: PoolName,
    },
    /// Addresses of two pools.
    #[error("{} are in different pools ({first} and {second}): both must come from one", list(.addresses))]
    SeveralPools {
        /// The addresses.
        addresses: Vec<IpAddr>,
        /// The pool of the first.
        first: PoolName,
        /// The pool of another.
        second: PoolName,
    },
    /// An address of another Service, with which it cannot be shared.
    #[error("{address} is in use by Service {holder}: {why}")]
    InUse {
        /// The address.
        address: IpAddr,
        /// Who has it.
        holder: ServiceKey,
        /// Why the two cannot share.
        why: Refusal,
    },
    /// No pool has anything left that this Service may use.
    #[error("no available IPs for {}: {}", list(.families), Pools(.pools))]
    NoAvailableIps {
        /// The families that the Service has.
        families: Vec<Family>,
        /// The pools that were looked at, and why each gives nothing.
        pools: Vec<(PoolName, Unsuited)>,
    },
    /// Addresses in the status whose families are not the Service's.
    #[error("address(es) {} of the status do not match the ipFamily of the service", list(.0))]
    StatusFamily(Vec<IpAddr>),
    /// The Service now asks for another pool.
    #[error("the Service has an address of pool {actual} and now asks for pool {wanted}")]
    OtherPoolRequested {
        /// The pool of its address.
        actual: PoolName,
        /// The pool asked for.
        wanted: PoolName,
    },
    /// The Service now asks for other addresses.
    #[error("the Service has {} and now asks for {}", list(.actual), list(.wanted))]
    OtherAddressRequested {
        /// What it has.
        actual: Vec<IpAddr>,
        /// What it asks for.
        wanted: Vec<IpAddr>,
    },
    /// Nothing was recorded for it, and only what is recorded counts.
    #[error("no address is recorded for this Service yet")]
    NotRecorded,
}

/// Which condition of a pool's `serviceAllocation` does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Condition {
    /// `namespaces` and `namespaceSelectors`.
    #[error("serviceAllocation does not name its namespace")]
    Namespace,
    /// `serviceSelectors`.
    #[error("no serviceSelector of serviceAllocation matches its labels")]
    Labels,
}

/// Why two Services cannot share an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The holder has no sharing key.
    #[error("it has no annotation metallb.io/allow-shared-ip")]
    HolderKeepsIt,
    /// The newcomer has no sharing key.
    #[error("to share it, give this Service annotation metallb.io/allow-shared-ip: {0:?}")]
    NoKey(std::sync::Arc<str>),
    /// The sharing keys differ.
    #[error("sharing key {ours:?} does not match existing sharing key {theirs:?}")]
    Key {
        /// The newcomer's.
        ours: std::sync::Arc<str>,
        /// The holder's.
        theirs: std::sync::Arc<str>,
    },
    /// Traffic would reach different Pods.
    #[error("to share it, both need externalTrafficPolicy Cluster, or both Local with the same selector")]
    Backend,
    /// Both want the same port.
    #[error("port {0} is already in use: change the port of one of them")]
    Port(PortText),
}

/// A protocol and a port, written as `TCP/80`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortText(pub Port);

impl fmt::Display for PortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.0, self.0.1)
    }
}

/// Why a pool gives a Service nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsuited {
    /// All of its addresses of a family are in use.
    #[error("has no free {0} address")]
    Full(Family),
    /// It has no address of a family.
    #[error("has no {0} addresses")]
    NoFamily(Family),
    /// It is pinned to other Services.
    #[error("is not for this Service ({0})")]
    Pinned(Condition),
    /// It is used only on request.
    #[error("has autoAssign: false")]
    OnRequest,
}

impl Reason for AllocationError {
    fn reason(&self) -> &'static str {
        match self {
            Self::NoPools => "NoPools",
            Self::Families(why) => why.reason(),
            Self::Request(why) => why.reason(),
            Self::StatusFamily(_) => "StatusFamilyMismatch",
            Self::RequestPool { .. } => "PoolMismatch",
            Self::UnknownPool(_) => "UnknownPool",
            Self::PoolNotAllowed { .. } => "PoolNotAllowed",
            Self::NotInPool(_) => "AddressNotInPool",
            Self::Avoided { .. } => "AddressAvoided",
            Self::SeveralPools { .. } => "AddressesInSeveralPools",
            Self::InUse { why: Refusal::Port(_), .. } => "PortInUse",
            Self::InUse { why: Refusal::HolderKeepsIt | Refusal::NoKey(_), .. } => "AddressInUse",
            Self::InUse { .. } => "SharingRefused",
            Self::NoAvailableIps { .. } => "NoAvailableIPs",
            Self::OtherPoolRequested { .. } | Self::OtherAddressRequested { .. } => "RequestChanged",
            Self::NotRecorded => "NotRecorded",
        }
    }
}

/// Values with commas between.
pub(super) fn list<T: fmt::Display>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// At most so many pools are named in a message.
const NAMED_POOLS: usize = 5;

struct Pools<'a>(&'a [(PoolName, Unsuited)]);

impl fmt::Display for Pools<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (pool, why)) in self.0.iter().take(NAMED_POOLS).enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}pool {pool} {why}")?;
        }
        match self.0.len().saturating_sub(NAMED_POOLS) {
            0 => Ok(()),
            more => write!(f, " and {more} more pools"),
        }
    }
}

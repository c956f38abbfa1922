//! Address pools: `IPAddressPool`.

use crate::problem::ObjectRef;
use crate::selector::Selector;
use crate::snapshot::Labels;
use herald_frr::value::Family;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// A pool's name.
pub type PoolName = Arc<str>;

/// A pool of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The object.
    pub object: ObjectRef,
    /// Its labels, for `ipAddressPoolSelectors`.
    pub labels: Labels,
    /// Its addresses, in the order in which they are given out.
    pub ranges: Vec<AddressRange>,
    /// Whether Services that do not ask for it may get an address of it.
    pub auto_assign: bool,
    /// Whether IPv4 addresses that end in .0 or .255 are never given out.
    pub avoid_buggy_ips: bool,
    /// What `serviceAllocation` asks for; `None` leaves the pool to everyone.
    pub pinned: Option<Pinned>,
}

/// Whom a pool is pinned to. Both conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// Lower is preferred; 0 comes last.
    pub priority: u32,
    /// Namespaces by name and by selector, resolved; `None` leaves it to all.
    pub namespaces: Option<BTreeSet<Arc<str>>>,
    /// Any of them must match the Service's labels; empty leaves it to all.
    pub service_selectors: Vec<Selector>,
}

/// Consecutive addresses of one family, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// A range; `None` if the ends are of two families or the wrong way round.
    #[must_use]
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last })
    }

    /// The first address.
    #[must_use]
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// The last address.
    #[must_use]
    pub fn last(&self) -> IpAddr {
        self.last
    }

    /// The family of all of its addresses.
    #[must_use]
    pub fn family(&self) -> Family {
        Family::of(self.first)
    }

    /// Whether the address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.first <= address && address <= self.last && address.is_ipv4() == self.first.is_ipv4()
    }

    /// Whether the two have an address in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.family() == other.family() && self.first <= other.last && other.first <= self.last
    }
}

impl Pool {
    /// Whether an address belongs to the pool and may be given out from it.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        !(self.avoid_buggy_ips && is_buggy(address)) && self.ranges.iter().any(|r| r.contains(address))
    }

    /// Whether the pool has any address of a family.
    #[must_use]
    pub fn has_family(&self, family: Family) -> bool {
        self.ranges.iter().any(|r| r.family() == family)
    }
}

/// Addresses that some devices mistake for broadcasts: IPv4 ones that end in .0 or .255.
#[must_use]
pub fn is_buggy(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if matches!(v4.octets()[3], 0 | 255))
}

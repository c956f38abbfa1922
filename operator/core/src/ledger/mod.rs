//! Who holds which address.
//!
//! `allocate` answers for a whole Model at once; [`Ledger`] takes one Service after the other. Both
//! follow the same rules (`converge`, `choose`), and both re-adopt what a Service's status says
//! before anything new is given out: the status is the only memory there is.

mod batch;
mod choose;
mod converge;
mod error;
mod intervals;
mod occupancy;
mod outcome;
mod space;

#[cfg(test)]
mod tests;

pub(crate) use batch::recorded_among;
pub use batch::{allocate, recorded};
pub use error::{AllocationError, Condition, PortText, Refusal, Unsuited};
pub use outcome::{Allocation, Event, Outcome};

use crate::model::{Pool, PoolName, Service, ServiceKey, SharingKey};
use herald_frr::value::Family;
use occupancy::Occupancy;
use space::Space;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// A protocol, in upper case, and a port.
pub type Port = (Arc<str>, u16);

/// Who holds which address.
///
/// At any time each address has one holder, or several that share it by the rules of
/// `metallb.io/allow-shared-ip`; each belongs to the pool that is noted with it; and none is one
/// that the pool avoids. Time and memory per Service depend on what is allocated, never on the
/// size of a pool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    stocks: BTreeMap<PoolName, Stock>,
    /// Pools that give addresses to Services that ask for none, the preferred ones first.
    automatic: Vec<PoolName>,
    /// Where an address belongs, by the first address of each range.
    homes: BTreeMap<IpAddr, Home>,
    holdings: BTreeMap<ServiceKey, Holding>,
    occupied: BTreeMap<IpAddr, Occupancy>,
}

/// A pool and its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stock {
    pool: Pool,
    v4: Space,
    v6: Space,
}

/// A range's pool, and the range's place in the pool's `Space`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Home {
    last: IpAddr,
    pool: PoolName,
    /// `None` if the pool avoids every address of the range.
    piece: Option<usize>,
}

/// What one Service holds, and what it was given it for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holding {
    pub allocation: Allocation,
    pub sharing: SharingKey,
    pub ports: BTreeSet<Port>,
}

/// How many addresses of a pool are in use and how many are left.
///
/// A shared address counts once. A pool of 2^62 addresses or more counts as one of `i64::MAX`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolUsage {
    /// IPv4 addresses in use.
    pub assigned_v4: i64,
    /// IPv6 addresses in use.
    pub assigned_v6: i64,
    /// IPv4 addresses that are free.
    pub available_v4: i64,
    /// IPv6 addresses that are free.
    pub available_v6: i64,
}

impl Ledger {
    /// A ledger in which nobody holds anything.
    #[must_use]
    pub fn new(pools: &BTreeMap<PoolName, Pool>) -> Self {
        let mut ledger = Self { automatic: automatic_order(pools), ..Self::default() };
        for (name, pool) in pools {
            let stock = Stock { pool: pool.clone(), v4: Space::default(), v6: Space::default() };
            ledger.stocks.insert(name.clone(), stock);
            for range in &pool.ranges {
                // The Model lets no two ranges overlap; if they did, an address would have two homes.
                if ledger.home(range.first()).is_some() || ledger.first_home_in(range.first(), range.last()) {
                    continue;
                }
                let Some(stock) = ledger.stocks.get_mut(name) else { continue };
                let piece = stock.space_mut(range.family()).append(*range, pool.avoid_buggy_ips);
                ledger.homes.insert(range.first(), Home { last: range.last(), pool: name.clone(), piece });
            }
        }
        ledger
    }

    /// Changes the pools. Services keep addresses that still lie in one pool, whatever its name is
    /// now; the others lose them and are returned. Whether a Service may use its pool is checked by
    /// the next `assign`.
    pub fn set_pools(&mut self, pools: &BTreeMap<PoolName, Pool>) -> BTreeSet<ServiceKey> {
        let mut lost = BTreeSet::new();
        let same = self.stocks.len() == pools.len()
            && pools.iter().all(|(name, pool)| self.stocks.get(name).is_some_and(|s| s.pool == *pool));
        if same {
            return lost;
        }
        let held = std::mem::replace(self, Self::new(pools)).holdings;
        for (key, mut holding) in held {
            match self.pool_of(&holding.allocation.ips) {
                Ok(pool) => {
                    holding.allocation.pool = pool;
                    self.enter(&key, holding);
                }
                Err(_) => {
                    lost.insert(key);
                }
            }
        }
        lost
    }

    /// What a Service holds.
    #[must_use]
    pub fn allocation(&self, key: &ServiceKey) -> Option<&Allocation> {
        self.holdings.get(key).map(|h| &h.allocation)
    }

    /// All that is held, by Service.
    pub fn allocations(&self) -> impl Iterator<Item = (&ServiceKey, &Allocation)> {
        self.holdings.iter().map(|(key, holding)| (key, &holding.allocation))
    }

    /// The Services on an address, in order.
    pub fn users(&self, address: IpAddr) -> impl Iterator<Item = &ServiceKey> {
        self.occupied.get(&address).into_iter().flat_map(Occupancy::users)
    }

    /// The pool that all of these addresses can be given out from.
    pub fn pool_of(&self, addresses: &[IpAddr]) -> Result<PoolName, AllocationError> {
        let mut found: Option<PoolName> = None;
        for &address in addresses {
            let home = self.home(address).ok_or(AllocationError::NotInPool(address))?;
            if self.number(home, address).is_none() {
                return Err(AllocationError::Avoided { address, pool: home.pool.clone() });
            }
            match found {
                Some(first) if first != home.pool => {
                    let (addresses, second) = (addresses.to_vec(), home.pool.clone());
                    return Err(AllocationError::SeveralPools { addresses, first, second });
                }
                _ => found = Some(home.pool.clone()),
            }
        }
        found.ok_or(AllocationError::NotRecorded)
    }

    /// How much of a pool is in use; `None` if there is no such pool.
    #[must_use]
    pub fn usage(&self, pool: &str) -> Option<PoolUsage> {
        let stock = self.stocks.get(pool)?;
        let (v4, v6) = (stock.v4.in_use(), stock.v6.in_use());
        Some(PoolUsage {
            assigned_v4: v4,
            assigned_v6: v6,
            available_v4: stock.v4.capacity().saturating_sub(v4),
            available_v6: stock.v6.capacity().saturating_sub(v6),
        })
    }

    /// Frees what a Service holds; says whether it held anything.
    pub fn release(&mut self, key: &ServiceKey) -> bool {
        let Some(holding) = self.holdings.remove(key) else { return false };
        for &address in &holding.allocation.ips {
            let Some(occupancy) = self.occupied.get_mut(&address) else { continue };
            occupancy.leave(key, &holding.ports);
            let last = occupancy.users().is_empty();
            if last {
                self.occupied.remove(&address);
            }
            if let Some((space, number)) = self.place(address) {
                space.free(number, &holding.sharing, &holding.ports, last);
            }
        }
        true
    }

    /// What a Service holds, and what it was given it for.
    pub(crate) fn holding(&self, key: &ServiceKey) -> Option<&Holding> {
        self.holdings.get(key)
    }

    /// Keeps addresses from everyone who may not share them, in the name of `key`, in place of what that held.
    /// Does nothing and says `false` where a holder of one of them does not share it either.
    pub(crate) fn set_aside(&mut self, key: &ServiceKey, holding: Holding) -> bool {
        if self.holdings.get(key) == Some(&holding) {
            return true;
        }
        self.release(key);
        let free = holding.allocation.ips.iter().all(|address| {
            let occupancy = self.occupied.get(address);
            occupancy.is_none_or(|it| it.admits(key, &holding.sharing, &holding.ports).is_ok())
        });
        if free {
            self.enter(key, holding);
        }
        free
    }

    /// Gives a Service addresses, in place of what it held. The caller has checked that it may.
    fn hold(&mut self, key: &ServiceKey, service: &Service, allocation: Allocation) {
        let holding = Holding { allocation, sharing: service.sharing.clone(), ports: service.ports.clone() };
        if self.holdings.get(key) != Some(&holding) {
            self.release(key);
            self.enter(key, holding);
        }
    }

    fn enter(&mut self, key: &ServiceKey, holding: Holding) {
        for &address in &holding.allocation.ips {
            self.occupied.entry(address).or_default().join(key, &holding.sharing, &holding.ports);
            if let Some((space, number)) = self.place(address) {
                space.hold(number, &holding.sharing, &holding.ports);
            }
        }
        self.holdings.insert(key.clone(), holding);
    }

    /// The range that an address lies in.
    fn home(&self, address: IpAddr) -> Option<&Home> {
        self.homes.range(..=address).next_back().map(|(_, home)| home).filter(|home| address <= home.last)
    }

    fn first_home_in(&self, first: IpAddr, last: IpAddr) -> bool {
        self.homes.range(first..=last).next().is_some()
    }

    fn number(&self, home: &Home, address: IpAddr) -> Option<u128> {
        self.stocks.get(&home.pool)?.space(Family::of(address)).number(home.piece?, address)
    }

    fn place(&mut self, address: IpAddr) -> Option<(&mut Space, u128)> {
        let home = self.home(address)?;
        let (number, pool) = (self.number(home, address)?, home.pool.clone());
        Some((self.stocks.get_mut(&pool)?.space_mut(Family::of(address)), number))
    }
}

impl Stock {
    fn space(&self, family: Family) -> &Space {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    fn space_mut(&mut self, family: Family) -> &mut Space {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }
}

/// Pools that may be used unasked: pinned ones by priority (0 last), then the others; by name where
/// that leaves it open.
fn automatic_order(pools: &BTreeMap<PoolName, Pool>) -> Vec<PoolName> {
    let mut order: Vec<_> = pools.iter().filter(|(_, pool)| pool.auto_assign).collect();
    // Priority 0 wraps to the last place.
    order.sort_by_key(|(_, pool)| pool.pinned.as_ref().map_or((1, 0), |p| (0, p.priority.wrapping_sub(1))));
    order.into_iter().map(|(name, _)| name.clone()).collect()
}

//! Picks addresses for a Service that has none: asked for by address, by pool, or any.

use super::error::{AllocationError, Condition, Unsuited, list};
use super::outcome::Allocation;
use super::{Ledger, Stock};
use crate::model::{Families, FamilyPolicy, Pool, PoolName, RequestError, Service, ServiceKey};
use crate::selector::any_matches;
use herald_frr::value::Family;
use std::net::IpAddr;

impl Ledger {
    /// What a Service that holds nothing would get.
    pub(super) fn choose(
        &self,
        key: &ServiceKey,
        service: &Service,
        families: Families,
    ) -> Result<Allocation, AllocationError> {
        let requested = service.requested_ips.as_ref().map_err(Clone::clone)?;
        if !requested.is_empty() {
            return self.as_requested(key, service, families, requested);
        }
        if let Some(name) = requested_pool(service) {
            let stock = self.stocks.get(name).ok_or_else(|| AllocationError::UnknownPool(name.clone()))?;
            allowed(&stock.pool, name, key, service)?;
            return pick(&[(name, stock)], service, families)
                .ok_or_else(|| no_available(families, [(name, unsuited(stock, families))]));
        }
        let stocks: Vec<(&PoolName, &Stock)> = self
            .automatic
            .iter()
            .filter_map(|name| Some((name, self.stocks.get(name)?)))
            .filter(|(_, stock)| unmet(&stock.pool, key, service).is_none())
            .collect();
        pick(&stocks, service, families).ok_or_else(|| self.why_nothing(key, service, families))
    }

    /// The addresses that a Service asks for, if it may have them.
    fn as_requested(
        &self,
        key: &ServiceKey,
        service: &Service,
        families: Families,
        requested: &[IpAddr],
    ) -> Result<Allocation, AllocationError> {
        let mut ips = requested.to_vec();
        ips.sort_unstable();
        if families_of(&ips) != Some(families_wanted(families)) {
            return Err(RequestError::Family(list(&ips).into()).into());
        }
        let allocation = self.grant(key, service, &ips)?;
        match requested_pool(service) {
            Some(wanted) if *wanted != allocation.pool => Err(AllocationError::RequestPool {
                requested: ips,
                wanted: wanted.clone(),
                actual: allocation.pool,
            }),
            _ => Ok(allocation),
        }
    }

    /// Whether a Service may have exactly these addresses, whatever it asks for.
    pub(super) fn grant(
        &self,
        key: &ServiceKey,
        service: &Service,
        ips: &[IpAddr],
    ) -> Result<Allocation, AllocationError> {
        let name = self.pool_of(ips)?;
        if let Some(stock) = self.stocks.get(&name) {
            allowed(&stock.pool, &name, key, service)?;
        }
        for &address in ips {
            let Some(occupancy) = self.occupied.get(&address) else { continue };
            occupancy
                .admits(key, &service.sharing, &service.ports)
                .map_err(|(holder, why)| AllocationError::InUse { address, holder, why })?;
        }
        Ok(Allocation { pool: name, ips: ips.to_vec() })
    }

    /// An address of one more family from the pool that a Service already uses.
    pub(super) fn second_address(
        &self,
        service: &Service,
        pool: &PoolName,
        family: Family,
    ) -> Result<IpAddr, AllocationError> {
        let stock = self.stocks.get(pool).ok_or_else(|| AllocationError::UnknownPool(pool.clone()))?;
        first_fit(stock, service, family)
            .ok_or_else(|| no_available(Families::Single(family), [(pool, full(stock, family))]))
    }

    /// Why no pool gives a Service anything, pool by pool.
    fn why_nothing(&self, key: &ServiceKey, service: &Service, families: Families) -> AllocationError {
        let reasons = self.stocks.iter().map(|(name, stock)| {
            let why = match unmet(&stock.pool, key, service) {
                Some(condition) => Unsuited::Pinned(condition),
                None if !stock.pool.auto_assign => Unsuited::OnRequest,
                None => unsuited(stock, families),
            };
            (name, why)
        });
        no_available(families, reasons)
    }
}

/// The pool that a Service asks for.
pub(super) fn requested_pool(service: &Service) -> Option<&PoolName> {
    service.requested_pool.as_ref().filter(|name| !name.is_empty())
}

/// The families of a Service that has one address of each; `None` for any other set of addresses.
pub(super) fn families_of(ips: &[IpAddr]) -> Option<&'static [Family]> {
    match ips {
        [one] if one.is_ipv4() => Some(&[Family::V4]),
        [_] => Some(&[Family::V6]),
        [one, two] if one.is_ipv4() != two.is_ipv4() => Some(&[Family::V4, Family::V6]),
        _ => None,
    }
}

/// The families of a Service, IPv4 first.
pub(super) fn families_wanted(families: Families) -> &'static [Family] {
    match families {
        Families::Single(Family::V4) => &[Family::V4],
        Families::Single(Family::V6) => &[Family::V6],
        Families::Dual { .. } => &[Family::V4, Family::V6],
    }
}

/// The condition of a pool that a Service does not meet.
fn unmet(pool: &Pool, key: &ServiceKey, service: &Service) -> Option<Condition> {
    let pinned = pool.pinned.as_ref()?;
    if pinned.namespaces.as_ref().is_some_and(|names| !names.contains(&key.namespace)) {
        return Some(Condition::Namespace);
    }
    (!any_matches(&pinned.service_selectors, &service.labels)).then_some(Condition::Labels)
}

fn allowed(pool: &Pool, name: &PoolName, key: &ServiceKey, service: &Service) -> Result<(), AllocationError> {
    match unmet(pool, key, service) {
        Some(why) => Err(AllocationError::PoolNotAllowed { pool: name.clone(), why }),
        None => Ok(()),
    }
}

/// The first pool that gives all families; where one is enough, the first that gives the preferred
/// one, else the first that gives the other. All addresses come from one pool.
fn pick(stocks: &[(&PoolName, &Stock)], service: &Service, families: Families) -> Option<Allocation> {
    let first_with = |wanted: &[Family]| {
        stocks.iter().find_map(|(name, stock)| {
            let ips: Option<Vec<IpAddr>> =
                wanted.iter().map(|family| first_fit(stock, service, *family)).collect();
            Some(Allocation { pool: (*name).clone(), ips: ips? })
        })
    };
    let all = first_with(families_wanted(families));
    match families {
        Families::Dual { primary } if all.is_none() && service.policy == FamilyPolicy::PreferDualStack => {
            first_with(&[primary]).or_else(|| first_with(&[other(primary)]))
        }
        _ => all,
    }
}

fn first_fit(stock: &Stock, service: &Service, family: Family) -> Option<IpAddr> {
    stock.space(family).first_fit(&service.sharing, &service.ports)
}

/// The other family.
pub(super) fn other(family: Family) -> Family {
    match family {
        Family::V4 => Family::V6,
        Family::V6 => Family::V4,
    }
}

fn full(stock: &Stock, family: Family) -> Unsuited {
    if stock.space(family).is_empty() { Unsuited::NoFamily(family) } else { Unsuited::Full(family) }
}

/// Why a pool that a Service may use gives it nothing: the first family of which there is none.
fn unsuited(stock: &Stock, families: Families) -> Unsuited {
    let wanted = families_wanted(families);
    let lacking = wanted.iter().find(|family| {
        let space = stock.space(**family);
        space.is_empty() || space.in_use() >= space.capacity()
    });
    full(stock, *lacking.unwrap_or(&wanted[0]))
}

fn no_available<'a>(
    families: Families,
    pools: impl IntoIterator<Item = (&'a PoolName, Unsuited)>,
) -> AllocationError {
    AllocationError::NoAvailableIps {
        families: families_wanted(families).to_vec(),
        pools: pools.into_iter().map(|(name, why)| (name.clone(), why)).collect(),
    }
}

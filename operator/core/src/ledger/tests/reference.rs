//! The same rules, written as plainly as possible: every address and every holder is looked at.

use super::*;
use crate::model::is_buggy;
use crate::selector::any_matches;

/// Who holds what, and what every Service looked like when it was given it.
#[derive(Debug, Clone, Default)]
pub(super) struct Plain {
    pub(super) pools: BTreeMap<PoolName, Pool>,
    pub(super) held: BTreeMap<ServiceKey, (Allocation, Service)>,
}

/// What a Service still needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    Second,
    Address,
}

impl Plain {
    pub(super) fn assign(&mut self, key: &ServiceKey, service: &Service) -> Option<Allocation> {
        let needs = self.keep(key, service);
        self.complete(key, service, needs)
    }

    pub(super) fn keep(&mut self, key: &ServiceKey, service: &Service) -> Needs {
        let current = self.held.remove(key).map_or_else(|| service.status_ips.clone(), |(a, _)| a.ips);
        let Some(wanted) = self.wanted(service) else { return Needs::Nothing };
        let prefers = wanted.len() == 2 && service.policy == FamilyPolicy::PreferDualStack;
        let right_families = match &current[..] {
            [] => return Needs::Address,
            [one] => prefers || wanted == [Family::of(*one)],
            [one, two] => wanted.len() == 2 && one.is_ipv4() != two.is_ipv4(),
            _ => false,
        };
        let asked = service.requested_ips.clone().unwrap_or_default();
        let as_asked = asked.is_empty() || sorted(&asked) == sorted(&current);
        let granted = self.grant(key, service, &current);
        match granted {
            Some(allocation)
                if right_families
                    && as_asked
                    && service.requested_pool.iter().all(|p| *p == allocation.pool) =>
            {
                self.held.insert(key.clone(), (allocation, service.clone()));
                match &service.requested_ips {
                    Ok(asked) if asked.is_empty() && prefers && current.len() == 1 => Needs::Second,
                    _ => Needs::Nothing,
                }
            }
            _ => Needs::Address,
        }
    }

    pub(super) fn complete(
        &mut self,
        key: &ServiceKey,
        service: &Service,
        needs: Needs,
    ) -> Option<Allocation> {
        match needs {
            Needs::Nothing => {}
            Needs::Second => {
                let mut allocation = self.held[key].0.clone();
                let lacks_v4 = allocation.ips[0].is_ipv6();
                let fitting = addresses(&self.pools[&allocation.pool])
                    .find(|ip| ip.is_ipv4() == lacks_v4 && self.is_open(key, service, *ip));
                allocation.ips.extend(fitting);
                self.held.insert(key.clone(), (allocation, service.clone()));
            }
            Needs::Address => {
                if let Some(allocation) = self.choose(key, service) {
                    self.held.insert(key.clone(), (allocation, service.clone()));
                }
            }
        }
        self.held.get(key).map(|(allocation, _)| allocation.clone())
    }

    fn choose(&self, key: &ServiceKey, service: &Service) -> Option<Allocation> {
        let wanted = self.wanted(service)?;
        let mut asked = service.requested_ips.clone().ok()?;
        if !asked.is_empty() {
            asked.sort();
            let families: Vec<_> = asked.iter().map(|ip| Family::of(*ip)).collect();
            let granted = self.grant(key, service, &asked)?;
            let right = families == wanted && service.requested_pool.iter().all(|p| *p == granted.pool);
            return right.then_some(granted);
        }
        let order: Vec<&PoolName> = match &service.requested_pool {
            Some(name) => self.pools.keys().filter(|n| *n == name).collect(),
            None => self.order(),
        };
        let first_with = |families: &[Family]| {
            order.iter().filter(|name| may_use(&self.pools[**name], key, service)).find_map(|name| {
                let fitting = families.iter().map(|family| {
                    addresses(&self.pools[*name])
                        .find(|ip| Family::of(*ip) == *family && self.is_open(key, service, *ip))
                });
                let ips = fitting.collect::<Option<_>>()?;
                Some(Allocation { pool: (*name).clone(), ips })
            })
        };
        let Ok(Families::Dual { primary }) = service.families else { return first_with(&wanted) };
        let fallback = service.policy == FamilyPolicy::PreferDualStack;
        let second = if primary == Family::V4 { Family::V6 } else { Family::V4 };
        first_with(&wanted)
            .or_else(|| first_with(&[primary]).filter(|_| fallback))
            .or_else(|| first_with(&[second]).filter(|_| fallback))
    }

    fn order(&self) -> Vec<&PoolName> {
        let rank = |pool: &Pool| match &pool.pinned {
            Some(pinned) if pinned.priority > 0 => u64::from(pinned.priority),
            Some(_) => 1 << 40,
            None => 1 << 41,
        };
        let mut order: Vec<_> = self.pools.iter().filter(|(_, pool)| pool.auto_assign).collect();
        order.sort_by_key(|(name, pool)| (rank(pool), (*name).clone()));
        order.into_iter().map(|(name, _)| name).collect()
    }

    /// The families of a Service, IPv4 first; `None` if it cannot be served.
    fn wanted(&self, service: &Service) -> Option<Vec<Family>> {
        let families = match service.families.clone().ok()? {
            Families::Single(family) => vec![family],
            Families::Dual { .. } => vec![Family::V4, Family::V6],
        };
        let possible = families.len() == 2 || service.policy != FamilyPolicy::RequireDualStack;
        (possible && !self.pools.is_empty()).then_some(families)
    }

    fn grant(&self, key: &ServiceKey, service: &Service, ips: &[IpAddr]) -> Option<Allocation> {
        let (name, pool) = self.pools.iter().find(|(_, pool)| ips.iter().all(|ip| pool.holds(*ip)))?;
        let open = ips.iter().all(|ip| self.is_open(key, service, *ip));
        (open && may_use(pool, key, service)).then(|| Allocation { pool: name.clone(), ips: ips.to_vec() })
    }

    fn is_open(&self, key: &ServiceKey, service: &Service, ip: IpAddr) -> bool {
        self.held
            .iter()
            .filter(|(other, (allocation, _))| *other != key && allocation.ips.contains(&ip))
            .all(|(_, (_, holder))| may_share(service, holder))
    }
}

fn sorted(ips: &[IpAddr]) -> Vec<IpAddr> {
    let mut ips = ips.to_vec();
    ips.sort();
    ips
}

/// Whether two Services may be on one address.
pub(super) fn may_share(one: &Service, two: &Service) -> bool {
    !one.sharing.sharing.is_empty() && one.sharing == two.sharing && one.ports.is_disjoint(&two.ports)
}

/// Every address of a pool that may be given out, in order.
fn addresses(pool: &Pool) -> impl Iterator<Item = IpAddr> + '_ {
    let each = |range: &AddressRange| -> Vec<IpAddr> {
        match (range.first(), range.last()) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                (first.to_bits()..=last.to_bits()).map(|n| IpAddr::V4(n.into())).collect()
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                (first.to_bits()..=last.to_bits()).map(|n| IpAddr::V6(n.into())).collect()
            }
            _ => vec![],
        }
    };
    pool.ranges.iter().flat_map(each).filter(|ip| !(pool.avoid_buggy_ips && is_buggy(*ip)))
}

fn may_use(pool: &Pool, key: &ServiceKey, service: &Service) -> bool {
    pool.pinned.as_ref().is_none_or(|pinned| {
        pinned.namespaces.as_ref().is_none_or(|names| names.contains(&key.namespace))
            && any_matches(&pinned.service_selectors, &service.labels)
    })
}

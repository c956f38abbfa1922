//! The addresses of one family of one pool, numbered from 0 in the order in which they are given out.
//!
//! Addresses that the pool never gives out (`avoidBuggyIPs`) have no number, so runs of used
//! numbers stay whole across them.

use super::Port;
use super::intervals::Intervals;
use crate::model::{AddressRange, SharingKey};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From here on a count of addresses is shown as `i64::MAX`, as MetalLB does.
const COUNTLESS: u128 = 1 << 62;

/// Consecutive addresses and the numbers that they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    range: AddressRange,
    avoid_buggy: bool,
    /// Numbers of its first and last usable address.
    first: u128,
    last: u128,
}

/// Addresses on which Services share by the same key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Group {
    members: Intervals,
    /// Members on which a port is taken.
    taken: BTreeMap<Port, Intervals>,
}

/// The addresses of one family of one pool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Space {
    pieces: Vec<Piece>,
    used: Intervals,
    groups: BTreeMap<SharingKey, Group>,
}

impl Space {
    /// Appends a range, to be given out after those that are there. The index that it gets, or
    /// `None` if the range has no usable address.
    pub(super) fn append(&mut self, range: AddressRange, avoid_buggy: bool) -> Option<usize> {
        let avoid_buggy = avoid_buggy && range.first().is_ipv4();
        let (low, high) = (bits(range.first()), bits(range.last()));
        let extra = if avoid_buggy {
            usable_below(high + 1).checked_sub(usable_below(low))?.checked_sub(1)?
        } else {
            high - low
        };
        let first = self.pieces.last().map_or(Some(0), |p| p.last.checked_add(1))?;
        let last = first.checked_add(extra)?;
        self.pieces.push(Piece { range, avoid_buggy, first, last });
        Some(self.pieces.len() - 1)
    }

    /// How many addresses it has; 2^62 and more count as `i64::MAX`.
    pub(super) fn capacity(&self) -> i64 {
        let count = self.pieces.last().map_or(0, |p| p.last.saturating_add(1));
        if count >= COUNTLESS { i64::MAX } else { i64::try_from(count).unwrap_or(i64::MAX) }
    }

    /// How many of its addresses are in use, each counted once.
    pub(super) fn in_use(&self) -> i64 {
        i64::try_from(self.used.len()).unwrap_or(i64::MAX)
    }

    /// Whether it has no address at all.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The number of an address of a range; `None` if it is never given out.
    pub(super) fn number(&self, piece: usize, address: IpAddr) -> Option<u128> {
        let piece = self.pieces.get(piece)?;
        if !piece.range.contains(address) || (piece.avoid_buggy && crate::model::is_buggy(address)) {
            return None;
        }
        let (low, here) = (bits(piece.range.first()), bits(address));
        let offset = if piece.avoid_buggy { usable_below(here) - usable_below(low) } else { here - low };
        Some(piece.first + offset)
    }

    /// The address that has a number.
    fn address(&self, number: u128) -> Option<IpAddr> {
        let piece = self.pieces.get(self.pieces.partition_point(|p| p.last < number))?;
        let (low, offset) = (bits(piece.range.first()), number.checked_sub(piece.first)?);
        let here = if piece.avoid_buggy { nth_usable(usable_below(low) + offset) } else { low + offset };
        match piece.range.first() {
            IpAddr::V4(_) => u32::try_from(here).ok().map(|v4| IpAddr::V4(Ipv4Addr::from(v4))),
            IpAddr::V6(_) => Some(IpAddr::V6(Ipv6Addr::from(here))),
        }
    }

    /// The first address that is unused, or that may be shared by this key with these ports free.
    pub(super) fn first_fit(&self, sharing: &SharingKey, ports: &BTreeSet<Port>) -> Option<IpAddr> {
        let end = self.pieces.last()?.last;
        let unused = self.used.first_gap().filter(|n| *n <= end);
        let shared = self.groups.get(sharing).and_then(|g| g.first_open(ports, unused.unwrap_or(end)));
        self.address(shared.or(unused)?)
    }

    /// Notes that a Service holds a number; others may hold it already, by the same key.
    pub(super) fn hold(&mut self, number: u128, sharing: &SharingKey, ports: &BTreeSet<Port>) {
        self.used.insert(number);
        if sharing.sharing.is_empty() {
            return;
        }
        let group = self.groups.entry(sharing.clone()).or_default();
        group.members.insert(number);
        for port in ports {
            group.taken.entry(port.clone()).or_default().insert(number);
        }
    }

    /// Notes that a Service no longer holds a number; `last` if nobody else does.
    pub(super) fn free(&mut self, number: u128, sharing: &SharingKey, ports: &BTreeSet<Port>, last: bool) {
        if last {
            self.used.remove(number);
        }
        let Some(group) = self.groups.get_mut(sharing) else { return };
        for port in ports {
            let Some(taken) = group.taken.get_mut(port) else { continue };
            taken.remove(number);
            if taken.is_empty() {
                group.taken.remove(port);
            }
        }
        if last {
            group.members.remove(number);
        }
        if group.members.is_empty() {
            self.groups.remove(sharing);
        }
    }
}

impl Group {
    /// The first member, up to `limit`, on which all of the ports are free.
    ///
    /// Steps over whole runs of taken members, so the cost is that of the gaps between them.
    fn first_open(&self, ports: &BTreeSet<Port>, limit: u128) -> Option<u128> {
        let taken: Vec<&Intervals> = ports.iter().filter_map(|p| self.taken.get(p)).collect();
        if taken.iter().any(|t| t.len() == self.members.len()) {
            return None;
        }
        let mut from = 0;
        loop {
            let member = self.members.at_or_after(from).filter(|m| *m <= limit)?;
            let Some(end) = taken.iter().filter_map(|t| t.end_of_run(member)).max() else {
                return Some(member);
            };
            from = end.checked_add(1)?;
        }
    }
}

/// An address as a number.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// How many IPv4 addresses below this one end in neither .0 nor .255.
fn usable_below(address: u128) -> u128 {
    (address >> 8) * 254 + (address & 255).saturating_sub(1).min(254)
}

/// The IPv4 address with that many usable ones below it.
fn nth_usable(count: u128) -> u128 {
    ((count / 254) << 8) + count % 254 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    type Ranges<'a> = &'a [(&'a str, &'a str)];

    fn space(ranges: Ranges<'_>, avoid_buggy: bool) -> Space {
        let mut space = Space::default();
        for (first, last) in ranges {
            let range = AddressRange::new(first.parse().unwrap(), last.parse().unwrap()).unwrap();
            space.append(range, avoid_buggy);
        }
        space
    }

    #[test]
    fn numbers_and_addresses_agree_in_the_order_of_the_ranges() {
        for avoid in [false, true] {
            let space = space(
                &[("10.0.1.250", "10.0.3.4"), ("10.0.0.0", "10.0.0.0"), ("10.0.0.2", "10.0.0.9")],
                avoid,
            );
            let all: Vec<IpAddr> = (0..).map_while(|n| space.address(n)).collect();
            assert_eq!(i64::try_from(all.len()).unwrap(), space.capacity());
            assert_eq!(all.iter().any(|a| crate::model::is_buggy(*a)), !avoid);
            assert_eq!(all[0].to_string(), "10.0.1.250");
            assert_eq!(all.last().unwrap().to_string(), "10.0.0.9");
            for (number, address) in all.iter().enumerate() {
                let found = (0..space.pieces.len()).find_map(|p| space.number(p, *address));
                assert_eq!(found, u128::try_from(number).ok());
            }
        }
    }

    #[test]
    fn capacity_is_exact_until_it_cannot_be_counted() {
        let cases: &[(Ranges<'_>, bool, i64)] = &[
            (&[], false, 0),
            (&[("1.2.3.0", "1.2.3.255")], false, 256),
            (&[("1.2.3.0", "1.2.3.255")], true, 254),
            (&[("1.2.0.0", "1.2.255.255")], true, 65_536 - 512),
            (&[("1.2.3.0", "1.2.3.127")], true, 127),
            (&[("1.2.3.64", "1.2.3.127")], true, 64),
            (&[("1.2.3.255", "1.2.4.0")], true, 0),
            (&[("0.0.0.0", "255.255.255.255")], false, 1 << 32),
            (&[("fc00::", "fc00::ff")], true, 256),
            (&[("fc00::", "fc00::1fff:ffff:ffff:ffff")], false, 1 << 61),
            (&[("fc00::", "fc00::3fff:ffff:ffff:ffff")], false, i64::MAX),
            (&[("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")], false, i64::MAX),
            (
                &[("fc00::", "fc00::ffff:ffff:ffff:ffff"), ("fd00::", "fd00::ffff:ffff:ffff:ffff")],
                false,
                i64::MAX,
            ),
        ];
        for (ranges, avoid, capacity) in cases {
            assert_eq!(space(ranges, *avoid).capacity(), *capacity, "{ranges:?}");
        }
    }
}

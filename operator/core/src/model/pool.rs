//! Address pools: `IPAddressPool`.

use super::address::{AddressError, AddressRange};
use super::kind::{Context, Named, Parsed, Resolved, Sink, repeated};
use super::lint::LintWarning;
use crate::problem::{FieldPath, ObjectRef, Problem, Reason};
use crate::selector::{Selector, any_matches};
use crate::snapshot::{Custom, Labels};
use herald_crds::metallb::{IPAddressPoolSpec, ServiceAllocation};
use herald_frr::value::Family;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// A pool's name.
pub type PoolName = Arc<str>;

/// Why a pool is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// `spec.addresses` is empty.
    #[error("pool has no prefixes defined")]
    NoPrefixes,
    /// An item of `spec.addresses` that cannot be read.
    #[error("invalid CIDR {text:?} in pool {pool:?}: {why}")]
    Address {
        /// The item.
        text: String,
        /// The pool.
        pool: String,
        /// What is wrong with it.
        why: AddressError,
    },
    /// Two items, of this pool or of two, share addresses.
    #[error("CIDR \"{range}\" in pool {pool:?} overlaps with already defined CIDR \"{other}\"{whose}")]
    Overlap {
        /// The item.
        range: AddressRange,
        /// Its pool.
        pool: String,
        /// The item that was there first.
        other: AddressRange,
        /// In words: where that one stands, if in another pool.
        whose: String,
    },
    /// A namespace twice.
    #[error("duplicate definition in namespaces field: {0:?}")]
    DuplicateNamespace(String),
}

impl Reason for PoolError {
    fn reason(&self) -> &'static str {
        match self {
            Self::NoPrefixes => "PoolWithoutAddresses",
            Self::Address { why, .. } => why.reason(),
            Self::Overlap { .. } => "OverlappingAddresses",
            Self::DuplicateNamespace(_) => "DuplicateNamespace",
        }
    }
}

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

    /// Whether `serviceAllocation` leaves the pool to a Service of that namespace and labels.
    #[must_use]
    pub fn admits(&self, namespace: &str, labels: &Labels) -> bool {
        self.pinned.as_ref().is_none_or(|pinned| {
            pinned.namespaces.as_ref().is_none_or(|names| names.contains(namespace))
                && any_matches(&pinned.service_selectors, labels)
        })
    }
}

impl Named for Pool {
    fn object(&self) -> &ObjectRef {
        &self.object
    }
}

/// Addresses that some devices mistake for broadcasts: IPv4 ones that end in .0 or .255.
#[must_use]
pub fn is_buggy(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if matches!(v4.octets()[3], 0 | 255))
}

/// Parses one pool. `namespaces` are those that are known, with their labels.
pub(crate) fn parse(
    custom: &Custom<IPAddressPoolSpec>,
    _context: &Context<'_>,
    namespaces: &BTreeMap<Arc<str>, Labels>,
) -> Result<Parsed<Pool>, Vec<Problem>> {
    let Custom { meta, spec } = custom;
    let mut sink = Sink::new(&meta.object);
    let ranges = parse_ranges(&meta.object, &spec.addresses, &mut sink);
    let pinned = spec.service_allocation.as_ref().map(|a| pinned(a, namespaces, &mut sink));
    let pool = Pool {
        object: meta.object.clone(),
        labels: meta.labels.clone(),
        ranges,
        auto_assign: spec.auto_assign.unwrap_or(true),
        avoid_buggy_ips: spec.avoid_buggy_ips.unwrap_or_default(),
        pinned,
    };
    sink.finish(Some(pool), Resolved::new())
}

fn pinned(
    allocation: &ServiceAllocation,
    namespaces: &BTreeMap<Arc<str>, Labels>,
    sink: &mut Sink<'_>,
) -> Pinned {
    let path = FieldPath::of("spec.serviceAllocation.namespaces");
    for index in repeated(&allocation.namespaces) {
        let why = PoolError::DuplicateNamespace(allocation.namespaces[index].clone());
        sink.error(path.index(index), &why);
    }
    let parent = "spec.serviceAllocation";
    let by_label = sink.selectors(parent, "namespaceSelectors", &allocation.namespace_selectors);
    for (index, selector) in by_label.iter().enumerate() {
        if !namespaces.values().any(|labels| selector.matches(labels)) {
            let field = FieldPath::of(parent).key("namespaceSelectors").index(index);
            let why = LintWarning::NamespaceSelectorMatchesNothing(selector.to_string());
            sink.warning(field, &why);
        }
    }
    let service_selectors = sink.selectors(parent, "serviceSelectors", &allocation.service_selectors);
    Pinned {
        // Negative ones mean nothing upstream; they come last, as 0 does.
        priority: allocation.priority.and_then(|p| u32::try_from(p).ok()).unwrap_or_default(),
        namespaces: select_namespaces(&allocation.namespaces, &by_label, namespaces),
        service_selectors,
    }
}

fn parse_ranges(object: &ObjectRef, addresses: &[String], sink: &mut Sink<'_>) -> Vec<AddressRange> {
    let path = FieldPath::of("spec.addresses");
    if addresses.is_empty() {
        sink.error(path.clone(), &PoolError::NoPrefixes);
    }
    let mut ranges: Vec<AddressRange> = Vec::with_capacity(addresses.len());
    for (index, text) in addresses.iter().enumerate() {
        let pool = || object.name.to_string();
        match AddressRange::parse(text) {
            Err(why) => {
                sink.error(path.index(index), &PoolError::Address { text: text.clone(), pool: pool(), why });
            }
            Ok(range) => {
                if let Some(other) = ranges.iter().find(|other| other.overlaps(&range)) {
                    let whose = String::new();
                    let why = PoolError::Overlap { range, pool: pool(), other: *other, whose };
                    sink.error(path.index(index), &why);
                }
                ranges.push(range);
            }
        }
    }
    ranges
}

fn select_namespaces(
    names: &[String],
    selectors: &[Selector],
    known: &BTreeMap<Arc<str>, Labels>,
) -> Option<BTreeSet<Arc<str>>> {
    if names.is_empty() && selectors.is_empty() {
        return None;
    }
    let by_label = known.iter().filter(|(_, labels)| selectors.iter().any(|s| s.matches(labels)));
    Some(
        names.iter().map(|name| name.as_str().into()).chain(by_label.map(|(name, _)| name.clone())).collect(),
    )
}

/// Pools that share addresses.
pub(crate) fn conflict(winner: &Pool, loser: &Pool) -> Option<Problem> {
    loser.ranges.iter().enumerate().find_map(|(index, range)| {
        let other = winner.ranges.iter().find(|other| other.overlaps(range))?;
        let whose = format!(" of {}", winner.object);
        let why =
            PoolError::Overlap { range: *range, pool: loser.object.name.to_string(), other: *other, whose };
        Some(Problem::error(&loser.object, FieldPath::of("spec.addresses").index(index), &why))
    })
}

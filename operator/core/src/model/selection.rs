//! What both kinds of advertisement have in common: the pools and nodes that they select.

use super::kind::{Sink, repeated};
use super::pool::{Pool, PoolName};
use crate::problem::{FieldPath, Reason};
use crate::selector::Selector;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is wrong with the lists of an advertisement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// An item that stands twice in its list.
    #[error("duplicate definition of {field} {item:?}")]
    Duplicate {
        /// The list.
        field: &'static str,
        /// The item.
        item: String,
    },
    /// A name that no pool has.
    #[error("no IPAddressPool is named {0:?}")]
    UnknownPool(String),
    /// Labels that no pool has.
    #[error("no IPAddressPool has the labels {0}")]
    NoSuchPool(String),
}

impl Reason for SelectionError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "DuplicateItem",
            Self::UnknownPool(_) => "UnknownPool",
            Self::NoSuchPool(_) => "PoolSelectorMatchesNothing",
        }
    }
}

/// Refuses an item that stands twice.
pub(crate) fn check_repeated(sink: &mut Sink<'_>, field: &'static str, items: &[String]) {
    for index in repeated(items) {
        let why = SelectionError::Duplicate { field, item: items[index].clone() };
        sink.error(FieldPath::of("spec").key(field).index(index), &why);
    }
}

/// The pools of the input.
pub(crate) struct Pools<'a> {
    /// Those that count.
    pub valid: &'a BTreeMap<PoolName, Pool>,
    /// Names of all, also of those that were refused: a name of one of those is no mistake of whoever
    /// refers to it.
    pub declared: BTreeSet<Arc<str>>,
}

/// The pools that an advertisement covers: by name and by label, all of them where it says neither.
pub(crate) fn select_pools(
    sink: &mut Sink<'_>,
    names: &[String],
    selectors: &[LabelSelector],
    pools: &Pools<'_>,
) -> BTreeSet<PoolName> {
    let Pools { valid: pools, declared } = pools;
    check_repeated(sink, "ipAddressPools", names);
    let by_label = sink.selectors("spec", "ipAddressPoolSelectors", selectors);
    if names.is_empty() && selectors.is_empty() {
        return pools.keys().cloned().collect();
    }
    let mut selected = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        match pools.get_key_value(name.as_str()) {
            Some((name, _)) => selected.extend([Arc::clone(name)]),
            None if declared.contains(name.as_str()) => {}
            None => sink.warning(
                FieldPath::of("spec.ipAddressPools").index(index),
                &SelectionError::UnknownPool(name.clone()),
            ),
        }
    }
    for (index, selector) in by_label.iter().enumerate() {
        let matching: Vec<_> = matching(selector, pools).collect();
        if matching.is_empty() {
            sink.warning(
                FieldPath::of("spec.ipAddressPoolSelectors").index(index),
                &SelectionError::NoSuchPool(selector.to_string()),
            );
        }
        selected.extend(matching);
    }
    selected
}

fn matching<'a>(
    selector: &'a Selector,
    pools: &'a BTreeMap<PoolName, Pool>,
) -> impl Iterator<Item = PoolName> + 'a {
    pools.iter().filter(|(_, pool)| selector.matches(&pool.labels)).map(|(name, _)| Arc::clone(name))
}

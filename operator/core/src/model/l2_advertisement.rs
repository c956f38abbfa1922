//! `L2Advertisement`: how the addresses of some pools are answered for on the local network.

use super::kind::{Context, Named, Parsed, Resolved, Sink};
use super::pool::PoolName;
use super::selection::{Pools, select_pools};
use crate::problem::{FieldPath, ObjectRef, Problem, Reason};
use crate::selector::{Selector, SelectorError};
use crate::snapshot::Custom;
use herald_crds::metallb::L2AdvertisementSpec;
use herald_frr::value::{InterfaceName, ValueError};
use std::collections::BTreeSet;

/// Why an L2Advertisement is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum L2AdvertisementError {
    /// A name that no interface can have.
    #[error("invalid interface name {name:?}: {why}")]
    Interface {
        /// What was given.
        name: String,
        /// What is wrong with it.
        why: ValueError,
    },
    /// A weight outside the schema's bounds.
    #[error("invalid weight {0}, must be between 1 and 100")]
    Weight(i32),
}

impl Reason for L2AdvertisementError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Interface { .. } => "InvalidInterfaceName",
            Self::Weight(_) => "InvalidWeight",
        }
    }
}

/// How the addresses of some pools are answered for on the local network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L2Advertisement {
    /// The object.
    pub object: ObjectRef,
    /// Pools by name and by selector, resolved; all pools where the object names none.
    pub pools: BTreeSet<PoolName>,
    /// Nodes that may answer; empty is all.
    pub node_selectors: Vec<Selector>,
    /// Services that are answered for; empty is all.
    pub service_selectors: Vec<Selector>,
    /// Interfaces to answer on; empty is all.
    pub interfaces: BTreeSet<InterfaceName>,
    /// Weights by which nodes are preferred in the election.
    pub preferred_nodes: Vec<(u8, Selector)>,
}

impl Named for L2Advertisement {
    fn object(&self) -> &ObjectRef {
        &self.object
    }
}

/// Parses one advertisement.
pub(crate) fn parse(
    custom: &Custom<L2AdvertisementSpec>,
    _context: &Context<'_>,
    pools: &Pools<'_>,
) -> Result<Parsed<L2Advertisement>, Vec<Problem>> {
    let Custom { meta, spec } = custom;
    let mut sink = Sink::new(&meta.object);
    let pools = select_pools(&mut sink, &spec.ip_address_pools, &spec.ip_address_pool_selectors, pools);
    let advertisement = L2Advertisement {
        object: meta.object.clone(),
        pools,
        node_selectors: sink.selectors("spec", "nodeSelectors", &spec.node_selectors),
        service_selectors: sink.selectors("spec", "serviceSelectors", &spec.service_selectors),
        interfaces: interfaces(spec, &mut sink),
        preferred_nodes: preferred_nodes(spec, &mut sink),
    };
    sink.finish(Some(advertisement), Resolved::new())
}

fn interfaces(spec: &L2AdvertisementSpec, sink: &mut Sink<'_>) -> BTreeSet<InterfaceName> {
    let path = FieldPath::of("spec.interfaces");
    let checked = |(index, name): (usize, &String)| {
        let why = |why| L2AdvertisementError::Interface { name: name.clone(), why };
        sink.take(&path.index(index), name.parse().map_err(why))
    };
    spec.interfaces.iter().enumerate().filter_map(checked).collect()
}

/// Only each selector's own validity counts here: the same one may stand there twice.
fn preferred_nodes(spec: &L2AdvertisementSpec, sink: &mut Sink<'_>) -> Vec<(u8, Selector)> {
    let path = FieldPath::of("spec.preferredNodeSelectors");
    let mut preferred = Vec::with_capacity(spec.preferred_node_selectors.len());
    for (index, item) in spec.preferred_node_selectors.iter().enumerate() {
        let weight = u8::try_from(item.weight).ok().filter(|w| (1..=100).contains(w));
        let weight = weight.ok_or(L2AdvertisementError::Weight(item.weight));
        let weight = sink.take(&path.index(index).key("weight"), weight);
        let selector: Result<Selector, SelectorError> = Selector::parse(&item.preference);
        let selector = sink.take(&path.index(index).key("preference"), selector);
        preferred.extend(weight.zip(selector));
    }
    preferred
}

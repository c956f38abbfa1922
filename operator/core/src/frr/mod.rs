//! From sessions, advertisements and FRRConfigurations to the configuration of one node's FRR.
//!
//! `Contribution::parse` judges one FRRConfiguration alone; `build` merges all that one node is asked
//! for, sorts its prefixes into classes and writes down FRR's configuration.

mod blocked;
mod class;
mod conflict;
mod contribution;
mod emit;
mod merge;
mod parse;
mod raw;
mod secrets;
mod session;
#[cfg(test)]
mod tests;

pub use blocked::{Blocked, BlockedError};
pub use conflict::{Clash, ConflictKind};
pub use contribution::Contribution;
pub use emit::EmitError;
pub(crate) use emit::{Level, Load, Sizes};
pub use parse::{ContributionError, ContributionWarning};
pub use raw::RawError;
pub use secrets::{PasswordSource, SecretError, Secrets};

use crate::model::{BgpAdvertisement, Model, Peer};
use crate::problem::{FieldPath, Problem};
use crate::snapshot::Node;
use contribution::Source;
use herald_frr::config::{FrrConfig, Origins};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// What the operator of the node asks for besides objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Prefixes that no neighbor may announce, nor anything inside them.
    pub always_block: Vec<IpNet>,
    /// The router id of routers that have none.
    pub fallback_router_id: Option<Ipv4Addr>,
    /// Prefixes of a family that a neighbor is sent at most; `None` is [`crate::guard::DEFAULT_MAX_PREFIXES`].
    pub max_prefixes: Option<u32>,
    /// What FRR was told before: of more prefixes than a neighbor may be sent, those in it stay.
    pub in_force: Option<Arc<FrrConfig>>,
}

/// Why a prefix of Services is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Names of the BGPAdvertisements that announce it; prefixes of one set share it.
    pub advertisements: Arc<BTreeSet<Arc<str>>>,
    /// The Services.
    pub origins: Origins,
}

/// The configuration of one node's FRR.
///
/// `peers` are the BGPPeers of the node and `announced` what its Services are announced as; host bits
/// of prefixes are clear. What conflicts is left out with a problem that names the node.
#[must_use]
pub fn build(
    model: &Model,
    node: &Node,
    peers: &[&Peer],
    announced: &BTreeMap<IpNet, Announced>,
    options: &Options,
) -> (FrrConfig, Vec<Problem>) {
    let (config, problems, _) = build_of_examples(model, node, peers, announced, &Sizes::new(), options);
    (config, problems)
}

/// The same where some of `announced` stand for others that are announced like them, and how much each neighbor is sent.
/// It is right only while none is sent more than it may be.
pub(crate) fn build_of_examples(
    model: &Model,
    node: &Node,
    peers: &[&Peer],
    announced: &BTreeMap<IpNet, Announced>,
    sizes: &Sizes,
    options: &Options,
) -> (FrrConfig, Vec<Problem>, Vec<Load>) {
    let selected: Vec<&Contribution> =
        model.frr_configurations.iter().filter(|c| c.selector.matches(&node.labels)).collect();
    let services = Services { announced, advertisements: &model.bgp_advertisements };
    let (merged, mut problems) = merge::merge(peers, model.bfd_profiles.values(), &selected, &services);
    let (advertisements, draining) = (&model.bgp_advertisements, node.draining);
    let inputs = emit::Inputs { merged: &merged, advertisements, announced, options, sizes, draining };
    let (mut config, more, loads) = emit::emit(&inputs);
    problems.extend(more);
    problems.extend(raw::append(&merged, &mut config));
    (config, problems.into_iter().map(|p| p.on_node(&node.name)).collect(), loads)
}

/// Every prefix that an FRRConfiguration names for itself or for a neighbor. What is said of any other prefix depends
/// only on the set of its advertisements and on its family.
pub(crate) fn mentioned(model: &Model) -> BTreeSet<IpNet> {
    let mut prefixes = BTreeSet::new();
    let forms = model.frr_configurations.iter().flat_map(|c| std::iter::once(c).chain(c.previous.as_deref()));
    for router in forms.flat_map(|contribution| &contribution.routers) {
        prefixes.extend(router.prefixes.iter().chain(&router.imported));

        for out in router.neighbors.iter().map(|neighbor| &neighbor.outgoing) {
            prefixes.extend(out.allowed.iter().chain(out.local_prefs.keys()).chain(out.communities.keys()));
        }
    }
    prefixes
}

/// What Services ask of neighbors.
struct Services<'a> {
    announced: &'a BTreeMap<IpNet, Announced>,
    advertisements: &'a BTreeMap<Arc<str>, BgpAdvertisement>,
}

impl merge::ServicePreference for Services<'_> {
    fn local_pref(&self, peers: &BTreeSet<Arc<str>>, prefix: &IpNet) -> Option<(u32, Arc<Source>)> {
        let announced = self.announced.get(prefix)?;
        let ads = announced.advertisements.iter().filter_map(|name| self.advertisements.get(name));
        let chosen = ads.filter(|ad| ad.peers.is_empty() || peers.iter().any(|p| ad.peers.contains(p)));
        let (value, ad) = chosen.filter_map(|ad| Some((ad.local_pref?, ad))).max_by_key(|(v, _)| *v)?;
        let source = Source::new(&ad.object, FieldPath::of("spec.localPref"));
        (!peers.is_empty()).then_some((value, source))
    }
}

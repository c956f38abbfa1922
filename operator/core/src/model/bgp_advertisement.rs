//! `BGPAdvertisement`: how the addresses of some pools are announced over BGP.

use super::community::{self, CommunityError};
use super::drain::{DRAIN, drain};
use super::judge::Standing;
use super::kind::{Context, Named, Parsed, Resolved, Sink};
use super::pool::{Pool, PoolName};
use super::selection::{Pools, check_repeated, select_pools};
use crate::guard;
use crate::problem::{FieldPath, ObjectRef, Problem, Reason};
use crate::selector::{Selector, any_matches};
use crate::snapshot::{Custom, Node};
use herald_crds::metallb::BGPAdvertisementSpec;
use herald_frr::value::{Community, Family};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Communities that fit into one announcement (FRR's limit, and MetalLB's).
const COMMUNITY_LIMIT: usize = 63;

/// Why a BGPAdvertisement, or a part of it, is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BgpAdvertisementError {
    /// An aggregation length that no prefix has.
    #[error("invalid aggregation length {length}: must be between 1 and {limit}")]
    Length {
        /// What was given.
        length: i32,
        /// The family's longest prefix.
        limit: u8,
    },
    /// An aggregate that would cover addresses beside the pool's.
    #[error(
        "invalid aggregation length {length}: prefix {prefix} in this pool is more specific than the \
         aggregation length for addresses {addresses} (IPAddressPool {pool})"
    )]
    TooWide {
        /// The aggregation length.
        length: u8,
        /// The shortest prefix of the pool's item.
        prefix: u8,
        /// The pool's item.
        addresses: String,
        /// The pool.
        pool: PoolName,
    },
    /// An aggregate has no one Service that could be selected.
    #[error("serviceSelectors and {0} are mutually exclusive, both cannot be set")]
    SelectorsAndLength(&'static str),
    /// Not a 32-bit number.
    #[error("invalid local preference {0}: must be between 0 and 4294967295")]
    LocalPref(i64),
    /// Another advertisement gives the same route another local preference.
    #[error(
        "invalid local preference {mine}: local preference {theirs} was already set by {other} for the same \
         type of BGP update of IPAddressPool {pool}"
    )]
    LocalPrefConflict {
        /// Its own.
        mine: u32,
        /// The other's.
        theirs: u32,
        /// The other advertisement.
        other: ObjectRef,
        /// A pool that both announce.
        pool: PoolName,
    },
    /// Neither a community nor an alias of one.
    #[error("invalid community {text:?} in BGP advertisement: {why}, and no Community defines such an alias")]
    UnknownAlias {
        /// What was given.
        text: String,
        /// Why it is no community by itself.
        why: CommunityError,
    },
    /// A community that is none.
    #[error("invalid community {text:?} in BGP advertisement: {why}")]
    Community {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: CommunityError,
    },
    /// More communities than fit.
    #[error("has {0} communities, at most 63 fit")]
    TooManyCommunities(usize),
}

impl Reason for BgpAdvertisementError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Length { .. } => "InvalidAggregationLength",
            Self::TooWide { .. } => "AggregationWiderThanPool",
            Self::SelectorsAndLength(_) => "ServiceSelectorsWithAggregation",
            Self::LocalPref(_) => "InvalidLocalPref",
            Self::LocalPrefConflict { .. } => "ConflictingLocalPref",
            Self::UnknownAlias { .. } => "UnknownCommunity",
            Self::Community { why, .. } => why.reason(),
            Self::TooManyCommunities(_) => "TooManyCommunities",
        }
    }
}

/// How the addresses of some pools are announced over BGP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BgpAdvertisement {
    /// The object.
    pub object: ObjectRef,
    /// Pools by name and by selector, resolved; all pools where the object names none.
    pub pools: BTreeSet<PoolName>,
    /// Nodes that announce; empty is all.
    pub node_selectors: Vec<Selector>,
    /// Services that are announced; empty is all.
    pub service_selectors: Vec<Selector>,
    /// Names of BGPPeers; empty is all.
    pub peers: BTreeSet<Arc<str>>,
    /// Prefix length of an IPv4 announcement.
    pub length_v4: u8,
    /// Prefix length of an IPv6 announcement.
    pub length_v6: u8,
    /// Local preference over iBGP; `None` leaves FRR's 100.
    pub local_pref: Option<u32>,
    /// Communities, aliases resolved.
    pub communities: BTreeSet<Community>,
    /// For how long a node that drains still announces; `None`: it goes on.
    pub drain: Option<Duration>,
}

impl Named for BgpAdvertisement {
    fn object(&self) -> &ObjectRef {
        &self.object
    }
}

impl BgpAdvertisement {
    /// The prefix length of an announcement of this family.
    #[must_use]
    pub fn length(&self, family: Family) -> u8 {
        match family {
            Family::V4 => self.length_v4,
            Family::V6 => self.length_v6,
        }
    }

    /// Whether a peer of that name is told.
    #[must_use]
    pub fn reaches(&self, peer: &str) -> bool {
        self.peers.is_empty() || self.peers.contains(peer)
    }
}

/// What an advertisement refers to.
pub(crate) struct References<'a> {
    /// Pools.
    pub pools: Pools<'a>,
    /// Community aliases that count.
    pub aliases: &'a BTreeMap<String, Community>,
}

/// Parses one advertisement.
pub(crate) fn parse(
    custom: &Custom<BGPAdvertisementSpec>,
    context: &Context<'_>,
    references: &References<'_>,
) -> Result<Parsed<BgpAdvertisement>, Vec<Problem>> {
    let Custom { meta, spec } = custom;
    let mut sink = Sink::new(&meta.object);
    let pools =
        select_pools(&mut sink, &spec.ip_address_pools, &spec.ip_address_pool_selectors, &references.pools);
    check_repeated(&mut sink, "peers", &spec.peers);
    let mut resolved = Resolved::new();
    let communities = communities(spec, references.aliases, context, &mut resolved, &mut sink);
    let drain = drain(meta).unwrap_or_else(|why| {
        sink.warning(guard::annotation(DRAIN), &why);
        None
    });
    let mut advertisement = BgpAdvertisement {
        object: meta.object.clone(),
        pools,
        node_selectors: sink.selectors("spec", "nodeSelectors", &spec.node_selectors),
        service_selectors: sink.selectors("spec", "serviceSelectors", &spec.service_selectors),
        peers: spec.peers.iter().map(|peer| peer.as_str().into()).collect(),
        length_v4: length(&mut sink, "aggregationLength", spec.aggregation_length, 32),
        length_v6: length(&mut sink, "aggregationLengthV6", spec.aggregation_length_v6, 128),
        local_pref: local_pref(&mut sink, spec.local_pref),
        communities,
        drain,
    };
    if !spec.service_selectors.is_empty() {
        let lengths = [
            ("aggregationLength", advertisement.length_v4, 32),
            ("aggregationLengthV6", advertisement.length_v6, 128),
        ];
        for (field, length, default) in lengths {
            if length != default {
                sink.error(
                    FieldPath::of("spec").key(field),
                    &BgpAdvertisementError::SelectorsAndLength(field),
                );
            }
        }
    }
    fit(&mut advertisement, references.pools.valid, context.standing, &mut sink);
    sink.finish(Some(advertisement), resolved)
}

fn length(sink: &mut Sink<'_>, field: &str, given: Option<i32>, limit: u8) -> u8 {
    let Some(length) = given else { return limit };
    let checked = u8::try_from(length).ok().filter(|l| (1..=limit).contains(l));
    let why = BgpAdvertisementError::Length { length, limit };
    sink.take(&FieldPath::of("spec").key(field), checked.ok_or(why)).unwrap_or(limit)
}

/// 0 is unset, as in MetalLB.
fn local_pref(sink: &mut Sink<'_>, given: Option<i64>) -> Option<u32> {
    let value = given.filter(|value| *value != 0)?;
    let checked = u32::try_from(value).map_err(|_| BgpAdvertisementError::LocalPref(value));
    sink.take(&FieldPath::of("spec.localPref"), checked)
}

/// An alias comes before the community that it may look like.
fn communities(
    spec: &BGPAdvertisementSpec,
    aliases: &BTreeMap<String, Community>,
    context: &Context<'_>,
    resolved: &mut Resolved,
    sink: &mut Sink<'_>,
) -> BTreeSet<Community> {
    let path = FieldPath::of("spec.communities");
    check_repeated_communities(sink, &spec.communities);
    let mut communities = BTreeSet::new();
    for (index, text) in spec.communities.iter().enumerate() {
        let alias = aliases.get(text).copied();
        let before = || context.resolved.get(text).and_then(|value| value.parse().ok());
        if let Some(community) = alias.or_else(before) {
            resolved.insert(text.clone(), community.to_string());
            communities.insert(community);
            continue;
        }
        match community::parse_value(text) {
            Ok(community) => communities.extend([community]),
            Err(why @ CommunityError::Format(_)) => {
                let why = BgpAdvertisementError::UnknownAlias { text: text.clone(), why };
                sink.error(path.index(index), &why);
            }
            Err(why) => {
                let why = BgpAdvertisementError::Community { text: text.clone(), why };
                sink.error(path.index(index), &why);
            }
        }
    }
    if communities.len() > COMMUNITY_LIMIT {
        sink.error(path, &BgpAdvertisementError::TooManyCommunities(communities.len()));
    }
    communities
}

fn check_repeated_communities(sink: &mut Sink<'_>, communities: &[String]) {
    for index in super::kind::repeated(communities) {
        let why = CommunityError::Duplicate { name: communities[index].clone(), whose: String::new() };
        sink.error(FieldPath::of("spec.communities").index(index), &why);
    }
}

/// An aggregate must not cover addresses that are none of the pool's.
///
/// A pool that does not fit is left out and the others go on, unless it is an edit that does not
/// fit: then what was in force stays.
fn fit(
    advertisement: &mut BgpAdvertisement,
    pools: &BTreeMap<PoolName, Pool>,
    standing: Standing,
    sink: &mut Sink<'_>,
) {
    let misfits: Vec<BgpAdvertisementError> = advertisement
        .pools
        .iter()
        .filter_map(|name| pools.get(name).and_then(|pool| misfit(advertisement, name, pool)))
        .collect();
    for why in misfits {
        let BgpAdvertisementError::TooWide { pool, addresses, .. } = &why else { continue };
        let field = if addresses.contains(':') { "aggregationLengthV6" } else { "aggregationLength" };
        let field = FieldPath::of("spec").key(field);
        if standing == Standing::Edited {
            sink.error(field, &why);
        } else {
            advertisement.pools.remove(pool);
            sink.part(field, &why);
        }
    }
}

fn misfit(advertisement: &BgpAdvertisement, name: &PoolName, pool: &Pool) -> Option<BgpAdvertisementError> {
    pool.ranges.iter().find_map(|range| {
        let (length, prefix) = (advertisement.length(range.family()), range.shortest_prefix());
        let pool = Arc::clone(name);
        let addresses = || range.to_string();
        (length < prefix).then(|| BgpAdvertisementError::TooWide {
            length,
            prefix,
            addresses: addresses(),
            pool,
        })
    })
}

/// Advertisements that give one route two local preferences. Those with serviceSelectors are judged
/// when a Service that both select is announced.
pub(crate) fn conflict(
    winner: &BgpAdvertisement,
    loser: &BgpAdvertisement,
    pools: &BTreeMap<PoolName, Pool>,
    nodes: &BTreeMap<Arc<str>, Node>,
) -> Option<Problem> {
    let selective = !winner.service_selectors.is_empty() || !loser.service_selectors.is_empty();
    if selective || !share_peers(winner, loser) {
        return None;
    }
    let pool = winner
        .pools
        .intersection(&loser.pools)
        .find(|name| pools.get(*name).is_some_and(|pool| conflicts_on(winner, loser, pool)))?;
    if !share_nodes(winner, loser, nodes) {
        return None;
    }
    let why = BgpAdvertisementError::LocalPrefConflict {
        mine: loser.local_pref.unwrap_or_default(),
        theirs: winner.local_pref.unwrap_or_default(),
        other: winner.object.clone(),
        pool: Arc::clone(pool),
    };
    Some(Problem::error(&loser.object, FieldPath::of("spec.localPref"), &why))
}

/// Whether two advertisements of a pool differ in local preference for announcements of one length.
///
/// The same rule is asked again when a Service is announced by advertisements with serviceSelectors.
#[must_use]
pub fn conflicts_on(one: &BgpAdvertisement, other: &BgpAdvertisement, pool: &Pool) -> bool {
    let same = |family| pool.has_family(family) && one.length(family) == other.length(family);
    one.local_pref != other.local_pref && (same(Family::V4) || same(Family::V6))
}

/// Whether a peer exists, or could exist, that is told by both.
#[must_use]
pub fn share_peers(one: &BgpAdvertisement, other: &BgpAdvertisement) -> bool {
    one.peers.is_empty() || other.peers.is_empty() || !one.peers.is_disjoint(&other.peers)
}

fn share_nodes(one: &BgpAdvertisement, other: &BgpAdvertisement, nodes: &BTreeMap<Arc<str>, Node>) -> bool {
    let both = |node: &Node| {
        any_matches(&one.node_selectors, &node.labels) && any_matches(&other.node_selectors, &node.labels)
    };
    nodes.is_empty() || nodes.values().any(both)
}

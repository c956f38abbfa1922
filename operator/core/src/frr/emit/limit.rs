//! The maximum of prefixes per neighbor: what it is sent is counted, and nothing is added beyond.
//!
//! Counted per address family, as routers count (`neighbor X maximum-prefix N`). What is in force stays,
//! also where the limit was lowered: a limit that is reached withdraws nothing.

use super::Inputs;
use super::classes::{RouterClasses, carried};
use crate::frr::contribution::{Source, family};
use crate::frr::merge::{MergedNeighbor, MergedRouter, Vrf};
use crate::guard::{self, DEFAULT_MAX_PREFIXES, GuardError};
use crate::problem::Problem;
use herald_frr::config::{FrrConfig, NeighborId, Network, Origin, Origins, RouteMap};
use herald_frr::shared::SharedMap;
use herald_frr::value::{Family, FrrName, Tag};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// Prefixes that are not sent to a neighbor.
pub(super) type Withheld = BTreeMap<NeighborId, BTreeSet<IpNet>>;

/// So many of those that are left out are named.
const NAMED: usize = 10;

/// What is more than the neighbors of a router may be sent, and what is to be said.
pub(super) fn beyond(
    inputs: &Inputs<'_>,
    vrf: &Vrf,
    router: &MergedRouter,
    found: &RouterClasses,
) -> (Withheld, Vec<Problem>) {
    let mut sizes = vec![[0_usize; 2]; found.classes.len()];
    for (prefix, own) in &found.own {
        if let Some(size) = own.class.and_then(|class| sizes.get_mut(class)) {
            size[slot(family(prefix))] += 1;
        }
    }
    let mut withheld = Withheld::new();
    let mut problems = Vec::new();
    for (id, neighbor) in &router.neighbors {
        for at in carried(id, neighbor) {
            let subject = Subject { inputs, vrf, id, neighbor, found, family: *at };
            let picked = found.classes.iter().zip(&sizes).filter(|(class, _)| class.picks.contains_key(id));
            let own: usize = picked.map(|(_, size)| size[slot(*at)]).sum();
            let (left_out, problem) = subject.judge(own);
            problems.extend(problem);
            if !left_out.is_empty() {
                withheld.entry(id.clone()).or_default().extend(left_out);
            }
        }
    }
    (withheld, problems)
}

fn slot(family: Family) -> usize {
    usize::from(family == Family::V6)
}

/// One family of one neighbor.
struct Subject<'a> {
    inputs: &'a Inputs<'a>,
    vrf: &'a Vrf,
    id: &'a NeighborId,
    neighbor: &'a MergedNeighbor,
    found: &'a RouterClasses,
    family: Family,
}

impl Subject<'_> {
    /// What is left out of `own` prefixes, and what is to be said.
    fn judge(&self, own: usize) -> (Vec<IpNet>, Option<Problem>) {
        let Some((limit, source, annotated)) = self.limit() else { return (Vec::new(), None) };
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        if own.saturating_mul(5) < most.saturating_mul(4) && self.neighbor.named.is_empty() {
            return (Vec::new(), None);
        }
        let imported = self.neighbor.named.iter().filter(|p| family(p) == self.family);
        let imported = imported.filter(|p| !self.found.own.contains_key(p)).count();
        let left_out =
            if own + imported > most { self.left_out(most.saturating_sub(imported)) } else { Vec::new() };
        let neighbor = self.id.to_string();
        let family = if self.family == Family::V4 { "IPv4" } else { "IPv6" };
        let field = if annotated { guard::annotation(guard::MAX_PREFIXES) } else { source.field.clone() };
        let problem = if !left_out.is_empty() {
            let origins = left_out.iter().filter_map(|net| Some(&self.found.own.get(net)?.origins));
            let why = GuardError::OverMaxPrefixes { neighbor, family, limit, left_out: listed(origins) };
            Some(Problem::error(&source.object, field, &why))
        } else if (own + imported).saturating_mul(5) >= most.saturating_mul(4) {
            let why = GuardError::NearMaxPrefixes { neighbor, family, limit };
            Some(Problem::warning(&source.object, field, &why))
        } else {
            None
        };
        (left_out, problem)
    }

    /// The limit, who says so, and whether by annotation. The lowest counts.
    fn limit(&self) -> Option<(u32, &Source, bool)> {
        let said =
            self.neighbor.sessions.iter().filter_map(|(s, by)| Some((s.max_prefixes?, by.as_ref(), true)));
        let (_, first) = self.neighbor.sessions.first()?;
        let default = self.inputs.options.max_prefixes.unwrap_or(DEFAULT_MAX_PREFIXES);
        Some(said.min_by_key(|(limit, ..)| *limit).unwrap_or((default, first, false)))
    }

    /// Own prefixes beyond `most`: those in force stay, others come in the order of their addresses.
    fn left_out(&self, most: usize) -> Vec<IpNet> {
        let in_force = InForce::of(self.inputs.options.in_force.as_deref(), self.vrf, self.id);
        let picked = |class: usize| {
            self.found.classes.get(class).is_some_and(|class| class.picks.contains_key(self.id))
        };
        let own = self
            .found
            .own
            .iter()
            .filter(|(net, own)| family(net) == self.family && own.class.is_some_and(picked));
        let (kept, new): (Vec<IpNet>, Vec<IpNet>) =
            own.map(|(net, _)| *net).partition(|net| in_force.sent(net));
        new.into_iter().skip(most.saturating_sub(kept.len())).collect()
    }
}

/// What a neighbor is sent by a configuration that is in force.
#[derive(Default)]
struct InForce<'a> {
    networks: Option<&'a SharedMap<IpNet, Network>>,
    /// Names of the classes that its map lets through.
    classes: BTreeSet<&'a FrrName>,
}

impl<'a> InForce<'a> {
    fn of(config: Option<&'a FrrConfig>, vrf: &Vrf, id: &NeighborId) -> Self {
        Self::read(config, vrf, id).unwrap_or_default()
    }

    fn read(config: Option<&'a FrrConfig>, vrf: &Vrf, id: &NeighborId) -> Option<Self> {
        let config = config?;
        let router = config.routers.get(vrf)?;
        let sent = config.route_maps.get(&router.neighbors.get(id)?.map_out)?;
        let tags: BTreeSet<Tag> = sent.entries.values().filter_map(|entry| entry.matches.tag).collect();
        let sets_one = |map: &RouteMap| {
            map.entries.values().any(|entry| entry.sets.tag.is_some_and(|tag| tags.contains(&tag)))
        };
        let classes = config.route_maps.iter().filter(|(_, map)| sets_one(map)).map(|(name, _)| name);
        Some(Self { networks: Some(&router.networks), classes: classes.collect() })
    }

    fn sent(&self, net: &IpNet) -> bool {
        let class = self.networks.and_then(|networks| networks.get(net)?.class.as_ref());
        class.is_some_and(|class| self.classes.contains(class))
    }
}

/// The Services and configurations behind prefixes, a few by name.
fn listed<'a>(origins: impl Iterator<Item = &'a Origins>) -> String {
    let object = |origin: &Origin| origin.0.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let objects: BTreeSet<String> = origins.flatten().map(object).collect();
    let named: Vec<&str> = objects.iter().take(NAMED).map(String::as_str).collect();
    let more = objects.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    named.join(", ") + &more
}

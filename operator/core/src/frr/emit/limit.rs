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

/// How many prefixes each of some examples stands for; all others stand for themselves.
pub(crate) type Sizes = BTreeMap<IpNet, usize>;

/// How much of a family a neighbor is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Load {
    /// How much it may be.
    most: usize,
    /// Prefixes that stand for themselves.
    single: usize,
    /// Examples that it is sent.
    examples: Vec<IpNet>,
}

/// What a load leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Nothing is said.
    Fine,
    /// There is a warning.
    Near,
    /// Some are left out: which ones depends on each.
    Over,
}

impl Load {
    /// What it leads to, if each example stands for so many.
    pub fn level(&self, size: impl Fn(&IpNet) -> usize) -> Level {
        let sent = self.single + self.examples.iter().map(size).sum::<usize>();
        match sent {
            sent if sent > self.most => Level::Over,
            sent if sent.saturating_mul(5) >= self.most.saturating_mul(4) => Level::Near,
            _ => Level::Fine,
        }
    }
}

/// So many of those that are left out are named.
const NAMED: usize = 10;

/// What is more than the neighbors of a router may be sent. Where an example stands for others, which of them are
/// left out is not told.
pub(super) fn beyond(inputs: &Inputs<'_>, vrf: &Vrf, router: &MergedRouter, found: &RouterClasses) -> Beyond {
    let mut singles = vec![[0_usize; 2]; found.classes.len()];
    let mut examples = vec![[const { Vec::new() }; 2]; found.classes.len()];
    for (prefix, own) in &found.own {
        let Some(class) = own.class else { continue };
        if inputs.sizes.contains_key(prefix) {
            examples[class][slot(family(prefix))].push(*prefix);
        } else {
            singles[class][slot(family(prefix))] += 1;
        }
    }
    let mut beyond = Beyond::default();
    for (id, neighbor) in &router.neighbors {
        for at in carried(id, neighbor) {
            let subject = Subject { inputs, vrf, id, neighbor, found, family: *at };
            let picked = |class: &usize| found.classes[*class].picks.contains_key(id);
            let picked = (0..found.classes.len()).filter(picked);
            let single = picked.clone().map(|class| singles[class][slot(*at)]).sum();
            let examples = picked.flat_map(|class| examples[class][slot(*at)].iter().copied()).collect();
            let (load, left_out, problem) = subject.judge(single, examples);
            beyond.loads.extend(load);
            beyond.problems.extend(problem);
            if !left_out.is_empty() {
                beyond.withheld.entry(id.clone()).or_default().extend(left_out);
            }
        }
    }
    beyond
}

/// What is more than neighbors may be sent.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    /// What they are not sent.
    pub withheld: Withheld,
    /// What is to be said.
    pub problems: Vec<Problem>,
    /// How much each is sent.
    pub loads: Vec<Load>,
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
    /// How much it is sent, what is left out, and what is to be said.
    fn judge(&self, single: usize, examples: Vec<IpNet>) -> (Option<Load>, Vec<IpNet>, Option<Problem>) {
        let Some((limit, source, annotated)) = self.limit() else { return (None, Vec::new(), None) };
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let imported = self.neighbor.named.iter().filter(|p| family(p) == self.family);
        let imported = imported.filter(|p| !self.found.own.contains_key(p)).count();
        let load = Load { most, single: single + imported, examples };
        let level = load.level(|example| self.inputs.sizes.get(example).copied().unwrap_or(1));
        let left_out = match level {
            Level::Over => self.left_out(most.saturating_sub(imported)),
            Level::Fine | Level::Near => Vec::new(),
        };
        let neighbor = self.id.to_string();
        let family = if self.family == Family::V4 { "IPv4" } else { "IPv6" };
        let field = if annotated { guard::annotation(guard::MAX_PREFIXES) } else { source.field.clone() };
        let problem = if !left_out.is_empty() {
            let origins = left_out.iter().filter_map(|net| Some(&self.found.own.get(net)?.origins));
            let why = GuardError::OverMaxPrefixes { neighbor, family, limit, left_out: listed(origins) };
            Some(Problem::error(&source.object, field, &why))
        } else if level != Level::Fine {
            let why = GuardError::NearMaxPrefixes { neighbor, family, limit };
            Some(Problem::warning(&source.object, field, &why))
        } else {
            None
        };
        (Some(load), left_out, problem)
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

//! Hand-written configuration, appended after everything else.
//!
//! It is read line by line, only as far as it touches what is ours: entries of our route-maps and our
//! route tags. What else it says is the user's own responsibility; FRR's answer names its lines.

use super::merge::Merged;
use crate::problem::{Problem, Reason};
use herald_frr::config::{Action, FrrConfig, RawSnippet, RouteMapEntry};
use herald_frr::value::Tag;
use std::collections::BTreeSet;

/// What is wrong with hand-written configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    /// It changes an entry of ours.
    #[error("route-map {map} entry {seq} is generated; raw configuration may only add `set` lines to it")]
    SharedEntry {
        /// The route-map.
        map: String,
        /// The entry.
        seq: u16,
    },
    /// It gives routes a tag that says to whom our prefixes go.
    #[error("{line:?} uses a tag from 2147483648 up, by which generated prefixes are announced")]
    ReservedTag {
        /// The line.
        line: String,
    },
    /// It sends everything.
    #[error("route-map {map} entry {seq} matches every route: those learnt from others are passed on, too")]
    SendsEverything {
        /// The route-map.
        map: String,
        /// The entry.
        seq: u16,
    },
    /// It makes FRR send a default route, whatever the neighbor's route-map says.
    #[error(
        "{line:?} announces a default route; annotation herald.metallb.io/allow-default-route: \"true\" of this \
         object allows it"
    )]
    DefaultRoute {
        /// The line.
        line: String,
    },
    /// It extends a list that only frr-k8s has.
    #[error(
        "nothing uses prefix-list {list}: frr-k8s generates a list of that name, Herald does not; \
         write an entry of route-map {map} that matches it"
    )]
    UnusedList {
        /// The prefix-list.
        list: String,
        /// The neighbor's route-map.
        map: String,
    },
}

impl RawError {
    /// Whether the text is applied all the same.
    fn is_warning(&self) -> bool {
        matches!(self, Self::SendsEverything { .. } | Self::UnusedList { .. })
    }
}

impl Reason for RawError {
    fn reason(&self) -> &'static str {
        match self {
            Self::SharedEntry { .. } => "RawChangesGeneratedEntry",
            Self::ReservedTag { .. } => "RawUsesReservedTag",
            Self::SendsEverything { .. } => "RawSendsEverything",
            Self::DefaultRoute { .. } => "RawSendsDefaultRoute",
            Self::UnusedList { .. } => "RawListWithoutEffect",
        }
    }
}

/// Appends the snippets in the order of their priorities, then of their objects' names. One that would
/// break what is generated is left out.
pub(super) fn append(merged: &Merged, config: &mut FrrConfig) -> Vec<Problem> {
    let mut parts: Vec<_> = merged.raw.iter().collect();
    parts.sort_by_key(|part| {
        let object = &part.source.object;
        (part.priority, object.name.clone(), object.namespace.clone())
    });
    let used: BTreeSet<&str> =
        parts.iter().flat_map(|part| part.text.as_str().lines()).filter_map(used_list).collect();
    let mut problems = Vec::new();
    for part in parts {
        let mut found = Reader::new(config).read(part.text.as_str());
        if !part.allows_default_route {
            found.extend(
                part.text
                    .as_str()
                    .lines()
                    .filter(|line| originates_default(line))
                    .map(|line| RawError::DefaultRoute { line: line.trim().to_owned() }),
            );
        }
        found.extend(unused_lists(config, part.text.as_str(), &used));
        let (warnings, errors): (Vec<_>, Vec<_>) = found.into_iter().partition(RawError::is_warning);
        let (object, field) = (&part.source.object, &part.source.field);
        problems.extend(warnings.iter().map(|why| Problem::warning(object, field.clone(), why)));
        problems.extend(errors.iter().map(|why| Problem::error(object, field.clone(), why)));
        if errors.is_empty() {
            let origins = [part.source.origin.clone()].into();
            config.raw.push(RawSnippet { text: part.text.clone(), origins });
        }
    }
    problems
}

/// The prefix-list that a line matches by or filters a neighbor by.
fn used_list(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let is_definition = matches!(words.next()?, "ip" | "ipv6" | "no");
    words.find(|word| *word == "prefix-list").filter(|_| !is_definition)?;
    words.next()
}

/// Entries of lists that frr-k8s generates for a neighbor: who comes from there extends them.
fn unused_lists(config: &FrrConfig, text: &str, used: &BTreeSet<&str>) -> Vec<RawError> {
    let mut lists = BTreeSet::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if matches!((words.next(), words.next()), (Some("ip" | "ipv6"), Some("prefix-list"))) {
            lists.extend(words.next().filter(|list| !used.contains(list)));
        }
    }
    let neighbors = || config.routers.values().flat_map(|router| router.neighbors.values());
    let unused = lists.into_iter().filter_map(|list| {
        let map = neighbors().find_map(|neighbor| {
            let id = neighbor.map_out.as_str().strip_suffix("-out")?;
            let kind = list.strip_prefix(id)?.strip_prefix('-')?;
            let incoming = kind.starts_with("inpl-") || kind.starts_with("denied-inpl-");
            let outgoing = matches!(kind, "allowed-ipv4" | "allowed-ipv6")
                || kind.ends_with("-localpref-prefixes")
                || kind.ends_with("-community-prefixes");
            let map = format!("{id}-{}", if incoming { "in" } else { "out" });
            (incoming || outgoing).then_some(map)
        })?;
        Some(RawError::UnusedList { list: list.to_owned(), map })
    });
    unused.collect()
}

/// An entry of a route-map as raw text writes it.
struct Entry<'t> {
    map: &'t str,
    permit: bool,
    seq: u16,
    matches: bool,
    only_sets: bool,
}

struct Reader<'a> {
    config: &'a FrrConfig,
    /// Names of the neighbors' `-out` maps.
    out: BTreeSet<&'a str>,
    found: Vec<RawError>,
}

impl<'a> Reader<'a> {
    fn new(config: &'a FrrConfig) -> Self {
        let neighbors = config.routers.values().flat_map(|router| router.neighbors.values());
        Self { config, out: neighbors.map(|n| n.map_out.as_str()).collect(), found: Vec::new() }
    }

    fn read(mut self, text: &str) -> Vec<RawError> {
        let mut open: Option<Entry<'_>> = None;
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.first().is_none_or(|word| word.starts_with(['!', '#'])) {
                continue;
            }
            if sets_reserved_tag(&words) {
                self.found.push(RawError::ReservedTag { line: line.trim().to_owned() });
            }
            match (&words[..], open.as_mut()) {
                (["route-map", map, action, seq, ..], _) => {
                    self.close(open.take());
                    let seq = seq.parse().ok();
                    let permit = *action == "permit";
                    open = seq.map(|seq| Entry { map, permit, seq, matches: false, only_sets: true });
                }
                (["match", ..], Some(entry)) => {
                    entry.matches = true;
                    entry.only_sets = false;
                }
                (["set" | "description", ..], Some(_)) => {}
                (["no" | "on-match" | "continue" | "call", ..], Some(entry)) => entry.only_sets = false,
                _ => self.close(open.take()),
            }
        }
        self.close(open);
        self.found
    }

    fn close(&mut self, entry: Option<Entry<'_>>) {
        let Some(entry) = entry else { return };
        let (map, seq) = (entry.map.to_owned(), entry.seq);
        let ours = self.config.route_maps.iter().find(|(name, _)| name.as_str() == entry.map);
        let shared = ours.and_then(|(_, map)| map.entries.get(&seq));
        let same = |ours: &RouteMapEntry| (ours.action == Action::Permit) == entry.permit && entry.only_sets;
        if shared.is_some_and(|ours| !same(ours)) {
            self.found.push(RawError::SharedEntry { map, seq });
        } else if shared.is_none() && entry.permit && !entry.matches && self.out.contains(entry.map) {
            self.found.push(RawError::SendsEverything { map, seq });
        }
    }
}

/// `neighbor X default-originate` (FRR manual, "BGP"): the neighbor is sent a default route past its route-map.
fn originates_default(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("neighbor") && words.any(|word| word == "default-originate")
}

/// `set tag N` of a route-map, or a static route with `tag N`, N being one of ours: `redistribute` would
/// announce such routes as prefixes of ours.
fn sets_reserved_tag(words: &[&str]) -> bool {
    let number = match words {
        ["set", "tag", number, ..] => Some(*number),
        ["ip" | "ipv6", "route", rest @ ..] => {
            let at = rest.iter().position(|word| *word == "tag");
            at.and_then(|at| rest.get(at + 1)).copied()
        }
        _ => None,
    };
    number.and_then(|text| text.parse::<u32>().ok()).is_some_and(|tag| Tag::OURS.contains(&tag))
}

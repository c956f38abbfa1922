//! Neighbors' route-maps: what they are sent and what is taken from them.
//!
//! Entries are numbered from 1 and none denies at the end, because users' raw text extends `-in` and
//! `-out`. A map that would be empty has one entry that matches nothing: FRR takes a map that does not
//! exist for a mistake.

use super::classes::{Attributes, RouterClasses};
use super::names::NeighborNames;
use super::{Class, ClassKey, EmitError, Options, family};
use crate::frr::contribution::{Filter, Incoming};
use crate::frr::merge::MergedNeighbor;
use crate::problem::{FieldPath, Problem, Reason, Severity};
use herald_frr::config::{
    Action, FrrConfig, Match, NeighborId, Origins, PrefixList, PrefixRule, RouteMap, RouteMapEntry, Sets,
};
use herald_frr::value::{Community, Family, FrrName};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Step of prefix-lists' sequence numbers, as FRR gives them itself.
const LIST_STEP: u32 = 5;

/// One neighbor and what is known of it.
pub(super) struct Subject<'a> {
    pub id: &'a NeighborId,
    pub neighbor: &'a MergedNeighbor,
    pub router: &'a RouterClasses,
    pub classes: &'a BTreeMap<ClassKey, Class>,
    pub names: &'a NeighborNames,
}

/// Maps and lists as they come together.
pub(super) struct Policies<'a> {
    options: &'a Options,
    lists: BTreeMap<(FrrName, Family), PrefixList>,
    maps: BTreeMap<FrrName, RouteMap>,
    overflowing: BTreeSet<String>,
}

impl<'a> Policies<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self { options, lists: BTreeMap::new(), maps: BTreeMap::new(), overflowing: BTreeSet::new() }
    }

    pub(super) fn add_map(&mut self, name: FrrName, map: RouteMap) {
        self.maps.insert(name, map);
    }

    /// Both maps of a neighbor that exchanges unicast routes.
    pub(super) fn neighbor(&mut self, subject: &Subject<'_>) {
        let Some(session) = subject.neighbor.session().filter(|s| s.unicast) else { return };
        let families = session.families(subject.id);
        let origins: Origins = subject.neighbor.sessions.iter().map(|(_, by)| by.origin.clone()).collect();
        let mut out = Vec::new();
        self.imported(subject, families, &mut out);
        self.own(subject, families, &mut out);
        let sent = self.numbered(&subject.names.map_out, out, families, &origins);
        self.maps.insert(subject.names.map_out.clone(), sent);
        let taken = self.incoming(subject, families);
        let taken = self.numbered(&subject.names.map_in, taken, families, &origins);
        self.maps.insert(subject.names.map_in.clone(), taken);
    }

    /// Prefixes of other VRFs come first: they carry a tag of theirs, so lists tell them apart.
    fn imported(&mut self, subject: &Subject<'_>, families: &[Family], out: &mut Vec<Draft>) {
        let neighbor = subject.neighbor;
        let mut groups: BTreeMap<Attributes, BTreeSet<IpNet>> = BTreeMap::new();
        for prefix in neighbor.named.iter().filter(|p| !subject.router.own.contains_key(p)) {
            let attributes = Attributes {
                local_pref: neighbor.local_prefs.get(prefix).map(|(value, _)| *value),
                communities: neighbor.communities.get(prefix).cloned().unwrap_or_default(),
            };
            groups.entry(attributes).or_default().insert(*prefix);
        }
        for (attributes, prefixes) in groups {
            let name = subject.names.list(&imported_suffix(&attributes));
            for at in families {
                let rules = prefixes.iter().filter(|p| family(p) == *at).map(|p| exact(*p));
                let rules: Vec<PrefixRule> = rules.collect();
                if !rules.is_empty() {
                    self.add_list(&name, *at, rules);
                    let matches = Match { tag: None, prefix_list: Some((*at, name.clone())) };
                    out.push(Draft::permit(matches, sets(neighbor, &attributes, &[*at])));
                }
            }
        }
    }

    /// Own prefixes: one entry per class, or one per family where a next hop is set.
    fn own(&mut self, subject: &Subject<'_>, families: &[Family], out: &mut Vec<Draft>) {
        let neighbor = subject.neighbor;
        let mut picked: Vec<(&Class, &Attributes, &Origins)> = Vec::new();
        for class_use in &subject.router.classes {
            let pick = subject.classes.get(&class_use.key).zip(class_use.picks.get(subject.id));
            picked.extend(pick.map(|(class, attributes)| (class, attributes, &class_use.origins)));
        }
        picked.sort_by_key(|(class, ..)| &class.name);
        let hops = neighbor.next_hop_v4.is_some() || neighbor.next_hop_v6.is_some();
        for (class, attributes, origins) in picked {
            if !hops || families.len() == 1 {
                let matches = Match { tag: Some(class.tag), prefix_list: None };
                out.push(Draft::permit(matches, sets(neighbor, attributes, families)).from(origins));
                continue;
            }
            for at in families {
                let matches = Match { tag: Some(class.tag), prefix_list: Some((*at, self.any(*at))) };
                out.push(Draft::permit(matches, sets(neighbor, attributes, &[*at])).from(origins));
            }
        }
    }

    /// What is blocked for everybody, then what is allowed.
    fn incoming(&mut self, subject: &Subject<'_>, families: &[Family]) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for at in families {
            if let Some(name) = self.blocked(*at) {
                let matches = Match { tag: None, prefix_list: Some((*at, name)) };
                drafts.push(Draft { action: Action::Deny, ..Draft::permit(matches, Sets::default()) });
            }
        }
        let filters = match &subject.neighbor.incoming {
            Incoming::All => {
                drafts.push(Draft::permit(Match::default(), Sets::default()));
                return drafts;
            }
            Incoming::Only(filters) => filters,
        };
        let name = subject.names.list("accept");
        for at in families {
            let rules: Vec<PrefixRule> =
                filters.iter().filter(|f| family(&f.net) == *at).map(filter_rule).collect();
            if !rules.is_empty() {
                self.add_list(&name, *at, rules);
                let matches = Match { tag: None, prefix_list: Some((*at, name.clone())) };
                drafts.push(Draft::permit(matches, Sets::default()));
            }
        }
        drafts
    }

    fn numbered(
        &mut self,
        name: &FrrName,
        mut drafts: Vec<Draft>,
        families: &[Family],
        origins: &Origins,
    ) -> RouteMap {
        if !drafts.iter().any(|d| d.action == Action::Permit) {
            let at = families.first().copied().unwrap_or(Family::V4);
            let list = self.nothing(at);
            let matches = Match { tag: None, prefix_list: Some((at, list)) };
            drafts.push(Draft::permit(matches, Sets::default()));
        }
        if drafts.len() > usize::from(u16::MAX) {
            self.overflowing.insert(name.to_string());
        }
        let entries = (1..=u16::MAX).zip(drafts).map(|(seq, draft)| {
            let Draft { action, matches, sets, origins: mut own } = draft;
            own.extend(origins.iter().cloned());
            (seq, RouteMapEntry { action, matches, sets, origins: own })
        });
        RouteMap { entries: entries.collect() }
    }

    /// `always-blocked`: the prefixes that no neighbor may announce, and everything inside them.
    fn blocked(&mut self, at: Family) -> Option<FrrName> {
        let nets: BTreeSet<IpNet> =
            self.options.always_block.iter().map(IpNet::trunc).filter(|n| family(n) == at).collect();
        let rules: Vec<PrefixRule> = nets.iter().map(|net| within(*net, Action::Permit)).collect();
        (!rules.is_empty()).then(|| self.helper("always-blocked", at, rules))
    }

    fn nothing(&mut self, at: Family) -> FrrName {
        self.helper("nothing", at, vec![within(everything(at), Action::Deny)])
    }

    fn any(&mut self, at: Family) -> FrrName {
        self.helper(&format!("any-{at}"), at, vec![within(everything(at), Action::Permit)])
    }

    fn helper(&mut self, name: &str, at: Family, rules: Vec<PrefixRule>) -> FrrName {
        let name = FrrName::from_text(name);
        if !self.lists.contains_key(&(name.clone(), at)) {
            self.add_list(&name, at, rules);
        }
        name
    }

    fn add_list(&mut self, name: &FrrName, at: Family, rules: Vec<PrefixRule>) {
        let numbers = (1..).map(|n: u32| n.saturating_mul(LIST_STEP));
        self.lists.insert((name.clone(), at), PrefixList { rules: numbers.zip(rules).collect() });
    }

    /// Hands over what came together; what did not fit is a problem.
    pub(super) fn finish(self, config: &mut FrrConfig) -> Vec<Problem> {
        config.prefix_lists = self.lists.into_iter().collect();
        config.route_maps = self.maps.into_iter().collect();
        let problem = |name: String| {
            let why = EmitError::TooManyEntries(name);
            Problem {
                severity: Severity::Error,
                object: None,
                field: FieldPath::default(),
                reason: why.reason(),
                message: why.to_string(),
                nodes: Vec::new(),
                location: None,
            }
        };
        self.overflowing.into_iter().map(problem).collect()
    }
}

/// What routes of some families are changed to on their way to a neighbor.
fn sets(neighbor: &MergedNeighbor, attributes: &Attributes, families: &[Family]) -> Sets {
    let mut sets = Sets { local_preference: attributes.local_pref, ..Sets::default() };
    for community in &attributes.communities {
        match community {
            Community::Standard(c) => sets.communities.insert(*c),
            Community::Large(c) => sets.large_communities.insert(*c),
        };
    }
    if families.contains(&Family::V4) {
        sets.next_hop_v4 = neighbor.next_hop_v4.as_ref().map(|(hop, _)| *hop);
    }
    if families.contains(&Family::V6) {
        sets.next_hop_v6 = neighbor.next_hop_v6.as_ref().map(|(hop, _)| *hop);
    }
    sets
}

/// An entry before it has a number.
struct Draft {
    action: Action,
    matches: Match,
    sets: Sets,
    /// What it comes from beside the session.
    origins: Origins,
}

impl Draft {
    fn permit(matches: Match, sets: Sets) -> Self {
        Self { action: Action::Permit, matches, sets, origins: Origins::new() }
    }

    /// The advertisements and configurations that ask for what it sends.
    fn from(self, origins: &Origins) -> Self {
        Self { origins: origins.clone(), ..self }
    }
}

fn exact(net: IpNet) -> PrefixRule {
    PrefixRule { action: Action::Permit, net, ge: None, le: None, origins: Origins::new() }
}

fn filter_rule(filter: &Filter) -> PrefixRule {
    PrefixRule { ge: filter.ge, le: filter.le, ..exact(filter.net) }
}

/// A prefix and all that is inside it.
fn within(net: IpNet, action: Action) -> PrefixRule {
    let le = (net.prefix_len() < net.max_prefix_len()).then_some(net.max_prefix_len());
    PrefixRule { action, net, ge: None, le, origins: Origins::new() }
}

fn everything(at: Family) -> IpNet {
    match at {
        Family::V4 => IpNet::V4(Ipv4Net::default()),
        Family::V6 => IpNet::V6(Ipv6Net::default()),
    }
}

/// Lists of imported prefixes are named by what those are announced with.
fn imported_suffix(attributes: &Attributes) -> String {
    const READABLE: usize = 40;
    let mut text = "imported".to_owned();
    if let Some(value) = attributes.local_pref {
        let _ = write!(text, "-pref{value}");
    }
    for community in &attributes.communities {
        let _ = write!(text, "-{community}");
    }
    if text.len() > READABLE {
        let digest = Sha256::digest(text.as_bytes());
        text.truncate(READABLE);
        text.push('~');
        for byte in digest.iter().take(4) {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

//! What a session is to be sent, as the route-maps of the configuration say.
//!
//! Own prefixes are settled: FRR prefers a path of its own to every other, so the class' tag and the
//! session's `-out` map decide alone. Of prefixes that are learnt or imported only what *may* be sent
//! is known here: whether there is such a route is not configuration.

use super::{Action, FrrConfig, Neighbor, NeighborId, Network, RouteMap, RouteMapEntry, Router};
use crate::value::{Family, FrrName, InterfaceName, Tag};
use ipnet::IpNet;

/// What the configuration says of a prefix and a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Announcement {
    /// To be sent whenever the session is up.
    Wanted,
    /// Sent if there is such a route, or hand-written text decides.
    Possible,
    /// Not to be sent.
    Unwanted,
}

/// What goes out on one session.
#[derive(Debug, Clone, Copy)]
pub struct Outbound<'a> {
    config: &'a FrrConfig,
    router: &'a Router,
    neighbor: &'a Neighbor,
    /// Hand-written text names the session or its map: what it says is not known here.
    by_hand: bool,
}

impl<'a> Outbound<'a> {
    /// Of the session `id` in `vrf`; `None` if the configuration has no such session.
    #[must_use]
    pub fn of(config: &'a FrrConfig, vrf: &Option<InterfaceName>, id: &NeighborId) -> Option<Self> {
        let router = config.routers.get(vrf)?;
        let neighbor = router.neighbors.get(id)?;
        let by_hand = config.raw.iter().any(|raw| {
            let is_named = |word: &str| word == neighbor.map_out.as_str() || word == id.to_string();
            raw.text.as_str().split_whitespace().any(is_named)
        });
        Some(Self { config, router, neighbor, by_hand })
    }

    /// Whether the session carries a unicast family.
    #[must_use]
    pub fn carries(&self, family: Family) -> bool {
        self.neighbor.families.contains(&family.into())
    }

    /// The own prefixes of a family that the session is to be sent, sorted; none where hand-written
    /// text decides.
    pub fn wanted(&self, family: Family) -> impl Iterator<Item = &'a IpNet> + use<'a> {
        let this = *self;
        let carried = !this.by_hand && this.carries(family);
        let networks = carried.then(|| this.router.networks_of(family)).into_iter().flatten();
        networks.filter(move |(prefix, network)| this.sends(prefix, network)).map(|(prefix, _)| prefix)
    }

    /// What is to become of one prefix.
    #[must_use]
    pub fn judge(&self, prefix: &IpNet) -> Announcement {
        if self.by_hand {
            return Announcement::Possible;
        }
        if !self.carries(Family::of(prefix.addr())) {
            return Announcement::Unwanted;
        }
        match self.router.networks.get(prefix) {
            Some(network) if self.sends(prefix, network) => Announcement::Wanted,
            None if self.may_pass(prefix) => Announcement::Possible,
            _ => Announcement::Unwanted,
        }
    }

    fn sends(&self, prefix: &IpNet, network: &Network) -> bool {
        let path = mark(self.config, prefix, network.class.as_ref());
        path.is_some_and(|path| self.permits(prefix, path))
    }

    /// A route of another source: learnt ones have no tag, and imported ones keep that of their VRF.
    fn may_pass(&self, prefix: &IpNet) -> bool {
        let imported = self.router.imports.iter().filter_map(|vrf| {
            let network = self.config.routers.get(vrf)?.networks.get(prefix)?;
            mark(self.config, prefix, network.class.as_ref())
        });
        // Raw text may give a tag to what it redistributes or lists.
        let named = |entry: &RouteMapEntry| entry.matches.tag.is_some() && entry.action == Action::Permit;
        let by_raw =
            !self.config.raw.is_empty() && self.map().is_some_and(|map| map.entries.values().any(named));
        by_raw || imported.chain([InTable { tag: None }]).any(|path| self.permits(prefix, path))
    }

    fn map(&self) -> Option<&'a RouteMap> {
        self.config.route_maps.get(&self.neighbor.map_out)
    }

    fn permits(&self, prefix: &IpNet, path: InTable) -> bool {
        let entry = self.map().and_then(|map| first(self.config, map, prefix, path.tag));
        entry.is_some_and(|entry| entry.action == Action::Permit)
    }
}

/// A path in the router's table.
#[derive(Debug, Clone, Copy)]
struct InTable {
    tag: Option<Tag>,
}

/// The own path with the tag that the class gives; `None` if the class keeps the prefix out of the table. FRR takes a
/// map that is not there for one that denies.
fn mark(config: &FrrConfig, prefix: &IpNet, class: Option<&FrrName>) -> Option<InTable> {
    let Some(class) = class else { return Some(InTable { tag: None }) };
    let entry = first(config, config.route_maps.get(class)?, prefix, None)?;
    (entry.action == Action::Permit).then_some(InTable { tag: entry.sets.tag })
}

/// The first entry that matches decides.
fn first<'a>(
    config: &'a FrrConfig,
    map: &'a RouteMap,
    prefix: &IpNet,
    tag: Option<Tag>,
) -> Option<&'a RouteMapEntry> {
    map.entries.values().find(|entry| {
        let by_tag = entry.matches.tag.is_none_or(|wanted| tag == Some(wanted));
        by_tag
            && entry
                .matches
                .prefix_list
                .as_ref()
                .is_none_or(|(family, name)| listed(config, name, *family, prefix))
    })
}

/// A list that is not there, or is of the other family, matches nothing.
fn listed(config: &FrrConfig, name: &FrrName, family: Family, prefix: &IpNet) -> bool {
    let list =
        config.prefix_lists.get(&(name.clone(), family)).filter(|_| Family::of(prefix.addr()) == family);
    let rule = list.and_then(|list| list.rules.values().find(|rule| rule.covers(prefix)));
    rule.is_some_and(|rule| rule.action == Action::Permit)
}

//! What is ours of what runs.

use crate::config::{FrrConfig, Router};
use crate::running::{Foreign, Running};
use crate::statement::{Context, Vrf};
use crate::value::{Asn, Family, FrrName, InterfaceName, Tag};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Whose FRR it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The FRR that is shipped with this program: all is ours but its base file.
    Shipped,
    /// The FRR of a host that others configure too. Ours are the `router bgp` blocks of the wanted
    /// (AS number, VRF), the route-maps, prefix-lists and profiles that these use, and what the last
    /// applied configuration lists.
    Host,
}

/// What may be changed or taken away.
#[derive(Debug, Clone)]
pub struct Ownership<'a> {
    /// Whose FRR it is.
    pub scope: Scope,
    /// What was applied last, as far as it is known. It also says where a line that is taken away came from.
    pub applied: Option<&'a FrrConfig>,
    /// What FRR may have been given in part since: the names are ours, and of the hand-written parts what runs.
    pub given: &'a [Arc<FrrConfig>],
    /// Lines of the hand-written parts that FRR was seen to keep as they are written: one that is missing now is given
    /// again. Of other lines, which FRR may keep in other words or not at all, nothing can be said.
    pub seen: Option<&'a BTreeSet<Foreign>>,
    /// Lines of FRR's base file, without indentation; they are never touched.
    pub base: BTreeSet<String>,
}

impl<'a> Ownership<'a> {
    /// All is ours but the given base file's lines.
    #[must_use]
    pub fn shipped(base: &str) -> Self {
        let base = base.lines().map(str::trim).filter(|line| !line.is_empty()).map(ToOwned::to_owned);
        Self { scope: Scope::Shipped, applied: None, given: &[], seen: None, base: base.collect() }
    }

    /// Others configure this FRR too; `applied` is what we did to it before.
    #[must_use]
    pub fn host(applied: Option<&'a FrrConfig>) -> Self {
        Self { scope: Scope::Host, applied, given: &[], seen: None, base: BTreeSet::new() }
    }

    pub(super) fn of(&self, running: &Running, wanted: &FrrConfig) -> Owned {
        if self.scope == Scope::Shipped {
            return Owned::everything();
        }
        let mut owned = Owned::default();
        let given = self.given.iter().map(AsRef::as_ref);
        for config in [Some(wanted), self.applied].into_iter().flatten().chain(given) {
            owned.routers.extend(config.routers.iter().map(|(vrf, router)| (vrf.clone(), router.asn)));
            owned.maps.extend(config.route_maps.keys().cloned());
            owned.lists.extend(config.prefix_lists.keys().cloned());
            owned.profiles.extend(config.bfd_profiles.keys().cloned());
            owned.vrfs.extend(config.vrf_vnis.keys().cloned());
        }
        for (vrf, router) in &running.config.routers {
            if owned.routers.contains(&(vrf.clone(), router.asn)) {
                owned.add_used_by(router, vrf, &running.config);
            }
        }
        owned
    }
}

/// The names that are ours; with `all`, every name is.
#[derive(Debug, Default)]
pub struct Owned {
    pub all: bool,
    routers: BTreeSet<(Vrf, Asn)>,
    maps: BTreeSet<FrrName>,
    lists: BTreeSet<(FrrName, Family)>,
    profiles: BTreeSet<FrrName>,
    vrfs: BTreeSet<InterfaceName>,
}

/// First words of what belongs to FRR's base file or is the host's state, never ours.
const BASE: [&str; 18] = [
    "agentx",
    "banner",
    "debug",
    "domainname",
    "enable",
    "frr",
    "hostname",
    "interface",
    "ip forwarding",
    "ipv6 forwarding",
    "line",
    "log",
    "no ip forwarding",
    "no ipv6 forwarding",
    "password",
    "service",
    "username",
    "zebra",
];

impl Owned {
    /// Everything is ours.
    pub fn everything() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// What a router of ours uses: `ID-in` and `ID-out` of its sessions with their lists, and the
    /// maps of its prefixes that set a tag of ours.
    fn add_used_by(&mut self, router: &Router, vrf: &Vrf, config: &FrrConfig) {
        for (id, neighbor) in &router.neighbors {
            let stem = vrf.as_ref().map_or_else(|| id.to_string(), |vrf| format!("{id}-{vrf}"));
            for map in [&neighbor.map_in, &neighbor.map_out] {
                let ours =
                    map.as_str().strip_prefix(&stem).is_some_and(|rest| matches!(rest, "-in" | "-out"));
                if ours && let Some(entries) = config.route_maps.get(map) {
                    self.maps.insert(map.clone());
                    let used = entries.entries.values().filter_map(|entry| entry.matches.prefix_list.clone());
                    let lists = used.filter(|(_, list)| list.as_str().starts_with(&stem));
                    self.lists.extend(lists.map(|(family, list)| (list, family)));
                }
            }
        }
        for class in router.networks.values().filter_map(|network| network.class.as_ref()) {
            let tags = config.route_maps.get(class).into_iter().flat_map(|map| map.entries.values());
            if tags.filter_map(|entry| entry.sets.tag).any(|tag| Tag::OURS.contains(&tag.get())) {
                self.maps.insert(class.clone());
            }
        }
    }

    pub fn router(&self, vrf: &Vrf, asn: &str) -> bool {
        self.all || self.routers.iter().any(|(of, number)| of == vrf && number.to_string() == asn)
    }

    pub fn map(&self, name: &FrrName) -> bool {
        self.all || self.maps.contains(name)
    }

    pub fn list(&self, name: &FrrName, family: Family) -> bool {
        self.all || self.lists.contains(&(name.clone(), family))
    }

    pub fn profile(&self, name: &FrrName) -> bool {
        self.all || self.profiles.contains(name)
    }

    pub fn vrf(&self, name: &InterfaceName) -> bool {
        self.all || self.vrfs.contains(name)
    }

    /// True for a line outside the model that stands where only our lines may stand.
    pub fn foreign(&self, line: &Foreign, running: &Running) -> bool {
        match &line.context {
            Context::Top => {
                let outermost = line.within.first().unwrap_or(&line.text);
                let starts = |word: &str| {
                    outermost.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
                };
                self.all && !BASE.iter().any(|word| starts(word))
            }
            Context::Vrf(name) => self.vrf(name),
            Context::RouteMap(name, _) => self.map(name),
            Context::Router(vrf) | Context::Family(vrf, _) | Context::Vni(vrf, _) => {
                let router = running.statements.blocks.get(&Context::Router(vrf.clone()));
                router.is_some_and(|block| self.router(vrf, &block.head))
            }
            Context::BfdProfile(name) => self.profile(name),
        }
    }
}

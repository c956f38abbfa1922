//! Names of what belongs to one neighbor.

use crate::frr::merge::{Merged, Vrf};
use herald_frr::config::NeighborId;
use herald_frr::value::FrrName;
use std::collections::{BTreeMap, BTreeSet};

/// The names of a neighbor's maps and lists. `-in` and `-out` are what users' raw text extends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NeighborNames {
    /// `<id>`: address or interface, and `-<vrf>` outside the default VRF.
    pub id: String,
    pub map_in: FrrName,
    pub map_out: FrrName,
}

impl NeighborNames {
    fn of(id: String) -> Self {
        let named = |suffix: &str| FrrName::from_text(&format!("{id}{suffix}"));
        Self { map_in: named("-in"), map_out: named("-out"), id }
    }

    /// A list of this neighbor.
    pub(super) fn list(&self, suffix: &str) -> FrrName {
        FrrName::from_text(&format!("{}-{suffix}", self.id))
    }
}

/// Gives each neighbor its names. Interface `a-b` and interface `a` in VRF `b` would share them: the
/// one that comes later, the one in a VRF, is called `a@b` then.
pub(super) fn assign(merged: &Merged) -> BTreeMap<(&Vrf, &NeighborId), NeighborNames> {
    let mut taken = BTreeSet::new();
    let mut names = BTreeMap::new();
    for (vrf, router) in &merged.routers {
        for id in router.neighbors.keys() {
            let mut name = joined(id, vrf, "-");
            let mut mark = String::new();
            while !taken.insert(name.clone()) {
                mark.push('@');
                name = joined(id, vrf, &mark);
            }
            names.insert((vrf, id), NeighborNames::of(name));
        }
    }
    names
}

fn joined(id: &NeighborId, vrf: &Vrf, mark: &str) -> String {
    vrf.as_ref().map_or_else(|| id.to_string(), |vrf| format!("{id}{mark}{vrf}"))
}

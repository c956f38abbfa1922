//! From a configuration that is known to run to another one.
//!
//! A node has thousands of prefixes and few sessions, and a change is about few of them. So prefixes are
//! compared as the typed values that they are; only those that differ are made into statements.

use super::apply::Sides;
use super::owned::Owned;
use super::{ChangePlan, complete, foreign, lists, statements};
use crate::config::{FrrConfig, Network, Router};
use crate::shared::SharedMap;
use crate::statement::Vrf;
use crate::statement::lower::{self, Prefixes};
use crate::value::{Family, FrrName};
use ipnet::IpNet;
use std::collections::BTreeSet;

/// Compares what FRR is proved to run of ours with what is wanted.
///
/// The plan is the one that [`plan`](super::plan) makes of the running configuration, with `before` as what was
/// applied last. `None` where only the running configuration can tell: hand-written parts differ or name prefixes, or
/// a prefix-list gets a rule that it has under another number, which needs another order before FRR 10.
///
/// `delay` is what [`Running::map_delay`](crate::running::Running::map_delay) said when FRR was read last.
///
/// Costs what comparing the two costs, and what the change costs; prefixes that stay are never made into text.
#[must_use]
pub fn edit(before: &FrrConfig, after: &FrrConfig, delay: Option<u16>) -> Option<ChangePlan> {
    if !before.raw.iter().map(|raw| &raw.text).eq(after.raw.iter().map(|raw| &raw.text)) {
        return None;
    }
    let raw = [foreign::Raw::read(before), foreign::Raw::read(after)];
    if raw[1].names_networks() {
        return None;
    }
    // All that runs of ours is known, so all of it is ours.
    let owned = Owned::everything();
    let mut differ = differing(before, after);
    let covers = differ.as_mut().is_some_and(|differ| covered(before, differ));
    if let Some(prefixes) = differ.as_ref().filter(|_| !covers && otherwise_equal(before, after)) {
        let (have, want) = (lower::lower_only(before, prefixes), lower::lower_only(after, prefixes));
        return Some(complete(Sides::new(&have, &want, &owned), after, &raw[1], delay, |_| {}));
    }
    let alike = differ.as_mut().map(|differ| staying(before, after, differ)).unwrap_or_default();
    let have = statements(lower::lower_with(before, differ.as_ref()), &raw[0]);
    let want = statements(lower::lower_with(after, differ.as_ref()), &raw[1]);
    let sides = Sides { alike, ..Sides::new(&have, &want, &owned) };
    (!lists::has_twins(&sides)).then(|| complete(sides, after, &raw[1], delay, |_| {}))
}

/// True if the two say the same but for prefixes and hand-written parts.
fn otherwise_equal(a: &FrrConfig, b: &FrrConfig) -> bool {
    let FrrConfig { prefix_lists, route_maps, vrf_vnis, routers, bfd_profiles, raw: _ } = a;
    let router = |a: &Router, b: &Router| {
        let Router { asn, router_id, imports, neighbors, networks: _, evpn, origins } = a;
        (*asn, *router_id) == (b.asn, b.router_id)
            && *imports == b.imports
            && *neighbors == b.neighbors
            && *evpn == b.evpn
            && *origins == b.origins
    };
    *prefix_lists == b.prefix_lists
        && *route_maps == b.route_maps
        && *vrf_vnis == b.vrf_vnis
        && *bfd_profiles == b.bfd_profiles
        && routers.len() == b.routers.len()
        && routers.iter().zip(&b.routers).all(|(a, b)| a.0 == b.0 && router(a.1, b.1))
}

/// Prefixes whose class is not the same, per VRF; `None` where a whole router goes, so that all count.
fn differing(before: &FrrConfig, after: &FrrConfig) -> Option<Prefixes> {
    let stays = |(vrf, old): (&Vrf, &Router)| after.routers.get(vrf).is_some_and(|new| new.asn == old.asn);
    if !before.routers.iter().all(stays) {
        return None;
    }
    let none = SharedMap::new();
    let mut differ = Prefixes::new();
    for (vrf, new) in &after.routers {
        let old = before.routers.get(vrf).map_or(&none, |router| &router.networks);
        let class = |network: Option<&Network>| network.map(|network| network.class.clone());
        let changes = old.changes(&new.networks).into_iter();
        let prefixes: BTreeSet<IpNet> = changes
            .filter(|change| class(change.before) != class(change.after))
            .map(|change| *change.key)
            .collect();
        if !prefixes.is_empty() {
            differ.insert(vrf.clone(), prefixes);
        }
    }
    Some(differ)
}

/// Adds what the differing prefixes hide of those that imports bring; false if there is none.
fn covered(before: &FrrConfig, differ: &mut Prefixes) -> bool {
    let mut hidden = Vec::new();
    for (vrf, router) in &before.routers {
        for from in &router.imports {
            let Some(other) = before.routers.get(from) else { continue };
            let prefixes = differ.get(vrf).into_iter().flatten();
            hidden.extend(prefixes.filter(|p| other.networks.contains_key(p)).map(|p| (from.clone(), *p)));
        }
    }
    let any = !hidden.is_empty();
    for (vrf, prefix) in hidden {
        differ.entry(vrf).or_default().insert(prefix);
    }
    any
}

/// The classes of prefixes that both sides have alike. Prefixes whose class changes itself go among those that differ.
fn staying<'c>(
    before: &'c FrrConfig,
    after: &'c FrrConfig,
    differ: &mut Prefixes,
) -> BTreeSet<(&'c Vrf, Family, &'c FrrName)> {
    let mut alike = BTreeSet::new();
    let changes = before.route_maps.changes(&after.route_maps);
    if changes.is_empty() && before.prefix_lists == after.prefix_lists {
        // No policy changes, so it does not matter which prefixes it is about.
        return alike;
    }
    let redefined: BTreeSet<&FrrName> = changes.into_iter().map(|change| change.key).collect();
    for (vrf, router) in &before.routers {
        let mut last = None;
        for (prefix, network) in &router.networks {
            let Some(class) = &network.class else { continue };
            let here = (Family::of(prefix.addr()), class);
            if redefined.contains(class) {
                differ.entry(vrf.clone()).or_default().insert(*prefix);
            } else if last != Some(here) && !differ.get(vrf).is_some_and(|prefixes| prefixes.contains(prefix))
            {
                // Prefixes beside each other have the same class more often than not.
                alike.insert((vrf, here.0, class));
                last = Some(here);
            }
        }
    }
    alike
}

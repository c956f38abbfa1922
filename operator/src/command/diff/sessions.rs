//! Sessions that come, go, or are reset.

use herald_frr::config::{FrrConfig, Neighbor, NeighborId, Router};
use herald_frr::diff::{self, Ownership, Session};
use herald_frr::render::{RenderOptions, Secrets, render};
use herald_frr::running;
use herald_frr::value::InterfaceName;
use std::collections::{BTreeMap, BTreeSet};

/// VRF and name of a session.
type Key<'c> = (Option<&'c InterfaceName>, &'c NeighborId);

type Sessions<'c> = BTreeMap<Key<'c>, (&'c Router, &'c Neighbor)>;

/// One line per session that differs.
pub fn changes(old: &FrrConfig, new: &FrrConfig) -> Vec<String> {
    let (before, after) = (sessions(old), sessions(new));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    let differs = |key: &Key<'_>| match (before.get(key), after.get(key)) {
        (Some(from), Some(to)) => !fields(*from, *to).is_empty(),
        _ => true,
    };
    let differing: Vec<_> = keys.into_iter().filter(differs).collect();
    if differing.is_empty() {
        return Vec::new();
    }
    let resets = resets(old, new);
    let line = |key: Key<'_>| {
        let name = name(key);
        match (before.get(&key), after.get(&key)) {
            (None, Some((_, to))) => Some(format!("session {name} (AS {}) added", to.remote_as)),
            (Some((_, from)), None) => Some(format!("session {name} (AS {}) removed", from.remote_as)),
            (Some(from), Some(to)) => {
                let fields = fields(*from, *to).join(", ");
                let reset = resets.iter().any(|s| (s.vrf.as_ref(), &s.neighbor) == key);
                let how = if reset { "reset" } else { "changed without a reset" };
                Some(format!("session {name} {how} ({fields})"))
            }
            (None, None) => None,
        }
    };
    differing.into_iter().filter_map(line).collect()
}

/// Sessions that FRR closes on the way from one configuration to the other.
fn resets(old: &FrrConfig, new: &FrrConfig) -> BTreeSet<Session> {
    let text = render(old, &RenderOptions { secrets: Secrets::Show, annotate: false });
    diff::plan(&running::parse(&text), new, &Ownership::shipped("")).resets
}

fn sessions(config: &FrrConfig) -> Sessions<'_> {
    let routers = config.routers.iter();
    let of = routers.flat_map(|(vrf, router)| {
        router.neighbors.iter().map(move |(id, neighbor)| ((vrf.as_ref(), id), (router, neighbor)))
    });
    of.collect()
}

fn name((vrf, id): Key<'_>) -> String {
    vrf.map_or_else(|| id.to_string(), |vrf| format!("{id} in vrf {vrf}"))
}

/// What differs.
fn fields(from: (&Router, &Neighbor), to: (&Router, &Neighbor)) -> Vec<&'static str> {
    let ((old_router, old), (new_router, new)) = (from, to);
    let fields = [
        (old_router.asn != new_router.asn, "the local AS number"),
        (old_router.router_id != new_router.router_id, "router-id"),
        (old.remote_as != new.remote_as, "remote-as"),
        (old.local_as != new.local_as, "local-as"),
        (old.port != new.port, "port"),
        (old.password != new.password, "password"),
        (old.update_source != new.update_source, "update-source"),
        (old.ebgp_multihop != new.ebgp_multihop, "ebgp-multihop"),
        (old.disable_connected_check != new.disable_connected_check, "disable-connected-check"),
        (old.graceful_restart != new.graceful_restart, "graceful-restart"),
        (old.families != new.families, "address families"),
        (old.timers != new.timers, "timers"),
        (old.connect_timer != new.connect_timer, "connect timer"),
        (old.bfd_profile != new.bfd_profile, "bfd profile"),
    ];
    fields.iter().filter_map(|(differs, name)| differs.then_some(*name)).collect()
}

//! Sessions that come, go, or are reset.

use herald_frr::config::{FrrConfig, Neighbor, NeighborId, Router};
use herald_frr::value::InterfaceName;
use std::collections::{BTreeMap, BTreeSet};

type Sessions<'c> = BTreeMap<(Option<&'c InterfaceName>, &'c NeighborId), (&'c Router, &'c Neighbor)>;

/// One line per session that differs.
pub fn changes(old: &FrrConfig, new: &FrrConfig) -> Vec<String> {
    let (before, after) = (sessions(old), sessions(new));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let line = |key: &(Option<&InterfaceName>, &NeighborId)| {
        let name = name(*key);
        match (before.get(key), after.get(key)) {
            (None, Some((_, to))) => Some(format!("session {name} (AS {}) added", to.remote_as)),
            (Some((_, from)), None) => Some(format!("session {name} (AS {}) removed", from.remote_as)),
            (Some(from), Some(to)) => changed(*from, *to).map(|what| format!("session {name} {what}")),
            (None, None) => None,
        }
    };
    keys.into_iter().filter_map(line).collect()
}

fn sessions(config: &FrrConfig) -> Sessions<'_> {
    let routers = config.routers.iter();
    let of = routers.flat_map(|(vrf, router)| {
        router.neighbors.iter().map(move |(id, neighbor)| ((vrf.as_ref(), id), (router, neighbor)))
    });
    of.collect()
}

fn name((vrf, id): (Option<&InterfaceName>, &NeighborId)) -> String {
    vrf.map_or_else(|| id.to_string(), |vrf| format!("{id} in vrf {vrf}"))
}

fn changed(from: (&Router, &Neighbor), to: (&Router, &Neighbor)) -> Option<String> {
    let resetting = resetting(from, to);
    let other = other(from.1, to.1);
    match (resetting.is_empty(), other.is_empty()) {
        (false, _) => Some(format!(
            "reset: {} changes",
            resetting.into_iter().chain(other).collect::<Vec<_>>().join(", ")
        )),
        (true, false) => Some(format!("changed without a reset: {}", other.join(", "))),
        (true, true) => None,
    }
}

/// What makes FRR close the session (bgpd's `peer_action_list` with `peer_change_reset`, and changes of
/// the router itself).
fn resetting(from: (&Router, &Neighbor), to: (&Router, &Neighbor)) -> Vec<&'static str> {
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
    ];
    differing(&fields)
}

/// What takes effect on a session that stays up, or with its next start.
fn other(old: &Neighbor, new: &Neighbor) -> Vec<&'static str> {
    let fields = [
        (old.timers != new.timers, "timers (used from the next start on)"),
        (old.connect_timer != new.connect_timer, "connect timer"),
        (old.bfd_profile != new.bfd_profile, "bfd profile"),
    ];
    differing(&fields)
}

fn differing(fields: &[(bool, &'static str)]) -> Vec<&'static str> {
    fields.iter().filter_map(|(differs, name)| differs.then_some(*name)).collect()
}

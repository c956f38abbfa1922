//! The lines of one session.

use super::names::NeighborNames;
use crate::frr::merge::{MergedNeighbor, MergedRouter};
use crate::frr::session::{DEFAULT_HOLD, DEFAULT_KEEPALIVE, Session};
use herald_frr::config::{AddressFamily, Neighbor, NeighborId, RemoteAs, Timers};
use herald_frr::value::{Asn, Family};
use std::collections::BTreeSet;

/// A neighbor as FRR is told; `None` only where nobody declares the session.
pub(super) fn neighbor(
    id: &NeighborId,
    merged: &MergedNeighbor,
    router: &MergedRouter,
    names: &NeighborNames,
) -> Option<Neighbor> {
    let session = merged.session()?;
    let external = is_external(session.remote_as, router.asn);
    // FRR ignores it for iBGP and refuses it for interfaces.
    let multihop = session.ebgp_multihop && external && matches!(id, NeighborId::Address(_));
    Some(Neighbor {
        remote_as: session.remote_as,
        ebgp_multihop: multihop,
        local_as: session.local_as,
        port: session.port,
        timers: session.timers.filter(|t| !is_default(*t)),
        connect_timer: session.connect,
        password: session.password.clone(),
        update_source: session.update_source.clone(),
        graceful_restart: session.graceful_restart,
        bfd_profile: session.bfd_profile.clone(),
        disable_connected_check: external && !session.ebgp_multihop && is_pure_v6(id, &session),
        families: families(id, &session, router),
        map_in: names.map_in.clone(),
        map_out: names.map_out.clone(),
        origins: merged.sessions.iter().map(|(_, by)| by.origin.clone()).collect(),
    })
}

/// Whether the session is eBGP, as far as the declaration tells.
pub(crate) fn is_external(remote: RemoteAs, own: Asn) -> bool {
    match remote {
        RemoteAs::Number(asn) => asn != own,
        RemoteAs::Internal => false,
        RemoteAs::External => true,
    }
}

/// The pair counts: 180 with another keepalive is not FRR's default.
fn is_default(timers: Timers) -> bool {
    timers.hold == DEFAULT_HOLD && timers.keepalive == DEFAULT_KEEPALIVE
}

/// An IPv6 address that carries IPv6 only: such peers are reached over link-local next hops.
fn is_pure_v6(id: &NeighborId, session: &Session) -> bool {
    session.families(id) == [Family::V6]
}

fn families(id: &NeighborId, session: &Session, router: &MergedRouter) -> BTreeSet<AddressFamily> {
    let unicast = session.families(id).iter().filter(|_| session.unicast).map(|family| match family {
        Family::V4 => AddressFamily::Ipv4Unicast,
        Family::V6 => AddressFamily::Ipv6Unicast,
    });
    // Without an `evpn` section the router has no such address family to activate it in.
    let evpn = (session.evpn && !router.evpn.is_empty()).then_some(AddressFamily::L2vpnEvpn);
    unicast.chain(evpn).collect()
}

//! What each Service offers from the node, for those who tell whether it was really sent.

use super::super::Names;
use super::services::{Entry, Services};
use crate::model::Peer;
use crate::snapshot::ServiceKey;
use herald_frr::diff::Session;
use herald_frr::shared::SharedMap;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one Service offers from the node over BGP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The prefixes of its addresses, ascending, each once. A guard rail or a neighbor's maximum may keep one back.
    pub prefixes: Box<[IpNet]>,
    /// Names of the `BGPPeers` that are offered some of them.
    pub peers: Names,
}

/// What all Services offer; Services that offer nothing are not here.
pub type OfferedServices = SharedMap<ServiceKey, Arc<Offered>>;

/// The sessions of the node, by the name of their BGPPeer.
pub type PeerSessions = BTreeMap<Arc<str>, Session>;

/// Brings what these Services offer up to date.
pub(super) fn follow<'k>(
    offered: &mut OfferedServices,
    keys: impl Iterator<Item = &'k ServiceKey>,
    services: &Services,
) {
    for key in keys {
        match services.get(key).and_then(of) {
            Some(new) if offered.get(key).is_some_and(|known| **known == new) => {}
            Some(new) => drop(offered.insert(key.clone(), Arc::new(new))),
            None => drop(offered.remove(key)),
        }
    }
}

fn of(entry: &Entry) -> Option<Offered> {
    let offer = entry.offer_here()?;
    let mut prefixes: Vec<IpNet> = entry.announced().map(|(net, _)| net).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    (!prefixes.is_empty()).then(|| Offered { prefixes: prefixes.into(), peers: offer.peers.clone() })
}

/// The sessions of these peers.
pub(super) fn sessions(peers: &[&Peer]) -> PeerSessions {
    let session = |peer: &&Peer| {
        let session = Session { vrf: peer.vrf.clone(), neighbor: peer.id.clone() };
        (peer.object.name.clone(), session)
    };
    peers.iter().map(session).collect()
}

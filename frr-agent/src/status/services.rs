//! To which peers each Service was really sent, kept up at the cost of what changed.

use super::object::Peers;
use crate::live::{Delivery, Sent};
use herald_core::plan::{Offered, OfferedServices, PeerSessions};
use herald_core::snapshot::ServiceKey;
use herald_frr::config::FrrConfig;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Every Service that the node offers, with the peers that were sent its prefixes.
#[derive(Debug, Default)]
pub struct Services {
    offered: OfferedServices,
    sessions: Arc<PeerSessions>,
    sent: Arc<Sent>,
    peers: BTreeMap<ServiceKey, Peers>,
    known: BTreeSet<Peers>,
}

impl Services {
    /// The peers that were sent a Service; `None` if it is not offered.
    pub fn peers(&self, key: &ServiceKey) -> Option<&Peers> {
        self.peers.get(key)
    }

    /// One list for all that are the same.
    pub fn intern<T: AsRef<str>>(&mut self, names: &[T]) -> Peers {
        let same = |list: &&Peers| {
            list.len() == names.len() && list.iter().zip(names).all(|(one, other)| **one == *other.as_ref())
        };
        if let Some(known) = self.known.iter().find(same) {
            return known.clone();
        }
        let new: Peers = names.iter().map(|name| Arc::from(name.as_ref())).collect();
        // Lists of which nobody has any more Services.
        self.known.retain(|list| Arc::strong_count(list) > 1);
        self.known.insert(new.clone());
        new
    }

    /// Takes in what is offered and what was sent; the Services of which something is different now, and whether they
    /// began to be announced. `stood` says what stands in the API of a Service: while FRR was not asked yet it stays.
    pub fn follow(
        &mut self,
        offered: &OfferedServices,
        sessions: &Arc<PeerSessions>,
        sent: &Arc<Sent>,
        stood: impl Fn(&ServiceKey) -> Option<Peers>,
    ) -> Vec<(ServiceKey, bool)> {
        let all = *self.sessions != **sessions || !alike(&self.sent, sent);
        let mut touched: BTreeSet<ServiceKey> = if all {
            offered.keys().cloned().collect()
        } else {
            let prefixes = moved(&self.sent, sent);
            let concerned =
                |offered: &Offered| offered.prefixes.iter().any(|prefix| prefixes.contains(prefix));
            let some = offered.iter().filter(|(_, one)| !prefixes.is_empty() && concerned(one));
            some.map(|(key, _)| key.clone()).collect()
        };
        touched.extend(self.offered.changes(offered).into_iter().map(|change| change.key.clone()));
        (self.offered, self.sessions, self.sent) = (offered.clone(), sessions.clone(), sent.clone());
        touched
            .into_iter()
            .filter_map(|key| Some((self.look(&key, &stood)?, key)))
            .map(|(began, key)| (key, began))
            .collect()
    }

    /// Works out one Service; `None` if nothing is different, else whether it began.
    fn look(&mut self, key: &ServiceKey, stood: &impl Fn(&ServiceKey) -> Option<Peers>) -> Option<bool> {
        let Some(offered) = self.offered.get(key).cloned() else {
            return self.peers.remove(key).map(|_| false);
        };
        let known = self.peers.get(key).cloned();
        let before = known.clone().or_else(|| stood(key)).unwrap_or_default();
        let names: Vec<Arc<str>> =
            offered.peers.iter().filter(|name| self.was_sent(&offered, name, &before)).cloned().collect();
        let new = self.intern(&names);
        self.peers.insert(key.clone(), new.clone());
        (known.as_ref() != Some(&new)).then(|| before.is_empty() && !new.is_empty())
    }

    /// Whether a peer was sent every prefix that is for it, and there is one.
    fn was_sent(&self, offered: &Offered, name: &Arc<str>, before: &Peers) -> bool {
        let Some(session) = self.sessions.get(name) else { return false };
        let on = self.sent.on(session);
        let worst = offered.prefixes.iter().map(|prefix| on.delivery(prefix)).max();
        match worst {
            Some(Delivery::Sent) => true,
            Some(Delivery::Unknown) => before.contains(name),
            Some(Delivery::Missing | Delivery::Unwanted) | None => false,
        }
    }
}

/// Whether the sessions stand as before, and are to be sent the same of the same prefixes.
fn alike(before: &Sent, now: &Sent) -> bool {
    let policy = |one: &FrrConfig, other: &FrrConfig| {
        one.route_maps == other.route_maps
            && one.prefix_lists == other.prefix_lists
            && one.raw == other.raw
            && one.routers.len() == other.routers.len()
            && one.routers.iter().all(|(vrf, router)| {
                let other = other.routers.get(vrf);
                other.is_some_and(|other| {
                    router.neighbors == other.neighbors && router.imports == other.imports
                })
            })
    };
    before.known == now.known
        && before.sessions == now.sessions
        && (Arc::ptr_eq(&before.config, &now.config) || policy(&before.config, &now.config))
}

/// Prefixes of which something is different.
fn moved(before: &Sent, now: &Sent) -> BTreeSet<IpNet> {
    let asked = before.changed.changes(&now.changed).into_iter().map(|change| change.key.1);
    let mut prefixes: BTreeSet<IpNet> = asked.collect();
    if !Arc::ptr_eq(&before.config, &now.config) {
        for (vrf, router) in &now.config.routers {
            let old = before.config.routers.get(vrf);
            let changes = old.map(|old| old.networks.changes(&router.networks)).unwrap_or_default();
            prefixes.extend(changes.into_iter().map(|change| *change.key));
        }
    }
    prefixes
}

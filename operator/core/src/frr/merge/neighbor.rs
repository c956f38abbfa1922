//! Merging what several objects say of one neighbor.

use super::ServicePreference;
use crate::frr::class::Listing;
use crate::frr::conflict::{Clash, Conflict, ConflictKind, clash};
use crate::frr::contribution::{Incoming, NeighborPart, Outgoing, RouterPart, Source};
use crate::frr::session::Session;
use herald_frr::config::NeighborId;
use herald_frr::value::Community;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// One neighbor, merged.
#[derive(Debug, Clone, Default)]
pub(crate) struct MergedNeighbor {
    /// What each object says of the session; no two of them differ.
    pub sessions: Vec<(Session, Arc<Source>)>,
    /// Names of the BGPPeers that declare it: Services' prefixes go to those.
    pub peers: BTreeSet<Arc<str>>,
    /// Lists of which it gets all.
    pub all_of: BTreeSet<Listing>,
    /// Prefixes that it gets by name, and those of imported routers that it gets with all.
    pub named: BTreeSet<IpNet>,
    pub next_hop_v4: Option<(Ipv4Addr, Arc<Source>)>,
    pub next_hop_v6: Option<(Ipv6Addr, Arc<Source>)>,
    pub local_prefs: BTreeMap<IpNet, (u32, Arc<Source>)>,
    pub communities: BTreeMap<IpNet, BTreeSet<Community>>,
    pub incoming: Incoming,
}

impl MergedNeighbor {
    /// The session as all objects together want it.
    pub(crate) fn session(&self) -> Option<Session> {
        let mut parts = self.sessions.iter().map(|(session, _)| session);
        let first = parts.next()?.clone();
        let mut whole = parts.fold(first, |mut whole, part| {
            whole.merge(part);
            whole
        });
        // An empty list of address families is the default, which is unicast.
        whole.unicast |= !whole.evpn;
        Some(whole)
    }

    pub(super) fn add_session(&mut self, session: Session, source: Arc<Source>) {
        self.sessions.push((session, source));
    }

    /// Whether another declaration of the session can stand beside those that are there.
    pub(super) fn check_session(
        &self,
        id: &NeighborId,
        given: &Session,
        source: &Arc<Source>,
    ) -> Result<(), Conflict> {
        for (known, by) in &self.sessions {
            if let Some(d) = given.difference(known, id) {
                let clash = clash(&format!("multiple {}", d.what), id, &d.given, &d.other, by);
                let field = source.field.key(field_name(source, d.field));
                return Err(Conflict::new(field, ConflictKind::Neighbor(clash)));
            }
        }
        Ok(())
    }

    /// Adds what an FRRConfiguration says of it.
    pub(super) fn add(
        &mut self,
        part: &NeighborPart,
        router: &RouterPart,
        services: &dyn ServicePreference,
    ) -> Result<(), Conflict> {
        self.check_session(&part.id, &part.session, &part.source)?;
        self.add_session(part.session.clone(), Arc::clone(&part.source));
        self.add_next_hops(part)?;
        self.add_local_prefs(part, services)?;
        self.add_prefixes(&part.outgoing, router);
        match (&mut self.incoming, &part.incoming) {
            (Incoming::All, _) => {}
            (known, Incoming::All) => *known = Incoming::All,
            (Incoming::Only(known), Incoming::Only(more)) => known.extend(more.iter().copied()),
        }
        Ok(())
    }

    fn add_prefixes(&mut self, outgoing: &Outgoing, router: &RouterPart) {
        if outgoing.all {
            self.all_of.insert(router.listing.clone());
            self.named.extend(router.imported.iter().copied());
        }
        self.named.extend(outgoing.allowed.iter().copied());
        for (prefix, communities) in &outgoing.communities {
            self.communities.entry(*prefix).or_default().extend(communities.iter().copied());
        }
    }

    fn add_next_hops(&mut self, part: &NeighborPart) -> Result<(), Conflict> {
        let field = || part.source.field.key("toAdvertise").key("nextHop");
        let out = &part.outgoing;
        next_hop(&mut self.next_hop_v4, out.next_hop_v4, "ipv4", part)
            .map_err(|c| Conflict::new(field().key("ipv4"), ConflictKind::Outgoing(c)))?;
        next_hop(&mut self.next_hop_v6, out.next_hop_v6, "ipv6", part)
            .map_err(|c| Conflict::new(field().key("ipv6"), ConflictKind::Outgoing(c)))
    }

    fn add_local_prefs(
        &mut self,
        part: &NeighborPart,
        services: &dyn ServicePreference,
    ) -> Result<(), Conflict> {
        for (prefix, given) in &part.outgoing.local_prefs {
            let known = self.local_prefs.get(prefix).cloned();
            let of_service = || services.local_pref(&self.peers, prefix);
            if let Some((known, by)) = known.or_else(of_service).filter(|(k, _)| k != given) {
                let subject = format!("prefix {prefix} of neighbor {}", part.id);
                let clash = clash("multiple local prefs", &subject, given, &known, &by);
                let field = part.source.field.key("toAdvertise").key("withLocalPref");
                return Err(Conflict::new(field, ConflictKind::Outgoing(clash)));
            }
            self.local_prefs.insert(*prefix, (*given, Arc::clone(&part.source)));
        }
        Ok(())
    }
}

fn next_hop<A: Copy + PartialEq + ToString>(
    known: &mut Option<(A, Arc<Source>)>,
    given: Option<A>,
    family: &str,
    part: &NeighborPart,
) -> Result<(), Clash> {
    match (&*known, given) {
        (Some((hop, by)), Some(given)) if *hop != given => {
            Err(clash(&format!("{family} next hop: multiple next hops"), &part.id, &given, hop, by))
        }
        (None, Some(given)) => {
            *known = Some((given, Arc::clone(&part.source)));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The field's name in the object's own kind.
fn field_name(source: &Source, field: &'static str) -> &'static str {
    match field {
        _ if source.object.kind != "BGPPeer" => field,
        "asn" => "peerASN",
        "port" => "peerPort",
        "sourceaddress" => "sourceAddress",
        other => other,
    }
}

//! Merging `router bgp` blocks.

use super::evpn::VniUse;
use super::neighbor::MergedNeighbor;
use super::{Merged, ServicePreference, Vrf, vrf_text};
use crate::frr::class::Listing;
use crate::frr::conflict::{Conflict, ConflictKind, clash};
use crate::frr::contribution::{EvpnPart, RouterPart, Source};
use crate::frr::session::Session;
use crate::model::Peer;
use crate::problem::FieldPath;
use herald_frr::config::NeighborId;
use herald_frr::value::Asn;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// One `router bgp` block, merged.
#[derive(Debug, Clone)]
pub(crate) struct MergedRouter {
    pub asn: Asn,
    asn_by: Arc<Source>,
    pub router_id: Option<(Ipv4Addr, Arc<Source>)>,
    pub imports: BTreeSet<Vrf>,
    /// Its own prefixes, and in which lists they stand.
    pub prefixes: BTreeMap<IpNet, Vec<(Listing, Arc<Source>)>>,
    pub neighbors: BTreeMap<NeighborId, MergedNeighbor>,
    pub evpn: Vec<(EvpnPart, Arc<Source>)>,
    pub sources: Vec<Arc<Source>>,
}

/// What a router is called before anything else is said of it.
struct Header<'a> {
    vrf: &'a Vrf,
    asn: Asn,
    router_id: Option<Ipv4Addr>,
    source: &'a Arc<Source>,
    /// The fields' names: BGPPeers have others than FRRConfigurations.
    asn_field: &'static str,
    id_field: &'static str,
}

impl Merged {
    /// Adds the session of a BGPPeer; on a conflict nothing has changed.
    pub(crate) fn add_peer(&mut self, peer: &Peer) -> Result<(), Conflict> {
        let source = Source::new(&peer.object, FieldPath::of("spec"));
        let header = Header {
            vrf: &peer.vrf,
            asn: peer.my_asn,
            router_id: peer.router_id,
            source: &source,
            asn_field: "myASN",
            id_field: "routerID",
        };
        self.check_header(&header)?;
        let session = Session::of_peer(peer);
        if let Some(known) = self.routers.get(&peer.vrf).and_then(|r| r.neighbors.get(&peer.id)) {
            known.check_session(&peer.id, &session, &source)?;
        }
        let neighbor = self.header(&header).neighbors.entry(peer.id.clone()).or_default();
        neighbor.add_session(session, source);
        neighbor.peers.insert(peer.object.name.clone());
        Ok(())
    }

    /// Adds a router; on a conflict what is left is not to be used.
    pub(super) fn add_router(
        &mut self,
        part: &RouterPart,
        services: &dyn ServicePreference,
    ) -> Result<(), Conflict> {
        let header = Header {
            vrf: &part.vrf,
            asn: part.asn,
            router_id: part.router_id,
            source: &part.source,
            asn_field: "asn",
            id_field: "id",
        };
        self.check_header(&header)?;
        let router = self.header(&header);
        router.imports.extend(part.imports.iter().cloned());
        for prefix in &part.prefixes {
            let listed = router.prefixes.entry(*prefix).or_default();
            listed.push((part.listing.clone(), Arc::clone(&part.source)));
        }
        for neighbor in &part.neighbors {
            let known = router.neighbors.entry(neighbor.id.clone()).or_default();
            known.add(neighbor, part, services)?;
        }
        if let Some(evpn) = &part.evpn {
            router.add_evpn(evpn, &part.source, &part.vrf)?;
            self.use_vnis(evpn, &part.vrf, &part.source)?;
        }
        self.check_l3vni(part)
    }

    fn check_header(&self, header: &Header<'_>) -> Result<(), Conflict> {
        let Some(known) = self.routers.get(header.vrf) else { return Ok(()) };
        let subject = format!("same vrf: {}", vrf_text(header.vrf));
        if known.asn != header.asn {
            let clash = clash("different asns", &subject, &header.asn, &known.asn, &known.asn_by);
            let field = header.source.field.key(header.asn_field);
            return Err(Conflict::new(field, ConflictKind::Router(clash)));
        }
        match (&known.router_id, header.router_id) {
            (Some((id, by)), Some(given)) if *id != given => {
                let clash = clash("different router ids", &subject, &given, id, by);
                let field = header.source.field.key(header.id_field);
                Err(Conflict::new(field, ConflictKind::Router(clash)))
            }
            _ => Ok(()),
        }
    }

    /// The router of a VRF, made where there is none, with an id where it has none.
    fn header(&mut self, header: &Header<'_>) -> &mut MergedRouter {
        let router = self.routers.entry(header.vrf.clone()).or_insert_with(|| MergedRouter {
            asn: header.asn,
            asn_by: Arc::clone(header.source),
            router_id: None,
            imports: BTreeSet::new(),
            prefixes: BTreeMap::new(),
            neighbors: BTreeMap::new(),
            evpn: Vec::new(),
            sources: Vec::new(),
        });
        router.sources.push(Arc::clone(header.source));
        if router.router_id.is_none() {
            router.router_id = header.router_id.map(|id| (id, Arc::clone(header.source)));
        }
        router
    }

    fn use_vnis(&mut self, evpn: &EvpnPart, vrf: &Vrf, source: &Arc<Source>) -> Result<(), Conflict> {
        let l2 = evpn.l2vnis.keys().map(|vni| (*vni, "l2vni"));
        let l3 = evpn.l3vni.iter().map(|l3| (l3.vni, "l3vni"));
        for (vni, kind) in l2.chain(l3) {
            let usage = VniUse { vrf: vrf.clone(), kind, by: Arc::clone(source) };
            usage.claim(vni, &mut self.vnis)?;
        }
        Ok(())
    }

    /// An L3VNI and neighbors exclude each other, whoever brings them.
    fn check_l3vni(&self, part: &RouterPart) -> Result<(), Conflict> {
        let Some(router) = self.routers.get(&part.vrf) else { return Ok(()) };
        let l3vni = router.evpn.iter().find(|(evpn, _)| evpn.l3vni.is_some());
        let neighbor = router.neighbors.values().find_map(|n| n.sessions.first());
        let (Some((_, brought)), Some((_, by))) = (l3vni, neighbor) else { return Ok(()) };
        let adds_l3vni = part.evpn.as_ref().is_some_and(|e| e.l3vni.is_some());
        let (field, by) = if adds_l3vni {
            (part.source.field.key("evpn").key("l3vni"), by)
        } else {
            (part.source.field.key("neighbors"), brought)
        };
        let kind = ConflictKind::L3VniNeighbors { vrf: vrf_text(&part.vrf), by: by.origin.to_string() };
        Err(Conflict::new(field, kind))
    }
}

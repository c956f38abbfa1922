//! `spec.bgp.routers`.

use super::error::ContributionError as Error;
use super::neighbor::{self, Place};
use super::sink::Sink;
use super::{advertise, evpn};
use crate::frr::class::Listing;
use crate::frr::contribution::{NeighborPart, RouterPart, Source};
use crate::frr::merge::Vrf;
use crate::frr::secrets::PasswordSource;
use crate::problem::{FieldPath, ObjectRef};
use herald_crds::frrk8s::{BGPConfig, Router};
use herald_frr::value::{Asn, ValueError};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Routers that the schema allows.
const ROUTERS: usize = 50;
/// FRR's name of the default VRF.
const DEFAULT_VRF: &str = "default";

/// A router's own prefixes in both forms.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed {
    /// As they are written: what is named elsewhere in the object must be written the same.
    pub by_text: BTreeMap<String, IpNet>,
}

pub(super) fn routers(
    bgp: &BGPConfig,
    object: &ObjectRef,
    secrets: &dyn PasswordSource,
    sink: &mut Sink<'_>,
) -> Vec<RouterPart> {
    let list = FieldPath::of("spec.bgp.routers");
    sink.at_most(&list, bgp.routers.len(), ROUTERS);
    let known: Vec<(Option<Vrf>, Listed)> = bgp
        .routers
        .iter()
        .enumerate()
        .map(|(index, router)| {
            let field = list.index(index);
            (vrf_named(router.vrf.as_deref(), &field, sink), prefixes(router, &field, sink))
        })
        .collect();
    // Where a VRF has several routers, the last one's prefixes are what others import.
    let importable: BTreeMap<&Vrf, &Listed> =
        known.iter().filter_map(|(vrf, listed)| Some((vrf.as_ref()?, listed))).collect();
    let mut seen: BTreeMap<&Vrf, usize> = BTreeMap::new();
    let mut parts = Vec::new();
    for (index, (router, (vrf, own))) in bgp.routers.iter().zip(&known).enumerate() {
        let Some(vrf) = vrf else { continue };
        let ordinal = seen.entry(vrf).or_default();
        let listing =
            Listing { name: object.name.clone(), namespace: object.namespace.clone(), ordinal: *ordinal };
        *ordinal += 1;
        let scope = Scope { bgp, object, secrets, importable: &importable, field: list.index(index) };
        parts.extend(scope.router(router, vrf, own, listing, sink));
    }
    parts
}

struct Scope<'a> {
    bgp: &'a BGPConfig,
    object: &'a ObjectRef,
    secrets: &'a dyn PasswordSource,
    importable: &'a BTreeMap<&'a Vrf, &'a Listed>,
    field: FieldPath,
}

impl Scope<'_> {
    fn router(
        &self,
        spec: &Router,
        vrf: &Vrf,
        own: &Listed,
        listing: Listing,
        sink: &mut Sink<'_>,
    ) -> Option<RouterPart> {
        let asn = sink.take(&self.field.key("asn"), Asn::try_from(spec.asn).map_err(Error::Asn));
        let router_id = spec.id.as_deref().filter(|id| !id.is_empty()).and_then(|id| {
            let parsed = id.parse::<Ipv4Addr>().map_err(|_| Error::RouterId(id.to_owned()));
            sink.take(&self.field.key("id"), parsed)
        });
        let (imports, imported) = self.imports(spec, sink);
        let mut advertisable = own.by_text.clone();
        advertisable.extend(imported.iter().map(|(text, net)| (text.clone(), *net)));
        let place = Place {
            asn,
            profiles: &self.bgp.bfd_profiles,
            advertisable: &advertise::Advertisable::new(&advertisable),
            object: self.object,
            secrets: self.secrets,
        };
        let neighbors: Vec<NeighborPart> = spec
            .neighbors
            .iter()
            .enumerate()
            .filter_map(|(at, neighbor)| {
                neighbor::neighbor(neighbor, &place, &self.field.key("neighbors").index(at), sink)
            })
            .collect();
        let evpn = spec.evpn.as_ref().map(|evpn| evpn::evpn(evpn, &self.field.key("evpn"), sink));
        let prefixes: BTreeSet<IpNet> = own.by_text.values().copied().collect();
        Some(RouterPart {
            vrf: vrf.clone(),
            listing,
            asn: asn?,
            router_id,
            imports,
            imported: imported.into_values().filter(|net| !prefixes.contains(net)).collect(),
            prefixes,
            neighbors,
            evpn,
            source: Source::new(self.object, self.field.clone()),
        })
    }

    fn imports(&self, spec: &Router, sink: &mut Sink<'_>) -> (BTreeSet<Vrf>, BTreeMap<String, IpNet>) {
        let mut vrfs = BTreeSet::new();
        let mut imported = BTreeMap::new();
        for (at, import) in spec.imports.iter().enumerate() {
            let field = self.field.key("imports").index(at);
            let name = import.vrf.as_deref().unwrap_or_default();
            if name.is_empty() {
                sink.error(field.key("vrf"), ValueError::Empty);
                continue;
            }
            let Some(vrf) = vrf_named(Some(name), &field, sink) else { continue };
            match self.importable.get(&vrf) {
                Some(listed) => imported.extend(listed.by_text.iter().map(|(t, n)| (t.clone(), *n))),
                None => sink.error(field.key("vrf"), Error::Import(name.to_owned())),
            }
            vrfs.insert(vrf);
        }
        (vrfs, imported)
    }
}

/// `None` where the name is wrong; the default VRF has no name, or FRR's.
fn vrf_named(name: Option<&str>, field: &FieldPath, sink: &mut Sink<'_>) -> Option<Vrf> {
    match name {
        None | Some("" | DEFAULT_VRF) => Some(None),
        Some(name) => sink.take(&field.key("vrf"), name.parse()).map(Some),
    }
}

fn prefixes(spec: &Router, field: &FieldPath, sink: &mut Sink<'_>) -> Listed {
    let mut listed = Listed::default();
    for (at, text) in spec.prefixes.iter().enumerate() {
        if let Some(net) = sink.take(&field.key("prefixes").index(at), prefix(text)) {
            listed.by_text.insert(text.clone(), net);
        }
    }
    listed
}

/// A prefix; host bits are cleared, as FRR does. IPv4 addresses inside IPv6 are not taken.
pub(super) fn prefix(text: &str) -> Result<IpNet, Error> {
    let mapped = |net: &IpNet| matches!(net, IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some());
    let parsed = text.parse::<IpNet>().ok().filter(|net| !mapped(net));
    parsed.map(|net| net.trunc()).ok_or_else(|| Error::Prefix(text.to_owned()))
}

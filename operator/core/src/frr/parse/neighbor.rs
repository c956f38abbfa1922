//! `spec.bgp.routers[].neighbors`.

use super::advertise::{self, Advertisable};
use super::error::{ContributionError as Error, ContributionWarning as Warning};
use super::sink::Sink;
use super::{receive, timers};
use crate::frr::contribution::{NeighborPart, Source};
use crate::frr::secrets::PasswordSource;
use crate::frr::session::{BGP_PORT, Session};
use crate::problem::{FieldPath, ObjectRef};
use herald_crds::frrk8s::{AddressFamily, BFDProfile, Neighbor};
use herald_crds::metallb::DynamicASN;
use herald_frr::config::{NeighborId, RemoteAs, UpdateSource};
use herald_frr::value::{Asn, FrrName, Password, ValueError};
use std::net::IpAddr;

/// Largest port that the schema allows.
const PORTS: u16 = 16_384;
/// Address families that the schema allows.
const FAMILIES: usize = 2;

/// What a neighbor is looked at against.
pub(super) struct Place<'a> {
    pub asn: Option<Asn>,
    pub profiles: &'a [BFDProfile],
    pub advertisable: &'a Advertisable<'a>,
    pub object: &'a ObjectRef,
    pub secrets: &'a dyn PasswordSource,
}

pub(super) fn neighbor(
    spec: &Neighbor,
    place: &Place<'_>,
    field: &FieldPath,
    sink: &mut Sink<'_>,
) -> Option<NeighborPart> {
    let id = id(spec, field, sink);
    let session = session(spec, id.as_ref(), place, field, sink);
    let (id, session) = (id?, session?);
    let families = session.families(&id);
    let outgoing = spec.to_advertise.as_ref().map(|advertise| {
        let scope = advertise::Scope { field: field.key("toAdvertise"), families, known: place.advertisable };
        scope.outgoing(advertise, sink)
    });
    let incoming = spec.to_receive.as_ref().map(|r| receive::incoming(r, &field.key("toReceive"), sink));
    Some(NeighborPart {
        id,
        session,
        outgoing: outgoing.unwrap_or_default(),
        incoming: incoming.unwrap_or_default(),
        source: Source::new(place.object, field.clone()),
    })
}

fn id(spec: &Neighbor, field: &FieldPath, sink: &mut Sink<'_>) -> Option<NeighborId> {
    let address = spec.address.as_deref().filter(|text| !text.is_empty());
    let interface = spec.interface.as_deref().filter(|text| !text.is_empty());
    match (address, interface) {
        (None, None) => {
            sink.error(field.clone(), Error::NoAddress);
            None
        }
        (Some(_), Some(_)) => {
            sink.error(field.clone(), Error::AddressAndInterface);
            None
        }
        (Some(text), None) => {
            let parsed = text.parse::<IpAddr>().map_err(|_| Error::Address(text.to_owned()));
            sink.take(&field.key("address"), parsed).map(NeighborId::Address)
        }
        (None, Some(name)) => sink.take(&field.key("interface"), name.parse()).map(NeighborId::Interface),
    }
}

fn session(
    spec: &Neighbor,
    id: Option<&NeighborId>,
    place: &Place<'_>,
    field: &FieldPath,
    sink: &mut Sink<'_>,
) -> Option<Session> {
    let remote_as = remote_as(spec, field, sink);
    let local_as = local_as(spec, place, field, sink);
    let port = port(spec, field, sink);
    let timers = timers::timers(spec, field, sink);
    let connect = timers::connect(spec, field, sink);
    let password = password(spec, place, field, sink);
    let update_source = spec
        .sourceaddress
        .as_deref()
        .filter(|text| !text.is_empty())
        .and_then(|text| sink.take(&field.key("sourceaddress"), source(text)));
    let bfd_profile = bfd_profile(spec, place, field, sink);
    let families = spec.address_families.as_deref();
    sink.at_most(&field.key("addressFamilies"), families.map_or(0, <[_]>::len), FAMILIES);
    if spec.disable_mp == Some(true) {
        sink.warn(field.key("disableMP"), &Warning::DisableMp);
    }
    let remote_as = remote_as?;
    let ebgp_multihop = spec.ebgp_multi_hop.unwrap_or_default();
    let internal = remote_as == RemoteAs::Internal
        || matches!((remote_as, place.asn), (RemoteAs::Number(a), Some(b)) if a == b);
    if ebgp_multihop && internal {
        sink.warn(field.key("ebgpMultiHop"), &Warning::MultihopInternal);
    } else if ebgp_multihop && matches!(id, Some(NeighborId::Interface(_))) {
        sink.warn(field.key("ebgpMultiHop"), &Warning::MultihopInterface);
    }
    Some(Session {
        remote_as,
        dual_stack: spec.dual_stack_address_family.unwrap_or_default(),
        port,
        timers,
        connect,
        password,
        update_source,
        ebgp_multihop,
        local_as,
        bfd_profile,
        graceful_restart: spec.enable_graceful_restart.unwrap_or_default(),
        unicast: families.is_none_or(|f| f.contains(&AddressFamily::Unicast)),
        evpn: families.is_some_and(|f| f.contains(&AddressFamily::Evpn)),
        max_prefixes: None,
    })
}

/// 0 counts as unset, as upstream has it.
fn remote_as(spec: &Neighbor, field: &FieldPath, sink: &mut Sink<'_>) -> Option<RemoteAs> {
    let number = spec.asn.filter(|asn| *asn != 0);
    match (number, spec.dynamic_asn) {
        (None, None) => {
            sink.error(field.clone(), Error::NoAsn);
            None
        }
        (Some(_), Some(_)) => {
            sink.error(field.clone(), Error::TwoAsns);
            None
        }
        (Some(asn), None) => {
            sink.take(&field.key("asn"), Asn::try_from(asn).map_err(Error::Asn)).map(RemoteAs::Number)
        }
        (None, Some(DynamicASN::Internal)) => Some(RemoteAs::Internal),
        (None, Some(DynamicASN::External)) => Some(RemoteAs::External),
    }
}

fn local_as(spec: &Neighbor, place: &Place<'_>, field: &FieldPath, sink: &mut Sink<'_>) -> Option<Asn> {
    let field = field.key("localASN");
    let local = sink.take(&field, Asn::try_from(spec.local_asn?).map_err(Error::Asn))?;
    match place.asn {
        Some(own) if spec.asn == Some(own.get().into()) => {
            sink.error(field, Error::LocalAsn(own.get()));
            None
        }
        _ => Some(local),
    }
}

fn port(spec: &Neighbor, field: &FieldPath, sink: &mut Sink<'_>) -> Option<u16> {
    let given = spec.port?;
    let field = field.key("port");
    let range =
        || ValueError::Range { value: u64::try_from(given).unwrap_or_default(), low: 0, high: PORTS.into() };
    let port = u16::try_from(given).ok().filter(|port| *port <= PORTS);
    let port = sink.take(&field, port.ok_or_else(range))?;
    if port == 0 {
        sink.warn(field, &Warning::PortZero);
    }
    (port != BGP_PORT).then_some(port)
}

fn password(spec: &Neighbor, place: &Place<'_>, field: &FieldPath, sink: &mut Sink<'_>) -> Option<Password> {
    let own = spec.password.as_deref().filter(|text| !text.is_empty());
    let secret = spec.password_secret.as_ref().and_then(|secret| secret.name.as_deref());
    match (own, secret.filter(|name| !name.is_empty())) {
        (None, None) => None,
        (Some(_), Some(_)) => {
            sink.error(field.key("passwordSecret"), Error::TwoPasswords);
            None
        }
        (Some(text), None) => sink.take(&field.key("password"), text.parse().map_err(Error::Password)),
        (None, Some(name)) => {
            let read = place.secrets.password(place.object, name).map_err(Error::Secret);
            sink.take(&field.key("passwordSecret"), read).flatten()
        }
    }
}

/// An address, or the interface whose address to use.
fn source(text: &str) -> Result<UpdateSource, ValueError> {
    match text.parse() {
        Ok(address) => Ok(UpdateSource::Address(address)),
        Err(_) => text.parse().map(UpdateSource::Interface),
    }
}

fn bfd_profile(
    spec: &Neighbor,
    place: &Place<'_>,
    field: &FieldPath,
    sink: &mut Sink<'_>,
) -> Option<FrrName> {
    let name = spec.bfd_profile.as_deref().filter(|name| !name.is_empty())?;
    let field = field.key("bfdProfile");
    if !place.profiles.iter().any(|profile| profile.name == name) {
        sink.error(field, Error::UnknownProfile(name.to_owned()));
        return None;
    }
    // A wrong name is reported where the profile is.
    name.parse().ok()
}

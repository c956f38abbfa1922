//! From a `BGPPeer` object to a session that FRR takes.

use super::address::parse_ip;
use super::commit_confirmed::{COMMIT_CONFIRMED, commit_confirmed};
use super::kind::{Context, Parsed, Resolved, Sink};
use super::peer::Peer;
use super::peer_error::PeerError;
use super::peer_secret;
use crate::duration;
use crate::frr::PasswordSource;
use crate::guard;
use crate::problem::{FieldPath, Problem};
use crate::snapshot::Custom;
use herald_crds::metallb::{BGPPeerSpec, DynamicASN};
use herald_frr::config::{NeighborId, RemoteAs, Timers};
use herald_frr::value::{Asn, InterfaceName};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// FRR's default, and so left out of the model.
const BGP_PORT: u16 = 179;
/// The largest port that the API takes.
const PORT_LIMIT: i32 = 16_384;
/// The shortest hold time but 0 (RFC 4271 section 4.2).
const SHORTEST_HOLD: u64 = 3;

/// What a peer refers to.
pub(crate) struct References<'a> {
    /// Names of the BFD profiles that count.
    pub profiles: &'a BTreeSet<Arc<str>>,
    /// Names of those that counted before; a peer's last form may still use them.
    pub former_profiles: &'a BTreeSet<Arc<str>>,
    /// Passwords of Secrets.
    pub secrets: &'a dyn PasswordSource,
}

/// Parses one peer.
pub(crate) fn parse(
    custom: &Custom<BGPPeerSpec>,
    context: &Context<'_>,
    references: &References<'_>,
) -> Result<Parsed<Peer>, Vec<Problem>> {
    let Custom { meta, spec } = custom;
    let mut sink = Sink::new(&meta.object);
    let mut resolved = Resolved::new();
    if let Err(why) = commit_confirmed(meta) {
        sink.error(FieldPath::of("metadata.annotations").key(COMMIT_CONFIRMED), &why);
    }
    let numbers = numbers(spec, &mut sink);
    let id = other_side(spec, &mut sink);
    let bfd_profile = bfd_profile(spec, &meta.object.name, references, context, &mut sink);
    let password =
        peer_secret::password(&meta.object, spec, context, references.secrets, &mut resolved, &mut sink);
    if spec.disable_mp == Some(true) {
        sink.warning(FieldPath::of("spec.disableMP"), &PeerError::DisableMp);
    }
    let max_prefixes = guard::max_prefixes(meta).unwrap_or_else(|why| {
        sink.warning(guard::annotation(guard::MAX_PREFIXES), &why);
        None
    });
    let source_address = source_address(spec, id.as_ref(), &mut sink);
    let common = (
        sink.selectors("spec", "nodeSelectors", &spec.node_selectors),
        interface_name(given(spec.vrf.as_ref()).filter(|v| *v != "default"), "vrf", &mut sink),
        router_id(spec, &mut sink),
        port(spec, &mut sink),
        timers(spec, &mut sink),
        connect_time(spec, &mut sink),
    );
    let (node_selectors, vrf, router_id, port, timers, connect_time) = common;
    let peer = numbers.zip(id).map(|((my_asn, remote_as, local_as), id)| Peer {
        object: meta.object.clone(),
        node_selectors,
        my_asn,
        remote_as,
        local_as,
        id,
        vrf,
        router_id,
        source_address,
        port,
        timers,
        connect_time,
        password,
        password_secret: peer_secret::reference(spec).map(Into::into),
        bfd_profile,
        graceful_restart: spec.enable_graceful_restart.unwrap_or_default(),
        ebgp_multihop: spec.ebgp_multi_hop.unwrap_or_default(),
        dual_stack: spec.dual_stack_address_family.unwrap_or_default(),
        max_prefixes,
    });
    sink.finish(peer, resolved)
}

/// The text of an optional field; the empty one is as good as none, as in Go.
fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

type Numbers = (Asn, RemoteAs, Option<Asn>);

/// All AS numbers: `myASN`, `peerASN` or `dynamicASN`, `localASN`.
fn numbers(spec: &BGPPeerSpec, sink: &mut Sink<'_>) -> Option<Numbers> {
    let mut asn = |field: &str, value: i64| {
        sink.take(&FieldPath::of("spec").key(field), Asn::try_from(value).map_err(PeerError::Asn))
    };
    let peer_asn = spec.peer_asn.filter(|value| *value != 0);
    let mine = if spec.my_asn == 0 { None } else { asn("myASN", spec.my_asn) };
    let theirs = peer_asn.and_then(|value| asn("peerASN", value));
    let local = spec.local_asn.and_then(|value| asn("localASN", value));
    if spec.my_asn == 0 {
        sink.error(FieldPath::of("spec.myASN"), &PeerError::NoLocalAsn);
    }
    let remote = match (peer_asn, spec.dynamic_asn) {
        (Some(_), Some(_)) => {
            sink.error(FieldPath::of("spec.dynamicASN"), &PeerError::BothAsns);
            None
        }
        (None, None) => {
            sink.error(FieldPath::of("spec.peerASN"), &PeerError::NoPeerAsn);
            None
        }
        (Some(_), None) => theirs.map(RemoteAs::Number),
        (None, Some(DynamicASN::Internal)) => Some(RemoteAs::Internal),
        (None, Some(DynamicASN::External)) => Some(RemoteAs::External),
    };
    let (mine, remote) = (mine?, remote?);
    let internal = remote == RemoteAs::Internal || remote == RemoteAs::Number(mine);
    if internal && spec.ebgp_multi_hop == Some(true) {
        sink.error(FieldPath::of("spec.ebgpMultiHop"), &PeerError::MultiHopIbgp);
    }
    if local.is_some_and(|local| local == mine || remote == RemoteAs::Number(local)) {
        sink.error(FieldPath::of("spec.localASN"), &PeerError::LocalAsn);
    }
    Some((mine, remote, local))
}

fn other_side(spec: &BGPPeerSpec, sink: &mut Sink<'_>) -> Option<NeighborId> {
    let path = FieldPath::of("spec.peerAddress");
    match (given(spec.peer_address.as_ref()), given(spec.interface.as_ref())) {
        (Some(_), Some(_)) => sink.error(FieldPath::of("spec.interface"), &PeerError::AddressAndInterface),
        (None, None) => sink.error(path, &PeerError::NoAddress),
        (Some(text), None) => {
            let address = parse_ip(text).ok_or_else(|| PeerError::Address(text.to_owned()));
            return sink.take(&path, address).map(NeighborId::Address);
        }
        (None, Some(name)) => {
            return interface_name(Some(name), "interface", sink).map(NeighborId::Interface);
        }
    }
    None
}

fn interface_name(text: Option<&str>, field: &str, sink: &mut Sink<'_>) -> Option<InterfaceName> {
    let text = text?;
    let why = |why| PeerError::Interface { name: text.to_owned(), why };
    sink.take(&FieldPath::of("spec").key(field), text.parse().map_err(why))
}

/// FRR knows only IPv4 ones (RFC 6286: four octets, not zero).
fn router_id(spec: &BGPPeerSpec, sink: &mut Sink<'_>) -> Option<Ipv4Addr> {
    let text = given(spec.router_id.as_ref())?;
    let id = match parse_ip(text) {
        Some(IpAddr::V4(id)) if !id.is_unspecified() => Ok(id),
        Some(_) => Err(PeerError::RouterIdFamily(text.to_owned())),
        None => Err(PeerError::RouterId(text.to_owned())),
    };
    sink.take(&FieldPath::of("spec.routerID"), id)
}

fn source_address(spec: &BGPPeerSpec, id: Option<&NeighborId>, sink: &mut Sink<'_>) -> Option<IpAddr> {
    let path = FieldPath::of("spec.sourceAddress");
    let text = given(spec.source_address.as_ref())?;
    let address = parse_ip(text).ok_or_else(|| PeerError::SourceAddress(text.to_owned()));
    let address = sink.take(&path, address)?;
    if let Some(NeighborId::Address(other)) = id
        && other.is_ipv4() != address.is_ipv4()
    {
        sink.warning(path, &PeerError::SourceFamily { source_address: address, peer: *other });
    }
    Some(address)
}

fn port(spec: &BGPPeerSpec, sink: &mut Sink<'_>) -> Option<u16> {
    let port = spec.peer_port?;
    let checked = u16::try_from(port).ok().filter(|_| (1..=PORT_LIMIT).contains(&port));
    let checked = sink.take(&FieldPath::of("spec.peerPort"), checked.ok_or(PeerError::Port(port)));
    checked.filter(|port| *port != BGP_PORT)
}

/// What one of the two says decides the other: the keepalive time is a third of the hold time.
fn timers(spec: &BGPPeerSpec, sink: &mut Sink<'_>) -> Option<Timers> {
    let mut seconds = |field: &str, text: Option<&String>| {
        let path = FieldPath::of("spec").key(field);
        text.map(|text| sink.take(&path, duration::parse_seconds(text)))
    };
    let hold = seconds("holdTime", spec.hold_time.as_ref());
    let keepalive = seconds("keepaliveTime", spec.keepalive_time.as_ref());
    let (keepalive, hold) = match (keepalive, hold) {
        (None, None) | (Some(None), _) | (_, Some(None)) => return None,
        (None, Some(Some(hold))) => (hold / 3, hold),
        (Some(Some(keepalive)), None) => (keepalive, keepalive.saturating_mul(3)),
        (Some(Some(keepalive)), Some(Some(hold))) => (keepalive, hold),
    };
    let path = FieldPath::of("spec.holdTime");
    if hold != 0 && hold < SHORTEST_HOLD {
        sink.error(path, &PeerError::HoldTooShort(hold));
        return None;
    }
    if keepalive > hold {
        sink.error(FieldPath::of("spec.keepaliveTime"), &PeerError::KeepaliveAboveHold { keepalive, hold });
        return None;
    }
    if keepalive > hold / 3 {
        sink.warning(FieldPath::of("spec.keepaliveTime"), &PeerError::KeepaliveLowered { keepalive, hold });
    }
    let hold = sink.take(&path, u16::try_from(hold).map_err(|_| PeerError::HoldTooLong(hold)))?;
    // FRR lowers a longer keepalive time to a third by itself; what is written is what it keeps.
    let keepalive = u16::try_from(keepalive).unwrap_or(hold).min(hold / 3);
    Some(Timers { keepalive, hold })
}

fn connect_time(spec: &BGPPeerSpec, sink: &mut Sink<'_>) -> Option<u16> {
    let path = FieldPath::of("spec.connectTime");
    let seconds = sink.take(&path, duration::parse_seconds(spec.connect_time.as_ref()?))?;
    let checked = u16::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    sink.take(&path, checked.ok_or(PeerError::ConnectTime(seconds)))
}

fn bfd_profile(
    spec: &BGPPeerSpec,
    peer: &str,
    references: &References<'_>,
    context: &Context<'_>,
    sink: &mut Sink<'_>,
) -> Option<Arc<str>> {
    let name = given(spec.bfd_profile.as_ref())?;
    let former = || references.former_profiles.get(name).filter(|_| context.last);
    let known = references.profiles.get(name).or_else(former).cloned();
    let why = || PeerError::UnknownBfdProfile { peer: peer.to_owned(), profile: name.to_owned() };
    sink.take(&FieldPath::of("spec.bfdProfile"), known.ok_or_else(why))
}

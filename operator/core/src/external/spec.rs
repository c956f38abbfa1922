//! From sessions and what they announce to the object's spec, field by field as MetalLB's speaker writes it.
//!
//! MetalLB loses `sourceAddress` and `localASN` on this way; here they are passed on.

use crate::frr::Announced;
use crate::model::{BgpAdvertisement, Model, Peer};
use crate::snapshot::Node;
use herald_crds::frrk8s::{
    Advertise, AdvertiseAllowed, BFDProfile, BGPConfig, CommunityPrefixes, FRRConfigurationSpec,
    LocalPrefPrefixes, Neighbor, Router,
};
use herald_crds::metallb::DynamicASN;
use herald_frr::config::{NeighborId, RemoteAs};
use herald_frr::value::{Community, Family};
use ipnet::IpNet;
use k8s_openapi::api::core::v1::SecretReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::{BTreeMap, BTreeSet};

/// The label by which the object selects its node.
pub(crate) const HOSTNAME: &str = "kubernetes.io/hostname";
/// TCP port of BGP, which is always written.
const BGP_PORT: u16 = 179;

/// How passwords of Secrets get to frr-k8s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passwords {
    /// By the Secret's name: frr-k8s finds it in its own namespace.
    Refer,
    /// As they are: frr-k8s cannot read the namespace that the Secret is in.
    Write,
}

/// Prefixes as they are written, sorted as texts.
type Prefixes = BTreeSet<String>;

/// What a neighbor is sent.
#[derive(Default)]
struct Sent {
    prefixes: Prefixes,
    local_prefs: BTreeMap<u32, Prefixes>,
    communities: BTreeMap<String, Prefixes>,
}

pub(super) fn of_node(
    model: &Model,
    node: &Node,
    peers: &[&Peer],
    announced: &BTreeMap<IpNet, Announced>,
    passwords: Passwords,
) -> FRRConfigurationSpec {
    let mut routers: BTreeMap<String, (Router, Prefixes, BTreeMap<String, Neighbor>)> = BTreeMap::new();
    for peer in peers {
        let sent = sent(model, node, peer, announced);
        let (key, empty) = router(peer);
        let (_, prefixes, neighbors) =
            routers.entry(key).or_insert_with(|| (empty, Prefixes::new(), BTreeMap::new()));
        prefixes.extend(sent.prefixes.iter().cloned());
        neighbors.insert(session_key(peer), neighbor(peer, sent, passwords));
    }
    let routers = routers.into_values().map(|(router, prefixes, neighbors)| Router {
        prefixes: prefixes.into_iter().collect(),
        neighbors: neighbors.into_values().collect(),
        ..router
    });
    let hostname = BTreeMap::from([(HOSTNAME.to_owned(), node.name.to_string())]);
    FRRConfigurationSpec {
        bgp: Some(BGPConfig { routers: routers.collect(), bfd_profiles: profiles(model) }),
        raw: None,
        node_selector: Some(LabelSelector { match_labels: Some(hostname), ..LabelSelector::default() }),
    }
}

fn router(peer: &Peer) -> (String, Router) {
    let id = peer.router_id.map(|id| id.to_string());
    let vrf = peer.vrf.as_ref().map(ToString::to_string);
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let key = format!("{}@{}@{}", peer.my_asn, text(&id), text(&vrf));
    (key, Router { asn: i64::from(peer.my_asn.get()), id, vrf, ..Router::default() })
}

/// MetalLB's order of neighbors.
fn session_key(peer: &Peer) -> String {
    let source = peer.source_address.map(|source| source.to_string()).unwrap_or_default();
    let vrf = peer.vrf.as_ref().map(|vrf| format!("/{vrf}")).unwrap_or_default();
    format!("{}@{}-{}@{source}{vrf}", peer.remote_as, peer.id, peer.my_asn)
}

fn neighbor(peer: &Peer, sent: Sent, passwords: Passwords) -> Neighbor {
    let seconds = |time: u16| format!("{time}s");
    let (asn, dynamic_asn) = match peer.remote_as {
        RemoteAs::Number(asn) => (Some(i64::from(asn.get())), None),
        RemoteAs::Internal => (None, Some(DynamicASN::Internal)),
        RemoteAs::External => (None, Some(DynamicASN::External)),
    };
    let (address, interface) = match &peer.id {
        NeighborId::Address(address) => (Some(address.to_string()), None),
        NeighborId::Interface(name) => (None, Some(name.to_string())),
    };
    let reference = peer.password_secret.as_ref().filter(|_| passwords == Passwords::Refer);
    let password_secret =
        reference.map(|name| SecretReference { name: Some(name.to_string()), namespace: None });
    let password = peer.password.as_ref().filter(|_| password_secret.is_none());
    Neighbor {
        asn,
        dynamic_asn,
        local_asn: peer.local_as.map(|asn| i64::from(asn.get())),
        address,
        interface,
        sourceaddress: peer.source_address.map(|source| source.to_string()),
        port: Some(i32::from(peer.port.unwrap_or(BGP_PORT))),
        password: password.map(|password| password.expose().into()),
        password_secret,
        hold_time: peer.timers.map(|timers| seconds(timers.hold)),
        keepalive_time: peer.timers.map(|timers| seconds(timers.keepalive)),
        connect_time: peer.connect_time.map(seconds),
        ebgp_multi_hop: peer.ebgp_multihop.then_some(true),
        bfd_profile: peer.bfd_profile.as_ref().map(ToString::to_string),
        enable_graceful_restart: peer.graceful_restart.then_some(true),
        to_advertise: Some(sent.into()),
        dual_stack_address_family: peer.dual_stack.then_some(true),
        ..Neighbor::default()
    }
}

impl From<Sent> for Advertise {
    fn from(sent: Sent) -> Self {
        let local_pref = |(value, prefixes): (u32, Prefixes)| LocalPrefPrefixes {
            prefixes: prefixes.into_iter().collect(),
            local_pref: Some(i64::from(value)),
        };
        let community = |(community, prefixes): (String, Prefixes)| CommunityPrefixes {
            prefixes: prefixes.into_iter().collect(),
            community: Some(community),
        };
        let prefixes = sent.prefixes.into_iter().collect();
        Self {
            allowed: Some(AdvertiseAllowed { prefixes, mode: None }),
            next_hop: None,
            with_local_pref: sent.local_prefs.into_iter().map(local_pref).collect(),
            with_community: sent.communities.into_iter().map(community).collect(),
        }
    }
}

/// What a peer is sent, with what: the families that its session carries.
fn sent(model: &Model, node: &Node, peer: &Peer, announced: &BTreeMap<IpNet, Announced>) -> Sent {
    let both = peer.dual_stack || peer.id.is_interface();
    let carries = |net: &IpNet| match &peer.id {
        NeighborId::Address(address) => both || Family::of(net.addr()) == Family::of(*address),
        NeighborId::Interface(_) => true,
    };
    let mut sent = Sent::default();
    for (net, announced) in announced.iter().filter(|(net, _)| carries(net)) {
        let names = announced.advertisements.iter();
        let ads = names.filter_map(|name| model.bgp_advertisements.get(name));
        let ads: Vec<&BgpAdvertisement> = ads.filter(|ad| ad.reaches(&peer.object.name)).collect();
        if ads.is_empty() {
            continue;
        }
        let net = net.to_string();
        let leaves = ads.iter().all(|ad| ad.drains(node));
        let local_pref = ads.iter().filter_map(|ad| ad.local_pref).max();
        if let Some(value) = if leaves { Some(0) } else { local_pref } {
            sent.local_prefs.entry(value).or_default().insert(net.clone());
        }
        let last_resort = leaves.then_some(Community::GRACEFUL_SHUTDOWN);
        for community in ads.iter().flat_map(|ad| ad.communities.iter().copied()).chain(last_resort) {
            sent.communities.entry(community.to_string()).or_default().insert(net.clone());
        }
        sent.prefixes.insert(net);
    }
    sent
}

fn profiles(model: &Model) -> Vec<BFDProfile> {
    let profile = |profile: &crate::model::BfdProfile| {
        let wide = |value: Option<u16>| value.map(i32::from);
        let given = &profile.profile;
        BFDProfile {
            name: profile.object.name.to_string(),
            receive_interval: wide(given.receive_interval),
            transmit_interval: wide(given.transmit_interval),
            detect_multiplier: given.detect_multiplier.map(i32::from),
            echo_interval: wide(given.echo_interval),
            echo_mode: Some(given.echo_mode),
            passive_mode: Some(given.passive_mode),
            minimum_ttl: given.minimum_ttl.map(i32::from),
        }
    };
    model.bfd_profiles.values().map(profile).collect()
}

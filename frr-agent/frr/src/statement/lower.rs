//! From a configuration to statements.

use super::{Block, Context, Kind, Statements, Subject, Vrf};
use crate::config::{
    AddressFamily, BfdProfile, Evpn, FrrConfig, Neighbor, NeighborId, Network, Origins, RouteMapEntry,
    RouteTarget, Router, VniPolicy,
};
use crate::value::{Asn, Family, Password, Vni};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// The prefixes of each VRF that a comparison is about.
pub type Prefixes = BTreeMap<Vrf, BTreeSet<IpNet>>;

/// The statements of a configuration, without its raw snippets.
#[must_use]
pub fn lower(config: &FrrConfig) -> Statements<'_> {
    lower_with(config, None)
}

/// As [`lower`], of the prefixes only those that are named. A block whose prefixes are all left out is there, and empty.
#[must_use]
pub fn lower_with<'a>(config: &'a FrrConfig, only: Option<&Prefixes>) -> Statements<'a> {
    let mut all = defaults();
    let top = all.block(Context::Top);
    for ((name, family), list) in &config.prefix_lists {
        for (seq, rule) in &list.rules {
            let subject = Subject::Rule(*family, name.clone(), *seq);
            top.put(Kind::PrefixRule, subject, format!("{} {rule}", rule.action), Some(&rule.origins));
        }
    }
    for (name, (vni, origins)) in &config.vrf_vnis {
        let block = all.block(Context::Vrf(name.clone()));
        block.put(Kind::VrfVni, Subject::Sole, vni.to_string(), Some(origins));
    }
    for (name, map) in &config.route_maps {
        for (seq, entry) in &map.entries {
            lower_entry(all.block(Context::RouteMap(name.clone(), *seq)), entry);
        }
    }
    for (vrf, router) in &config.routers {
        lower_router(&mut all, vrf, router);
        lower_networks(&mut all, vrf, router, only);
    }
    for (name, profile) in &config.bfd_profiles {
        lower_profile(all.block(Context::BfdProfile(name.clone())), profile);
    }
    all
}

/// The named prefixes and nothing else.
#[must_use]
pub fn lower_only<'a>(config: &'a FrrConfig, prefixes: &Prefixes) -> Statements<'a> {
    let mut all = defaults();
    for (vrf, router) in config.routers.iter().filter(|(vrf, _)| prefixes.contains_key(*vrf)) {
        let block = all.block(Context::Router(vrf.clone()));
        (block.head, block.origins) = (router.asn.to_string(), Some(&router.origins));
        lower_networks(&mut all, vrf, router, Some(prefixes));
    }
    all
}

fn defaults<'a>() -> Statements<'a> {
    let mut all = Statements::default();
    let top = all.block(Context::Top);
    for family in [Family::V4, Family::V6] {
        top.put(Kind::Nht, Subject::Family(family), "on".to_owned(), None);
    }
    all
}

fn lower_networks<'a>(all: &mut Statements<'a>, vrf: &Vrf, router: &'a Router, only: Option<&Prefixes>) {
    let mut put = |prefix: &IpNet, network: &'a Network| {
        let block = all.block(Context::Family(vrf.clone(), Family::of(prefix.addr()).into()));
        let class = network.class.as_ref().map_or("", |class| class.as_str());
        block.put(Kind::Network, Subject::Prefix(*prefix), class, Some(&network.origins));
    };
    match only.map(|only| only.get(vrf)) {
        None => router.networks.iter().for_each(|(prefix, network)| put(prefix, network)),
        Some(prefixes) => {
            let named = prefixes.into_iter().flatten();
            let known = named.filter_map(|prefix| Some((prefix, router.networks.get(prefix)?)));
            known.for_each(|(prefix, network)| put(prefix, network));
        }
    }
}

fn joined<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().fold(String::new(), |text, item| text + &item.to_string() + " ")
}

fn lower_entry<'a>(block: &mut Block<'a>, entry: &'a RouteMapEntry) {
    let origins = Some(&entry.origins);
    block.head = entry.action.to_string();
    block.origins = origins;
    let mut one = |kind, text: Option<String>| {
        if let Some(text) = text {
            block.put(kind, Subject::Sole, text, origins);
        }
    };
    let sets = &entry.sets;
    one(Kind::MatchTag, entry.matches.tag.map(|tag| tag.to_string()));
    one(Kind::SetNextHopV4, sets.next_hop_v4.map(|address| address.to_string()));
    one(Kind::SetNextHopV6, sets.next_hop_v6.map(|address| address.to_string()));
    one(Kind::SetLocalPreference, sets.local_preference.map(|value| value.to_string()));
    one(Kind::SetTag, sets.tag.map(|tag| tag.to_string()));
    let communities = (!sets.communities.is_empty()).then(|| joined(&sets.communities) + "additive");
    one(Kind::SetCommunity, communities);
    let large = (!sets.large_communities.is_empty()).then(|| joined(&sets.large_communities) + "additive");
    one(Kind::SetLargeCommunity, large);
    if let Some((family, list)) = &entry.matches.prefix_list {
        block.put(Kind::MatchPrefixList, Subject::Family(*family), list.to_string(), origins);
    }
}

fn lower_router<'a>(all: &mut Statements<'a>, vrf: &Vrf, router: &'a Router) {
    let origins = Some(&router.origins);
    let block = all.block(Context::Router(vrf.clone()));
    block.head = router.asn.to_string();
    block.origins = origins;
    for kind in
        [Kind::NoEbgpRequiresPolicy, Kind::NoDefaultIpv4Unicast, Kind::NoImportCheck, Kind::PreserveFwState]
    {
        block.put(kind, Subject::Sole, String::new(), origins);
    }
    if let Some(id) = router.router_id {
        block.put(Kind::RouterId, Subject::Sole, id.to_string(), origins);
    }
    for (id, neighbor) in &router.neighbors {
        lower_session(block, id, neighbor);
    }
    for (id, neighbor) in &router.neighbors {
        for family in &neighbor.families {
            let block = all.block(Context::Family(vrf.clone(), *family));
            let origins = Some(&neighbor.origins);
            let subject = Subject::Neighbor(id.clone());
            if *family != AddressFamily::L2vpnEvpn {
                block.put(Kind::MapIn, subject.clone(), neighbor.map_in.to_string(), origins);
                block.put(Kind::MapOut, subject.clone(), neighbor.map_out.to_string(), origins);
            }
            block.put(Kind::Activate, subject, String::new(), origins);
        }
    }
    for family in [Family::V4, Family::V6] {
        if !router.has_unicast(family) {
            continue;
        }
        let block = all.block(Context::Family(vrf.clone(), family.into()));
        for import in &router.imports {
            block.put(Kind::Import, Subject::Vrf(import.clone()), String::new(), origins);
        }
    }
    if let Some(evpn) = &router.evpn {
        lower_evpn(all, vrf, router.asn, evpn);
    }
}

fn lower_session<'a>(block: &mut Block<'a>, id: &NeighborId, neighbor: &'a Neighbor) {
    let mut one = |kind, text: Option<String>| {
        if let Some(text) = text {
            block.put(kind, Subject::Neighbor(id.clone()), text, Some(&neighbor.origins));
        }
    };
    let flag = |on: bool| on.then(String::new);
    one(Kind::RemoteAs, Some(neighbor.remote_as.to_string()));
    one(Kind::LocalAs, neighbor.local_as.map(|asn| asn.to_string()));
    one(Kind::Bfd, flag(neighbor.bfd_profile.is_some()));
    one(Kind::BfdProfile, neighbor.bfd_profile.as_ref().map(ToString::to_string));
    one(Kind::Password, neighbor.password.as_ref().map(Password::expose).map(ToOwned::to_owned));
    one(Kind::Port, neighbor.port.map(|port| port.to_string()));
    one(Kind::Multihop, flag(neighbor.ebgp_multihop));
    one(Kind::DisableConnectedCheck, flag(neighbor.disable_connected_check));
    one(Kind::UpdateSource, neighbor.update_source.as_ref().map(ToString::to_string));
    one(Kind::Timers, neighbor.timers.map(|timers| format!("{} {}", timers.keepalive, timers.hold)));
    one(Kind::ConnectTimer, neighbor.connect_timer.map(|seconds| seconds.to_string()));
    one(Kind::GracefulRestart, flag(neighbor.graceful_restart));
}

fn lower_evpn<'a>(all: &mut Statements<'a>, vrf: &Vrf, asn: Asn, evpn: &'a Evpn) {
    let origins = Some(&evpn.origins);
    if !evpn.is_empty() {
        let block = all.block(Context::Family(vrf.clone(), AddressFamily::L2vpnEvpn));
        for (on, kind) in
            [(evpn.advertise_all_vni, Kind::AdvertiseAllVni), (evpn.advertise_svi_ip, Kind::AdvertiseSviIp)]
        {
            if on {
                block.put(kind, Subject::Sole, String::new(), origins);
            }
        }
        if let Some(policy) = &evpn.l3vni {
            for family in [Family::V4, Family::V6] {
                block.put(Kind::Advertise, Subject::Family(family), String::new(), origins);
            }
            lower_policy(block, policy, None, origins);
        }
    }
    for (vni, policy) in &evpn.l2vnis {
        if !policy.is_empty() {
            lower_policy(all.block(Context::Vni(vrf.clone(), *vni)), policy, Some((asn, *vni)), origins);
        }
    }
}

fn lower_policy<'a>(
    block: &mut Block<'a>,
    policy: &VniPolicy,
    derived: Option<(Asn, Vni)>,
    origins: Option<&'a Origins>,
) {
    if let Some(rd) = &policy.rd {
        block.put(Kind::Rd, Subject::Sole, rd.to_string(), origins);
    }
    let auto = derived.map(|(asn, vni)| RouteTarget::auto(asn, vni));
    let targets =
        [(Kind::ImportTarget, &policy.import_targets), (Kind::ExportTarget, &policy.export_targets)];
    for (kind, targets) in targets {
        for target in targets {
            let last = auto.as_ref() == Some(target);
            block.put(kind, Subject::Target(last, target.clone()), String::new(), origins);
        }
    }
}

fn lower_profile<'a>(block: &mut Block<'a>, profile: &'a BfdProfile) {
    block.origins = Some(&profile.origins);
    let text = |value: Option<u16>| value.map(|value| value.to_string());
    let flag = |on: bool| on.then(String::new);
    for (kind, value) in [
        (Kind::DetectMultiplier, text(profile.detect_multiplier.map(u16::from))),
        (Kind::TransmitInterval, text(profile.transmit_interval)),
        (Kind::ReceiveInterval, text(profile.receive_interval)),
        (Kind::PassiveMode, flag(profile.passive_mode)),
        (Kind::EchoMode, flag(profile.echo_mode)),
        (Kind::EchoTransmit, text(profile.echo_interval)),
        (Kind::EchoReceive, text(profile.echo_interval)),
        (Kind::MinimumTtl, text(profile.minimum_ttl.map(u16::from))),
    ] {
        if let Some(value) = value {
            block.put(kind, Subject::Sole, value, Some(&profile.origins));
        }
    }
}

//! From statements to a configuration: what of them the model can say.
//!
//! A session that FRR has only in part (no route-maps, say) is not in the result; its statements
//! stay where they are, and the diff completes or removes them one by one.

use super::{Block, Context, Key, Kind, Statements, Subject, Value, Vrf, text, value};
use crate::config::{
    AddressFamily, BfdProfile, Evpn, FrrConfig, Match, Neighbor, NeighborId, Network, Origins, PrefixList,
    RouteMap, RouteMapEntry, Router, Sets, Timers, VniPolicy,
};
use crate::shared::SharedMap;
use crate::value::{Asn, Family, FrrName};
use std::collections::BTreeMap;
use std::str::FromStr;

/// The configuration that the statements mean, without origins and raw snippets.
#[must_use]
pub fn raise(all: &Statements<'_>) -> FrrConfig {
    let mut config = FrrConfig::default();
    let mut lists: BTreeMap<(FrrName, Family), PrefixList> = BTreeMap::new();
    let mut maps: BTreeMap<FrrName, RouteMap> = BTreeMap::new();
    for (context, block) in &all.blocks {
        match context {
            Context::Top => raise_lists(&mut lists, block),
            Context::Vrf(name) => {
                if let Some(vni) =
                    block.sole(Kind::VrfVni).and_then(|vni| vni.parse::<i64>().ok()?.try_into().ok())
                {
                    config.vrf_vnis.insert(name.clone(), (vni, Origins::new()));
                }
            }
            Context::RouteMap(name, seq) => {
                if let Some(entry) = raise_entry(block) {
                    maps.entry(name.clone()).or_default().entries.insert(*seq, entry);
                }
            }
            Context::Router(vrf) => {
                if let Some(router) = raise_router(all, vrf, block) {
                    config.routers.insert(vrf.clone(), router);
                }
            }
            Context::BfdProfile(name) => {
                config.bfd_profiles.insert(name.clone(), raise_profile(block));
            }
            Context::Family(..) | Context::Vni(..) => {}
        }
    }
    config.prefix_lists = lists.into_iter().collect();
    config.route_maps = maps.into_iter().collect();
    config
}

fn parsed<T: FromStr>(block: &Block<'_>, kind: Kind) -> Option<T> {
    block.sole(kind)?.parse().ok()
}

fn has(block: &Block<'_>, kind: Kind) -> bool {
    block.sole(kind).is_some()
}

fn raise_lists(lists: &mut BTreeMap<(FrrName, Family), PrefixList>, block: &Block<'_>) {
    for ((_, subject), value) in &block.lines {
        let Subject::Rule(family, name, seq) = subject else { continue };
        let words: Vec<&str> = value.text.split(' ').collect();
        let rule = words.split_first().and_then(|(action, rest)| value::prefix_rule(*family, action, rest));
        if let Some(rule) = rule {
            lists.entry((name.clone(), *family)).or_default().rules.insert(*seq, rule);
        }
    }
}

fn raise_entry(block: &Block<'_>) -> Option<RouteMapEntry> {
    let mut lists = [Family::V4, Family::V6].into_iter().filter_map(|family| {
        let list = block.lines.get(&(Kind::MatchPrefixList, Subject::Family(family)))?;
        Some((family, list.text.parse().ok()?))
    });
    let words = |kind| block.sole(kind).unwrap_or_default().split(' ');
    let communities = |kind| words(kind).filter(|word| !word.is_empty() && *word != "additive");
    let sets = Sets {
        tag: parsed(block, Kind::SetTag).and_then(crate::value::Tag::new),
        local_preference: parsed(block, Kind::SetLocalPreference),
        communities: communities(Kind::SetCommunity).filter_map(value::community).collect(),
        large_communities: communities(Kind::SetLargeCommunity).filter_map(value::large_community).collect(),
        next_hop_v4: parsed(block, Kind::SetNextHopV4),
        next_hop_v6: parsed(block, Kind::SetNextHopV6),
    };
    let matches = Match {
        tag: parsed(block, Kind::MatchTag).and_then(crate::value::Tag::new),
        prefix_list: lists.next_back(),
    };
    Some(RouteMapEntry { action: value::action(&block.head)?, matches, sets, origins: Origins::new() })
}

fn raise_router(all: &Statements<'_>, vrf: &Vrf, block: &Block<'_>) -> Option<Router> {
    let mut router = Router {
        asn: Asn::try_from(block.head.parse::<i64>().ok()?).ok()?,
        router_id: parsed(block, Kind::RouterId),
        imports: [].into(),
        neighbors: SharedMap::new(),
        networks: SharedMap::new(),
        evpn: None,
        origins: Origins::new(),
    };
    let family = |family| all.blocks.get(&Context::Family(vrf.clone(), family));
    for (kind, subject) in block.lines.keys() {
        if let (Kind::RemoteAs, Subject::Neighbor(id)) = (kind, subject) {
            let session = raise_session(block, id).and_then(|session| in_families(session, id, vrf, &family));
            router.neighbors.extend(session.map(|session| (id.clone(), session)));
        }
    }
    for block in [AddressFamily::Ipv4Unicast, AddressFamily::Ipv6Unicast].into_iter().filter_map(family) {
        for ((kind, subject), value) in &block.lines {
            match (kind, subject) {
                (Kind::Network, Subject::Prefix(prefix)) => {
                    let network = Network { class: value.text.parse().ok(), origins: Origins::new() };
                    router.networks.insert(*prefix, network);
                }
                (Kind::Import, Subject::Vrf(from)) => {
                    router.imports.insert(from.clone());
                }
                _ => {}
            }
        }
    }
    router.evpn = family(AddressFamily::L2vpnEvpn).map(|block| raise_evpn(all, vrf, block));
    router.evpn.take_if(|evpn| evpn.is_empty());
    Some(router)
}

fn raise_session(block: &Block<'_>, id: &NeighborId) -> Option<Neighbor> {
    let of = |kind| block.lines.get(&(kind, Subject::Neighbor(id.clone()))).map(Value::as_str);
    let timers = |text: &str| {
        let (keepalive, hold) = text.split_once(' ')?;
        Some(Timers { keepalive: keepalive.parse().ok()?, hold: hold.parse().ok()? })
    };
    let placeholder: FrrName = "none".parse().ok()?;
    Some(Neighbor {
        remote_as: value::remote_as(of(Kind::RemoteAs)?)?,
        ebgp_multihop: of(Kind::Multihop).is_some(),
        local_as: of(Kind::LocalAs).and_then(|asn| Asn::try_from(asn.parse::<i64>().ok()?).ok()),
        port: of(Kind::Port).and_then(|port| port.parse().ok()),
        timers: of(Kind::Timers).and_then(timers),
        connect_timer: of(Kind::ConnectTimer).and_then(|seconds| seconds.parse().ok()),
        password: of(Kind::Password).and_then(|password| password.parse().ok()),
        update_source: of(Kind::UpdateSource).and_then(value::update_source),
        graceful_restart: of(Kind::GracefulRestart).is_some(),
        bfd_profile: of(Kind::BfdProfile).and_then(|name| name.parse().ok()),
        disable_connected_check: of(Kind::DisableConnectedCheck).is_some(),
        families: [].into(),
        map_in: placeholder.clone(),
        map_out: placeholder,
        origins: Origins::new(),
    })
}

/// Adds the families and route-maps; none if they are not the same in each unicast family.
fn in_families<'s>(
    mut session: Neighbor,
    id: &NeighborId,
    vrf: &Vrf,
    block: &impl Fn(AddressFamily) -> Option<&'s Block<'s>>,
) -> Option<Neighbor> {
    let key = |kind| -> Key { (kind, Subject::Neighbor(id.clone())) };
    let mut maps: Option<(FrrName, FrrName)> = None;
    for family in [AddressFamily::Ipv4Unicast, AddressFamily::Ipv6Unicast, AddressFamily::L2vpnEvpn] {
        let Some(block) = block(family).filter(|block| block.lines.contains_key(&key(Kind::Activate))) else {
            continue;
        };
        session.families.insert(family);
        if text::unicast(family).is_some() {
            let name = |kind| block.lines.get(&key(kind))?.text.parse().ok();
            let here = (name(Kind::MapIn)?, name(Kind::MapOut)?);
            if maps.replace(here.clone()).is_some_and(|before| before != here) {
                return None;
            }
        }
    }
    (session.map_in, session.map_out) = match maps {
        Some(maps) => maps,
        None => default_maps(id, vrf)?,
    };
    Some(session)
}

/// The usual names, for a session that is active in no unicast family and so shows none.
fn default_maps(id: &NeighborId, vrf: &Vrf) -> Option<(FrrName, FrrName)> {
    let stem = vrf.as_ref().map_or_else(|| id.to_string(), |vrf| format!("{id}-{vrf}"));
    Some((format!("{stem}-in").parse().ok()?, format!("{stem}-out").parse().ok()?))
}

fn raise_evpn(all: &Statements<'_>, vrf: &Vrf, block: &Block<'_>) -> Evpn {
    let advertises = |family| block.lines.contains_key(&(Kind::Advertise, Subject::Family(family)));
    let l2vnis = all.blocks.iter().filter_map(|(context, block)| match context {
        Context::Vni(of, vni) if of == vrf => Some((*vni, raise_policy(block))),
        _ => None,
    });
    Evpn {
        advertise_all_vni: has(block, Kind::AdvertiseAllVni),
        advertise_svi_ip: has(block, Kind::AdvertiseSviIp),
        l2vnis: l2vnis.filter(|(_, policy)| !policy.is_empty()).collect(),
        l3vni: (advertises(Family::V4) && advertises(Family::V6)).then(|| raise_policy(block)),
        origins: Origins::new(),
    }
}

fn raise_policy(block: &Block<'_>) -> VniPolicy {
    let targets = |of: Kind| {
        block.lines.keys().filter_map(move |(kind, subject)| match subject {
            Subject::Target(_, target) if *kind == of => Some(target.clone()),
            _ => None,
        })
    };
    VniPolicy {
        rd: parsed(block, Kind::Rd),
        import_targets: targets(Kind::ImportTarget).collect(),
        export_targets: targets(Kind::ExportTarget).collect(),
    }
}

fn raise_profile(block: &Block<'_>) -> BfdProfile {
    BfdProfile {
        receive_interval: parsed(block, Kind::ReceiveInterval),
        transmit_interval: parsed(block, Kind::TransmitInterval),
        detect_multiplier: parsed(block, Kind::DetectMultiplier),
        echo_interval: parsed(block, Kind::EchoTransmit),
        echo_mode: has(block, Kind::EchoMode),
        passive_mode: has(block, Kind::PassiveMode),
        minimum_ttl: parsed(block, Kind::MinimumTtl),
        origins: Origins::new(),
    }
}

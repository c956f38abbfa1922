//! One configuration per stanza, and one with everything.

use super::build::*;
use herald_frr::config::Action::{Deny, Permit};
use herald_frr::config::AddressFamily::{Ipv4Unicast, Ipv6Unicast, L2vpnEvpn};
use herald_frr::config::*;
use herald_frr::value::*;

pub fn all() -> Vec<(&'static str, FrrConfig)> {
    vec![
        ("empty", FrrConfig::default()),
        ("ebgp", ebgp()),
        ("ibgp", ibgp()),
        ("ipv6", ipv6()),
        ("dual-stack", dual_stack()),
        ("unnumbered", unnumbered()),
        ("session-options", session_options()),
        ("vrf-import", vrf_import()),
        ("bfd", bfd()),
        ("attributes", attributes()),
        ("received", received()),
        ("evpn", evpn()),
        ("frr10-vrf-other-as", vrf_other_as()),
        ("frr10-evpn-any-as", evpn_any_as()),
        ("raw", raw()),
        ("everything", everything()),
    ]
}

/// One class on one prefix, one neighbor that gets it.
fn announced(mut router: Router, name: &str, neighbor: Neighbor, prefixes: &[&str]) -> FrrConfig {
    let class: FrrName = parse("adv-gold");
    let mut config = FrrConfig::default();
    config.route_maps.insert(neighbor.map_in.clone(), map([entry(Deny, Match::default(), Sets::default())]));
    config.route_maps.insert(neighbor.map_out.clone(), map([entry(Permit, tagged(7), Sets::default())]));
    let mark = Sets { tag: Some(Tag::ours(7)), ..Sets::default() };
    config.route_maps.insert(class.clone(), map([entry(Permit, Match::default(), mark)]));
    for prefix in prefixes {
        let origins = from(&["Service default/web"]);
        router.networks.insert(parse(prefix), Network { class: Some(class.clone()), origins });
    }
    router.neighbors.insert(id(name), neighbor);
    config.routers.insert(None, router);
    config
}

fn ebgp() -> FrrConfig {
    let peer = neighbor("192.0.2.1", RemoteAs::Number(asn(64_512)), &[Ipv4Unicast]);
    announced(router(65_000), "192.0.2.1", peer, &["10.0.0.1/32", "10.0.0.2/32"])
}

fn ibgp() -> FrrConfig {
    let peer = neighbor("192.0.2.1", RemoteAs::Internal, &[Ipv4Unicast]);
    let mut config = announced(router(4_200_000_000), "192.0.2.1", peer, &["10.0.0.1/32"]);
    let out = config.route_maps.get_mut(&parse::<FrrName>("192.0.2.1-out")).unwrap();
    out.entries.get_mut(&1).unwrap().sets.local_preference = Some(4_294_967_295);
    config
}

fn ipv6() -> FrrConfig {
    let peer = neighbor("2001:db8::1", RemoteAs::External, &[Ipv6Unicast]);
    let peer = Neighbor { disable_connected_check: true, ..peer };
    announced(router(65_000), "2001:db8::1", peer, &["2001:db8:1::/64", "2001:db8:1::1/128"])
}

fn dual_stack() -> FrrConfig {
    let peer = neighbor("192.0.2.1", RemoteAs::Number(asn(64_512)), &[Ipv4Unicast, Ipv6Unicast]);
    let mut config = announced(router(65_000), "192.0.2.1", peer, &["10.0.0.1/32", "2001:db8::5/128"]);
    let out = config.route_maps.get_mut(&parse::<FrrName>("192.0.2.1-out")).unwrap();
    let sets = &mut out.entries.get_mut(&1).unwrap().sets;
    sets.next_hop_v4 = Some(parse("192.0.2.9"));
    sets.next_hop_v6 = Some(parse("2001:db8::9"));
    config
}

fn unnumbered() -> FrrConfig {
    let peer = neighbor("eth0", RemoteAs::External, &[Ipv4Unicast, Ipv6Unicast]);
    let mut config = announced(router(65_000), "eth0", peer, &["10.0.0.1/32"]);
    let other = neighbor("192.0.2.1", RemoteAs::Number(asn(64_512)), &[]);
    config.routers.get_mut(&None).unwrap().neighbors.insert(id("192.0.2.1"), other);
    config
}

pub fn session_options() -> FrrConfig {
    let mut router = router(65_000);
    router.router_id = Some(parse("10.0.0.7"));
    let peer = Neighbor {
        ebgp_multihop: true,
        local_as: Some(asn(65_010)),
        port: Some(1179),
        timers: Some(Timers { keepalive: 30, hold: 90 }),
        connect_timer: Some(5),
        password: Some(parse("s3cret!")),
        update_source: Some(UpdateSource::Address(parse("10.0.0.7"))),
        graceful_restart: true,
        ..neighbor("192.0.2.1", RemoteAs::Number(asn(64_512)), &[Ipv4Unicast])
    };
    let by_interface = Neighbor {
        update_source: Some(UpdateSource::Interface(parse("eth0"))),
        timers: Some(Timers { keepalive: 0, hold: 0 }),
        ..neighbor("192.0.2.2", RemoteAs::Internal, &[Ipv4Unicast])
    };
    let mut config = announced(router, "192.0.2.1", peer, &["10.0.0.1/32"]);
    config.routers.get_mut(&None).unwrap().neighbors.insert(id("192.0.2.2"), by_interface);
    config
}

fn vrf_import() -> FrrConfig {
    let peer = neighbor("192.0.2.1", RemoteAs::Number(asn(64_512)), &[Ipv4Unicast]);
    let mut config = announced(router(65_000), "192.0.2.1", peer, &["10.0.0.1/32"]);
    config.routers.get_mut(&None).unwrap().imports.insert(Some(parse("red")));
    let mut red = router(65_000);
    red.imports.insert(None);
    let peer = neighbor("198.51.100.1", RemoteAs::Number(asn(64_513)), &[Ipv4Unicast]);
    let peer =
        Neighbor { map_in: parse("198.51.100.1-red-in"), map_out: parse("198.51.100.1-red-out"), ..peer };
    red.neighbors.insert(id("198.51.100.1"), peer);
    config.routers.insert(Some(parse("red")), red);
    config
}

fn bfd() -> FrrConfig {
    let peer = neighbor("192.0.2.1", RemoteAs::Number(asn(64_512)), &[Ipv4Unicast]);
    let peer = Neighbor { bfd_profile: Some(parse("fast")), ..peer };
    let mut config = announced(router(65_000), "192.0.2.1", peer, &[]);
    let fast = BfdProfile {
        receive_interval: Some(100),
        transmit_interval: Some(110),
        detect_multiplier: Some(5),
        echo_interval: Some(70),
        echo_mode: true,
        passive_mode: true,
        minimum_ttl: Some(250),
        origins: from(&["BFDProfile metallb-system/fast"]),
    };
    config.bfd_profiles.insert(parse("fast"), fast);
    config.bfd_profiles.insert(parse("plain"), BfdProfile::default());
    config
}

/// Two classes, one of them with communities and a local preference of its own.
fn attributes() -> FrrConfig {
    let peer = neighbor("192.0.2.1", RemoteAs::Internal, &[Ipv4Unicast]);
    let mut config = announced(router(65_000), "192.0.2.1", peer, &["10.0.0.1/32"]);
    let sets = Sets {
        local_preference: Some(150),
        communities: [StandardCommunity(65_000, 2), StandardCommunity(64_512, 1)].into(),
        large_communities: [LargeCommunity(4_200_000_000, 1, 2)].into(),
        ..Sets::default()
    };
    let out = config.route_maps.get_mut(&parse::<FrrName>("192.0.2.1-out")).unwrap();
    out.entries.insert(2, entry(Permit, tagged(9), sets));
    let mark = Sets { tag: Some(Tag::ours(9)), ..Sets::default() };
    config.route_maps.insert(parse("adv-silver"), map([entry(Permit, Match::default(), mark)]));
    let network = Network { class: Some(parse("adv-silver")), origins: from(&["Service default/db"]) };
    config.routers.get_mut(&None).unwrap().networks.insert(parse("10.0.1.0/24"), network);
    config
}

/// Received routes: filtered by lists, some always refused.
fn received() -> FrrConfig {
    let peer = neighbor("192.0.2.1", RemoteAs::Number(asn(64_512)), &[Ipv4Unicast, Ipv6Unicast]);
    let mut config = announced(router(65_000), "192.0.2.1", peer, &["10.0.0.1/32"]);
    let refused = listed(Family::V4, "192.0.2.1-in-always-block");
    let v4 = listed(Family::V4, "192.0.2.1-in");
    let v6 = listed(Family::V6, "192.0.2.1-in");
    let entries = [
        entry(Deny, refused, Sets::default()),
        entry(Permit, v4, Sets::default()),
        entry(Permit, v6, Sets::default()),
    ];
    config.route_maps.insert(parse("192.0.2.1-in"), map(entries));
    let block = list([rule(Permit, "10.244.0.0/16", None, Some(32))]);
    config.prefix_lists.insert((parse("192.0.2.1-in-always-block"), Family::V4), block);
    let allow = list([
        rule(Permit, "172.16.0.0/12", Some(16), Some(24)),
        rule(Permit, "172.31.0.0/16", Some(24), None),
        rule(Deny, "0.0.0.0/0", None, None),
    ]);
    config.prefix_lists.insert((parse("192.0.2.1-in"), Family::V4), allow);
    let any = list([rule(Permit, "::/0", None, Some(128))]);
    config.prefix_lists.insert((parse("192.0.2.1-in"), Family::V6), any);
    config
}

fn evpn() -> FrrConfig {
    let mut default = router(65_000);
    let spine = neighbor("192.0.2.1", RemoteAs::Number(asn(64_512)), &[L2vpnEvpn]);
    default.neighbors.insert(id("192.0.2.1"), spine);
    let policy = VniPolicy {
        rd: Some(parse("65000:100")),
        import_targets: [parse("65000:100"), parse("65000:200"), parse("192.0.2.7:9")].into(),
        export_targets: [parse("4200000000:1")].into(),
    };
    let l2 = Evpn {
        advertise_all_vni: true,
        advertise_svi_ip: true,
        l2vnis: [(vni(100), policy), (vni(101), VniPolicy::default())].into(),
        l3vni: None,
        origins: from(&["FRRConfiguration frr-k8s-system/fabric spec.bgp.routers[0].evpn"]),
    };
    default.evpn = Some(l2);
    let mut red = router(65_000);
    let policy = VniPolicy {
        rd: Some(parse("10.0.0.7:500")),
        import_targets: [parse("65000:500"), parse("65000:501")].into(),
        export_targets: [parse("65000:500")].into(),
    };
    red.evpn = Some(Evpn { l3vni: Some(policy), ..Evpn::default() });
    let mut config = FrrConfig::default();
    config.vrf_vnis.insert(parse("red"), (vni(500), Origins::new()));
    config.routers.insert(None, default);
    config.routers.insert(Some(parse("red")), red);
    config
}

/// FRR 8.4 makes the VRF's router for the import, and with the importing one's AS number.
fn vrf_other_as() -> FrrConfig {
    let mut config = vrf_import();
    config.routers.values_mut().last().unwrap().asn = asn(65_001);
    config
}

/// Any AS in an import target: FRR 8.4 does not know it.
fn evpn_any_as() -> FrrConfig {
    let mut config = evpn();
    let evpn = config.routers.values_mut().last().and_then(|red| red.evpn.as_mut()).unwrap();
    evpn.l3vni.as_mut().unwrap().import_targets.insert(parse("*:500"));
    config
}

pub fn raw() -> FrrConfig {
    let mut config = ebgp();
    for (text, origin) in [
        (
            "router bgp 65000\n neighbor 192.0.2.1 description rack 4\n neighbor 192.0.2.1 password hush\nexit\n",
            "a",
        ),
        ("ip prefix-list mine seq 5 permit 10.9.0.0/16", "b"),
    ] {
        let origins = from(&[&format!("FRRConfiguration frr-k8s-system/{origin} spec.raw.rawConfig")]);
        config.raw.push(RawSnippet { text: RawConfig::new(text), origins });
    }
    config
}

pub fn everything() -> FrrConfig {
    let mut config = session_options();
    for other in [received(), vrf_import(), attributes(), bfd(), evpn(), raw()] {
        config.prefix_lists.extend(other.prefix_lists);
        config.route_maps.extend(other.route_maps);
        config.vrf_vnis.extend(other.vrf_vnis);
        config.bfd_profiles.extend(other.bfd_profiles);
        config.raw.extend(other.raw);
        for (vrf, router) in other.routers {
            let mine = config.routers.entry(vrf).or_insert_with(|| router.clone());
            mine.imports.extend(router.imports);
            mine.networks.extend(router.networks);
            mine.evpn = router.evpn.or(mine.evpn.take());
            for (name, neighbor) in router.neighbors {
                if !mine.neighbors.contains_key(&name) {
                    mine.neighbors.insert(name, neighbor);
                }
            }
        }
    }
    config
}

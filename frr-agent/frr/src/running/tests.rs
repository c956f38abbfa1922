//! What is written is read back as it was; what the model cannot say is kept.

use super::*;
use crate::arbitrary;
use crate::config::Origins;
use crate::render::{RenderOptions, Secrets, render};
use proptest::prelude::*;

const AS_IS: RenderOptions = RenderOptions { secrets: Secrets::Show, annotate: false };

/// Origins are not in the text.
pub fn without_origins(mut config: FrrConfig) -> FrrConfig {
    let clear = |origins: &mut Origins| origins.clear();
    config.prefix_lists.values_mut().flat_map(|l| l.rules.values_mut()).for_each(|r| clear(&mut r.origins));
    config.route_maps.values_mut().flat_map(|m| m.entries.values_mut()).for_each(|e| clear(&mut e.origins));
    config.vrf_vnis.values_mut().for_each(|(_, origins)| clear(origins));
    config.bfd_profiles.values_mut().for_each(|p| clear(&mut p.origins));
    for router in config.routers.values_mut() {
        clear(&mut router.origins);
        router.neighbors.values_mut().for_each(|n| clear(&mut n.origins));
        router.networks.values_mut().for_each(|n| clear(&mut n.origins));
        router.evpn.iter_mut().for_each(|e| clear(&mut e.origins));
    }
    config
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(config in arbitrary::config()) {
        let read = parse(&render(&config, &AS_IS));
        prop_assert_eq!(read.foreign, vec![]);
        prop_assert_eq!(read.config, without_origins(config));
    }

    #[test]
    fn comments_change_nothing(config in arbitrary::config()) {
        let noted = render(&config, &RenderOptions { secrets: Secrets::Show, annotate: true });
        prop_assert_eq!(parse(&noted), parse(&render(&config, &AS_IS)));
    }

    #[test]
    fn nothing_panics(text in "[ -~\\n]{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn lines_in_any_order_do_not_panic(
        config in arbitrary::config(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let text = render(&config, &AS_IS);
        let lines: Vec<&str> = text.lines().collect();
        let shuffled: Vec<&str> = order.iter().map(|at| *at.get(&lines)).collect();
        let _ = parse(&shuffled.join("\n"));
    }
}

#[test]
fn what_the_model_cannot_say_is_kept_with_its_blocks() {
    let text = "\
frr version 8.4.4
frr defaults traditional
log syslog informational
!
interface eth0
 ip ospf cost 10
exit
!
router bgp 65000
 bgp log-neighbor-changes
 neighbor 192.0.2.1 remote-as 64512
 neighbor 192.0.2.1 ebgp-multihop 255
 neighbor 192.0.2.1 description to the rack
 !
 address-family ipv4 unicast
  redistribute connected
  network 10.0.0.1/32
 exit-address-family
exit
!
router ospf
 area 1
 network 10.0.0.0/8 area 0
exit
!
line vty
!
end
";
    let running = parse(text);
    let foreign: Vec<(String, &str)> =
        running.foreign.iter().map(|line| (line.within.join(" / "), line.text.as_str())).collect();
    let at = |within: &str, text: &'static str| (within.to_owned(), text);
    assert_eq!(
        foreign,
        [
            at("", "frr version 8.4.4"),
            at("", "frr defaults traditional"),
            at("", "log syslog informational"),
            at("", "interface eth0"),
            at("interface eth0", "ip ospf cost 10"),
            at("router bgp 65000", "bgp log-neighbor-changes"),
            at("router bgp 65000", "neighbor 192.0.2.1 description to the rack"),
            at("router bgp 65000 / address-family ipv4 unicast", "redistribute connected"),
            at("", "router ospf"),
            at("router ospf", "area 1"),
            at("router ospf", "network 10.0.0.0/8 area 0"),
            at("", "line vty"),
        ]
    );
    assert_eq!(running.version, Some((8, 4)));
    let router = &running.config.routers[&None];
    assert_eq!(router.networks.len(), 1);
    // It shows no route-maps, and is active nowhere: the usual names are assumed.
    assert!(router.neighbors[&crate::config::NeighborId::Address([192, 0, 2, 1].into())].ebgp_multihop);
}

#[test]
fn names_that_frr_gives_to_communities_are_read() {
    let text = "route-map a permit 1\n set community 1:1 blackhole no-export no-peer additive\nexit\n";
    let running = parse(text);
    let entry = running.config.route_maps.values().next().and_then(|map| map.entries.get(&1)).unwrap();
    let written: Vec<String> = entry.sets.communities.iter().map(ToString::to_string).collect();
    assert_eq!(written, ["1:1", "65535:666", "65535:65281", "65535:65284"]);
    assert_eq!(running.foreign, []);
}

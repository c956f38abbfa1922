//! Who gets what: peers, nodes and Services that advertisements select.

use crate::ground::{Ground, Wish, advertisement, host, object, on, pool};
use anyhow::Result;
use herald_e2e::cluster::{Route, Router};
use serde_json::{Value, json};

const ALL: &[u8] = &[1, 2, 3];

fn carries(community: &str) -> impl Fn(&Route) -> bool {
    move |route| route.communities.len() == 1 && route.communities.contains(community)
}

/// An advertisement that names peers keeps its routes from the others; without names all get them.
// PS1, PS2, PS3, PS4
pub fn peers(ground: &mut Ground) -> Result<()> {
    let (four, six) = ("198.51.100.60", "2001:db8:100::60");
    let (forced, forced_four) = ("2001:db8:100::61", "198.51.100.61");
    let advertise = |peers: Value| advertisement("some", json!({"peers": peers}));
    ground.apply(&[
        pool("pool", &["198.51.100.0/24", "2001:db8:100::/120"]),
        advertise(json!(["frr", "frr-v6"])),
    ])?;
    ground
        .services(&[Wish::new("both").at(&[four, six]), Wish::new("six-first").at(&[forced, forced_four])])?;
    for address in [four, six, forced, forced_four] {
        ground.routes(Router::Frr, &host(address), ALL, |_| true)?;
    }
    ground.only(Router::Bird, &[])?;
    ground.apply(&[advertise(json!([]))])?;
    ground.announced(&[four, six, forced, forced_four], ALL)
}

/// One Service, an advertisement for each router: each sees only its own community.
// PS5, PS6, PS7, PS8
pub fn a_community_for_each_peer(ground: &mut Ground) -> Result<()> {
    let addresses = ["198.51.100.62", "2001:db8:100::62", "2001:db8:100::63", "198.51.100.63"];
    ground.apply(&[
        pool("pool", &["198.51.100.0/24", "2001:db8:100::/120"]),
        advertisement("for-bird", json!({"peers": ["bird", "bird-v6"], "communities": ["64500:1"]})),
        advertisement("for-frr", json!({"peers": ["frr", "frr-v6"], "communities": ["64500:2"]})),
    ])?;
    ground.services(&[Wish::new("both").at(&addresses[..2]), Wish::new("six-first").at(&addresses[2..])])?;
    for address in addresses {
        ground.routes(Router::Bird, &host(address), ALL, carries("64500:1"))?;
        ground.routes(Router::Frr, &host(address), ALL, carries("64500:2"))?;
    }
    Ok(())
}

/// Two Services of two pools whose advertisements select nodes.
// NS1, NS2, NS3, NS4, NS11, NS12
pub fn nodes(ground: &mut Ground) -> Result<()> {
    let (one, two) = (["198.51.100.70", "2001:db8:100::70"], ["192.0.2.70", "2001:db8:70::70"]);
    ground.apply(&[
        pool("one", &["198.51.100.0/24", "2001:db8:100::/120"]),
        pool("two", &["192.0.2.0/24", "2001:db8:70::/120"]),
    ])?;
    ground.services(&[Wish::new("one").at(&one), Wish::new("two").at(&two)])?;
    let advertise = |name: &str, nodes: &[u8]| {
        advertisement(name, json!({"ipAddressPools": [name], "nodeSelectors": on(nodes)}))
    };
    let layouts: [(&[u8], &[u8]); 4] = [(&[1, 2], &[2, 3]), (&[1], &[2, 3]), (&[], &[2, 3]), (&[1, 3], &[])];
    for (first, second) in layouts {
        ground.apply(&[advertise("one", first), advertise("two", second)])?;
        ground.announced(&one, first)?;
        ground.announced(&two, second)?;
    }
    Ok(())
}

/// One Service, two advertisements with other nodes: each node's route carries what its own say.
// NS5, NS6, NS7, NS8
pub fn a_community_for_each_node(ground: &mut Ground) -> Result<()> {
    let addresses = ["198.51.100.75", "2001:db8:100::75"];
    ground.apply(&[pool("pool", &["198.51.100.0/24", "2001:db8:100::/120"])])?;
    ground.services(&[Wish::new("both").at(&addresses)])?;
    let layouts: [(&[u8], &[u8]); 3] = [(&[1, 2], &[2, 3]), (&[1], &[2, 3]), (&[], &[2, 3])];
    for (first, second) in layouts {
        let advertise = |name: &str, nodes: &[u8], community: &str| {
            advertisement(name, json!({"nodeSelectors": on(nodes), "communities": [community]}))
        };
        ground.apply(&[advertise("one", first, "64500:1"), advertise("two", second, "64500:2")])?;
        let both: Vec<u8> =
            ALL.iter().copied().filter(|node| first.contains(node) || second.contains(node)).collect();
        for address in addresses {
            for router in [Router::Bird, Router::Frr] {
                ground.routes(router, &host(address), &both, |route| {
                    route.communities.contains("64500:1") == first.contains(&route.node)
                        && route.communities.contains("64500:2") == second.contains(&route.node)
                })?;
            }
        }
    }
    Ok(())
}

/// No node has the label that is asked for; then one gets it, and loses it again.
// NS9, NS10
pub fn a_node_is_labelled(ground: &mut Ground) -> Result<()> {
    let addresses = ["198.51.100.76", "2001:db8:100::76"];
    let marked = json!({"nodeSelectors": [{"matchLabels": {"announces": "yes"}}]});
    ground.apply(&[
        pool("pool", &["198.51.100.0/24", "2001:db8:100::/120"]),
        advertisement("marked", marked),
    ])?;
    ground.services(&[Wish::new("both").at(&addresses)])?;
    ground.cluster.wait_address("both", ':')?;
    ground.announced(&addresses, &[])?;
    ground.label(2, "announces=yes")?;
    ground.announced(&addresses, &[2])?;
    ground.label(2, "announces-")?;
    ground.announced(&addresses, &[])
}

/// Which nodes have a session with which router is the peers' own choice.
// NS13, NS14, NS15
pub fn nodes_of_peers(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    ground.services(&[Wish::new("a").at(&["198.51.100.77"])])?;
    let peer = |name: &str, asn: u32, address: &str, nodes: &[u8]| {
        let spec = json!({"myASN": 64500, "peerASN": asn, "peerAddress": address, "connectTime": "1s", "nodeSelectors": on(nodes)});
        object("BGPPeer", name, spec)
    };
    let layouts: [(&[u8], &[u8]); 3] = [(&[1, 2], &[2, 3]), (&[1], &[2, 3]), (&[], &[1, 2])];
    for (bird, frr) in layouts {
        ground.peers(&[
            peer("to-bird", 64501, "172.30.0.254", bird),
            peer("to-frr", 64500, "172.30.0.253", frr),
        ])?;
        ground.routes(Router::Bird, "198.51.100.77/32", bird, |_| true)?;
        ground.routes(Router::Frr, "198.51.100.77/32", frr, |_| true)?;
    }
    Ok(())
}

/// Labels of Services against `serviceSelectors`: pool and selector must both fit, several selectors are alternatives, and
/// edits of either swap what is announced.
// SS1, SS2, SS3, SS4, SS5, SS6, SS7, SS8
pub fn services(ground: &mut Ground) -> Result<()> {
    let addresses = [["198.51.100.80", "2001:db8:100::80"], ["198.51.100.81", "2001:db8:100::81"]];
    let outside = ["192.0.2.80", "2001:db8:80::80"];
    let advertise = |labels: &[(&str, &str)]| {
        let selectors: Vec<Value> =
            labels.iter().map(|(key, value)| json!({"matchLabels": {*key: value}})).collect();
        advertisement("some", json!({"ipAddressPools": ["pool"], "serviceSelectors": selectors}))
    };
    ground.apply(&[
        pool("pool", &["198.51.100.0/24", "2001:db8:100::/120"]),
        pool("outside", &["192.0.2.0/24", "2001:db8:80::/120"]),
        advertise(&[("tier", "gold")]),
    ])?;
    let wish = |number: usize, tier: &str| {
        Wish::new(["one", "two"][number]).at(&addresses[number]).labelled("tier", tier)
    };
    // The third fits the selector, not the pool.
    let third = Wish::new("outside").at(&outside).labelled("tier", "gold");
    ground.services(&[wish(0, "gold"), wish(1, "silver"), third])?;
    ground.announced(&addresses[0], ALL)?;
    ground.announced(&addresses[1], &[])?;
    ground.announced(&outside, &[])?;
    ground.apply(&[advertise(&[("tier", "gold"), ("tier", "silver")])])?;
    ground.announced(&addresses[1], ALL)?;
    ground.announced(&addresses[0], ALL)?;
    ground.apply(&[advertise(&[("tier", "silver")])])?;
    ground.announced(&addresses[0], &[])?;
    ground.announced(&addresses[1], ALL)?;
    ground.services(&[wish(0, "silver"), wish(1, "gold")])?;
    ground.announced(&addresses[0], ALL)?;
    ground.announced(&addresses[1], &[])
}

/// A selected Service has its own route beside the aggregate that all have; communities of advertisements that select it add up.
// SS9, SS10, SS11, SS12, SS13, SS14
pub fn services_and_aggregates(ground: &mut Ground) -> Result<()> {
    let (one, two) = (["198.51.100.84", "2001:db8:100::84"], ["198.51.100.85", "2001:db8:100::85"]);
    let gold = json!([{"matchLabels": {"tier": "gold"}}]);
    let silver = json!([{"matchLabels": {"tier": "silver"}}]);
    let wish =
        |name: &str, addresses: &[&str], tier: &str| Wish::new(name).at(addresses).labelled("tier", tier);
    ground.apply(&[
        pool("pool", &["198.51.100.0/24", "2001:db8:100::/120"]),
        advertisement("whole", json!({"aggregationLength": 24, "aggregationLengthV6": 124})),
        advertisement("gold", json!({"serviceSelectors": gold})),
    ])?;
    ground.services(&[wish("one", &one, "gold"), wish("two", &two, "silver")])?;
    for router in [Router::Bird, Router::Frr] {
        ground.only(
            router,
            &["198.51.100.0/24", "2001:db8:100::80/124", "198.51.100.84/32", "2001:db8:100::84/128"],
        )?;
    }
    // One that all share, and one of its own.
    ground.delete("bgpadvertisement", "whole")?;
    ground.apply(&[
        advertisement("shared", json!({"communities": ["64500:1"]})),
        advertisement("gold", json!({"serviceSelectors": gold, "communities": ["64500:2"]})),
    ])?;
    for router in [Router::Bird, Router::Frr] {
        for address in one {
            ground.routes(router, &host(address), ALL, |route| {
                route.communities.len() == 2
                    && route.communities.contains("64500:1")
                    && route.communities.contains("64500:2")
            })?;
        }
        for address in two {
            ground.routes(router, &host(address), ALL, carries("64500:1"))?;
        }
    }
    // Each its own.
    ground.delete("bgpadvertisement", "shared")?;
    ground
        .apply(&[advertisement("silver", json!({"serviceSelectors": silver, "communities": ["64500:3"]}))])?;
    for router in [Router::Bird, Router::Frr] {
        for (addresses, community) in [(one, "64500:2"), (two, "64500:3")] {
            for address in addresses {
                ground.routes(router, &host(address), ALL, carries(community))?;
            }
        }
    }
    Ok(())
}

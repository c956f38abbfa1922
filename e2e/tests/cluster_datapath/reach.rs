//! The client reaches pods: which nodes announce, which pods answer, from whatever pool an address is.

use crate::ground::{Ground, Wish, advertisement, host, object, pool};
use crate::metrics;
use anyhow::{Context, Result, ensure};
use herald_e2e::cluster::{LIMIT, Router};
use herald_e2e::wait_for;
use serde_json::json;

const ALL: &[u8] = &[1, 2, 3];
const WEB: &[&str] = &["web-1", "web-2", "web-3"];

/// With `externalTrafficPolicy: Cluster` every node announces, and all pods answer through both routers.
// B1, B2, B3
pub fn through_all_nodes(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    ground.services(&[
        Wish::new("four").families(&["IPv4"]),
        Wish::new("six").families(&["IPv6"]),
        Wish::new("both").families(&["IPv4", "IPv6"]),
    ])?;
    for (service, family) in [("four", '.'), ("six", ':'), ("both", '.'), ("both", ':')] {
        let address = ground.cluster.wait_address(service, family)?;
        ground.announced(&[&address], ALL)?;
        ground.cluster.wait_answers(&address, WEB)?;
    }
    Ok(())
}

/// The same with addresses by annotation.
// B4, B5
pub fn at_a_wanted_address(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    let (four, six) = ("198.51.100.44", "2001:db8:100::44");
    ground.services(&[Wish::new("four").at(&["198.51.100.40"]), Wish::new("both").at(&[four, six])])?;
    for address in ["198.51.100.40", four, six] {
        ground.announced(&[address], ALL)?;
        ground.cluster.wait_answers(address, WEB)?;
    }
    Ok(())
}

/// Both routers' kernels use all nodes for one address.
pub fn equal_paths(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    ground.services(&[Wish::new("a").at(&["198.51.100.10"])])?;
    ground.announced(&["198.51.100.10"], ALL)?;
    for router in [Router::Bird, Router::Frr] {
        let machine = ground.cluster.machine(router);
        wait_for(&format!("the kernel of {router:?} has three ways"), LIMIT, || {
            let route = machine.ip("route show 198.51.100.10")?;
            ensure!((1..=3).all(|node| route.contains(&format!("via 172.30.0.{node} "))), "{route}");
            Ok(())
        })?;
    }
    Ok(())
}

/// A node whose network is unavailable stops announcing, the others go on.
// B12
pub fn network_unavailable(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    ground.services(&[Wish::new("a").at(&["198.51.100.12"])])?;
    ground.announced(&["198.51.100.12"], ALL)?;
    ground.cluster.set_node_condition(1, "NetworkUnavailable", true)?;
    ground.announced(&["198.51.100.12"], &[2, 3])?;
    ground.cluster.wait_answers("198.51.100.12", WEB)?;
    ground.cluster.set_node_condition(1, "NetworkUnavailable", false)?;
    ground.announced(&["198.51.100.12"], ALL)
}

/// With `externalTrafficPolicy: Local` the nodes with endpoints announce, when kube-proxy says that it serves them; pods see the client's own address. Endpoints
/// move: the routes follow.
// B13, B14, B15
pub fn local(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    let (four, six) = ("198.51.100.13", "2001:db8:100::13");
    ground.services(&[
        Wish::new("four").at(&["198.51.100.14"]).app("moving").local(),
        Wish::new("six").at(&["2001:db8:100::14"]).app("moving").local(),
        Wish::new("both").at(&[four, six]).app("moving").local(),
    ])?;
    let addresses = ["198.51.100.14", "2001:db8:100::14", four, six];
    let cluster = &ground.cluster;
    let before = metrics::first_endpoints(ground, 0.0)?;
    let (first, second) = (cluster.pod("first", "moving", 1)?, cluster.pod("second", "moving", 2)?);
    ground.announced(&addresses, &[1, 2])?;
    // Three Services, and what kube-proxy said of each.
    metrics::first_endpoints(ground, before + 3.0)?;
    for address in addresses {
        cluster.wait_answers(address, &["first", "second"])?;
        let own = if address.contains(':') { "2001:db8:c::10" } else { "203.0.113.10" };
        let page = cluster.page(Router::Bird, address)?;
        ensure!(page.trim().ends_with(&format!(" from {own}")), "another client's address: {page}");
    }
    // One moves from node 1 to node 3, and one more comes beside it.
    let third = cluster.pod("third", "moving", 3)?;
    cluster.remove_pod(first)?;
    ground.announced(&addresses, &[2, 3])?;
    let fourth = cluster.pod("fourth", "moving", 3)?;
    cluster.wait_answers(four, &["second", "third", "fourth"])?;
    cluster.remove_pod(third)?;
    cluster.wait_answers(six, &["second", "fourth"])?;
    ground.announced(&addresses, &[2, 3])?;
    // Not ready, and none at all: no route is left.
    cluster.set_ready(&second, false)?;
    ground.announced(&addresses, &[3])?;
    cluster.remove_pod(fourth)?;
    ground.announced(&addresses, &[])?;
    cluster.set_ready(&second, true)?;
    ground.announced(&addresses, &[2])?;
    cluster.remove_pod(second)
}

/// A terminating pod that still serves gives its node's route up while another node has a ready one; where none has, serving
/// ones keep the route, and answer.
pub fn terminating(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    let (local, all) = ("198.51.100.20", "198.51.100.21");
    ground.services(&[
        Wish::new("local").at(&[local]).app("leaving").local(),
        Wish::new("all").at(&[all]).app("leaving"),
    ])?;
    let cluster = &ground.cluster;
    let (first, second) = (cluster.pod("leaving-1", "leaving", 1)?, cluster.pod("leaving-2", "leaving", 2)?);
    ground.announced(&[local], &[1, 2])?;
    cluster.wait_answers(local, &["leaving-1", "leaving-2"])?;
    cluster.terminate(&first)?;
    ground.announced(&[local], &[2])?;
    cluster.wait_answers(local, &["leaving-2"])?;
    // Nobody is ready any more.
    cluster.terminate(&second)?;
    ground.announced(&[local], &[1, 2])?;
    ground.announced(&[all], ALL)?;
    cluster.wait_answers(local, &["leaving-1", "leaving-2"])?;
    cluster.wait_answers(all, &["leaving-1", "leaving-2"])?;
    cluster.remove_pod(first)?;
    ground.announced(&[local], &[2])?;
    cluster.remove_pod(second)?;
    ground.announced(&[local, all], &[])
}

/// Two Services share one address; the route stays as long as one of them does.
// B18, B19
pub fn shared(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    for (address, family) in [("198.51.100.18", "IPv4"), ("2001:db8:100::18", "IPv6")] {
        let shared = |name: &str, port: u16| {
            Wish::new(name)
                .annotated("metallb.io/allow-shared-ip", "key")
                .families(&[family])
                .spec("loadBalancerIP", address)
                .spec("ports", json!([{"port": port, "targetPort": 8080}]))
        };
        ground.services(&[shared("a", 80), shared("b", 81)])?;
        ground.announced(&[address], ALL)?;
        ground.cluster.wait_answers(address, WEB)?;
        wait_for("the other port answers, too", LIMIT, || ground.cluster.page_at(Router::Frr, address, 81))?;
        ground.delete("service", "a")?;
        wait_for("the first port is closed", LIMIT, || {
            ensure!(ground.cluster.page(Router::Bird, address).is_err(), "it answers");
            Ok(())
        })?;
        wait_for("the other still answers", LIMIT, || ground.cluster.page_at(Router::Bird, address, 81))?;
        ground.cluster.announced(Router::Bird, &host(address), ALL)?;
        ground.delete("service", "b")?;
        ground.announced(&[address], &[])?;
    }
    Ok(())
}

/// Pools as ranges and as CIDRs, of one family and of both.
// B20, B21, B22, B23, B24, B25
pub fn pools(ground: &mut Ground) -> Result<()> {
    let (four, six) = ("192.0.2.20-192.0.2.29", "2001:db8:20::20-2001:db8:20::29");
    let (four_cidr, six_cidr) = ("192.0.2.64/28", "2001:db8:20::40/124");
    let rows: [(&str, &[&str], &[&str]); 6] = [
        ("range-four", &[four], &["192.0.2.20"]),
        ("range-six", &[six], &["2001:db8:20::20"]),
        (
            "range-both",
            &["192.0.2.30-192.0.2.39", "2001:db8:20::30-2001:db8:20::39"],
            &["192.0.2.30", "2001:db8:20::30"],
        ),
        ("cidr-four", &[four_cidr], &["192.0.2.64"]),
        ("cidr-six", &[six_cidr], &["2001:db8:20::40"]),
        ("cidr-both", &["192.0.2.80/28", "2001:db8:20::50/124"], &["192.0.2.80", "2001:db8:20::50"]),
    ];
    let mut objects = vec![advertisement("all", json!({}))];
    objects.extend(rows.iter().map(|(name, addresses, _)| pool(name, addresses)));
    ground.apply(&objects)?;
    let wishes: Vec<Wish> = rows
        .iter()
        .map(|(name, _, addresses)| {
            let families: Vec<&str> =
                addresses.iter().map(|ip| if ip.contains(':') { "IPv6" } else { "IPv4" }).collect();
            Wish::new(name).annotated("metallb.io/address-pool", name).families(&families)
        })
        .collect();
    ground.services(&wishes)?;
    for (_, _, addresses) in rows {
        ground.announced(addresses, ALL)?;
        for address in addresses {
            ground.cluster.wait_answers(address, WEB)?;
        }
    }
    Ok(())
}

/// Pools are added one after the other: what is there stays, and stays reachable.
// B43, B44
pub fn pools_added(ground: &mut Ground) -> Result<()> {
    ground.apply(&[advertisement("all", json!({}))])?;
    let mut had: Vec<String> = Vec::new();
    for round in 0..3 {
        let (name, four, six) =
            (format!("p{round}"), format!("192.0.2.{round}/32"), format!("2001:db8:2::{round}/128"));
        ground.apply(&[pool(&name, &[&four, &six])])?;
        ground.services(&[Wish::new(&name).families(&["IPv4", "IPv6"])])?;
        for family in ['.', ':'] {
            had.push(ground.cluster.wait_address(&name, family)?);
        }
        let addresses: Vec<&str> = had.iter().map(String::as_str).collect();
        ground.announced(&addresses, ALL)?;
        for address in addresses {
            ground.cluster.wait_answers(address, WEB)?;
        }
    }
    for round in 0..3 {
        let name = format!("p{round}");
        let kept = [ground.cluster.wait_address(&name, '.')?, ground.cluster.wait_address(&name, ':')?];
        ensure!(had.chunks(2).nth(round).context("an address")? == kept, "{name} has moved: {kept:?}");
    }
    Ok(())
}

/// Peers are added one after the other: each gets what is announced.
// B45, B46
pub fn peers_added(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    ground.peers(&[])?;
    ground.services(&[Wish::new("both").at(&["198.51.100.45", "2001:db8:100::45"])])?;
    let peer = |name: &str, spec: serde_json::Value| object("BGPPeer", name, spec);
    let spec = |asn: u32, address: &str| json!({"myASN": 64500, "peerASN": asn, "peerAddress": address, "connectTime": "1s"});
    ground.apply(&[peer("one", spec(64501, "172.30.0.254"))])?;
    ground.routes(Router::Bird, "198.51.100.45/32", ALL, |_| true)?;
    ground.only(Router::Frr, &[])?;
    ground.apply(&[peer("two", spec(64500, "fd30::253"))])?;
    ground.routes(Router::Frr, "2001:db8:100::45/128", ALL, |_| true)?;
    ground.only(Router::Bird, &["198.51.100.45/32"])?;
    ground.apply(&[peer("three", spec(64500, "172.30.0.253")), peer("four", spec(64501, "fd30::254"))])?;
    ground.announced(&["198.51.100.45", "2001:db8:100::45"], ALL)
}

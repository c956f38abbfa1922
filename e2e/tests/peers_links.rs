//! Sessions that depend on their link: unnumbered ones, and BFD that fails over.

use anyhow::{Context, Result, ensure};
use herald_e2e::site::{Site, service};
use herald_e2e::{Logged, Namespace, Release, wait_for};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_mins(2);

fn site(peers: &str) -> Result<Site> {
    let pool = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: pool, namespace: m}\n\
                spec: {addresses: [192.0.2.0/24, '2001:db8::/64']}\n---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n\
                metadata: {name: all, namespace: m}\n";
    let site = Site::new(Release::V10, "")?;
    site.write("pool.yaml", pool)?;
    site.write("web.yaml", &service("web", &["192.0.2.10", "2001:db8::10"], true))?;
    site.record()?;
    site.write("peers.yaml", peers)?;
    Ok(site)
}

/// The same with a neighbour's machine at the other end of a cable, on which nobody has an address but link-local ones.
fn cabled() -> Result<(Site, Namespace)> {
    let peer = "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: cable, namespace: m}\n\
                spec: {myASN: 64500, dynamicASN: external, interface: eth1, connectTime: 1s}\n";
    let site = site(peer)?;
    let cable = site.lab().segment("cable")?;
    let machine = site.lab().namespace("leaf")?;
    cable.attach(site.frr.namespace(), "eth1", &[])?;
    cable.attach(&machine, "eth0", &[])?;
    Ok((site, machine))
}

/// The cable has no IPv4 address at either end: routes of both families go by link-local next hops (RFC 8950).
#[test]
fn an_unnumbered_session_carries_ipv4_by_an_ipv6_next_hop() -> Result<()> {
    let (mut site, machine) = cabled()?;
    let leaf = site.frr_in(
        &machine,
        "router bgp 64510\n bgp router-id 10.255.0.1\n no bgp ebgp-requires-policy\n \
         neighbor eth0 interface remote-as external\n neighbor eth0 timers connect 1\n \
         address-family ipv6 unicast\n  neighbor eth0 activate\n exit-address-family\nexit\n",
    )?;
    site.start_agent()?;
    for (family, prefix) in [("ipv4", "192.0.2.10/32"), ("ipv6", "2001:db8::10/128")] {
        wait_for("the leaf has both by link-local next hops", LIMIT, || {
            let route = leaf.json(&format!("show bgp {family} unicast {prefix} json"))?;
            let hops = route["paths"][0]["nexthops"].as_array().context("no next hops")?;
            let hop = |hop: &serde_json::Value| {
                hop["afi"] == "ipv6" && hop["ip"].as_str().is_some_and(|ip| ip.starts_with("fe80:"))
            };
            ensure!(hops.iter().any(hop), "{route}");
            Ok(())
        })
        .logged(|| format!("{}{}", site.logs(), leaf.logs()))?;
    }
    let said = leaf.json("show bgp neighbors eth0 json")?;
    let extended = said["eth0"]["neighborCapabilities"]["extendedNexthop"].as_str();
    ensure!(extended.is_some_and(|text| text.contains("eceived")), "{said}");
    Ok(())
}

/// The same with BIRD: it says who it is by router advertisements of its own, and takes whoever calls on the cable.
#[test]
fn an_unnumbered_session_with_bird_carries_ipv4_by_an_ipv6_next_hop() -> Result<()> {
    let (mut site, machine) = cabled()?;
    let bird = site.bird_in(
        &machine,
        "10.255.0.2",
        "protocol radv { interface \"eth0\" { min ra interval 3; max ra interval 4; }; }\n\
         protocol bgp cable { local as 64510; neighbor range fe80::/10 as 64500; interface \"eth0\"; \
         dynamic name \"node\"; connect delay time 1; \
         ipv4 { extended next hop on; import all; export none; }; ipv6 { import all; export none; }; }\n",
    )?;
    site.start_agent()?;
    for prefix in ["192.0.2.10/32", "2001:db8::10/128"] {
        let routes = wait_for("BIRD has both", LIMIT, || bird.routes_to(prefix))
            .logged(|| format!("{}{}", site.logs(), bird.log()))?;
        ensure!(routes[0].next_hops.iter().all(|hop| hop.starts_with("fe80:")), "{routes:?}");
    }
    let said = site.frr.json("show bgp neighbors eth1 json")?;
    ensure!(said["eth1"]["bgpState"] == "Established" && said["eth1"]["remoteAs"] == 64510, "{said}");
    Ok(())
}

/// The neighbour goes silent without a sign on the link. The hold time is three minutes; BFD says so much earlier.
#[test]
fn bfd_takes_a_silent_neighbour_down_long_before_the_hold_time() -> Result<()> {
    let peers = "
apiVersion: metallb.io/v1beta1
kind: BFDProfile
metadata: {name: watch, namespace: m}
spec: {receiveInterval: 300, transmitInterval: 300, detectMultiplier: 10}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird, namespace: m}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, connectTime: 1s, holdTime: 180s, keepaliveTime: 60s, bfdProfile: watch}
";
    let mut site = site(peers)?;
    site.start_agent()?;
    let bird = site.bird(
        "protocol bfd { interface \"eth0\" { min rx interval 300 ms; min tx interval 300 ms; multiplier 10; }; }\n\
         protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; connect delay time 1; \
         error wait time 1, 2; hold time 180; bfd on; ipv4 { import all; export none; }; }\n",
    )?;
    let state = || -> Result<(bool, bool, String)> {
        let bfd = site.frr.json("show bfd peers json")?;
        let said = site.frr.json("show bgp neighbors 172.30.0.2 json")?;
        let session = &said["172.30.0.2"];
        Ok((bfd[0]["status"] == "up", session["bgpState"] == "Established", format!("{bfd} {session}")))
    };
    wait_for("both are up", LIMIT, || {
        let (bfd, bgp, said) = state()?;
        ensure!(bfd && bgp && bird.routes_to("192.0.2.10/32").is_ok(), "{said}");
        Ok(())
    })
    .logged(|| site.logs())?;
    site.bird_namespace().ip("link set eth0 down")?;
    let cut = Instant::now();
    wait_for("BFD takes the session down", LIMIT, || {
        let (bfd, bgp, said) = state()?;
        ensure!(!bfd && !bgp, "{said}");
        ensure!(said.contains("BFD"), "it is down for another reason: {said}");
        Ok(())
    })
    .logged(|| site.logs())?;
    ensure!(cut.elapsed() < Duration::from_secs(90), "after {:?}", cut.elapsed());
    site.bird_namespace().ip("link set eth0 up")?;
    wait_for("both are up again", LIMIT, || {
        let (bfd, bgp, said) = state()?;
        ensure!(bfd && bgp && bird.routes_to("192.0.2.10/32").is_ok(), "{said}");
        Ok(())
    })
    .logged(|| site.logs())
}

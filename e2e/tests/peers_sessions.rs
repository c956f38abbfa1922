//! Sessions of every kind, as the neighbour sees them: FRR, BIRD and `GoBGP` on the other side.

use anyhow::{Context, Result, ensure};
use herald_e2e::site::{Site, service};
use herald_e2e::{Logged, Release, wait_for};
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(2);

/// A pool with one Service, and whatever peers a test adds.
fn site(peers: &str) -> Result<Site> {
    let pool = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: pool, namespace: m}\n\
                spec: {addresses: [192.0.2.0/24, '2001:db8::/64']}\n---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n\
                metadata: {name: all, namespace: m}\n";
    let site = Site::new(Release::V10, "")?;
    site.write("pool.yaml", pool)?;
    site.write("web.yaml", &service("web", &["192.0.2.10"], true))?;
    site.record()?;
    site.write("peers.yaml", peers)?;
    Ok(site)
}

fn peer(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {{name: {name}, namespace: m}}\n\
         spec: {{myASN: 64500, connectTime: 1s, {spec}}}\n"
    )
}

/// An AS number of the session's own, any external AS on the other side, a source address, timers, connect time
/// and graceful restart: all on one session with FRR.
// frr-k8s session
#[test]
fn a_session_with_frr_has_the_fields_that_were_asked_for() -> Result<()> {
    let spec = "dynamicASN: external, localASN: 64777, peerAddress: 172.30.0.4, sourceAddress: 172.30.0.101, holdTime: 9s, \
                keepaliveTime: 3s, enableGracefulRestart: true";
    let mut site = site(&peer("frr", spec).replace("connectTime: 1s", "connectTime: 2s"))?;
    site.frr.namespace().ip("address add 172.30.0.101/24 dev eth0")?;
    let machine = site.machine("router", 4)?;
    let neighbour = site.frr_in(
        &machine,
        "router bgp 64510\n no bgp ebgp-requires-policy\n neighbor 172.30.0.101 remote-as 64777\n \
         neighbor 172.30.0.101 timers connect 1\n neighbor 172.30.0.101 graceful-restart\nexit\n",
    )?;
    site.start_agent()?;
    wait_for("the neighbour has the route", LIMIT, || {
        let route = neighbour.json("show bgp ipv4 unicast 192.0.2.10/32 json")?;
        // Of another AS number than the router's own, and without that in the path.
        ensure!(route["paths"][0]["aspath"]["string"] == "64777", "{route}");
        ensure!(route["paths"][0]["nexthops"][0]["ip"] == "172.30.0.101", "{route}");
        Ok(())
    })
    .logged(|| site.logs())?;
    let said = neighbour.json("show bgp neighbors 172.30.0.101 json")?;
    let session = &said["172.30.0.101"];
    ensure!(session["remoteAs"] == 64777 && session["bgpState"] == "Established", "{said}");
    ensure!(session["bgpTimerHoldTimeMsecs"] == 9000, "the lower hold time counts: {said}");
    ensure!(session["bgpTimerKeepAliveIntervalMsecs"] == 3000, "{said}");
    let restart = &session["neighborCapabilities"]["gracefulRestart"];
    ensure!(restart == "advertisedAndReceived", "{said}");
    let ours = site.frr.json("show bgp neighbors 172.30.0.4 json")?;
    ensure!(ours["172.30.0.4"]["connectRetryTimer"] == 2, "{ours}");
    Ok(())
}

/// The neighbour knows the source address and no other of the node, so a session from any other would not come up.
#[test]
fn an_ipv6_session_comes_from_the_source_address_that_was_asked_for() -> Result<()> {
    let spec = "peerASN: 64510, peerAddress: 'fd30::4', sourceAddress: 'fd30::101'";
    let mut site = site(&peer("frr", spec))?;
    site.write("six.yaml", &service("six", &["2001:db8::10"], true))?;
    site.record()?;
    site.frr.namespace().ip("address add fd30::101/64 dev eth0 nodad")?;
    let machine = site.machine("router", 4)?;
    let neighbour = site.frr_in(
        &machine,
        "router bgp 64510\n no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n \
         neighbor fd30::101 remote-as 64500\n neighbor fd30::101 timers connect 1\n \
         address-family ipv6 unicast\n  neighbor fd30::101 activate\n exit-address-family\nexit\n",
    )?;
    site.start_agent()?;
    wait_for("the neighbour has the route", LIMIT, || {
        let route = neighbour.json("show bgp ipv6 unicast 2001:db8::10/128 json")?;
        ensure!(route["paths"][0]["peer"]["peerId"] == "fd30::101", "{route}");
        let hops = route["paths"][0]["nexthops"].as_array().context("no next hops")?;
        ensure!(hops.iter().any(|hop| hop["ip"] == "fd30::101"), "{route}");
        Ok(())
    })
    .logged(|| format!("{}{}", site.logs(), neighbour.logs()))
}

/// Any internal AS, a next hop, a local preference and both kinds of communities by FRRConfiguration, to `GoBGP`.
#[test]
fn a_next_hop_and_attributes_by_frr_configuration_reach_gobgp() -> Result<()> {
    let mut site = site(&peer("gobgp", "dynamicASN: internal, peerAddress: 172.30.0.3"))?;
    let extra = "
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: extra, namespace: f}
spec:
  bgp:
    routers:
      - asn: 64500
        prefixes: [198.51.100.0/24, 203.0.113.0/24]
        neighbors:
          - address: 172.30.0.3
            dynamicASN: internal
            connectTime: 1s
            toAdvertise:
              allowed: {prefixes: [198.51.100.0/24]}
              nextHop: {ipv4: 172.30.0.77}
              withLocalPref: [{prefixes: [198.51.100.0/24], localPref: 333}]
              withCommunity:
                - {prefixes: [198.51.100.0/24], community: '64500:7'}
                - {prefixes: [198.51.100.0/24], community: 'large:64500:8:9'}
";
    site.write("extra.yaml", extra)?;
    site.start_agent()?;
    let gobgp = site.gobgp(
        64500,
        "[[neighbors]]\n[neighbors.config]\nneighbor-address = \"172.30.0.1\"\npeer-as = 64500\n",
    )?;
    let route = wait_for("GoBGP has the prefix", LIMIT, || gobgp.routes_to("198.51.100.0/24"))
        .logged(|| site.logs())?;
    ensure!(route[0].next_hop == "172.30.0.77" && route[0].local_pref == Some(333), "{route:?}");
    ensure!(route[0].communities == ["64500:7"] && route[0].large_communities == ["64500:8:9"], "{route:?}");
    let of_service = wait_for("and the Service", LIMIT, || gobgp.routes_to("192.0.2.10/32"))?;
    ensure!(of_service[0].local_pref == Some(100) && of_service[0].communities.is_empty(), "{of_service:?}");
    gobgp.lacks("203.0.113.0/24")
}

/// node --- segment --- middle --- far: BIRD is one hop further than eBGP allows by itself.
#[test]
fn an_ebgp_session_goes_over_a_router_in_between() -> Result<()> {
    let mut site = site(&peer("far", "peerASN: 64503, peerAddress: 172.31.0.2, ebgpMultiHop: true"))?;
    let (middle, far) = (site.machine("middle", 5)?, site.lab().namespace("far")?);
    let beyond = site.lab().segment("beyond")?;
    beyond.attach(&middle, "eth1", &["172.31.0.1/24"])?;
    beyond.attach(&far, "eth0", &["172.31.0.2/24"])?;
    site.frr.namespace().ip("route add 172.31.0.0/24 via 172.30.0.5")?;
    far.ip("route add 172.30.0.0/24 via 172.31.0.1")?;
    let bird = site.bird_in(
        &far,
        "172.31.0.2",
        "protocol kernel { ipv4 { import none; export none; }; learn; }\nprotocol direct { ipv4; }\n\
         protocol static { ipv4; route 172.30.0.0/24 via 172.31.0.1; }\n\
         protocol bgp node { local 172.31.0.2 as 64503; neighbor 172.30.0.1 as 64500; multihop 3; connect delay time 1; \
         ipv4 { import all; export none; }; }\n",
    )?;
    site.start_agent()?;
    let route =
        wait_for("BIRD has the route", LIMIT, || bird.routes_to("192.0.2.10/32")).logged(|| site.logs())?;
    ensure!(route[0].attribute("BGP.next_hop") == Some("172.30.0.1"), "{route:?}");
    Ok(())
}

/// A password from a Secret is changed: its session comes back with the new one, and the other session has not
/// noticed.
#[test]
fn a_password_is_changed_without_a_reset_elsewhere() -> Result<()> {
    let secret = |password: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/basic-auth\nmetadata: {{name: md5, namespace: m}}\n\
             stringData: {{password: {password}}}\n"
        )
    };
    let session = |password: &str| {
        format!(
            "protocol bgp node {{ local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; password \"{password}\"; \
             connect delay time 1; error wait time 1, 2; ipv4 {{ import all; export none; }}; }}\n"
        )
    };
    let peers = peer("bird", "peerASN: 64501, peerAddress: 172.30.0.2, passwordSecret: {name: md5}")
        + &peer("gobgp", "peerASN: 64502, peerAddress: 172.30.0.3");
    let mut site = site(&peers)?;
    site.write("secret.yaml", &secret("first-password"))?;
    site.start_agent()?;
    let bird = site.bird(&session("first-password"))?;
    let gobgp = site.gobgp(
        64502,
        "[[neighbors]]\n[neighbors.config]\nneighbor-address = \"172.30.0.1\"\npeer-as = 64500\n",
    )?;
    wait_for("both have the route", LIMIT, || {
        bird.routes_to("192.0.2.10/32")?;
        gobgp.routes_to("192.0.2.10/32")
    })
    .logged(|| site.logs())?;
    let facts = |address: &str| -> Result<(bool, u64, u64)> {
        let said = site.frr.json(&format!("show bgp neighbors {address} json"))?;
        let session = &said[address];
        let number = |key: &str| session[key].as_u64().unwrap_or_default();
        let is_up = session["bgpState"] == "Established";
        Ok((is_up, number("connectionsEstablished"), number("connectionsDropped")))
    };
    let other = facts("172.30.0.3")?;
    let dropped = facts("172.30.0.2")?.2;

    site.write("secret.yaml", &secret("second-password"))?;
    wait_for("the session with the old password ends", LIMIT, || {
        ensure!(facts("172.30.0.2")?.2 > dropped);
        Ok(())
    })
    .logged(|| site.logs())?;
    site.configure(&bird, &session("second-password"))?;
    wait_for("it is back with the new one", LIMIT, || {
        ensure!(facts("172.30.0.2")?.0);
        bird.routes_to("192.0.2.10/32")
    })
    .logged(|| site.logs())?;
    ensure!(facts("172.30.0.3")? == other, "the other session was reset: {:?}", facts("172.30.0.3")?);
    gobgp.routes_to("192.0.2.10/32")?;
    let running = site.frr.running()?;
    let log = site.agent.as_ref().map(herald_e2e::Agent::log).unwrap_or_default();
    ensure!(
        running.contains("second-password") && !log.contains("-password"),
        "a log names a password: {log}"
    );
    Ok(())
}

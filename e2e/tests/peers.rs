//! What is announced, in the opinion of two other implementations: BIRD and `GoBGP`.

use anyhow::{Result, ensure};
use herald_e2e::site::{Site, service};
use herald_e2e::{Bird, Logged, Release, wait_for};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// A pool, a peer that is BIRD (eBGP) and a peer that is `GoBGP` (iBGP), with an advertisement for each.
const TWO_PEERS: &str = r#"
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [192.0.2.0/24, 2001:db8::/64]}
---
apiVersion: v1
kind: Secret
type: kubernetes.io/basic-auth
metadata: {name: bird, namespace: metallb-system}
stringData: {password: s3cret-and-long}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, connectTime: 1s, passwordSecret: {name: bird}}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: gobgp, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64500, peerAddress: 172.30.0.3, connectTime: 1s}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: to-bird, namespace: metallb-system}
spec: {ipAddressPools: [pool], peers: [bird], communities: ["64500:100", "large:64500:1:2"]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: to-gobgp, namespace: metallb-system}
spec: {ipAddressPools: [pool], peers: [gobgp], communities: ["64500:200", "large:64500:3:4"], localPref: 222}
"#;

const BIRD_MD5: &str = "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; \
    password \"s3cret-and-long\"; connect delay time 1; ipv4 { import all; export none; }; }\n";

const GOBGP_IBGP: &str =
    "[[neighbors]]\n[neighbors.config]\nneighbor-address = \"172.30.0.1\"\npeer-as = 64500\n";

#[test]
fn attributes_arrive_as_written_and_leave_with_the_endpoints() -> Result<()> {
    attributes(Release::V10)
}

#[test]
fn attributes_arrive_from_frr_8_too() -> Result<()> {
    attributes(Release::V8)
}

fn attributes(release: Release) -> Result<()> {
    let mut site = Site::new(release, "")?;
    site.write("bgp.yaml", TWO_PEERS)?;
    site.write("web.yaml", &service("web", &["192.0.2.10"], true))?;
    site.write("dns.yaml", &service("dns", &["192.0.2.11"], true))?;
    site.record()?;
    site.start_agent()?;
    let (bird, gobgp) = (site.bird(BIRD_MD5)?, site.gobgp(64500, GOBGP_IBGP)?);

    let route =
        wait_for("BIRD has the route", LIMIT, || bird.routes_to("192.0.2.10/32")).logged(|| site.logs())?;
    ensure!(route[0].next_hops == ["172.30.0.1"], "{route:?}");
    ensure!(route[0].attribute("BGP.community") == Some("(64500,100)"), "{route:?}");
    ensure!(route[0].attribute("BGP.large_community") == Some("(64500, 1, 2)"), "{route:?}");
    ensure!(route[0].attribute("BGP.as_path") == Some("64500"), "{route:?}");

    let route =
        wait_for("GoBGP has the route", LIMIT, || gobgp.routes_to("192.0.2.10/32")).logged(|| site.logs())?;
    ensure!(route[0].next_hop == "172.30.0.1" && route[0].local_pref == Some(222), "{route:?}");
    ensure!(
        route[0].communities == ["64500:200"] && route[0].large_communities == ["64500:3:4"],
        "{route:?}"
    );

    site.write("web.yaml", &service("web", &["192.0.2.10"], false))?;
    wait_for("the route leaves both", LIMIT, || {
        bird.lacks("192.0.2.10/32")?;
        gobgp.lacks("192.0.2.10/32")
    })
    .logged(|| site.logs())?;
    ensure!(
        bird.routes_to("192.0.2.11/32").is_ok() && gobgp.routes_to("192.0.2.11/32").is_ok(),
        "the other Service stays"
    );
    Ok(())
}

#[test]
fn both_families_go_over_one_session_and_ipv6_over_its_own() -> Result<()> {
    let mut site = Site::new(Release::V10, "")?;
    let peers = "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [192.0.2.0/24, 2001:db8::/64]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, connectTime: 1s, dualStackAddressFamily: true}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: gobgp, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64502, peerAddress: 'fd30::3', connectTime: 1s}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: all, namespace: metallb-system}
";
    site.write("bgp.yaml", peers)?;
    site.write("web.yaml", &service("web", &["192.0.2.10", "2001:db8::10"], true))?;
    site.record()?;
    site.start_agent()?;
    let bird = site.bird(
        "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; connect delay time 1; \
         ipv4 { import all; export none; }; ipv6 { import all; export none; }; }\n",
    )?;
    let gobgp = site.gobgp(
        64502,
        "[[neighbors]]\n[neighbors.config]\nneighbor-address = \"fd30::1\"\npeer-as = 64500\n\
         [[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"ipv6-unicast\"\n",
    )?;
    for prefix in ["192.0.2.10/32", "2001:db8::10/128"] {
        let route = wait_for("BIRD has both", LIMIT, || bird.routes_to(prefix)).logged(|| site.logs())?;
        let hop = if prefix.contains(':') { "fd30::1" } else { "172.30.0.1" };
        let told = route[0].attribute("BGP.next_hop").unwrap_or_default();
        ensure!(told.split(' ').next() == Some(hop), "{route:?}");
    }
    let route =
        wait_for("GoBGP has IPv6", LIMIT, || gobgp.routes_to("2001:db8::10/128")).logged(|| site.logs())?;
    ensure!(route[0].next_hop == "fd30::1", "{route:?}");
    ensure!(gobgp.routes("ipv4")?.is_empty(), "an IPv6 session carries no IPv4 unless asked to");
    Ok(())
}

/// Two seconds until a session counts as down: the machine may be busy, and speed is not what is tested.
#[test]
fn bfd_comes_up() -> Result<()> {
    let mut site = Site::new(Release::V10, "")?;
    let peer = "
apiVersion: metallb.io/v1beta1
kind: BFDProfile
metadata: {name: fast, namespace: metallb-system}
spec: {receiveInterval: 200, transmitInterval: 200, detectMultiplier: 10}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, connectTime: 1s, bfdProfile: fast}
";
    site.write("bgp.yaml", peer)?;
    site.start_agent()?;
    let bird = site.bird(
        "protocol bfd { interface \"eth0\" { min rx interval 200 ms; min tx interval 200 ms; multiplier 10; }; }\n\
         protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; connect delay time 1; \
         error wait time 1, 2; bfd on; ipv4 { import all; export none; }; }\n",
    )?;
    wait_for("both say that BFD is up", LIMIT, || {
        let ours = site.frr.json("show bfd peers json")?;
        ensure!(ours[0]["status"] == "up", "{ours}");
        ensure!(ours[0]["receive-interval"] == 200 && ours[0]["detect-multiplier"] == 10, "{ours}");
        let theirs = bird.ask("show bfd sessions")?;
        ensure!(theirs.lines().any(|line| line.contains("172.30.0.1") && line.contains("Up")), "{theirs}");
        established(&bird)
    })
    .logged(|| site.logs())
}

/// Holds when BIRD's session stands.
fn established(bird: &Bird) -> Result<()> {
    let sessions = bird.ask("show protocols node")?;
    ensure!(sessions.contains("Established"), "{sessions}");
    Ok(())
}

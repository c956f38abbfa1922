//! A session inside a VRF. The kernel of the lab has no VRF devices, so a network namespace is one (`zebra -n`).

use anyhow::{Context, Result, ensure};
use herald_e2e::site::Site;
use herald_e2e::{Frr, Logged, wait_for};
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(2);

/// One session per family.
#[test]
fn a_session_in_a_vrf_carries_what_is_for_it() -> Result<()> {
    let (mut site, red) = Site::with_vrf("red")?;
    let customer = site.lab().namespace("customer")?;
    let cable = site.lab().segment("cable")?;
    cable.attach(&red, "eth9", &["172.29.0.1/24", "fd29::1/64"])?;
    cable.attach(&customer, "eth0", &["172.29.0.2/24", "fd29::2/64"])?;
    let peers = "
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: red, namespace: f}
spec:
  bgp:
    routers:
      - asn: 64500
        prefixes: [198.51.100.0/24]
        neighbors: [{address: 172.30.0.2, asn: 64501, connectTime: 1s, toAdvertise: {allowed: {mode: all}}}]
      - asn: 64500
        vrf: red
        id: 172.29.0.1
        prefixes: [203.0.113.0/24, '2001:db8:203::/48']
        neighbors:
          - {address: 172.29.0.2, asn: 64510, connectTime: 1s, toAdvertise: {allowed: {mode: all}}}
          - {address: 'fd29::2', asn: 64510, connectTime: 1s, toAdvertise: {allowed: {mode: all}}}
";
    site.write("red.yaml", peers)?;
    let neighbour: Frr = site.frr_in(
        &customer,
        "router bgp 64510\n no bgp ebgp-requires-policy\n neighbor 172.29.0.1 remote-as 64500\n \
         neighbor 172.29.0.1 timers connect 1\n neighbor fd29::1 remote-as 64500\n \
         neighbor fd29::1 timers connect 1\n no neighbor fd29::1 activate\n \
         address-family ipv6 unicast\n  neighbor fd29::1 activate\n exit-address-family\nexit\n",
    )?;
    let bird = site.bird(
        "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; connect delay time 1; \
         ipv4 { import all; export none; }; }\n",
    )?;
    site.start_agent()?;
    wait_for("each has what is for it", LIMIT, || {
        let table = neighbour.json("show bgp ipv4 unicast json")?;
        let routes = table["routes"].as_object().context("no routes")?;
        ensure!(routes.keys().eq(["203.0.113.0/24"]), "{table}");
        let table = neighbour.json("show bgp ipv6 unicast json")?;
        let routes = table["routes"].as_object().context("no routes")?;
        ensure!(routes.keys().eq(["2001:db8:203::/48"]), "{table}");
        let route = neighbour.json("show bgp ipv6 unicast 2001:db8:203::/48 json")?;
        ensure!(route["paths"][0]["peer"]["peerId"] == "fd29::1", "{route}");
        bird.routes_to("198.51.100.0/24")?;
        bird.lacks("203.0.113.0/24")
    })
    .logged(|| format!("{}{}", site.logs(), neighbour.logs()))
}

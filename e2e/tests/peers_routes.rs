//! Routes between routers: received ones filtered and counted, VRFs that import each other, EVPN.

use anyhow::{Context, Result, ensure};
use herald_e2e::site::Site;
use herald_e2e::{Logged, Release, wait_for};
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(2);

fn configuration(spec: &str) -> String {
    format!(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {{name: c, namespace: f}}\nspec:\n{spec}"
    )
}

#[test]
fn received_routes_are_filtered_and_counted() -> Result<()> {
    let mut site = Site::new(Release::V10, "")?;
    let receive = configuration(
        "  bgp:\n    routers:\n      - asn: 64500\n        neighbors:\n          - address: 172.30.0.2\n            asn: 64501\n            \
         connectTime: 1s\n            dualStackAddressFamily: true\n            toReceive:\n              allowed:\n                prefixes:\n                  \
         - {prefix: 198.51.100.0/24}\n                  - {prefix: 203.0.113.0/24, ge: 25, le: 26}\n                  \
         - {prefix: '2001:db8:1::/48'}\n",
    );
    site.write("receive.yaml", &receive)?;
    site.start_agent()?;
    let _bird = site.bird(
        "protocol static four { ipv4; route 198.51.100.0/24 blackhole; route 198.51.100.0/25 blackhole; \
         route 203.0.113.0/24 blackhole; route 203.0.113.0/25 blackhole; route 203.0.113.64/27 blackhole; \
         route 0.0.0.0/0 blackhole; }\n\
         protocol static six { ipv6; route 2001:db8:1::/48 blackhole; route 2001:db8:2::/48 blackhole; }\n\
         protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; connect delay time 1; \
         ipv4 { import all; export where source = RTS_STATIC; }; \
         ipv6 { import all; export where source = RTS_STATIC; next hop address fd30::2; }; }\n",
    )?;
    for (family, wanted) in
        [("ipv4", &["198.51.100.0/24", "203.0.113.0/25"][..]), ("ipv6", &["2001:db8:1::/48"][..])]
    {
        wait_for("what is allowed is there, and counted", LIMIT, || {
            let table = site.frr.json(&format!("show bgp {family} unicast json"))?;
            let routes = table["routes"].as_object().context("no routes")?;
            let have: Vec<&str> = routes.keys().map(String::as_str).collect();
            ensure!(have == wanted, "{have:?}");
            let summary = site.frr.json(&format!("show bgp {family} unicast summary json"))?;
            let count = &summary["peers"]["172.30.0.2"]["pfxRcd"];
            ensure!(count.as_u64() == u64::try_from(wanted.len()).ok(), "{summary}");
            Ok(())
        })
        .logged(|| site.logs())?;
    }
    Ok(())
}

/// The prefixes of a VRF go to a neighbour of the default one, where the object says so; what the VRF has besides
/// stays there.
// frr-k8s import_vrf
#[test]
fn prefixes_of_another_vrf_are_imported_and_sent() -> Result<()> {
    let mut site = Site::new(Release::V10, "")?;
    let import = configuration(
        "  bgp:\n    routers:\n      - asn: 64500\n        imports: [{vrf: red}]\n        prefixes: [198.51.100.0/24]\n        neighbors:\n          \
         - address: 172.30.0.3\n            asn: 64502\n            connectTime: 1s\n            toAdvertise:\n              \
         allowed: {prefixes: [198.51.100.0/24, 192.0.2.50/32]}\n      \
         - asn: 64500\n        vrf: red\n        prefixes: [192.0.2.50/32, 192.0.2.51/32]\n",
    );
    site.write("import.yaml", &import)?;
    site.start_agent()?;
    let gobgp = site.gobgp(
        64502,
        "[[neighbors]]\n[neighbors.config]\nneighbor-address = \"172.30.0.1\"\npeer-as = 64500\n",
    )?;
    wait_for("GoBGP has both", LIMIT, || {
        gobgp.routes_to("192.0.2.50/32")?;
        gobgp.routes_to("198.51.100.0/24")
    })
    .logged(|| site.logs())?;
    gobgp.lacks("192.0.2.51/32")
}

/// A VXLAN with a bridge on both sides: the neighbour hears of this node (type 3) and of an address behind it (type 2).
// frr-k8s evpn
#[test]
fn an_l2vni_is_announced_to_an_evpn_neighbour() -> Result<()> {
    const MAC: &str = "02:00:5e:00:53:01";
    let mut site = Site::new(Release::V10, "")?;
    let machine = site.machine("vtep", 4)?;
    for (namespace, own) in [(site.frr.namespace(), "172.30.0.1"), (&machine, "172.30.0.4")] {
        namespace.ip("link add br100 type bridge")?;
        namespace.ip(&format!("link add vxlan100 type vxlan id 100 local {own} dstport 4789 nolearning"))?;
        namespace.ip("link set vxlan100 master br100 addrgenmode none")?;
        namespace.ip("link set br100 up")?;
        namespace.ip("link set vxlan100 up")?;
    }
    let node = site.frr.namespace();
    node.ip("link add pod0 type veth peer name pod1")?;
    node.ip("link set pod0 master br100 up")?;
    node.ip("link set pod1 up")?;
    node.run("bridge", &["fdb", "add", MAC, "dev", "pod0", "master", "static"])?;
    let evpn = configuration(
        "  bgp:\n    routers:\n      - asn: 64500\n        neighbors:\n          - address: 172.30.0.4\n            asn: 64510\n            \
         connectTime: 1s\n            addressFamilies: [unicast, evpn]\n        evpn:\n          advertiseVNIs: All\n          \
         l2vnis: [{vni: 100, rd: '64500:100', importRTs: ['64500:100'], exportRTs: ['64500:100']}]\n",
    );
    site.write("evpn.yaml", &evpn)?;
    let neighbour = site.frr_in(
        &machine,
        "router bgp 64510\n no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n \
         neighbor 172.30.0.1 remote-as 64500\n neighbor 172.30.0.1 timers connect 1\n address-family l2vpn evpn\n  \
         neighbor 172.30.0.1 activate\n  advertise-all-vni\n exit-address-family\nexit\n",
    )?;
    site.start_agent()?;
    wait_for("the neighbour has both types", LIMIT, || {
        let routes = neighbour.json("show bgp l2vpn evpn json")?;
        let of_node = routes["64500:100"].to_string();
        ensure!(of_node.contains("[3]:[0]:[32]:[172.30.0.1]"), "{routes}");
        ensure!(of_node.contains(&format!("[2]:[0]:[48]:[{MAC}]")), "{routes}");
        Ok(())
    })
    .logged(|| site.logs())
}

/// FRR keeps a route distinguisher that was taken away, does not show it, and does not listen to a line that gives the
/// same again. So the agent gives another one in between.
#[test]
fn a_route_distinguisher_that_was_taken_away_can_be_given_again() -> Result<()> {
    let mut site = Site::new(Release::V10, "")?;
    let evpn = |rd: &str| {
        configuration(&format!(
            "  bgp:\n    routers:\n      - {{asn: 64500}}\n      - asn: 64500\n        vrf: red\n        id: 10.0.0.2\n        \
             evpn:\n          l3vni: {{vni: 500, advertisePrefixes: [unicast]{rd}}}\n"
        ))
    };
    site.start_agent()?;
    for rd in [", rd: '64500:77'", "", ", rd: '64500:77'", ", rd: '64500:78'"] {
        site.write("evpn.yaml", &evpn(rd))?;
        let wanted: Vec<&str> = rd.split('\'').filter(|part| part.starts_with("64500")).collect();
        wait_for(&format!("FRR runs {wanted:?}"), LIMIT, || {
            let running = site.frr.running()?;
            let shown = running.lines().filter_map(|line| line.strip_prefix("  rd "));
            ensure!(
                running.contains("advertise ipv4 unicast") && shown.eq(wanted.iter().copied()),
                "{running}"
            );
            Ok(())
        })
        .logged(|| site.logs())?;
    }
    ensure!(!site.agent_log().contains("\"event\":\"Restored\""), "{}", site.agent_log());
    Ok(())
}

//! What each node's agent counts, on the ports of MetalLB and of frr-k8s, while Services and sessions come and go.

use crate::ground::{Ground, Wish};
use anyhow::Result;
use herald_e2e::scrape::Page;

const FOUR: &str = "198.51.100.97";
const SIX: &str = "2001:db8:100::97";
/// The routers' addresses of either family.
const ROUTERS: [&str; 4] = ["172.30.0.253", "172.30.0.254", "fd30::253", "fd30::254"];

/// Port, family of names, and how a peer is called there.
type Names = (u16, &'static str, fn(&str) -> String);
const NAMES: [Names; 2] =
    [(9121, "metallb", |address| format!("{address}:179")), (9141, "frrk8s", str::to_owned)];

impl Ground {
    /// Waits until every session with a router is so on every node, by both families of names.
    fn every_session_has(
        &self,
        what: &str,
        holds: impl Fn(&Page, &str, &[(&str, &str)]) -> Result<()>,
    ) -> Result<()> {
        for (port, family, name) in NAMES {
            self.every_page(what, port, |page| {
                ROUTERS.iter().try_for_each(|router| {
                    let peer = name(router);
                    holds(page, &format!("{family}_bgp"), &[("peer", &peer), ("vrf", "default")])
                })
            })?;
        }
        Ok(())
    }
}

/// Sessions, prefixes and messages before, with and after a Service, and while a session is down.
// BM1, BM2, BM3, BM4
pub fn of_sessions(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    ground.every_session_has("nothing is announced", |page, bgp, of| {
        page.is(&format!("{bgp}_session_up"), of, 1.0)?;
        page.is(&format!("{bgp}_announced_prefixes_total"), of, 0.0)?;
        for name in ["opens_sent", "opens_received", "keepalives_sent", "keepalives_received", "total_sent"] {
            page.at_least(&format!("{bgp}_{name}"), of, 1.0)?;
        }
        ["notifications_sent", "updates_total_received", "route_refresh_sent", "total_received"]
            .iter()
            .try_for_each(|name| page.at_least(&format!("{bgp}_{name}"), of, 0.0))
    })?;
    ground.services(&[Wish::new("counted").at(&[FOUR, SIX])])?;
    ground.every_session_has("the Service is announced", |page, bgp, of| {
        page.is(&format!("{bgp}_announced_prefixes_total"), of, 1.0)?;
        page.at_least(&format!("{bgp}_updates_total"), of, 1.0)
    })?;
    for node in &ground.cluster.nodes {
        ground.page("the Service is shown", node, 9120, |page| {
            [FOUR, SIX].iter().try_for_each(|ip| {
                let of =
                    [("service", "default/counted"), ("protocol", "bgp"), ("node", &*node.name), ("ip", ip)];
                page.is("metallb_speaker_announced", &of, 1.0)
            })
        })?;
    }
    a_session_goes_down_and_up(ground)?;
    ground.delete("service", "counted")?;
    ground.every_session_has("nothing is announced any more", |page, bgp, of| {
        page.is(&format!("{bgp}_announced_prefixes_total"), of, 0.0)
    })?;
    ground.every_page("it is not shown any more", 9120, |page| {
        anyhow::ensure!(!page.text.contains("default/counted"), "it still is");
        Ok(())
    })
}

/// One of one node; all others stay up, and the counters go on counting.
fn a_session_goes_down_and_up(ground: &Ground) -> Result<()> {
    let opens = |page: &Page| page.value("metallb_bgp_opens_sent", &[("peer", "172.30.0.254:179")]);
    let before = opens(&ground.page("counters", &ground.cluster.nodes[0], 9121, |_| Ok(()))?)?;
    for (ask, up) in [("disable node1_v4", 0.0), ("enable node1_v4", 1.0)] {
        ground.cluster.bird.ask(ask)?;
        for node in &ground.cluster.nodes {
            for (port, family, name) in NAMES {
                ground.page("the session is seen as it is", node, port, |page| {
                    ROUTERS.iter().try_for_each(|router| {
                        let peer = name(router);
                        let mine = node.number == 1 && *router == "172.30.0.254";
                        let wanted = if mine { up } else { 1.0 };
                        page.is(&format!("{family}_bgp_session_up"), &[("peer", &peer)], wanted)
                    })
                })?;
            }
        }
    }
    ground
        .page("it counted", &ground.cluster.nodes[0], 9121, |page| {
            anyhow::ensure!(opens(page)? > before, "{} OPENs, {before} before", opens(page)?);
            Ok(())
        })
        .map(drop)
}

/// Waits until so many first endpoints are counted on node 1, by any answer of kube-proxy; returns how many.
pub fn first_endpoints(ground: &Ground, least: f64) -> Result<f64> {
    let count = |page: &Page| -> Result<f64> {
        let name = "herald_first_endpoints_total";
        ["served", "not_yet", "refused", "silent"]
            .iter()
            .map(|answer| page.value(name, &[("answer", answer)]))
            .sum()
    };
    let page = ground.page("first endpoints are counted", ground.cluster.node(1), 9120, |page| {
        let seen = count(page)?;
        anyhow::ensure!(seen >= least, "{seen}, not {least}");
        Ok(())
    })?;
    // kube-proxy runs: it says yes.
    page.at_least(
        "herald_first_endpoints_total",
        &[("answer", "served")],
        if least > 0.0 { 1.0 } else { 0.0 },
    )?;
    count(&page)
}

/// Every BFD session with a router of these addresses is up and counts, on every node, by both families of names.
pub fn of_bfd(ground: &Ground, six: bool, echo: bool) -> Result<()> {
    for (port, family, _) in NAMES {
        ground.every_page("BFD is counted", port, |page| {
            for router in ROUTERS.iter().filter(|router| six || !router.contains(':')) {
                let of = [("peer", *router), ("vrf", "default")];
                page.is(&format!("{family}_bfd_session_up"), &of, 1.0)?;
                for name in [
                    "control_packet_input",
                    "control_packet_output",
                    "session_up_events",
                    "zebra_notifications",
                ] {
                    page.at_least(&format!("{family}_bfd_{name}"), &of, 1.0)?;
                }
                page.at_least(&format!("{family}_bfd_session_down_events"), &of, 0.0)?;
                // BIRD has no echo.
                let sent = if echo && *router == "172.30.0.253" { 1.0 } else { 0.0 };
                page.at_least(&format!("{family}_bfd_echo_packet_input"), &of, sent)?;
                page.at_least(&format!("{family}_bfd_echo_packet_output"), &of, sent)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
